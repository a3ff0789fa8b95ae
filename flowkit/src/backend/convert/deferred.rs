//! Background task runs in the server's words, and back. Pure.

use flowkit_client::model as wire;
use uuid::Uuid;

use super::{answered, origins};
use crate::clock::Timestamp;
use crate::defer::{DeferredRun, NewDeferred, Origin};
use crate::id::FlowRunId;
use crate::run::{TaskInput, background_key, is_background};

/// A background task run to be created, in a flow run that the server calls so.
pub(crate) fn deferred(new: &NewDeferred, flow_run: Option<Uuid>, now: Timestamp) -> wire::TaskRunCreate {
    let mut state = wire::StateCreate::new(wire::StateType::Scheduled).name("Scheduled");
    state.state_details.scheduled_time = Some(now.to_utc());
    state.state_details.deferred = Some(true);
    state.state_details.task_parameters_id = Some(new.id.uuid());
    let mut create = wire::TaskRunCreate::new(new.def.key, background_key(new.id));
    create.id = Some(new.id.uuid());
    create.state = Some(state);
    create.name = Some(new.name.clone());
    create.flow_run_id = flow_run;
    create.task_version = new.def.version.map(ToOwned::to_owned);
    create.tags.clone_from(&new.tags);
    create.task_inputs = origins(&new.inputs, &|run| run);
    let delays: Vec<f64> = new.retry_delays.iter().map(std::time::Duration::as_secs_f64).collect();
    create.empirical_policy.retries = Some(new.retries);
    create.empirical_policy.retry_delay = Some(match delays[..] {
        [] => wire::RetryDelay::Every(0.0),
        [one] => wire::RetryDelay::Every(one),
        _ => wire::RetryDelay::Each(delays),
    });
    create.empirical_policy.retry_jitter_factor = new.retry_jitter_factor;
    create
}

/// A background task run that the server knows; `None` if it has no state.
pub(crate) fn known_deferred(run: wire::TaskRun) -> Option<DeferredRun> {
    let state = run.state?;
    let origin = if is_background(&run.dynamic_key) {
        Origin::Ours
    } else {
        Origin::Foreign { with_parameters: state.state_details.task_parameters_id.is_some() }
    };
    let inputs = run.task_inputs.into_iter().map(|(name, from)| (name, from.iter().filter_map(input).collect()));
    Some(DeferredRun {
        id: run.id.into(),
        key: run.task_key,
        name: run.name,
        tags: run.tags,
        inputs: inputs.collect(),
        state: answered(&state),
        run_count: run.run_count,
        flow_run: run.flow_run_id.map(|id| (FlowRunId::from(id), String::new())),
        origin,
    })
}

fn input(input: &wire::TaskInput) -> Option<TaskInput> {
    match input {
        wire::TaskInput::TaskRun { id } => Some(TaskInput::TaskRun((*id).into())),
        wire::TaskInput::FlowRun { id } => Some(TaskInput::FlowRun((*id).into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::def::TaskDef;
    use crate::id::TaskRunId;

    static DEF: TaskDef = TaskDef::new("bg", "bg-1c9b9412", &["x"]);

    #[test]
    fn what_is_created_is_a_deferred_run_as_prefect_creates_it() {
        let new = NewDeferred {
            id: TaskRunId::from(Uuid::from_u128(7)),
            def: &DEF,
            name: "bg-1a2".to_owned(),
            tags: vec!["bgtag".to_owned()],
            inputs: vec![("x", Vec::new())],
            retries: 1,
            retry_delays: vec![std::time::Duration::from_secs(1)],
            retry_jitter_factor: None,
            flow_run: None,
        };
        let json = serde_json::to_value(deferred(&new, None, Timestamp::from_unix_micros(0))).expect("json");
        let id = Uuid::from_u128(7);
        assert_eq!(
            json["state"],
            json!({"type": "SCHEDULED", "name": "Scheduled", "state_details":
                {"scheduled_time": "1970-01-01T00:00:00.000000Z", "deferred": true, "task_parameters_id": id}})
        );
        assert_eq!((&json["id"], &json["task_key"]), (&json!(id), &json!("bg-1c9b9412")));
        assert_eq!((&json["tags"], &json["task_inputs"]), (&json!(["bgtag"]), &json!({"x": []})));
        assert_eq!(json["empirical_policy"], json!({"retries": 1, "retry_delay": 1.0}));
        assert!(is_background(json["dynamic_key"].as_str().expect("a text")), "{json}");
    }

    fn row(dynamic_key: &str, parameters: Option<Uuid>) -> DeferredRun {
        let row = json!({"id": Uuid::nil(), "task_key": "bg-1", "dynamic_key": dynamic_key, "run_count": 2,
            "task_inputs": {"x": [{"input_type": "task_run", "id": Uuid::nil()}]},
            "state": {"id": Uuid::nil(), "type": "SCHEDULED", "name": "Scheduled", "timestamp": "2026-11-21T01:53:17Z",
                "state_details": {"deferred": true, "task_parameters_id": parameters}}});
        known_deferred(serde_json::from_value(row).expect("a row")).expect("it has a state")
    }

    #[test]
    fn runs_of_python_are_told_from_ours() {
        let ours = row(&background_key(TaskRunId::now()), Some(Uuid::nil()));
        assert_eq!((ours.origin, ours.run_count), (Origin::Ours, 2));
        assert_eq!(ours.inputs, [("x".to_owned(), vec![TaskInput::TaskRun(Uuid::nil().into())])]);
        let pythons = "bg-1-c3adc9f9f90441efb585d8ea88e5e55f";
        assert_eq!(row(pythons, Some(Uuid::nil())).origin, Origin::Foreign { with_parameters: true });
        assert_eq!(row(pythons, None).origin, Origin::Foreign { with_parameters: false });
        assert_eq!(row("0", None).origin, Origin::Foreign { with_parameters: false });
    }
}
