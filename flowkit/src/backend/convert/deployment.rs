//! Deployments in the server's words. Pure.

use std::collections::BTreeMap;

use flowkit_client::model as wire;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::deploy::{Caller, Collision, Concurrency, DeploymentSpec, NewDeploymentRun, ScheduleSpec, VersionInfo};
use crate::trigger::{Condition, DeploymentTrigger, EventCondition, Needed, Trigger};

/// A deployment to be created.
pub(crate) fn deployment(spec: &DeploymentSpec, flow: Uuid) -> wire::DeploymentCreate {
    let mut create = wire::DeploymentCreate::new(&spec.name, flow);
    create.paused = spec.paused;
    create.schedules = spec.schedules.iter().map(schedule).collect();
    create.concurrency_limit = spec.concurrency.as_ref().map(|concurrency| concurrency.limit);
    create.concurrency_options = spec.concurrency.as_ref().and_then(options);
    create.enforce_parameter_schema = spec.enforce_schema;
    create.parameter_openapi_schema.clone_from(&spec.schema);
    create.parameters.clone_from(&spec.parameters);
    create.tags.clone_from(&spec.tags);
    create.description.clone_from(&spec.description);
    create.job_variables.clone_from(&spec.job_variables);
    create.version = Some(spec.version.version.clone());
    create.version_info = Some(version(&spec.version));
    create.entrypoint = Some(spec.entrypoint.clone());
    create.path = Some(".".to_owned());
    if spec.work_pool.is_some() {
        create.work_pool_name.clone_from(&spec.work_pool);
        create.work_queue_name.clone_from(&spec.work_queue);
        // The program is its own code: nothing is to be fetched.
        create.pull_steps = Some(Vec::new());
    }
    create
}

fn schedule(spec: &ScheduleSpec) -> wire::DeploymentScheduleCreate {
    wire::DeploymentScheduleCreate {
        schedule: spec.rule.clone(),
        active: spec.active,
        max_scheduled_runs: spec.max_scheduled_runs,
        parameters: spec.parameters.clone(),
        slug: spec.slug.clone(),
        replaces: spec.replaces.clone(),
    }
}

fn options(concurrency: &Concurrency) -> Option<wire::ConcurrencyOptions> {
    if concurrency.collision.is_none() && concurrency.grace.is_none() {
        return None;
    }
    let collision_strategy = match concurrency.collision {
        Some(Collision::Cancel) => wire::CollisionStrategy::CancelNew,
        Some(Collision::Wait) | None => wire::CollisionStrategy::Enqueue,
    };
    let grace_period_seconds = concurrency.grace.map(|grace| u32::try_from(grace.as_secs()).unwrap_or(u32::MAX));
    Some(wire::ConcurrencyOptions { collision_strategy, grace_period_seconds })
}

fn version(info: &VersionInfo) -> wire::VersionInfo {
    wire::VersionInfo { kind: info.kind.to_owned(), version: info.version.clone(), more: info.more.clone() }
}

/// The resource that what belongs to a deployment is owned by.
pub(crate) fn owner(deployment: Uuid) -> String {
    format!("prefect.deployment.{deployment}")
}

/// The automations that the triggers of a deployment are at the server.
pub(crate) fn automations(spec: &DeploymentSpec, deployment: Uuid) -> Vec<wire::AutomationCreate> {
    let numbered = spec.triggers.iter().enumerate();
    numbered.map(|(index, trigger)| automation(spec, deployment, index + 1, trigger)).collect()
}

fn automation(spec: &DeploymentSpec, id: Uuid, number: usize, trigger: &DeploymentTrigger) -> wire::AutomationCreate {
    wire::AutomationCreate {
        name: trigger.name.clone().unwrap_or_else(|| format!("{}__automation_{number}", spec.name)),
        description: trigger.description.clone(),
        enabled: trigger.enabled,
        tags: Vec::new(),
        trigger: condition(&trigger.trigger),
        actions: vec![wire::Action::RunDeployment {
            source: "selected",
            deployment_id: id,
            parameters: trigger.parameters.clone(),
            job_variables: trigger.job_variables.clone(),
            schedule_after: trigger.schedule_after.as_secs_f64(),
        }],
        owner_resource: Some(owner(id)),
    }
}

