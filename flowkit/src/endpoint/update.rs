//! What others change about deployments: whether their schedules are paused.

use hyper::StatusCode;
use serde_json::Value;
use uuid::Uuid;

use super::form::Form;
use super::list;
use super::program::Program;
use super::reply::{Outcome, Reply};

/// Changes a deployment as the body says.
pub(super) async fn deployment(program: &dyn Program, id: Uuid, body: &Value) -> Outcome {
    let mut form = Form::new(body);
    let pause = form.flag("paused");
    form.nothing_else("This endpoint changes `paused` only: the rest is what the program says");
    form.done(body)?;
    match pause {
        Some(pause) => paused(program, id, pause).await,
        None => known(program, id).map(|()| Reply::no_content()),
    }
}

/// Pauses or resumes the schedules of a deployment.
pub(super) async fn paused(program: &dyn Program, id: Uuid, pause: bool) -> Outcome {
    known(program, id)?;
    let place = program.deploy();
    let done = if pause { place.pause(id).await } else { place.resume(id).await };
    done.map(|()| Reply::no_content())
        .map_err(|error| Reply::exception(StatusCode::INTERNAL_SERVER_ERROR, error.chain().to_string()))
}

/// Changes one schedule as the body says.
pub(super) async fn schedule(program: &dyn Program, id: Uuid, schedule: Uuid, body: &Value) -> Outcome {
    let mut form = Form::new(body);
    let active = form.flag("active");
    form.nothing_else("This endpoint changes `active` only: the rest is what the program says");
    form.done(body)?;
    known(program, id)?;
    let has = list::deployment(program, |known| known.id == id)
        .is_some_and(|known| known.schedules.iter().any(|known| known.id == schedule));
    if !has {
        return Err(Reply::detail(StatusCode::NOT_FOUND, "Schedule not found."));
    }
    let Some(active) = active else { return Ok(Reply::no_content()) };
    let done = program.deploy().set_active(id, schedule, active).await;
    done.map(|()| Reply::no_content())
        .map_err(|error| Reply::exception(StatusCode::INTERNAL_SERVER_ERROR, error.chain().to_string()))
}

fn known(program: &dyn Program, id: Uuid) -> Result<(), Reply> {
    let found = list::deployment(program, |known| known.id == id);
    found.map(|_| ()).ok_or_else(|| Reply::detail(StatusCode::NOT_FOUND, "Deployment not found."))
}
