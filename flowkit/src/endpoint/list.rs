//! Lists of what there is, filtered, sorted and in parts, and how many there are.

use std::cmp::Reverse;
use std::sync::Arc;

use serde_json::{Value, json};

use super::filter::{Filter, Members};
use super::form::Form;
use super::page::Page;
use super::program::Program;
use super::reply::{Outcome, Reply};
use super::route::Kind;
use super::rows::{self, FlowNamed, FlowRow};
use super::show;
use crate::clock::{self, Timestamp};
use crate::deploy::DeploymentDetails;
use crate::event::LogRecord;
use crate::id::FlowRunId;
use crate::run::{FlowRun, TaskRun};

/// What somebody asks of the rows, of those they belong to, and in which order.
#[derive(Debug)]
struct Query {
    flows: Filter,
    deployments: Filter,
    flow_runs: Filter,
    own: Filter,
    sort: Option<&'static str>,
    page: Page,
}

/// Whether rows are wanted, or their number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Want {
    Rows,
    Number,
}

const UNKNOWN: &str = "This endpoint cannot filter by this";

impl Query {
    fn read(kind: Kind, want: Want, body: &Value) -> Result<Self, Reply> {
        let mut form = Form::new(body);
        let page = match want {
            Want::Rows => Page::read(&mut form)?,
            Want::Number => Page { offset: 0, limit: 0 },
        };
        let sort = form.word("sort", sorts(kind));
        let mut filter = |name: &str, members: Members, allowed: bool| {
            let read = |form: &mut Form| Filter::read(form, members);
            if allowed { form.within(name, read).unwrap_or_default() } else { Filter::default() }
        };
        let of_runs = matches!(kind, Kind::FlowRun | Kind::TaskRun);
        let query = Self {
            flows: filter("flows", rows::FLOW, kind == Kind::Deployment || of_runs),
            deployments: filter("deployments", rows::DEPLOYMENT, kind == Kind::FlowRun),
            flow_runs: filter("flow_runs", rows::FLOW_RUN, kind == Kind::TaskRun),
            own: match kind {
                Kind::Flow => filter("flows", rows::FLOW, true),
                Kind::Deployment => filter("deployments", rows::DEPLOYMENT, true),
                Kind::FlowRun => filter("flow_runs", rows::FLOW_RUN, true),
                Kind::TaskRun => filter("task_runs", rows::TASK_RUN, true),
                Kind::Log => filter("logs", rows::LOG, true),
            },
            sort,
            page,
        };
        // Prefect leaves out what it does not know here, and so do we, but for filters that are lost.
        for known in ["flows", "deployments", "flow_runs", "task_runs", "work_pools", "work_pool_queues"] {
            form.within(known, |form| form.nothing_else(UNKNOWN));
        }
        form.done(body).map(|()| query)
    }
}

fn sorts(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Flow | Kind::Deployment => &["CREATED_DESC", "UPDATED_DESC", "NAME_ASC", "NAME_DESC"],
        Kind::FlowRun => &[
            "ID_DESC",
            "START_TIME_ASC",
            "START_TIME_DESC",
            "EXPECTED_START_TIME_ASC",
            "EXPECTED_START_TIME_DESC",
            "NAME_ASC",
            "NAME_DESC",
            "NEXT_SCHEDULED_START_TIME_ASC",
            "END_TIME_DESC",
        ],
        Kind::TaskRun => &[
            "ID_DESC",
            "EXPECTED_START_TIME_ASC",
            "EXPECTED_START_TIME_DESC",
            "NAME_ASC",
            "NAME_DESC",
            "NEXT_SCHEDULED_START_TIME_ASC",
            "END_TIME_DESC",
        ],
        Kind::Log => &["TIMESTAMP_ASC", "TIMESTAMP_DESC"],
    }
}

