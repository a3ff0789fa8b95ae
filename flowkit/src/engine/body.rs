//! The user's code, with its arguments, as the engine sees it.

use std::future::Future;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::canonical::{Canonical, Unserializable};
use crate::def::TaskDef;
use crate::defer::Given;
use crate::engine::attempt::Started;
use crate::engine::context::{self, Context};
use crate::engine::{panic, transaction};
use crate::error::{Error, ErrorKind};
use crate::names;
use crate::returns::Returns;
use crate::run::TaskInputs;
use crate::template;
use crate::user_error::UserError;

/// A body and its arguments, of which some may still be in the making.
pub(crate) trait Body<T>: Send {
    /// Tells whether some of the arguments come from other runs.
    fn has_inputs(&self) -> bool;

    /// Hands out where the arguments come from, once; `None` if all of them are plain values.
    fn take_inputs(&mut self) -> Option<TaskInputs>;

    /// Waits for the arguments. `None` means that there is nothing to wait for.
    fn resolve(&mut self) -> Option<BoxFuture<'_, Result<(), Error>>>;

    /// Starts the body. The arguments are cloned if another attempt may follow.
    fn start(&mut self, another_may_follow: bool) -> Started<T>;

    /// Tells whether the body can be started more than once.
    fn can_repeat(&self) -> bool;

    /// Shows an argument, if its type can be shown.
    fn show(&self, index: usize) -> Option<String>;

    /// Writes an argument in its canonical form. `None` means that its type is not `Serialize`, or that the arguments
    /// are not there.
    fn write(&self, index: usize, out: &mut Canonical) -> Option<Result<(), Unserializable>>;

    /// Returns what the type of the value can do.
    fn returns(&self) -> &'static Returns<T>;

    /// Tells whether the author has given a function that names runs.
    fn is_named(&self) -> bool {
        false
    }

    /// Calls that function.
    fn own_name(&self) -> Option<String> {
        None
    }

    /// Writes all arguments down for whoever runs a delayed call. `None` if the task is no background task, or the arguments
    /// are not there.
    fn parameters(&self, _def: &TaskDef) -> Option<Result<Given, Error>> {
        None
    }

    /// Returns what the author's function for cache keys says; `None` if there is no such function.
    fn cache_key(&self) -> Option<Option<String>> {
        None
    }
}

/// Makes the name of a run out of its arguments, by the template or by the author's function; `None` for a name that
/// is made up.
pub(crate) fn name_of<T>(template: Option<&str>, params: &[&str], body: &dyn Body<T>) -> Result<Option<String>, Error> {
    let panicked = |what: &str, message: String| Error::new(ErrorKind::Panicked, format!("{what} {message}"));
    // Showing an argument and naming a run are the user's code.
    let name = match template {
        Some(template) => panic::contain(|| template::render(template, params, |index| body.show(index)))
            .unwrap_or_else(|message| Err(panicked(&format!("the run name template \"{template}\""), message)))
            .map(Some),
        None => panic::contain(|| body.own_name()).map_err(|message| panicked("the function of `run_name`", message)),
    };
    Ok(name?.and_then(|name| names::fit(&name)))
}

/// Starts blocking code on the pool for such code, in the context of the present run.
pub(crate) fn on_blocking_pool<T, F>(body: F) -> Started<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, UserError> + Send + 'static,
{
    async move {
        let context = context::current();
        context.as_ref().and_then(Context::heed).inspect(|heed| heed.block());
        let span = tracing::Span::current();
        let run = move || {
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                span.in_scope(|| match &context {
                    Some(context) => context.enter(body),
                    None => body(),
                })
            }));
            if let Some(context) = context.as_ref().filter(|context| context.transaction.is_some()) {
                context.enter(|| span.in_scope(|| transaction::tell_if_late(context)));
            }
            caught.map_err(|payload| (payload, panic::take_place()))
        };
        match tokio::task::spawn_blocking(run).await {
            Ok(Ok(result)) => result,
            Ok(Err((payload, place))) => {
                panic::put_place(place);
                std::panic::resume_unwind(payload)
            }
            Err(stopped) => Err(UserError::standard(stopped)),
        }
    }
    .boxed()
}

/// Boxes an asynchronous body.
pub(crate) fn boxed<T, F>(future: F) -> Started<T>
where
    F: Future<Output = Result<T, UserError>> + Send + 'static,
{
    Box::pin(future)
}
