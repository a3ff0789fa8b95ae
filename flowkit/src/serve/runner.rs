//! The loop that finds runs and starts them.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::announce;
use super::cancelling::{self, Cancelling};
use super::contact::Contact;
use super::endpoint;
use super::health;
use super::left;
use super::options::{Isolation, ServeOptions};
use super::pulse::Pulse;
use super::queue::Queue;
use super::start::{self, Conditions};
use super::stop::Signals;
use crate::clock::{self, Instant};
use crate::deploy::{Deploy, DeploymentSpec, DueRun};
use crate::deployment::{Draft, complete, place};
use crate::error::{Error, ErrorKind};
use crate::id::FlowRunId;
use crate::run_existing::{assigned_flow_run, run_existing};
use crate::runtime;
use crate::settings::Serving;

/// How far ahead it is asked for runs, so that they start on time.
const AHEAD: Duration = Duration::from_secs(10);

/// Without a server nobody need be asked again: whatever is due one day is told at once, and again when there is more.
const LOCAL: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// The longest sleep until a run is due. A machine that was suspended, or whose clock was set, wakes nobody.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// How long runs may take longer to end than the grace that they have, for hooks, for reporting, and to be killed.
const MARGIN: Duration = Duration::from_secs(15);

/// How long runs may take to end at once.
const AT_ONCE: Duration = Duration::from_secs(5);

/// How long delivery at the end may take.
const FLUSH: Duration = Duration::from_secs(10);

/// Registers deployments and serves them until a signal comes; in a process that was started for one run, does that.
pub(super) async fn serve(drafts: Vec<Draft>, options: ServeOptions) -> Result<(), Error> {
    if let Some(run) = assigned_flow_run()? {
        return run_existing(run).await;
    }
    if let Some(refused) = options.refused {
        return Err(refused);
    }
    if drafts.is_empty() {
        return Err(Error::new(ErrorKind::Definition, "there is no deployment to serve"));
    }
    let settings = Serving::of_process()?;
    let ports = runtime::ports()?;
    let place = place(&*ports.backend)?;
    let isolation = options.isolation(place.is_local())?;
    // Before anything else of ours looks whether somebody handles them.
    let mut signals = Signals::take()?;
    // Nothing is registered if it cannot be. Whoever asks so early has to wait.
    let ending = CancellationToken::new();
    let answers = endpoint::open(&options, &settings.endpoint, &ports, &ending).await?;
    let health = match options.webserver.unwrap_or(settings.webserver) {
        true => Some(health::open(&settings.host, settings.port).await?),
        false => None,
    };
    let mut specs = Vec::new();
    for draft in drafts {
        specs.push(complete(draft).await?);
    }
    refuse_twins(&specs)?;
    let mut deployments = Vec::new();
    for spec in specs {
        let registered = place.register(spec).await?;
        let seen = match &registered.ui_url {
            Some(url) => format!("see {url}"),
            None => announce::when(ports.backend.history(), registered.id),
        };
        tracing::info!(target: "flowkit::serve", "Serving '{}', {seen}", registered.full_name);
        deployments.push(registered.id);
    }
    left::report(place, &deployments).await;
    let poll = if place.is_local() { LOCAL } else { options.poll.unwrap_or(settings.poll) };
    let pulse = Arc::new(Pulse::new(poll * settings.missed_polls.max(1)));
    let mut helpers = JoinSet::new();
    if !place.is_local() {
        helpers.spawn(left::look(Arc::clone(&ports), deployments.clone()));
    }
    let cancelling = Arc::new(Cancelling::default());
    if isolation == Isolation::Process {
        helpers.spawn(cancelling::look(Arc::clone(&ports), Arc::clone(&cancelling), poll));
    }
    if let Some(listener) = health {
        helpers.spawn(health::answer(listener, Arc::clone(&pulse)));
    }
    if let Some(answers) = answers {
        helpers.spawn(answers);
    }
    let mut runner = Runner {
        place,
        deployments: &deployments,
        poll,
        limit: options.limit.unwrap_or(settings.limit).max(1),
        conditions: Conditions {
            ports: Arc::clone(&ports),
            isolation,
            cancel_grace: ports.stopping.grace,
            cancelling: Arc::clone(&cancelling),
            stop: CancellationToken::new(),
            at_once: CancellationToken::new(),
        },
        queue: Queue::default(),
        contact: Contact::default(),
        asked: clock::instant(),
        runs: JoinSet::new(),
        pulse,
        told: Arc::default(),
    };
    place.listen(deployments.clone(), &runner.told);
    let signal = runner.until_told(&mut signals).await;
    ending.cancel();
    tracing::info!(target: "flowkit::serve", "Received {signal}: no new runs are started");
    let pausing = async {
        if options.pause_on_shutdown {
            pause(place, &deployments).await;
        }
    };
    let in_time = tokio::select! {
        () = pausing => true,
        _ = signals.next() => false,
    };
    let ended = match in_time {
        true => runner.end(&mut signals, settings.grace).await,
        false => runner.end_at_once().await,
    };
    ports.backend.flush(FLUSH).await;
    if ended == Ended::NotAll {
        // Code that does not stop would keep the process; whoever ends it so is the last who can keep anything.
        signals.die(&ports.backend.keep().await);
    }
    Ok(())
}