/// Answers with the rows of a kind that the body asks for, or with their number.
pub(super) fn list(program: &dyn Program, kind: Kind, want: Want, body: &Value) -> Outcome {
    let query = Query::read(kind, want, body)?;
    let now = clock::now();
    let reply = match kind {
        Kind::Flow => {
            let flows = rows::flows(program).into_iter().filter(|flow| query.own.fits(&FlowNamed(&flow.name)));
            query.reply(want, by_name_or_time(&query, flows.collect(), flow_keys), show::flow)
        }
        Kind::Deployment => {
            let deployments = program.history().deployments().into_iter();
            let fits = |one: &DeploymentDetails| query.own.fits(one) && query.flows.fits(&FlowNamed(&one.flow_name));
            let found = by_name_or_time(&query, deployments.filter(fits).collect(), deployment_keys);
            query.reply(want, found, |deployment| show::deployment(deployment, now))
        }
        Kind::FlowRun => query.reply(want, flow_runs(program, &query), |run| show::flow_run(run, now)),
        Kind::TaskRun => query.reply(want, task_runs(program, &query), |run| show::task_run(run, now)),
        Kind::Log => query.reply(want, logs(program, &query), show::log),
    };
    Ok(reply)
}

impl Query {
    fn reply<T>(&self, want: Want, rows: Vec<T>, show: impl Fn(&T) -> Value) -> Reply {
        Reply::ok(match want {
            Want::Number => json!(rows.len()),
            Want::Rows => self.page.of(rows).map(|row| show(&row)).collect(),
        })
    }
}

fn flow_keys(flow: &FlowRow) -> (String, Timestamp, Timestamp) {
    (flow.name.clone(), flow.created, flow.created)
}

fn deployment_keys(deployment: &DeploymentDetails) -> (String, Timestamp, Timestamp) {
    (deployment.name.clone(), deployment.created, deployment.updated)
}

fn by_name_or_time<T>(query: &Query, mut rows: Vec<T>, keys: fn(&T) -> (String, Timestamp, Timestamp)) -> Vec<T> {
    match query.sort.unwrap_or("NAME_ASC") {
        "NAME_DESC" => rows.sort_by_cached_key(|row| Reverse(keys(row).0)),
        "CREATED_DESC" => rows.sort_by_cached_key(|row| Reverse(keys(row).1)),
        "UPDATED_DESC" => rows.sort_by_cached_key(|row| Reverse(keys(row).2)),
        _ => rows.sort_by_cached_key(|row| keys(row).0),
    }
    rows
}

fn flow_runs(program: &dyn Program, query: &Query) -> Vec<Arc<FlowRun>> {
    let history = program.history();
    let mut runs = match query.own.ids_of("id") {
        // A client that waits for a run asks so, again and again.
        Some(ids) => ids.iter().filter_map(|id| history.flow_run(FlowRunId::from(*id))).collect(),
        None => history.flow_runs(),
    };
    let deployments = if query.deployments == Filter::default() { Vec::new() } else { history.deployments() };
    runs.retain(|run| {
        let of = run.deployment().and_then(|of| deployments.iter().find(|known| known.id == of.id));
        query.own.fits(run)
            && query.flows.fits(&FlowNamed(run.flow_name()))
            && (query.deployments == Filter::default() || of.is_some_and(|of| query.deployments.fits(of)))
    });
    // Those without a time come last, as on SQLite.
    let late = Timestamp::from_unix_micros(i64::MAX);
    let expected = |run: &Arc<FlowRun>| run.scheduled_start_time();
    let start = |run: &Arc<FlowRun>| run.start_time().or(run.scheduled_start_time());
    match query.sort.unwrap_or("ID_DESC") {
        "START_TIME_ASC" => runs.sort_by_cached_key(start),
        "START_TIME_DESC" => runs.sort_by_cached_key(|run| Reverse(start(run))),
        "EXPECTED_START_TIME_ASC" => runs.sort_by_cached_key(expected),
        "EXPECTED_START_TIME_DESC" => runs.sort_by_cached_key(|run| Reverse(expected(run))),
        "NAME_ASC" => runs.sort_by_cached_key(|run| run.name.clone()),
        "NAME_DESC" => runs.sort_by_cached_key(|run| Reverse(run.name.clone())),
        "NEXT_SCHEDULED_START_TIME_ASC" => {
            runs.sort_by_cached_key(|run| show::next_scheduled(&run.state()).unwrap_or(late));
        }
        "END_TIME_DESC" => runs.sort_by_cached_key(|run| Reverse(run.effort().end_time)),
        _ => runs.sort_by_cached_key(|run| Reverse(run.id)),
    }
    runs
}

