//! A delayed call as it is made by whoever runs it.

use std::fmt;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::codec::ResultCodec;
use crate::def::TaskDef;
use crate::engine::body::Body;
use crate::engine::context::Context;
use crate::engine::panic;
use crate::engine::task_run::{self, TaskJob};
use crate::id::TaskRunId;
use crate::options::Overrides;
use crate::record::{Record, ResultRef};
use crate::returns::Returns;
use crate::run::TaskRun;

/// A call whose arguments have been read back, and whose type is not of interest any more.
pub struct Restored(Box<dyn FnOnce(Taking) -> Begun + Send>);

/// What a restored call is made with.
pub(crate) struct Taking {
    pub(crate) id: TaskRunId,
    /// With what is known of the run already.
    pub(crate) overrides: Overrides,
    pub(crate) context: Context,
    /// Where the value is kept if nobody can read it from the result store.
    pub(crate) keep: Option<String>,
}

/// A run that has been taken over and has not ended.
pub(crate) struct Begun {
    pub(crate) run: Arc<TaskRun>,
    /// Gives the value as it is to be kept.
    pub(crate) end: BoxFuture<'static, Option<Vec<u8>>>,
}

impl Restored {
    pub(crate) fn new<T: Send + 'static>(def: &'static TaskDef, body: Box<dyn Body<T>>) -> Self {
        Self(Box::new(move |taking| {
            let Taking { id, overrides, context, keep } = taking;
            let returns = body.returns();
            let job = TaskJob { def, body, overrides: Some(Box::new(overrides)), wait_for: Vec::new(), id: Some(id) };
            let mut live = task_run::begin(job, context);
            live.set_free();
            let run = Arc::clone(live.run());
            let end = async move {
                let value = live.finish().await.ok()?;
                written_down(returns, &value, keep?)
            };
            Begun { run, end: end.boxed() }
        }))
    }

    pub(crate) fn begin(self, taking: Taking) -> Begun {
        (self.0)(taking)
    }
}

impl fmt::Debug for Restored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Restored")
    }
}

/// The value as a record; `None` if it cannot be one.
fn written_down<T>(returns: &Returns<T>, value: &T, place: String) -> Option<Vec<u8>> {
    let encode = returns.encode?;
    let codec = ResultCodec::Compact;
    let written = panic::contain(|| Record::of(ResultRef::new(place, codec, None), codec, encode(value))?.to_bytes());
    match written {
        Ok(Ok(bytes)) => Some(bytes),
        Ok(Err(why)) => {
            tracing::warn!("The result of a delayed task cannot be kept: {why}");
            None
        }
        Err(why) => {
            tracing::warn!("The result of a delayed task cannot be kept: {why}");
            None
        }
    }
}
