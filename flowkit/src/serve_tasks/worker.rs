//! The loop that hears of runs, looks for those nobody told it of, and takes them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::run::{self, Conditions, Slot};
use crate::clock::{self, Instant};
use crate::defer::{Defer, DeferredRun, Heard};
use crate::delay::all_local_ended;
use crate::error::Error;
use crate::id::TaskRunId;
use crate::runtime;
use crate::serve::stop::Signals;
use crate::settings::Serving;
use crate::task_registry::TaskEntry;

/// How much rarer it is looked for runs while they are handed out.
const RARER: u32 = 3;

/// With so many runs in hand, those included that the server has yet to store the end of, no more are looked into.
const LOOKS: usize = 200;

/// How long delivery at the end may take.
const FLUSH: Duration = Duration::from_secs(10);

/// Serves tasks until a signal comes.
pub(super) async fn serve(entries: Vec<&'static TaskEntry>, limit: usize, poll: Option<Duration>) -> Result<(), Error> {
    let settings = Serving::of_process()?;
    let ports = runtime::ports()?;
    // Before anything else of ours looks whether somebody handles them.
    let mut signals = Signals::take()?;
    let names: Vec<&str> = entries.iter().map(|entry| entry.def.name).collect();
    tracing::info!(target: "flowkit::serve", "Serving the background tasks {}", names.join(", "));
    let Some(place) = ports.backend.defer() else {
        return without_server(&mut signals, settings.grace).await;
    };
    let (to, heard) = mpsc::channel(1);
    let keys: Vec<&'static str> = entries.iter().map(|entry| entry.def.key).collect();
    place.listen(keys.clone(), to);
    let slots = Arc::new(Semaphore::new(limit));
    let conditions =
        Conditions { ports: Arc::clone(&ports), entries, slots: Arc::clone(&slots), stop: CancellationToken::new() };
    let mut worker = Worker {
        place,
        keys,
        conditions: Arc::new(conditions),
        poll: poll.unwrap_or(settings.poll),
        heard: Some(heard),
        is_open: false,
        found: Vec::new(),
        in_hand: HashSet::new(),
        runs: JoinSet::new(),
    };
    let signal = worker.until_told(&mut signals).await;
    tracing::info!(target: "flowkit::serve", "Received {signal}: no new runs are started");
    worker.end(&mut signals, settings.grace, limit).await;
    ports.backend.flush(FLUSH).await;
    Ok(())
}

async fn without_server(signals: &mut Signals, grace: Duration) -> Result<(), Error> {
    tracing::info!(target: "flowkit::serve", "There is no server: delayed tasks run in the process that delays them");
    signals.next().await;
    tokio::select! {
        _ = clock::within(grace, all_local_ended()) => {}
        _ = signals.next() => {}
    }
    Ok(())
}

/// A question for runs, if one is under way.
type Question<'a> = Option<BoxFuture<'a, Result<Vec<DeferredRun>, Error>>>;

struct Worker<'a> {
    place: &'a dyn Defer,
    keys: Vec<&'static str>,
    conditions: Arc<Conditions>,
    poll: Duration,
    /// `None` when nothing new starts.
    heard: Option<mpsc::Receiver<Heard>>,
    /// Whether runs are handed out.
    is_open: bool,
    /// Those that were found and not looked into yet, the last first.
    found: Vec<DeferredRun>,
    in_hand: HashSet<TaskRunId>,
    runs: JoinSet<TaskRunId>,
}

