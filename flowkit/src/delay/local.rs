//! Delayed calls without a server: they are made in this process, beside the code that delays them.

use std::collections::HashMap;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backend::at_exit;
use crate::def::TaskDef;
use crate::engine::context::Context;
use crate::error::{Error, ErrorKind};
use crate::id::TaskRunId;
use crate::run::{Adopted, lock};
use crate::task_registry;

use super::{Begun, DelayedTask, Order, Taking};

/// How many run at the same time.
const LIMIT: usize = 100;

/// The delayed runs of this process that have not ended.
#[derive(Debug)]
struct UnderWay {
    all: TaskTracker,
    slots: Arc<Semaphore>,
    /// What is cancelled when a run has ended and its value is kept.
    ends: Mutex<HashMap<TaskRunId, CancellationToken>>,
    /// How many went with their runtime before they had ended.
    gone: AtomicUsize,
}

fn under_way() -> &'static UnderWay {
    static ALL: OnceLock<UnderWay> = OnceLock::new();
    ALL.get_or_init(|| {
        at_exit::call(Box::new(tell_of_the_gone));
        UnderWay {
            all: TaskTracker::new(),
            slots: Arc::new(Semaphore::new(LIMIT)),
            ends: Mutex::default(),
            gone: AtomicUsize::new(0),
        }
    })
}

/// Says at the end of the process what nobody has waited for.
fn tell_of_the_gone() {
    let all = under_way();
    let gone = all.gone.load(Ordering::Relaxed) + lock(&all.ends).len();
    if gone > 0 {
        let runs = if gone == 1 { "1 delayed task run" } else { &format!("{gone} delayed task runs") };
        // Nobody is left to be told if standard error is closed.
        let _ = writeln!(
            std::io::stderr(),
            "flowkit: {runs} had not ended when the program did and cannot go on: await what `delay` gives, or let the \
             program go on with `flowkit::serve_tasks`"
        );
    }
}

/// Tells of the end of a run, its value being kept by then, if the run is one of this process that is under way.
pub(super) fn end_of(id: TaskRunId) -> Option<CancellationToken> {
    lock(&under_way().ends).get(&id).cloned()
}

/// Tells of the end of a run when it is dropped.
struct Ending {
    id: TaskRunId,
    done: CancellationToken,
    has_ended: bool,
}

impl Ending {
    fn new(id: TaskRunId, done: CancellationToken) -> Self {
        lock(&under_way().ends).insert(id, done.clone());
        Self { id, done, has_ended: false }
    }

    /// The run has come to its end, whatever that was.
    fn reached(mut self) {
        self.has_ended = true;
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let all = under_way();
        if !self.has_ended {
            all.gone.fetch_add(1, Ordering::Relaxed);
        }
        lock(&all.ends).remove(&self.id);
        self.done.cancel();
    }
}

/// Waits until no delayed run of this process is under way.
pub(crate) async fn all_ended() {
    let all = &under_way().all;
    all.close();
    all.wait().await;
}

/// Starts a run. Its arguments are written down and read back as with a server, so that what works here works there.
pub(super) fn start<T: Send + 'static>(
    def: &'static TaskDef,
    id: TaskRunId,
    order: Order,
    adopted: Adopted,
    ambient: Context,
) -> Result<DelayedTask<T>, Error> {
    let runtime = tokio::runtime::Handle::try_current().map_err(|_| {
        Error::new(ErrorKind::Definition, "delayed tasks need a tokio runtime: call them from async code")
    })?;
    let entry = task_registry::entry_of(def).ok_or_else(|| {
        Error::new(ErrorKind::Definition, format!("task `{}` is not registered in this program", def.name))
    })?;
    let restored = (entry.restore)(&order.parameters)?;
    let mut overrides = order.options.into_overrides(false);
    overrides.adopted = Some(Box::new(adopted));
    let ports = Arc::clone(&ambient.ports);
    let kept = place(id);
    let context = Context {
        cancel: ports.stopping.outside().child_token(),
        transaction: None,
        journal: None,
        held: None,
        ..ambient
    };
    let Begun { run, end } = restored.begin(Taking { id, overrides, context, keep: Some(kept.clone()) });
    let done = CancellationToken::new();
    let handle = DelayedTask::started(id, Arc::clone(&ports), run, done.clone());
    let slots = Arc::clone(&under_way().slots);
    let ending = Ending::new(id, done);
    let work = async move {
        let slot = slots.acquire_owned().await;
        if let Some(value) = end.await {
            // The store in memory takes everything.
            let _ = ports.results.stores.passing.write(&kept, value).await;
        }
        ending.reached();
        drop(slot);
    };
    drop(under_way().all.spawn_on(work, &runtime));
    Ok(handle)
}

/// Where the value of a run is kept in the store that ends with the process.
pub(super) fn place(id: TaskRunId) -> String {
    format!("delayed-{id}")
}
