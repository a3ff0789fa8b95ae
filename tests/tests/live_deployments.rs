//! Deployments at a real server: what is registered is what Python would register, and runs can be started.

use flowkit_tests::live::{self, LiveServer};
use flowkit_tests::program::{Finished, Program};
use serde_json::{Value, json};

/// The same deployment, in Python.
const PYTHON: &str = r#"
import os, runpy, sys, tempfile
source = '''
import datetime, enum
from typing import Optional
from pydantic import BaseModel
from prefect import flow
from prefect.schedules import Cron, Interval, RRule
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.events import DeploymentEventTrigger
from prefect.client.schemas.objects import ConcurrencyLimitConfig

class Nested(BaseModel):
    a: int
    b: Optional[str] = None

class Color(str, enum.Enum):
    red = "red"
    blue = "blue"

@flow(name="served")
def served(x: int = 1, name: Optional[str] = None, n: Nested = Nested(a=1), c: Color = Color.red, xs: list[int] = [1]):
    """my dep

    Args:
        x: the x param
    """

if __name__ == "__main__":
    trigger = DeploymentEventTrigger(
        name="trig-1", match={"prefect.resource.id": "some.res.*"}, expect={"ext.event"},
        parameters={"name": "{{ event.name }}"})
    deployment = served.to_deployment(
        "dep-py", schedules=[
            Cron("0 0 * * *", timezone="UTC", slug="midnight"),
            Interval(21600, anchor_date=datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc), timezone="UTC",
                     parameters={"x": 7}, active=False),
            RRule("FREQ=DAILY;BYHOUR=9;BYMINUTE=0", timezone="UTC"),
            Cron("15 2 1 * MON", day_or=False, timezone="Europe/Berlin"),
            DeploymentScheduleCreate(
                schedule=IntervalSchedule(
                    interval=datetime.timedelta(minutes=90), timezone="America/New_York",
                    anchor_date=datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)),
                max_scheduled_runs=7, slug="few")],
        parameters={"x": 3}, tags=["dep-tag"], description="my dep", version="1.2.3", triggers=[trigger],
        concurrency_limit=ConcurrencyLimitConfig(limit=2, collision_strategy="ENQUEUE"))
    deployment.apply()
'''
folder = tempfile.mkdtemp()
os.chdir(folder)
open("f12.py", "w").write(source)
sys.path.insert(0, folder)
sys.argv = ["f12.py"]
runpy.run_path("f12.py", run_name="__main__")
"#;

fn program(server: &LiveServer, args: &[&str]) -> Finished {
    Program::example("live_deployments").args(args).server(&server.api_url()).run()
}

fn deployment(server: &LiveServer, name: &str) -> Value {
    server.get(&format!("/deployments/name/served/{name}"))
}

fn automations(server: &LiveServer, deployment: &Value) -> Value {
    let id = deployment["id"].as_str().expect("an id");
    server.get(&format!("/automations/related-to/prefect.deployment.{id}"))
}

/// Leaves out what differs from one deployment to the next, and sorts what has no order.
fn comparable(mut value: Value, own: &str) -> Value {
    fn clean(value: &mut Value, own: &str) {
        match value {
            Value::Object(object) => {
                for name in
                    ["id", "created", "updated", "name", "deployment_id", "entrypoint", "last_polled", "version_id"]
                {
                    object.remove(name);
                }
                object.values_mut().for_each(|value| clean(value, own));
            }
            Value::Array(list) => {
                list.iter_mut().for_each(|value| clean(value, own));
                list.sort_by_key(Value::to_string);
            }
            Value::String(text) if !own.is_empty() => *text = text.replace(own, "OWN"),
            _ => {}
        }
    }
    clean(&mut value, own);
    value
}

#[test]
fn a_registered_deployment_is_the_one_that_python_registers() {
    let Some(server) = live::server() else { return };
    program(server, &["register"]).succeeded();
    server.python(PYTHON);
    let (ours, python) = (deployment(server, "dep-a"), deployment(server, "dep-py"));
    let differences: Vec<String> = ours
        .as_object()
        .expect("an object")
        .keys()
        .filter(|key| comparable(ours[*key].clone(), "") != comparable(python[*key].clone(), ""))
        .filter(|key| !["id", "created", "updated", "name", "entrypoint", "last_polled"].contains(&key.as_str()))
        .map(|key| format!("{key}:\n{}\n{}", ours[key], python[key]))
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!(ours["entrypoint"], "live_deployments:served");
    let of = |deployment: &Value| {
        let id = deployment["id"].as_str().expect("an id").to_owned();
        comparable(automations(server, deployment), &id)
    };
    assert_eq!(of(&ours), of(&python));
}

#[test]
fn registering_again_changes_the_deployment_in_place() {
    let Some(server) = live::server() else { return };
    let first = program(server, &["register"]).succeeded();
    let before = deployment(server, "dep-a");
    let again = program(server, &["register"]).succeeded();
    let after = deployment(server, "dep-a");
    assert_eq!(first.stdout, again.stdout, "the id stays");
    assert_eq!(comparable(before, ""), comparable(after.clone(), ""));
    assert_eq!(automations(server, &after).as_array().map(Vec::len), Some(1), "the trigger is there once");
}

#[test]
fn a_run_is_started_once_for_one_idempotency_key() {
    let Some(server) = live::server() else { return };
    program(server, &["register"]).succeeded();
    let one = program(server, &["run", "served/dep-a"]).succeeded().stdout;
    let two = program(server, &["run", "served/dep-a"]).succeeded().stdout;
    assert_eq!(one, two);
    let (id, state) = one.trim().split_once(' ').expect("an id and a state");
    assert_eq!(state, "Scheduled");
    let run = server.get(&format!("/flow_runs/{id}"));
    assert_eq!((&run["parameters"]["x"], &run["tags"]), (&json!(13), &json!(["dep-tag"])));
}

#[test]
fn parameters_that_do_not_fit_and_unknown_deployments_are_clear_errors() {
    let Some(server) = live::server() else { return };
    program(server, &["register"]).succeeded();
    let refused = program(server, &["wrong", "served/dep-a"]).succeeded().stdout;
    let expected = "the parameters do not fit deployment 'served/dep-a'";
    assert!(refused.starts_with(expected) && refused.contains("'many' is not of type 'integer'"), "{refused}");
    let unknown = program(server, &["wrong", "served/nowhere"]).succeeded().stdout;
    assert!(unknown.starts_with("there is no deployment 'served/nowhere' on the server"), "{unknown}");
}

#[test]
fn a_schedule_with_a_slug_is_changed_in_place() {
    let Some(server) = live::server() else { return };
    program(server, &["slugs", "0 1 * * *"]).succeeded();
    let before = deployment(server, "dep-slug")["schedules"].clone();
    program(server, &["slugs", "0 2 * * *"]).succeeded();
    let after = deployment(server, "dep-slug")["schedules"].clone();
    assert_eq!((before.as_array().map(Vec::len), after.as_array().map(Vec::len)), (Some(1), Some(1)));
    assert_eq!(before[0]["id"], after[0]["id"], "it is the same schedule");
    assert_eq!(after[0]["schedule"]["cron"], "0 2 * * *");
}
