//! Which question it is: from a method and a path. Pure.

use hyper::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use uuid::Uuid;

use super::reply::Reply;

/// What there are lists of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Flow,
    Deployment,
    FlowRun,
    TaskRun,
    Log,
}

/// What can be listened to over a websocket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stream {
    Events,
    Logs,
}

/// A question that can be asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Route {
    Health,
    Ready,
    Hello,
    ApiVersion,
    ServerVersion,
    CsrfToken,
    List(Kind),
    Count(Kind),
    One(Kind, Uuid),
    FlowNamed(String),
    DeploymentNamed {
        flow: String,
        deployment: String,
    },
    /// The states that a flow run has been through; which, the query tells.
    FlowRunStates,
    /// There are no automations.
    Automations,
    Schedules(Uuid),
    Trigger(Uuid),
    Update(Uuid),
    UpdateSchedule {
        deployment: Uuid,
        schedule: Uuid,
    },
    Pause(Uuid),
    Resume(Uuid),
    SetState(Uuid),
    Listen(Stream),
}

impl Route {
    /// Tells whether it is answered to everybody.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Health | Self::Ready)
    }
}

const GET: &str = "GET";
const POST: &str = "POST";
const PATCH: &str = "PATCH";

/// Finds the question, or says that there is none.
pub(super) fn route(method: &Method, path: &str) -> Result<Route, Reply> {
    let parts = segments(path).ok_or_else(|| unknown(method, path))?;
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let ways = ways(&parts);
    let Some((first, _)) = ways.first() else { return Err(unknown(method, path)) };
    let allow = *first;
    let way = ways.into_iter().find(|(known, _)| *known == method.as_str());
    way.map(|(_, route)| route).ok_or_else(|| Reply::wrong_method(allow))
}

/// The decoded parts of a path below `/api`. A slash at its end does not matter.
fn segments(path: &str) -> Option<Vec<String>> {
    let below = path.strip_prefix("/api/")?;
    let below = below.strip_suffix('/').unwrap_or(below);
    below.split('/').map(|part| percent_decode_str(part).decode_utf8().ok().map(Into::into)).collect()
}

