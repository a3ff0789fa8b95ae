//! Reports to a Prefect 3 server or to Prefect Cloud.

mod active;
mod adopt;
mod artifacts;
mod background;
mod blocks;
mod crash;
mod deployments;
mod events;
mod exit;
mod flush;
mod interact;
mod leases;
mod ledger;
mod link;
mod logs;
mod mark;
mod orders;
mod outbox;
mod patience;
mod progress;
mod queue;
mod read;
mod reporter;
mod shared;
mod slots;
mod spool;
mod telling;
mod variables;
mod verdict;
mod verify;
mod wait;
mod watch;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use flowkit_client::{Auth, Client, Config, Trust};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use crate::artifacts::Artifacts;
use crate::backend::{Answer, Backend, Existing, History, NewFlowRun, Proposal, Told, Undelivered};
use crate::background::Links;
use crate::blocks::Blocks;
use crate::defer::Defer;
use crate::deploy::Deploy;
use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::feed::Feed;
use crate::id::{FlowRunId, RunId};
use crate::interact::Interact;
use crate::report::Report;
use crate::run::FlowRun;
use crate::slots::Slots;
use crate::spool_place::SpoolPlace;
use crate::state::State;
use crate::variables::Variables;
use patience::Patience;
use queue::Queue;
use reporter::{Ask, Parts};
use shared::Shared;
use slots::Counter;
use spool::Spool;
use telling::Wanted;

/// What goes with every request.
#[derive(Clone)]
pub(crate) struct Manners {
    /// The URLs that begin so are Prefect Cloud.
    pub(crate) cloud_url: String,
    /// How long one attempt may take.
    pub(crate) timeout: Duration,
    pub(crate) csrf: bool,
    pub(crate) check_version: bool,
    pub(crate) headers: Vec<(String, String)>,
}

/// How a server is reached and told.
#[derive(Clone)]
pub(crate) struct ServerOptions {
    pub(crate) url: String,
    /// What names the URL, for errors.
    pub(crate) named_by: String,
    pub(crate) manners: Manners,
    /// Where the UI is, if not where the URL says.
    pub(crate) ui_url: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) auth_string: Option<String>,
    pub(crate) insecure: bool,
    pub(crate) cert_file: Option<String>,
    pub(crate) heartbeat: Duration,
    pub(crate) logs_to_api: bool,
    /// How often the server is asked whether somebody else has stopped a run.
    pub(crate) poll: Duration,
    /// How long delivery at exit may stand still.
    pub(crate) patience: Duration,
    /// Where it is kept what cannot be delivered.
    pub(crate) spool: SpoolPlace,
    /// How much is told of task runs.
    pub(crate) report: Report,
    /// Whether somebody who has reached the server has started this process for a run.
    pub(crate) assigned: bool,
}

impl Manners {
    fn applied_to(&self, config: Config, url: &str) -> Result<Config, Error> {
        let mut config = config.timeout(self.timeout).csrf(self.csrf).check_version(self.check_version);
        if !self.cloud_url.is_empty() && url.trim().starts_with(&self.cloud_url) {
            config = config.cloud(true);
        }
        for (name, value) in &self.headers {
            config = config.header(name, value).map_err(|error| {
                let why = format!("the setting PREFECT_CLIENT_CUSTOM_HEADERS cannot be used: {error}");
                Error::new(ErrorKind::Settings, why)
            })?;
        }
        Ok(config)
    }
}

/// The engine's end of the reporter.
pub(crate) struct Server {
    url: String,
    report: Report,
    queue: Arc<Queue>,
    reporter: mpsc::UnboundedSender<Ask>,
    counter: Arc<Counter>,
}

impl Server {
    /// Starts to report to a server. Nothing is sent before the first run.
    pub(crate) fn start(options: ServerOptions) -> Result<Self, Error> {
        let refuse = |error: flowkit_client::Error| {
            let why = format!("{} is `{}` and cannot be used", options.named_by, options.url);
            Error::new(ErrorKind::Settings, why).with_source(error)
        };
        let auth = match (&options.auth_string, &options.key) {
            (Some(auth), _) => Auth::Basic(auth.clone()),
            (None, Some(key)) => Auth::ApiKey(key.clone()),
            (None, None) => Auth::None,
        };
        let trust = match (options.insecure, &options.cert_file) {
            (true, _) => Trust::Anything,
            (false, Some(file)) => Trust::File(file.into()),
            (false, None) => Trust::System,
        };
        let config = Config::new(&options.url).map_err(refuse)?.auth(auth).trust(trust).known_good(options.assigned);
        let config = options.manners.applied_to(config, &options.url)?;
        let client = Client::new(config).map_err(refuse)?;
        let spool = Spool::open(options.spool, client.api_url().as_str())?;
        let queue = Arc::new(Queue::default());
        let counter = Arc::<Counter>::default();
        let (reporter, asked) = mpsc::unbounded_channel();
        reporter::start(Parts {
            client,
            queue: Arc::clone(&queue),
            counter: Arc::clone(&counter),
            asked,
            heartbeat: options.heartbeat,
            wanted: Wanted { logs: options.logs_to_api, report: options.report },
            poll: options.poll,
            links: Links::new(&options.url, options.ui_url.as_deref()),
            spool,
        })?;
        exit::deliver_before(reporter.clone(), options.patience);
        Ok(Self { url: options.url, report: options.report, queue, reporter, counter })
    }

