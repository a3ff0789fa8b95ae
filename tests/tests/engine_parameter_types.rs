//! Parameters that are dates, durations, choices, nested or secret, and how the UI is told of them.

#![expect(clippy::too_many_arguments, reason = "one flow with a parameter of each type")]

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use flowkit::prelude::*;
use flowkit::{Secret, TimeDelta};
use flowkit_tests::lab::Lab;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How much to load.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Mode {
    /// From the beginning.
    Full,
    /// From where it stopped.
    Rest,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Source {
    first_page: u32,
    mode: Mode,
    /// Where it ends.
    last_mode: Option<Mode>,
    note: Option<String>,
}

#[flow]
async fn typed(
    when: DateTime<Utc>,
    day: NaiveDate,
    local: NaiveDateTime,
    at: NaiveTime,
    wait: TimeDelta,
    #[param(default = TimeDelta::new(Duration::from_secs(90)))] pause: TimeDelta,
    source: Source,
    #[param(default = Mode::Rest)] mode: Mode,
    backup: Option<Source>,
    limit: Option<u64>,
    ratio: f64,
    token: Secret,
) -> String {
    tracing::info!("the token is {}", token.expose());
    format!("{when} {day} {local} {at} {wait} {pause} {source:?} {mode:?} {backup:?} {limit:?} {ratio} {token}")
}

fn given() -> Value {
    json!({
        "when": "2026-11-21T06:00:00+01:00",
        "day": "2026-11-21",
        "local": "2026-11-21T06:00:00",
        "at": "06:00:00",
        "wait": 1.5,
        "source": {"first_page": 1, "mode": "full"},
        "ratio": 0.5,
        "token": "open-sesame",
    })
}

#[tokio::test(start_paused = true)]
async fn dates_durations_choices_and_secrets_are_read_and_reported() {
    let lab = Lab::default();
    let shown = lab.run(async { typed.with_parameters(given()).await }).await.expect("the parameters fit");
    let expected = "2026-11-21 05:00:00 UTC 2026-11-21 2026-11-21 06:00:00 06:00:00 PT1.5S PT1M30S";
    assert!(shown.starts_with(expected), "{shown}");
    assert!(shown.ends_with("Rest None None 0.5 **********"), "{shown}");
    let run = lab.flow("typed");
    let reported = run.parameters();
    assert_eq!(reported["when"], json!("2026-11-21T05:00:00Z"));
    assert_eq!((&reported["wait"], &reported["pause"]), (&json!("PT1.5S"), &json!("PT1M30S")));
    assert_eq!((&reported["mode"], &reported["token"]), (&json!("rest"), &json!("**********")));
}

#[task]
async fn connect(token: Secret) -> Result<(), String> {
    Err(format!("{} was refused", token.expose()))
}

#[flow(log_prints)]
async fn careless(token: Secret) -> flowkit::Result<()> {
    println!("{} {token:?}", token.expose());
    connect(token).await
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_in_no_log_line_and_no_state() {
    let lab = Lab::default();
    let secret = || Secret::new("correct-horse");
    lab.run(async { careless(secret()).await }).await.expect_err("it is refused");
    lab.log("********** Secret(**********)");
    let state = lab.task("connect").state();
    assert_eq!(state.message(), Some("Task run encountered an exception: ********** was refused"));
    assert!(lab.flow("careless").state().message().is_some_and(|text| text.ends_with("********** was refused")));
    assert!(lab.logs().iter().all(|line| !line.message.contains("correct-horse")));
    assert_eq!(lab.flow("careless").parameters(), &json!({"token": "**********"}));
}

#[tokio::test(start_paused = true)]
async fn the_parameters_that_a_run_has_reported_do_not_hand_its_mask_on() {
    let lab = Lab::default();
    lab.run(async { careless(Secret::new("correct-horse")).await }).await.expect_err("it is refused");
    let reported = lab.flow("careless").parameters().clone();
    let error = lab.run(async { careless.with_parameters(reported).await }).await.expect_err("it is a mask");
    assert_eq!(error.kind(), flowkit::ErrorKind::Parameters);
    assert!(error.to_string().contains("parameter `token`: the mask of a secret is not its value"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_parameter_that_does_not_fit_tells_all_mistakes_and_no_secret() {
    let lab = Lab::default();
    let mut given = given();
    given["wait"] = json!(-3);
    given["source"] = json!({"first_page": 1, "mode": "half"});
    given["token"] = json!({"value": "open-sesame"});
    given["tokn"] = json!("x");
    let error = lab.run(async { typed.with_parameters(given).await }).await.expect_err("four mistakes");
    let text = error.to_string();
    let mistakes: Vec<&str> = text.split("; ").collect();
    assert_eq!(mistakes.len(), 4, "{text}");
    assert!(mistakes[0].starts_with("unknown parameter `tokn`"), "{text}");
    let wanted = "a length of time: a number of seconds, \"PT1M30S\" or \"1m 30s\", and not negative";
    assert_eq!(mistakes[1], format!("parameter `wait`: invalid value: integer `-3`, expected {wanted}"));
    assert!(mistakes[2].starts_with("parameter `source.mode`: unknown variant `half`"), "{text}");
    assert_eq!(mistakes[3], "parameter `token`: a secret of another type");
    let message = lab.flow("typed").state().message().map(str::to_owned).expect("there is a message");
    assert_eq!(message, format!("Validation of flow parameters failed with error: {text}"));
}

#[test]
fn the_schema_is_what_pydantic_would_write() {
    let schema = typed.schema().expect("it is a flow");
    let of = |name: &str| {
        let mut property = schema["properties"][name].clone();
        let object = property.as_object_mut().expect("an object");
        assert_eq!(object.remove("title"), Some(json!(name)));
        object.remove("position");
        property
    };
    assert_eq!(of("when"), json!({"type": "string", "format": "date-time"}));
    assert_eq!(of("day"), json!({"type": "string", "format": "date"}));
    assert_eq!(of("local"), json!({"type": "string", "format": "date-time"}));
    assert_eq!(of("at"), json!({"type": "string", "format": "time"}));
    assert_eq!(of("wait"), json!({"type": "string", "format": "duration"}));
    assert_eq!(of("pause"), json!({"type": "string", "format": "duration", "default": "PT1M30S"}));
    assert_eq!(of("source"), json!({"$ref": "#/definitions/Source"}));
    assert_eq!(of("mode"), json!({"$ref": "#/definitions/Mode", "default": "rest"}));
    let backup = json!({"anyOf": [{"$ref": "#/definitions/Source"}, {"type": "null"}], "default": null});
    assert_eq!(of("backup"), backup);
    let limit = json!({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}], "default": null});
    assert_eq!(of("limit"), limit);
    assert_eq!(of("ratio"), json!({"type": "number"}));
    assert_eq!(of("token"), json!({"type": "string", "format": "password", "writeOnly": true}));
    assert_eq!(schema["required"], json!(["when", "day", "local", "at", "wait", "source", "ratio", "token"]));
    let mode = json!({"title": "Mode", "description": "How much to load.", "type": "string", "enum": ["full", "rest"]});
    assert_eq!(schema["definitions"]["Mode"], mode);
    let source = json!({
        "title": "Source",
        "type": "object",
        "properties": {
            "first_page": {"title": "First Page", "type": "integer", "minimum": 0},
            "mode": {"title": "Mode", "$ref": "#/definitions/Mode"},
            "last_mode": {
                "title": "Last Mode",
                "description": "Where it ends.",
                "anyOf": [{"$ref": "#/definitions/Mode"}, {"type": "null"}],
                "default": null,
            },
            "note": {"title": "Note", "anyOf": [{"type": "string"}, {"type": "null"}], "default": null},
        },
        "required": ["first_page", "mode"],
    });
    assert_eq!(schema["definitions"]["Source"], source);
}