/// Refuses two deployments of one name, of which the second would take the place of the first.
fn refuse_twins(specs: &[DeploymentSpec]) -> Result<(), Error> {
    let mut names = HashSet::new();
    match specs.iter().map(|spec| format!("{}/{}", spec.flow, spec.name)).find(|name| !names.insert(name.clone())) {
        None => Ok(()),
        Some(name) => {
            let why = format!("two of the deployments to be served are called '{name}': give each a name of its own");
            Err(Error::new(ErrorKind::Definition, why))
        }
    }
}

/// Pauses all of them side by side: a server that does not answer is waited for once.
async fn pause(place: &dyn Deploy, deployments: &[Uuid]) {
    let mut paused = 0;
    for answer in join_all(deployments.iter().map(|deployment| place.leave(*deployment))).await {
        match answer {
            Ok(()) => paused += 1,
            Err(error) => tracing::warn!(target: "flowkit::serve", "{}", error.chain()),
        }
    }
    tracing::info!(target: "flowkit::serve", "The schedules of {paused} deployment(s) are paused");
}

/// A question for runs that are due, if one is under way.
type Question<'a> = Option<BoxFuture<'a, Result<Vec<DueRun>, Error>>>;

struct Runner<'a> {
    place: &'a dyn Deploy,
    deployments: &'a [Uuid],
    poll: Duration,
    limit: usize,
    conditions: Conditions,
    queue: Queue,
    contact: Contact,
    /// When the last question was asked.
    asked: Instant,
    runs: JoinSet<FlowRunId>,
    pulse: Arc<Pulse>,
    /// Says that it is worth asking before the time.
    told: Arc<Notify>,
}