    fn ask<T>(&self, question: impl FnOnce(oneshot::Sender<T>) -> Ask) -> oneshot::Receiver<T> {
        let (reply, answer) = oneshot::channel();
        // If the thread is gone, the receiver says so.
        let _ = self.reporter.send(question(reply));
        answer
    }

    /// Does something on the reporter's thread.
    fn job<T, F>(&self, job: impl FnOnce(Arc<Shared>) -> F + Send + 'static) -> BoxFuture<'static, Result<T, Error>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let job = move |shared, reply: oneshot::Sender<_>| async move { drop(reply.send(job(shared).await)) };
        let answer = self.ask(|reply| Ask::Do(Box::new(move |shared| job(shared, reply).boxed())));
        async move { answer.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Backend, "the reporter has ended"))) }
            .boxed()
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Backend for Server {
    fn create_flow_run(&self, new: NewFlowRun) -> BoxFuture<'_, Result<Arc<FlowRun>, Error>> {
        let answer = self.ask(|reply| Ask::Create(new, reply));
        async move { answer.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Backend, "the reporter has ended"))) }
            .boxed()
    }

    fn find_flow_run(&self, id: FlowRunId) -> BoxFuture<'_, Result<Existing, Error>> {
        self.job(move |shared| async move { adopt::find(&shared, id).await })
    }

    fn adopt_flow_run(&self, existing: Existing, new: NewFlowRun) -> BoxFuture<'_, Result<Arc<FlowRun>, Error>> {
        self.job(move |shared| async move { adopt::adopt(&shared, existing, new).await })
    }

    fn propose(&self, run: Arc<FlowRun>, proposal: Proposal) -> BoxFuture<'_, Answer> {
        let state = proposal.state.clone();
        let answer = self.ask(|reply| Ask::Propose(run, proposal, reply));
        async move { answer.await.unwrap_or(Answer::Accept(state)) }.boxed()
    }

    fn cancel(&self, run: FlowRunId) -> BoxFuture<'_, Result<State, Error>> {
        let answer = self.ask(|reply| Ask::Cancel(run, reply));
        async move { answer.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Backend, "the reporter has ended"))) }
            .boxed()
    }

    fn watch(&self, run: &Arc<FlowRun>, told: Told) {
        let _ = self.reporter.send(Ask::Watch(run.id, told));
    }

    fn look(&self) -> BoxFuture<'_, ()> {
        let looked = self.job(|shared| async move {
            watch::look(&shared, &shared.active.watched()).await;
            Ok(())
        });
        // Only a reporter that has ended does not look.
        looked.map(drop).boxed()
    }

    fn abandon(&self, why: String) -> BoxFuture<'_, ()> {
        let done = self.ask(|reply| Ask::Crash(why, Box::new(move || exit::ignore(reply.send(())))));
        async move { exit::ignore(done.await) }.boxed()
    }

    fn report(&self) -> Option<Report> {
        Some(self.report)
    }

    fn emit(&self, event: Event) {
        self.queue.push(event);
    }

    fn flush(&self, limit: Duration) -> BoxFuture<'_, Undelivered> {
        let patience = Patience::Strict(limit);
        let answer = self.ask(|reply| Ask::Flush(patience, Box::new(move |left| exit::ignore(reply.send(left)))));
        async move { answer.await.unwrap_or_default() }.boxed()
    }

    fn keep(&self) -> BoxFuture<'_, Vec<String>> {
        let answer = self.ask(|reply| Ask::Keep(None, Box::new(move |told| drop(reply.send(told)))));
        async move { answer.await.unwrap_or_default() }.boxed()
    }

    fn interact(&self) -> &dyn Interact {
        self
    }

    fn artifacts(&self) -> &dyn Artifacts {
        self
    }

    fn blocks(&self) -> &dyn Blocks {
        self
    }

    fn slots(&self) -> &dyn Slots {
        self
    }

    fn variables(&self) -> &dyn Variables {
        self
    }

    fn feed(&self) -> &dyn Feed {
        self
    }

    fn history(&self) -> Option<&dyn History> {
        None
    }

    fn deploy(&self) -> Option<&dyn Deploy> {
        Some(self)
    }

    fn defer(&self) -> Option<&dyn Defer> {
        Some(self)
    }

    fn state_of(&self, run: RunId) -> BoxFuture<'_, Result<Option<State>, Error>> {
        let answer = self.ask(|reply| Ask::Read(run, reply));
        async move { answer.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Backend, "the reporter has ended"))) }
            .boxed()
    }
}
