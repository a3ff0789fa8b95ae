//! Background task runs at the server: the port's requests, each done on the reporter's thread.

mod listen;

use std::time::Duration;

use flowkit_client::model::{MAX_LIMIT, StateType, TaskRunFilter, TaskRunQuery, TaskRunSort};
use flowkit_client::{Client, RetryPolicy};
use futures::future::BoxFuture;
use tokio::sync::mpsc;

use crate::backend::convert;
use crate::backend::server::Server;
use crate::backend::server::shared::Shared;
use crate::clock;
use crate::defer::{Defer, DeferredRun, Heard, NewDeferred, Origin};
use crate::error::{Error, ErrorKind};
use crate::id::TaskRunId;

/// How long one request may take, retries included.
const PATIENCE: Duration = Duration::from_secs(30);

/// The most questions for one list of open runs: more than this are looked at when those have ended.
const MOST_PAGES: u32 = 25;

fn patient(shared: &Shared) -> Client {
    let retry = RetryPolicy::default().base_delay(Duration::from_millis(100)).max_retries(10);
    shared.client.with_deadline(PATIENCE).with_retry(retry)
}

/// Says what could not be done, and whether the settings are to blame.
fn failed(what: impl Into<String>, error: flowkit_client::Error) -> Error {
    let settings = error.is_auth() || error.kind() == flowkit_client::ErrorKind::IncompatibleServer;
    let kind = if settings { ErrorKind::Settings } else { ErrorKind::Backend };
    Error::new(kind, what).with_source(error)
}

impl Defer for Server {
    fn submit(&self, run: NewDeferred) -> BoxFuture<'_, Result<(), Error>> {
        self.job(move |shared| async move { submit(&shared, &run).await })
    }

    fn read(&self, run: TaskRunId) -> BoxFuture<'_, Result<Option<DeferredRun>, Error>> {
        self.job(move |shared| async move { read(&shared, run).await })
    }

    fn open(&self, keys: Vec<&'static str>) -> BoxFuture<'_, Result<Vec<DeferredRun>, Error>> {
        self.job(move |shared| async move { open(&shared, &keys).await })
    }

    fn listen(&self, keys: Vec<&'static str>, to: mpsc::Sender<Heard>) {
        // It ends by itself; there is nothing to wait for.
        drop(self.job(move |shared| async move {
            tokio::spawn(listen::listen(shared, keys, to));
            Ok(())
        }));
    }
}

async fn submit(shared: &Shared, new: &NewDeferred) -> Result<(), Error> {
    let refused = |error| {
        let url = shared.client.api_url();
        failed(format!("cannot delay task `{}` on the server that PREFECT_API_URL names, {url}", new.def.name), error)
    };
    // The server must know the flow run by then.
    let _ = clock::within(PATIENCE, shared.outbox.no_creations()).await;
    let flow_run = new.flow_run.map(|run| shared.known_id(run));
    let create = convert::deferred(new, flow_run, clock::now());
    patient(shared).create_task_run(&create).await.map(drop).map_err(refused)
}

async fn read(shared: &Shared, id: TaskRunId) -> Result<Option<DeferredRun>, Error> {
    let client = patient(shared);
    let failed = |error| failed(format!("cannot read task run {id}"), error);
    let run = client.read_task_run(id.uuid()).await.map_err(failed)?;
    let Some(mut run) = run.and_then(convert::known_deferred) else { return Ok(None) };
    if let Some((id, name)) = &mut run.flow_run {
        // Only its name is missing without.
        if let Ok(flow_run) = client.read_flow_run(id.uuid()).await {
            *name = flow_run.name;
        }
    }
    Ok(Some(run))
}

/// The server does not pick task runs by their task, so all that have not ended are gone through.
async fn open(shared: &Shared, keys: &[&'static str]) -> Result<Vec<DeferredRun>, Error> {
    let client = patient(shared);
    let filter = TaskRunFilter::default().state_types([StateType::Scheduled, StateType::Pending, StateType::Running]);
    let query = TaskRunQuery::new(filter).sort(TaskRunSort::ExpectedStartTimeAsc).limit(MAX_LIMIT);
    let mut open = Vec::new();
    for page in 0..MOST_PAGES {
        let found = client.filter_task_runs(&query.clone().offset(page * MAX_LIMIT)).await;
        let found = found.map_err(|error| failed("cannot ask for background task runs", error))?;
        let count = found.len();
        let of_interest = |run: &DeferredRun| run.origin == Origin::Ours && keys.contains(&run.key.as_str());
        open.extend(found.into_iter().filter_map(convert::known_deferred).filter(of_interest));
        if count < MAX_LIMIT as usize {
            break;
        }
    }
    Ok(open)
}
