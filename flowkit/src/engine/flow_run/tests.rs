use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use uuid::Uuid;

use super::*;
use crate::artifacts::Artifacts;
use crate::backend::{Answer, Backend, History, NewFlowRun, Proposal, Told, Undelivered};
use crate::blocks::Blocks;
use crate::canonical::{Canonical, Unserializable};
use crate::engine::attempt::Started;
use crate::engine::body::boxed;
use crate::engine::context;
use crate::engine::context::Ports;
use crate::engine::pause::{Pause, PauseKind, pause};
use crate::engine::results::ResultPorts;
use crate::engine::stop::Stopping;
use crate::engine::stub::Stubs;
use crate::event::Event;
use crate::feed::Feed;
use crate::id::FlowRunId;
use crate::interact::Interact;
use crate::options::Defaults;
use crate::returns::Returns;
use crate::run::{TaskInputs, Track, lock};
use crate::slots::Slots;
use crate::state::{State, StateName};
use crate::user_error::UserError;
use crate::variables::Variables;

/// A backend that gives the answers it was told to give, and then accepts.
#[derive(Debug, Default)]
struct Scripted {
    answers: Mutex<VecDeque<Answer>>,
    ended: Mutex<Vec<State>>,
}

impl Backend for Scripted {
    fn create_flow_run(&self, new: NewFlowRun) -> BoxFuture<'_, Result<Arc<FlowRun>, Error>> {
        let track = Track::default();
        track.push(State::new(StateName::Pending, clock::now()));
        let run = FlowRun {
            id: FlowRunId::now(),
            def: new.def,
            name: "scripted".to_owned(),
            flow_id: Uuid::nil(),
            parameters: new.parameters,
            tags: new.tags,
            retries: new.retries,
            retry_delay: new.retry_delay,
            parent_task_run: None,
            background: Default::default(),
            track,
        };
        ready(Ok(Arc::new(run))).boxed()
    }

    fn find_flow_run(&self, _: FlowRunId) -> BoxFuture<'_, Result<Existing, Error>> {
        unreachable!("these tests create their runs")
    }

    fn adopt_flow_run(&self, _: Existing, _: NewFlowRun) -> BoxFuture<'_, Result<Arc<FlowRun>, Error>> {
        unreachable!("these tests create their runs")
    }

    fn propose(&self, _: Arc<FlowRun>, proposal: Proposal) -> BoxFuture<'_, Answer> {
        ready(lock(&self.answers).pop_front().unwrap_or(Answer::Accept(proposal.state))).boxed()
    }

    fn cancel(&self, _: FlowRunId) -> BoxFuture<'_, Result<State, Error>> {
        ready(Ok(State::new(StateName::Cancelling, clock::now()))).boxed()
    }

    fn watch(&self, _: &Arc<FlowRun>, _: Told) {}

    fn abandon(&self, _: String) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }

    fn emit(&self, event: Event) {
        if let Event::FlowEnded(_, state) = event {
            lock(&self.ended).push(state);
        }
    }

    fn flush(&self, _: Duration) -> BoxFuture<'_, Undelivered> {
        ready(Undelivered::default()).boxed()
    }

    fn interact(&self) -> &dyn Interact {
        unreachable!("these tests are not about other processes")
    }

    fn artifacts(&self) -> &dyn Artifacts {
        unreachable!("these tests make no artifacts")
    }

    fn blocks(&self) -> &dyn Blocks {
        unreachable!("these tests make no blocks")
    }

    fn slots(&self) -> &dyn Slots {
        unreachable!("these tests limit nothing")
    }

    fn variables(&self) -> &dyn Variables {
        unreachable!("these tests use no variables")
    }

    fn feed(&self) -> &dyn Feed {
        unreachable!("these tests hear no events")
    }

    fn history(&self) -> Option<&dyn History> {
        None
    }
}

/// A body that does the same whenever it is started.
struct Script(fn() -> Started<()>);

impl Body<()> for Script {
    fn has_inputs(&self) -> bool {
        false
    }
    fn take_inputs(&mut self) -> Option<TaskInputs> {
        None
    }
    fn resolve(&mut self) -> Option<BoxFuture<'_, Result<(), Error>>> {
        None
    }
    fn start(&mut self, _: bool) -> Started<()> {
        (self.0)()
    }
    fn can_repeat(&self) -> bool {
        true
    }
    fn show(&self, _: usize) -> Option<String> {
        None
    }
    fn write(&self, _: usize, _: &mut Canonical) -> Option<Result<(), Unserializable>> {
        None
    }
    fn returns(&self) -> &'static Returns<()> {
        &Returns { clone: None, encode: None, decode: None }
    }
}

static SLEEPER: FlowDef = FlowDef::new("sleeper", "sleeper-0", "1", &[]);

/// Begins a run that sleeps for ten seconds.
async fn begun(answers: impl Into<VecDeque<Answer>>) -> (Arc<Scripted>, LiveFlow<()>) {
    begun_with(answers, || boxed(clock::sleep(Duration::from_secs(10)).map(Ok))).await
}

