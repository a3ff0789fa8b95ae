//! Runs of deployments that others start.

use hyper::StatusCode;
use serde_json::Value;
use uuid::Uuid;

use super::form::Form;
use super::list;
use super::program::Program;
use super::reply::{Outcome, Reply};
use super::show;
use crate::clock::{self, Timestamp};
use crate::deploy::{NewDeploymentRun, Target};
use crate::error::{Error, ErrorKind};
use crate::state::{State, StateType};

/// Starts a run of a deployment as the body says, and answers with it.
pub(super) async fn trigger(program: &dyn Program, deployment: Uuid, body: &Value) -> Outcome {
    let run = read(deployment, body)?;
    if list::deployment(program, |known| known.id == deployment).is_none() {
        return Err(Reply::not_found("Deployment"));
    }
    if program.is_ending() {
        let why = "this program is about to end, and starts no more runs";
        return Err(Reply::exception(StatusCode::SERVICE_UNAVAILABLE, why));
    }
    let asked = clock::now();
    let started = program.deploy().start(run).await.map_err(|error| refusal(&error))?;
    let now = clock::now();
    let Some(run) = program.history().flow_run(started.id) else {
        let why = format!("flow run {} was started and is known no more", started.id);
        return Err(Reply::exception(StatusCode::INTERNAL_SERVER_ERROR, why));
    };
    let is_new = run.states().first().map(State::timestamp).is_none_or(|created| created >= asked);
    let shown = show::flow_run(&run, now);
    Ok(if is_new { Reply::created(shown) } else { Reply::ok(shown) })
}

fn read(deployment: Uuid, body: &Value) -> Result<NewDeploymentRun, Reply> {
    let mut form = Form::new(body);
    let scheduled = form.within("state", state).flatten();
    let run = NewDeploymentRun {
        target: Target::Id(deployment),
        name: form.text("name").filter(|name| !name.is_empty()),
        parameters: form.object("parameters").unwrap_or_default(),
        scheduled,
        tags: form.texts("tags").unwrap_or_default(),
        job_variables: form.object("job_variables"),
        work_queue: form.text("work_queue_name"),
        idempotency_key: form.text("idempotency_key"),
        caller: None,
    };
    // They say nothing that a run of this program could heed.
    for known in ["context", "labels", "enforce_parameter_schema"] {
        form.take(known);
    }
    form.within("empirical_policy", |form| {
        for default in ["max_retries", "retry_delay_seconds", "pause_keys", "resuming"] {
            form.take(default);
        }
        form.nothing_else("This endpoint leaves retries to the flow");
    });
    for other in ["parent_task_run_id", "infrastructure_document_id"] {
        if let Some(value) = form.take(other) {
            form.mistake("value_error", &[other], "This endpoint knows of no such thing", &value);
        }
    }
    form.nothing_else("Extra inputs are not permitted");
    form.done(body).map(|()| run)
}

/// Takes the state that the run is to begin in, and gives the time that it is scheduled for.
fn state(form: &mut Form) -> Option<Timestamp> {
    let time = form.within("state_details", |form| form.time("scheduled_time")).flatten();
    let name = form.take("type").unwrap_or(Value::Null);
    let kind = name.as_str().and_then(super::filter::state_type);
    if kind != Some(StateType::Scheduled) {
        form.mistake("enum", &["type"], "Input should be 'SCHEDULED'", &name);
    }
    for known in ["name", "message", "data"] {
        form.take(known);
    }
    form.nothing_else("Extra inputs are not permitted");
    time
}

/// Says in Prefect's form why a run was not started.
fn refusal(error: &Error) -> Reply {
    match error.kind() {
        ErrorKind::Parameters => {
            Reply::detail(StatusCode::CONFLICT, format!("Error creating flow run: {}", error.chain()))
        }
        ErrorKind::Backend | ErrorKind::Settings => {
            Reply::exception(StatusCode::INTERNAL_SERVER_ERROR, error.chain().to_string())
        }
        _ => Reply::detail(StatusCode::CONFLICT, error.chain().to_string()),
    }
}
