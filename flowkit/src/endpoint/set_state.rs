//! States that others would like flow runs to enter: they can be cancelled, and nothing else.

use serde_json::{Value, json};

use super::filter::take_state_type;
use super::form::Form;
use super::program::Program;
use super::reply::{Outcome, Reply};
use super::show;
use crate::error::{Error, ErrorKind};
use crate::id::FlowRunId;
use crate::run::FlowRun;
use crate::state::{State, StateType};

/// Answers a wish for another state, in the form of Prefect's `OrchestrationResult`.
pub(super) async fn set_state(program: &dyn Program, run: FlowRunId, body: &Value) -> Outcome {
    let wanted = read(body)?;
    let Some(record) = program.history().flow_run(run) else {
        let why = format!("Flow run with id {run} not found");
        return Err(Reply::exception(hyper::StatusCode::NOT_FOUND, why));
    };
    if !matches!(wanted, StateType::Cancelling | StateType::Cancelled) {
        let why =
            format!("A run of this program can be cancelled from outside, but not be put into a {wanted:?} state.");
        return Ok(abort(&record, &why));
    }
    let scheduled = record.state().state_type() == StateType::Scheduled;
    match program.cancel(run).await {
        Ok(state) if scheduled && state.is_cancelled() => {
            let why = "Scheduled flow run has no infrastructure to terminate.";
            Ok(Reply::created(result("REJECT", &record, &state, &json!({ "type": "reject_details", "reason": why }))))
        }
        Ok(state) => Ok(Reply::created(result("ACCEPT", &record, &state, &json!({ "type": "accept_details" })))),
        Err(error) => Ok(abort(&record, &refusal(&record, &error))),
    }
}

fn read(body: &Value) -> Result<StateType, Reply> {
    let mut form = Form::new(body);
    let wanted = form.within("state", |form| {
        let wanted = take_state_type(form, "type");
        if wanted.is_none() && !has_type(body) {
            form.mistake("missing", &["type"], "Field required", &body["state"]);
        }
        for known in ["name", "message", "data", "state_details"] {
            form.take(known);
        }
        form.nothing_else("Extra inputs are not permitted");
        wanted
    });
    if body.get("state").is_none_or(Value::is_null) {
        form.mistake("missing", &["state"], "Field required", &Value::Null);
    }
    form.flag("force");
    form.done(body)?;
    // A form without a mistake has a type.
    wanted.flatten().ok_or_else(|| Reply::invalid(Vec::new(), body))
}

fn has_type(body: &Value) -> bool {
    !body["state"]["type"].is_null()
}

fn refusal(run: &FlowRun, error: &Error) -> String {
    match error.kind() {
        ErrorKind::Aborted => format!("Run is already in terminal state {}.", run.state().state_type().as_str()),
        _ => error.chain().to_string(),
    }
}

fn abort(run: &FlowRun, why: &str) -> Reply {
    Reply::ok(result("ABORT", run, &run.state(), &json!({ "type": "abort_details", "reason": why })))
}

fn result(status: &str, run: &FlowRun, state: &State, details: &Value) -> Value {
    json!({ "state": show::state_of_run(run, state), "status": status, "details": details })
}