async fn begun_with(answers: impl Into<VecDeque<Answer>>, body: fn() -> Started<()>) -> (Arc<Scripted>, LiveFlow<()>) {
    let backend = Arc::new(Scripted { answers: Mutex::new(answers.into()), ..Scripted::default() });
    let ports = Ports {
        backend: Arc::clone(&backend) as Arc<dyn Backend>,
        task_defaults: Defaults::default(),
        flow_defaults: Defaults::default(),
        log_prints: false,
        stubs: Stubs::default(),
        stopping: Stopping::new(Duration::from_secs(30)),
        results: ResultPorts::default(),
    };
    let job = FlowJob {
        def: &SLEEPER,
        body: Ok(Box::new(Script(body))),
        parameters: Value::Null,
        overrides: None,
        wait_for: Vec::new(),
        existing: None,
    };
    match begin(job, Context::outside(Arc::new(ports))).await.expect("it is created") {
        Begun::Live(live) => (backend, *live),
        Begun::Replayed(..) => panic!("there is no earlier attempt"),
    }
}

fn path(run: &FlowRun) -> String {
    run.states().iter().map(State::name).collect::<Vec<_>>().join(" > ")
}

#[tokio::test(start_paused = true)]
async fn a_run_is_left_alone_when_the_backend_says_so() {
    let (backend, live) = begun([Answer::Abort("another process has it".to_owned())]).await;
    let run = Arc::clone(live.run());
    let error = live.finish().await.expect_err("it was aborted");
    assert_eq!(error.kind(), ErrorKind::Aborted);
    assert!(error.to_string().ends_with("another process has it"), "{error}");
    assert_eq!(path(&run), "Pending");
    assert!(lock(&backend.ended).is_empty(), "nobody is told that it has ended");
}

#[tokio::test(start_paused = true)]
async fn a_run_is_cancelled_while_the_backend_makes_it_wait() {
    let (_, live) = begun([Answer::Wait(Duration::from_secs(3600))]).await;
    let (run, cancel, start) = (Arc::clone(live.run()), live.context.cancel.clone(), clock::Stopwatch::start());
    let cancelling = clock::sleep(Duration::from_secs(5)).map(|()| cancel.cancel());
    let (ended, ()) = futures::join!(live.finish(), cancelling);
    assert!(ended.is_err_and(|error| error.is_cancelled()));
    assert_eq!((path(&run), start.elapsed().as_secs()), ("Pending > Cancelled".to_owned(), 5));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_cancelled_at_the_backend_stops() {
    let cancelling = State::new(StateName::Cancelling, clock::now());
    let (_, live) = begun([Answer::Reject(cancelling)]).await;
    let run = Arc::clone(live.run());
    let ended = live.finish().await;
    assert!(ended.is_err_and(|error| error.is_cancelled()));
    assert_eq!(path(&run), "Pending > Cancelling > Cancelled");
}

#[tokio::test(start_paused = true)]
async fn a_run_asks_again_until_the_backend_lets_it_run() {
    let pending = || Answer::Reject(State::new(StateName::Pending, clock::now()));
    let (_, live) = begun([pending(), Answer::Wait(Duration::from_secs(2)), pending()]).await;
    let (run, start) = (Arc::clone(live.run()), clock::Stopwatch::start());
    live.finish().await.expect("it runs");
    assert_eq!(path(&run), "Pending > Pending > Pending > Running > Completed");
    assert_eq!(start.elapsed().as_secs(), 2 + 10, "the backend's wait and the body");
}

#[tokio::test(start_paused = true)]
async fn a_suspended_run_drops_its_body_and_is_left_alone() {
    static DROPPED: AtomicBool = AtomicBool::new(false);
    struct Held;
    impl Drop for Held {
        fn drop(&mut self) {
            DROPPED.store(true, Ordering::Relaxed);
        }
    }
    let suspend = || {
        boxed(async {
            let _held = Held;
            let (timeout, interval) = (Duration::from_secs(3600), Duration::from_secs(10));
            let what = Pause { kind: PauseKind::Suspend, timeout, interval, key: None, form: None };
            pause(context::current(), what).await.map(drop).map_err(UserError::standard)
        })
    };
    let (backend, live) = begun_with([], suspend).await;
    let (run, start) = (Arc::clone(live.run()), clock::Stopwatch::start());
    let error = live.finish().await.expect_err("it is suspended");
    assert_eq!((error.kind(), start.elapsed()), (ErrorKind::Suspended, Duration::ZERO));
    assert_eq!(path(&run), "Pending > Running > Suspended");
    assert!(DROPPED.load(Ordering::Relaxed));
    assert!(lock(&backend.ended).is_empty(), "nobody is told that it has ended");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_cancelled_before_it_is_taken_over_never_begins() {
    let (_, live) = begun_with([], || unreachable!("its body is not to run")).await;
    let run = Arc::clone(live.run());
    run.track.push(State::new(StateName::Cancelling, clock::now()));
    assert!(live.finish().await.is_err_and(|error| error.is_cancelled()));
    assert_eq!(path(&run), "Pending > Cancelling > Cancelled");
}