fn task_runs(program: &dyn Program, query: &Query) -> Vec<Arc<TaskRun>> {
    let mut runs = program.history().task_runs();
    runs.retain(|run| {
        let of = run.flow_run();
        let named = of.map_or("", |of| of.flow_name());
        query.own.fits(run)
            && (query.flows == Filter::default() || of.is_some() && query.flows.fits(&FlowNamed(named)))
            && (query.flow_runs == Filter::default() || of.is_some_and(|of| query.flow_runs.fits(of)))
    });
    let expected = |run: &Arc<TaskRun>| run.effort().expected_start_time;
    match query.sort.unwrap_or("ID_DESC") {
        "EXPECTED_START_TIME_ASC" | "NEXT_SCHEDULED_START_TIME_ASC" => runs.sort_by_cached_key(expected),
        "EXPECTED_START_TIME_DESC" => runs.sort_by_cached_key(|run| Reverse(expected(run))),
        "NAME_ASC" => runs.sort_by_cached_key(|run| run.name()),
        "NAME_DESC" => runs.sort_by_cached_key(|run| Reverse(run.name())),
        "END_TIME_DESC" => runs.sort_by_cached_key(|run| Reverse(run.effort().end_time)),
        _ => runs.sort_by_cached_key(|run| Reverse(run.id)),
    }
    runs
}

fn logs(program: &dyn Program, query: &Query) -> Vec<LogRecord> {
    let history = program.history();
    let mut records = match query.own.ids_of("flow_run_id") {
        Some([run]) => history.logs_of(FlowRunId::from(*run)),
        _ => history.logs(),
    };
    records.retain(|record| query.own.fits(record));
    // Those of the same moment stay as they were written.
    match query.sort {
        Some("TIMESTAMP_DESC") => {
            records.reverse();
            records.sort_by_key(|record| Reverse(record.timestamp));
        }
        _ => records.sort_by_key(|record| record.timestamp),
    }
    records
}

/// Answers with one row.
pub(super) fn one(program: &dyn Program, kind: Kind, id: uuid::Uuid) -> Outcome {
    let (history, now) = (program.history(), clock::now());
    let (found, what) = match kind {
        Kind::Flow => (rows::flows(program).iter().find(|flow| flow.id == id).map(show::flow), "Flow"),
        Kind::Deployment => {
            let found = deployment(program, |deployment| deployment.id == id);
            (found.map(|found| show::deployment(&found, now)), "Deployment")
        }
        Kind::FlowRun => (history.flow_run(id.into()).map(|run| show::flow_run(&run, now)), "Flow run"),
        Kind::TaskRun => {
            let found = history.task_runs().into_iter().rfind(|run| run.id.uuid() == id);
            (found.map(|run| show::task_run(&run, now)), "Task")
        }
        Kind::Log => (None, "Log"),
    };
    found.map(Reply::ok).ok_or_else(|| Reply::not_found(what))
}

/// Finds a deployment.
pub(super) fn deployment(
    program: &dyn Program,
    is_it: impl Fn(&DeploymentDetails) -> bool,
) -> Option<DeploymentDetails> {
    program.history().deployments().into_iter().find(is_it)
}
