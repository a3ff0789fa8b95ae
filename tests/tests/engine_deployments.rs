//! What is wrong with the description of a deployment is known before anything is sent.

use flowkit::prelude::*;
use flowkit::{ErrorKind, Runtime, Schedule, Trigger};
use serde_json::json;

/// Loads pages.
#[flow]
async fn load(pages: u32, #[param(default = "out".to_owned())] path: String) -> flowkit::Result<()> {
    let _ = (pages, path);
    Ok(())
}

async fn refusal(deployment: flowkit::DeploymentCall) -> (ErrorKind, String) {
    let error = Runtime::ephemeral().run(async { deployment.await }).await.expect_err("it is refused");
    (error.kind(), error.to_string())
}

#[flowkit::test]
async fn parameters_are_checked_against_the_flow_when_they_are_set() {
    let (kind, error) = refusal(load.deployment("d").parameter("pages", "many")).await;
    assert_eq!(kind, ErrorKind::Parameters);
    assert_eq!(error, "deployment 'load/d': parameter `pages`: invalid type: string \"many\", expected u32");
    let (_, error) = refusal(load.deployment("d").parameters(json!({"page": 1}))).await;
    assert_eq!(error, "deployment 'load/d': unknown parameter `page`: the flow has pages, path");
    let (_, error) = refusal(load.deployment("d").parameters(json!([1]))).await;
    assert_eq!(error, "deployment 'load/d': parameters must be a JSON object, and are `[1]`");
}

#[flowkit::test]
async fn a_parameter_without_default_need_not_be_given() {
    let deployment = load.deployment("d").parameter("path", "x");
    let registered = Runtime::ephemeral().run(async { deployment.await }).await.expect("nothing is wrong with it");
    assert_eq!((registered.full_name.as_str(), registered.ui_url), ("load/d", None));
}

#[flowkit::test]
async fn a_schedule_needs_a_value_for_each_parameter_without_default() {
    let (kind, error) = refusal(load.deployment("d").cron("@daily")).await;
    assert_eq!(kind, ErrorKind::Parameters);
    assert_eq!(
        error,
        "deployment 'load/d': a schedule would start runs without `pages`, and the flow has no default: give it with \
         `.parameter(..)` to the deployment or to the schedule"
    );
    let each_has_one = Schedule::cron("@daily").parameter("pages", 1);
    let one_lacks_it = load.deployment("d").schedules([each_has_one.clone(), Schedule::cron("@hourly")]);
    assert_eq!(refusal(one_lacks_it).await.0, ErrorKind::Parameters);
    for deployment in [
        load.deployment("d").cron("@daily").parameter("pages", 1),
        load.deployment("d").schedule(each_has_one),
        load.deployment("d").schedule(Schedule::cron("@daily").active(false)),
    ] {
        Runtime::ephemeral().run(async { deployment.await }).await.expect("nothing is lacking");
    }
}

#[flowkit::test]
async fn a_work_pool_takes_a_server() {
    let (kind, error) = refusal(load.deployment("d").work_pool("docker")).await;
    assert_eq!(kind, ErrorKind::Settings);
    assert!(error.starts_with("deployment 'load/d': work pools are on a Prefect server"), "{error}");
}

#[flowkit::test]
async fn the_first_mistake_is_told() {
    let deployment = load.deployment("d").interval("soon").parameter("pages", -1);
    let (kind, error) = refusal(deployment).await;
    assert_eq!(kind, ErrorKind::Definition);
    assert!(error.starts_with("deployment 'load/d': ") && error.contains("`soon` is not a duration"), "{error}");
}

#[flowkit::test]
async fn names_limits_queues_and_triggers_are_checked() {
    for (deployment, expected) in [
        (load.deployment("a/b"), "`a/b` cannot be the name of a deployment"),
        (load.deployment(""), "`` cannot be the name of a deployment"),
        (load.deployment(" \n"), "` \\n` cannot be the name of a deployment"),
        (load.deployment("d").concurrency_limit(0), "a concurrency limit must be 1 or more"),
        (load.deployment("d").on_collision(flowkit::Collision::Cancel), "a concurrency limit must be 1 or more"),
        (load.deployment("d").start_grace("1s"), "must be 60 s to one day, and is 1s"),
        (load.deployment("d").work_queue("q"), "a work queue belongs to a work pool"),
        (load.deployment("d").interval(0_u64), "interval"),
        (load.deployment("d").rrule(" "), "rrule"),
        (load.deployment("d").cron("61 8 * * *"), "cron `61 8 * * *`: minute 61 is not within 0-59 (field 1)"),
        (
            load.deployment("d").schedule(Schedule::cron("@daily").parameter("pages", "many")),
            "parameter `pages`: invalid type: string \"many\"",
        ),
        (
            load.deployment("d").schedules([Schedule::cron("@daily").slug("a"), Schedule::cron("@hourly").slug("a")]),
            "slug `a`",
        ),
        (load.deployment("d").trigger(Trigger::all([])), "a trigger of several triggers has none"),
        (
            load.deployment("d").trigger(Trigger::event("a").parameters(json!({"pagse": "{{ event.id }}"}))),
            "unknown parameter `pagse`",
        ),
    ] {
        let (_, error) = refusal(deployment).await;
        assert!(error.contains(expected), "{error}");
    }
}

#[flowkit::test]
async fn starting_a_run_names_the_deployment_by_flow_and_name() {
    let error = Runtime::ephemeral().run(async { flowkit::run_deployment("nightly").await }).await;
    let error = error.expect_err("there is no slash").to_string();
    assert_eq!(error, "`nightly` does not name a deployment: write \"flow/deployment\", or its id");
    let wrong = load.run_deployment("nightly").parameter("pages", "many");
    let error = Runtime::ephemeral().run(async { wrong.await }).await.expect_err("it is checked first");
    assert_eq!(error.to_string(), "parameter `pages`: invalid type: string \"many\", expected u32");
    let error = Runtime::ephemeral().run(async { flowkit::run_deployment("a/b").await }).await;
    let error = error.expect_err("there is no such deployment").to_string();
    assert!(error.starts_with("there is no deployment 'a/b' in this process, which has none"), "{error}");
}