/// The questions that a path stands for, with their methods.
fn ways(parts: &[&str]) -> Vec<(&'static str, Route)> {
    let many = |kind: &str| match kind {
        "flows" => Some(Kind::Flow),
        "deployments" => Some(Kind::Deployment),
        "flow_runs" => Some(Kind::FlowRun),
        "task_runs" => Some(Kind::TaskRun),
        "logs" => Some(Kind::Log),
        _ => None,
    };
    match parts {
        ["health"] => vec![(GET, Route::Health)],
        ["ready"] => vec![(GET, Route::Ready)],
        ["hello"] => vec![(GET, Route::Hello)],
        ["version"] => vec![(GET, Route::ApiVersion)],
        ["admin", "version"] => vec![(GET, Route::ServerVersion)],
        ["csrf-token"] => vec![(GET, Route::CsrfToken)],
        ["events", "out"] => vec![(GET, Route::Listen(Stream::Events))],
        ["logs", "out"] => vec![(GET, Route::Listen(Stream::Logs))],
        ["flow_run_states"] => vec![(GET, Route::FlowRunStates)],
        ["automations", "related-to", _] => vec![(GET, Route::Automations)],
        ["flows", "name", name] => vec![(GET, Route::FlowNamed((*name).to_owned()))],
        ["deployments", "name", flow, deployment] => {
            let route = Route::DeploymentNamed { flow: (*flow).to_owned(), deployment: (*deployment).to_owned() };
            vec![(GET, route)]
        }
        [kind, "filter"] => many(kind).map(|kind| (POST, Route::List(kind))).into_iter().collect(),
        [kind, "count"] => {
            many(kind).filter(|kind| *kind != Kind::Log).map(|kind| (POST, Route::Count(kind))).into_iter().collect()
        }
        [kind, id] => match (many(kind), id.parse::<Uuid>()) {
            (None | Some(Kind::Log), _) | (_, Err(_)) => Vec::new(),
            (Some(Kind::Deployment), Ok(id)) => {
                vec![(GET, Route::One(Kind::Deployment, id)), (PATCH, Route::Update(id))]
            }
            (Some(kind), Ok(id)) => vec![(GET, Route::One(kind, id))],
        },
        [kind, id, action] => {
            let Ok(id) = id.parse::<Uuid>() else { return Vec::new() };
            match (*kind, *action) {
                ("flow_runs", "set_state") => vec![(POST, Route::SetState(id))],
                ("deployments", "create_flow_run") => vec![(POST, Route::Trigger(id))],
                ("deployments", "schedules") => vec![(GET, Route::Schedules(id))],
                ("deployments", "pause_deployment") => vec![(POST, Route::Pause(id))],
                ("deployments", "resume_deployment") => vec![(POST, Route::Resume(id))],
                _ => Vec::new(),
            }
        }
        ["deployments", id, "schedules", schedule] => match (id.parse(), schedule.parse()) {
            (Ok(deployment), Ok(schedule)) => vec![(PATCH, Route::UpdateSchedule { deployment, schedule })],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Says that there is no such question, and why somebody with a Prefect client may have expected one.
fn unknown(method: &Method, path: &str) -> Reply {
    let known = ["/flows", "/flow_runs", "/task_runs", "/logs", "/events", "/work_pools", "/artifacts", "/variables"];
    let below = path.strip_prefix("/api").unwrap_or_default();
    if *method == Method::POST && known.iter().any(|known| below.trim_end_matches('/') == *known) {
        let why = "Not Found: this is no Prefect server but the endpoint of a program, which starts, lists and cancels its \
                   own runs and keeps nothing for others";
        return Reply::detail(StatusCode::NOT_FOUND, why);
    }
    Reply::detail(StatusCode::NOT_FOUND, "Not Found")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "a8a8a8a8-1111-4111-8111-111111111111";

    fn ask(method: &str, path: &str) -> Result<Route, u16> {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        route(&method, path).map_err(|reply| reply.status.as_u16())
    }

    #[test]
    fn questions_are_told_by_method_and_path() {
        let id: Uuid = ID.parse().expect("an id");
        assert_eq!(ask("GET", "/api/health"), Ok(Route::Health));
        assert_eq!(ask("POST", "/api/flow_runs/filter"), Ok(Route::List(Kind::FlowRun)));
        assert_eq!(ask("GET", &format!("/api/flow_runs/{ID}")), Ok(Route::One(Kind::FlowRun, id)));
        assert_eq!(ask("PATCH", &format!("/api/deployments/{ID}")), Ok(Route::Update(id)));
        assert_eq!(ask("GET", "/api/flow_run_states/"), Ok(Route::FlowRunStates));
        let named = Route::DeploymentNamed { flow: "my flow".into(), deployment: "a/b".into() };
        assert_eq!(ask("GET", "/api/deployments/name/my%20flow/a%2Fb"), Ok(named));
    }

    #[test]
    fn what_is_not_there_is_404_and_what_is_there_otherwise_is_405() {
        for (method, path) in [
            ("GET", "/"),
            ("GET", "/health"),
            ("GET", "/api"),
            ("GET", "/api/nope"),
            ("GET", "/api/flow_runs/xyz"),
            ("POST", "/api/flow_runs/xyz/set_state"),
            ("POST", "/api/logs/"),
            ("GET", "/api/deployments/name/a"),
            ("GET", "/api/flows/%ff"),
        ] {
            assert_eq!(ask(method, path), Err(404), "{method} {path}");
        }
        assert_eq!(ask("POST", "/api/health"), Err(405));
        assert_eq!(ask("DELETE", &format!("/api/flow_runs/{ID}")), Err(405));
        assert_eq!(ask("GET", "/api/flow_runs/filter"), Err(405));
    }

    proptest! {
        #[test]
        fn any_path_has_an_answer(method in "[A-Z]{1,9}", path in "/(api)?(/[^?#]{0,12}){0,6}") {
            let _ = ask(&method, &path);
        }
    }
}