impl<'a> Runner<'a> {
    /// Starts runs as they are due, until a signal comes.
    async fn until_told(&mut self, signals: &mut Signals) -> &'static str {
        let mut question = self.ask();
        let mut next_question = clock::instant();
        let told = Arc::clone(&self.told);
        loop {
            let next_due = self.queue.next(clock::now()).map_or(self.poll, |next| next.min(LONGEST_SLEEP));
            tokio::select! {
                signal = signals.next() => return signal,
                answer = answer(&mut question), if question.is_some() => {
                    question = None;
                    next_question = self.take_in(answer);
                }
                () = clock::sleep_until(next_question), if question.is_none() => question = self.ask(),
                () = told.notified(), if question.is_none() => question = self.ask(),
                Some(ended) = self.runs.join_next() => self.ended(ended.ok()),
                () = clock::sleep(next_due), if !self.is_full() => {}
            }
            self.start();
        }
    }

    fn is_full(&self) -> bool {
        self.runs.len() >= self.limit
    }

    fn ask(&mut self) -> Question<'a> {
        self.asked = clock::instant();
        self.queue.asked();
        let ahead = if self.place.is_local() { LOCAL } else { AHEAD };
        Some(self.place.due(self.deployments.to_vec(), clock::now().after(ahead)))
    }

    /// Takes an answer, and tells when to ask again.
    fn take_in(&mut self, answer: Result<Vec<DueRun>, Error>) -> Instant {
        let now = clock::instant();
        match answer {
            Ok(due) => {
                if let Some(away) = self.contact.answered(now) {
                    tracing::warn!(target: "flowkit::serve", "The server answers again, after {:.0} s", away.as_secs_f64());
                }
                self.pulse.beat();
                self.queue.answered(due);
            }
            Err(error) if self.contact.failed(self.asked, now) => {
                let why = error.chain();
                tracing::warn!(target: "flowkit::serve", "{why}; runs under way go on, and it is asked again until it answers");
            }
            Err(_) => {}
        }
        now + self.contact.pause(self.poll, fastrand::f64())
    }

    fn start(&mut self) {
        let room = self.limit.saturating_sub(self.runs.len());
        for run in self.queue.take(clock::now(), room) {
            self.runs.spawn(start::run(self.conditions.clone(), run));
        }
        self.pulse.running(self.runs.len());
    }

    fn ended(&mut self, run: Option<FlowRunId>) {
        if let Some(run) = run {
            self.queue.ended(run);
            if self.place.is_local() {
                self.told.notify_one();
            }
        }
    }

    /// Waits for the runs: for `grace` as they are, then told to stop. After a further signal they end at once.
    async fn end(&mut self, signals: &mut Signals, grace: Duration) -> Ended {
        if self.runs.is_empty() {
            return Ended::All;
        }
        tracing::info!(target: "flowkit::serve", "Waiting for {} run(s), for at most {grace:?}", self.runs.len());
        let in_time = tokio::select! {
            in_time = clock::within(grace, drain(&mut self.runs)) => in_time.is_some(),
            _ = signals.next() => return self.end_at_once().await,
        };
        if in_time {
            return Ended::All;
        }
        tracing::warn!(target: "flowkit::serve", "Stopping {} run(s)", self.runs.len());
        self.conditions.stop.cancel();
        // What waits for a server that is away heeds nothing else.
        let in_time = tokio::select! {
            in_time = clock::within(self.conditions.cancel_grace + MARGIN, drain(&mut self.runs)) => in_time.is_some(),
            _ = signals.next() => false,
        };
        if in_time { Ended::All } else { self.end_at_once().await }
    }

    /// Ends the runs wherever they are, and reports that.
    async fn end_at_once(&mut self) -> Ended {
        if self.runs.is_empty() {
            return Ended::All;
        }
        tracing::warn!(target: "flowkit::serve", "Ending {} run(s) at once", self.runs.len());
        self.conditions.at_once.cancel();
        let why = "Execution was aborted: its runner was told to end at once.".to_owned();
        let ends = async {
            if self.conditions.isolation == Isolation::InProcess {
                self.conditions.ports.backend.abandon(why).await;
                self.runs.abort_all();
            }
            drain(&mut self.runs).await;
        };
        match clock::within(AT_ONCE, ends).await {
            Some(()) => Ended::All,
            None => Ended::NotAll,
        }
    }
}

/// Which runs have ended when serving does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ended {
    All,
    /// There is code that goes on.
    NotAll,
}

async fn answer(question: &mut Question<'_>) -> Result<Vec<DueRun>, Error> {
    match question {
        Some(question) => Pin::new(question).await,
        None => std::future::pending().await,
    }
}

async fn drain(runs: &mut JoinSet<FlowRunId>) {
    while runs.join_next().await.is_some() {}
}
