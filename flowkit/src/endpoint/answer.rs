//! From a question to its answer.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::form;
use super::list::{self, Want};
use super::program::Program;
use super::reply::{Outcome, Reply};
use super::route::Route;
use super::rows::{self};
use super::set_state::set_state;
use super::show;
use super::trigger::trigger;
use super::update;
use crate::clock;

/// The version of Prefect whose API this is a part of, and that of the API.
const PREFECT: &str = "3.8.8";
const API: &str = "0.8.4";

/// Answers a question that was let in.
pub(super) async fn answer(program: &dyn Program, route: Route, query: Option<&str>, body: &[u8]) -> Outcome {
    let body = || form::parse(body);
    match route {
        Route::Health => Ok(Reply::ok(json!(true))),
        Route::Ready => Ok(Reply::ok(json!({ "message": "OK" }))),
        Route::Hello => Ok(Reply::ok(json!("👋"))),
        Route::ApiVersion => Ok(Reply::ok(json!(API))),
        Route::ServerVersion => Ok(Reply::ok(json!(PREFECT))),
        Route::CsrfToken => Err(Reply::detail(StatusCode::UNPROCESSABLE_ENTITY, "CSRF protection is disabled.")),
        Route::Automations => Ok(Reply::ok(json!([]))),
        Route::List(kind) => list::list(program, kind, Want::Rows, &body()?),
        Route::Count(kind) => list::list(program, kind, Want::Number, &body()?),
        Route::One(kind, id) => list::one(program, kind, id),
        Route::FlowNamed(name) => {
            let flow = rows::flows(program).into_iter().find(|flow| flow.name == name);
            flow.map(|flow| Reply::ok(show::flow(&flow))).ok_or_else(|| Reply::not_found("Flow"))
        }
        Route::DeploymentNamed { flow, deployment } => {
            let found = list::deployment(program, |known| known.flow_name == flow && known.name == deployment);
            let found = found.ok_or_else(|| Reply::not_found("Deployment"))?;
            Ok(Reply::ok(show::deployment(&found, clock::now())))
        }
        Route::Schedules(id) => {
            let found = list::deployment(program, |known| known.id == id);
            found.map(|found| Reply::ok(show::schedules(&found))).ok_or_else(|| Reply::not_found("Deployment"))
        }
        Route::FlowRunStates => states(program, query.unwrap_or_default()),
        Route::Trigger(deployment) => trigger(program, deployment, &body()?).await,
        Route::SetState(run) => set_state(program, run.into(), &body()?).await,
        Route::Update(deployment) => update::deployment(program, deployment, &body()?).await,
        Route::UpdateSchedule { deployment, schedule } => {
            update::schedule(program, deployment, schedule, &body()?).await
        }
        Route::Pause(deployment) => update::paused(program, deployment, true).await,
        Route::Resume(deployment) => update::paused(program, deployment, false).await,
        Route::Listen(_) => {
            Err(Reply::detail(StatusCode::UPGRADE_REQUIRED, "this is a websocket, and not asked for as one"))
        }
    }
}

/// Lists the states of the flow run that the query names.
fn states(program: &dyn Program, query: &str) -> Outcome {
    let named = query.split('&').find_map(|pair| pair.strip_prefix("flow_run_id="));
    let Some(run) = named.and_then(|id| id.parse::<uuid::Uuid>().ok()) else {
        let why = "the query must have a flow_run_id, a UUID";
        return Err(Reply::detail(StatusCode::UNPROCESSABLE_ENTITY, why));
    };
    let states = program.history().flow_run(run.into()).map(|run| show::states(&run));
    Ok(Reply::ok(states.unwrap_or_else(|| Value::Array(Vec::new()))))
}