fn condition(trigger: &Trigger) -> wire::Trigger {
    let within = trigger.within.map(|within| within.as_secs_f64());
    match &trigger.condition {
        Condition::Event(condition) => wire::Trigger::Event(event(condition, within.unwrap_or(0.0))),
        Condition::Several(needed, among) => {
            let require = match needed {
                Needed::Any => wire::Require::Word(wire::RequireWord::Any),
                Needed::All => wire::Require::Word(wire::RequireWord::All),
                Needed::AtLeast(count) => wire::Require::Count(*count),
            };
            wire::Trigger::Compound { triggers: among.iter().map(self::condition).collect(), within, require }
        }
        Condition::InOrder(triggers) => {
            wire::Trigger::Sequence { triggers: triggers.iter().map(self::condition).collect(), within }
        }
    }
}

fn event(condition: &EventCondition, within: f64) -> wire::EventTrigger {
    wire::EventTrigger {
        matches: labels(&condition.about),
        match_related: labels(&condition.related),
        after: condition.after.clone(),
        expect: condition.expect.clone(),
        for_each: condition.for_each.clone(),
        posture: if condition.absent { wire::Posture::Proactive } else { wire::Posture::Reactive },
        threshold: condition.threshold,
        within,
    }
}

fn labels(labels: &BTreeMap<String, Vec<String>>) -> wire::ResourceSpec {
    labels.iter().map(|(label, values)| (label.clone(), values.clone().into())).collect()
}

/// A run of a deployment to be created.
pub(crate) fn deployment_run(
    new: &NewDeploymentRun,
    now: Timestamp,
    stand_in: Option<Uuid>,
) -> wire::DeploymentFlowRunCreate {
    let mut state = wire::StateCreate::new(wire::StateType::Scheduled).name("Scheduled");
    state.state_details.scheduled_time = Some(new.scheduled.unwrap_or(now).to_utc());
    wire::DeploymentFlowRunCreate {
        state: Some(state),
        name: new.name.clone(),
        parameters: new.parameters.clone(),
        tags: new.tags.clone(),
        idempotency_key: new.idempotency_key.clone(),
        parent_task_run_id: stand_in,
        work_queue_name: new.work_queue.clone(),
        job_variables: new.job_variables.clone(),
        ..wire::DeploymentFlowRunCreate::default()
    }
}

/// The task run that stands for a deployment's run in the graph of the flow run that starts it.
pub(crate) fn deployment_stand_in(
    full_name: &str,
    version: Option<&str>,
    new: &NewDeploymentRun,
    caller: &Caller,
    flow_run: Uuid,
) -> wire::TaskRunCreate {
    let mut inputs: BTreeMap<String, Vec<wire::TaskInput>> =
        new.parameters.keys().map(|name| (name.clone(), Vec::new())).collect();
    let dynamic_key = match caller.task_run {
        None => caller.nth.to_string(),
        Some(task) => {
            inputs.insert("__parents__".to_owned(), vec![wire::TaskInput::TaskRun { id: task.uuid() }]);
            Uuid::new_v4().to_string()
        }
    };
    let key = format!("prefect.deployments.flow_runs.run_deployment.{}", slug(full_name));
    let mut create = wire::TaskRunCreate::new(key, dynamic_key);
    create.flow_run_id = Some(flow_run);
    create.task_version = version.map(ToOwned::to_owned);
    create.state = Some(wire::StateCreate::new(wire::StateType::Pending).name("Pending"));
    create.task_inputs = inputs;
    create
}

/// A name as part of a key: lower case, with a dash for everything but letters and digits.
fn slug(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}