impl<'a> Worker<'a> {
    /// Takes runs as there is room for them, until a signal comes.
    async fn until_told(&mut self, signals: &mut Signals) -> &'static str {
        let mut question: Question<'a> = Some(self.place.open(self.keys.clone()));
        let mut next_question = clock::instant();
        let slots = Arc::clone(&self.conditions.slots);
        loop {
            let has_room = slots.available_permits() > 0;
            tokio::select! {
                signal = signals.next() => return signal,
                heard = hear(&mut self.heard), if has_room => self.take_in(heard),
                answer = answer(&mut question), if question.is_some() => {
                    question = None;
                    next_question = self.answered(answer);
                }
                () = clock::sleep_until(next_question), if question.is_none() && has_room => {
                    question = Some(self.place.open(self.keys.clone()));
                }
                // A run gives its slot back before it is done with.
                slot = slots.acquire(), if !has_room => drop(slot),
                Some(ended) = self.runs.join_next() => self.ended(ended.ok()),
            }
            self.look_into_found();
        }
    }

    fn take_in(&mut self, heard: Option<Heard>) {
        match heard {
            Some(Heard::Run(run, accept)) => self.hand_over(*run, accept),
            Some(Heard::Open) => {
                if !std::mem::replace(&mut self.is_open, true) {
                    tracing::info!(target: "flowkit::serve", "Runs are handed out");
                }
            }
            Some(Heard::Closed(why)) => {
                if std::mem::take(&mut self.is_open) {
                    tracing::warn!(target: "flowkit::serve", "Runs are not handed out, and are looked for: {why}");
                } else {
                    tracing::debug!(target: "flowkit::serve", "Runs are not handed out: {why}");
                }
            }
            None => self.heard = None,
        }
    }

    fn hand_over(&mut self, run: DeferredRun, accept: oneshot::Sender<()>) {
        let Ok(slot) = Arc::clone(&self.conditions.slots).try_acquire_owned() else { return };
        // An offer that nobody has answered in time was made to somebody else.
        if accept.send(()).is_ok() {
            self.start(run, Slot::Taken(slot));
        }
    }

    fn answered(&mut self, answer: Result<Vec<DeferredRun>, Error>) -> Instant {
        let pause = if self.is_open { self.poll * RARER } else { self.poll };
        match answer {
            Ok(mut found) => {
                found.reverse();
                self.found = found;
            }
            Err(error) => {
                tracing::warn!(target: "flowkit::serve", "{}; asking again in about {pause:?}", error.chain());
            }
        }
        clock::instant() + pause.mul_f64(0.7 + 0.6 * fastrand::f64())
    }

    fn look_into_found(&mut self) {
        while self.runs.len() < LOOKS && self.conditions.slots.available_permits() > 0 {
            let Some(run) = self.found.pop() else { return };
            self.start(run, Slot::Wanted);
        }
    }

    fn start(&mut self, run: DeferredRun, slot: Slot) {
        if self.in_hand.insert(run.id) {
            self.runs.spawn(run::take(Arc::clone(&self.conditions), run, slot));
        }
    }

    fn ended(&mut self, run: Option<TaskRunId>) {
        if let Some(run) = run {
            self.in_hand.remove(&run);
        }
    }

    /// Waits for the runs: for `grace` as they are, then told to stop, and no longer after a further signal.
    async fn end(&mut self, signals: &mut Signals, grace: Duration, limit: usize) {
        self.heard = None;
        self.found.clear();
        let slots = Arc::clone(&self.conditions.slots);
        let under_way = limit - slots.available_permits().min(limit);
        if under_way > 0 {
            tracing::info!(target: "flowkit::serve", "Waiting for {under_way} run(s), for at most {grace:?}");
        }
        let in_time = tokio::select! {
            in_time = clock::within(grace, drain(&mut self.runs)) => in_time.is_some(),
            _ = signals.next() => false,
        };
        if in_time {
            return;
        }
        tracing::warn!(target: "flowkit::serve", "Stopping the runs under way");
        self.conditions.stop.cancel();
        tokio::select! {
            () = drain(&mut self.runs) => {}
            _ = signals.next() => self.runs.shutdown().await,
        }
    }
}

async fn hear(heard: &mut Option<mpsc::Receiver<Heard>>) -> Option<Heard> {
    match heard {
        Some(heard) => heard.recv().await,
        None => std::future::pending().await,
    }
}

async fn answer(question: &mut Question<'_>) -> Result<Vec<DeferredRun>, Error> {
    match question {
        Some(question) => question.await,
        None => std::future::pending().await,
    }
}

async fn drain(runs: &mut JoinSet<TaskRunId>) {
    while runs.join_next().await.is_some() {}
}
