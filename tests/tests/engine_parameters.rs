//! Parameters of flows in JSON, and the schema that describes them.

use std::collections::HashMap;

use flowkit::ErrorKind;
use flowkit::prelude::*;
use flowkit_tests::lab::{Lab, path};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Where something is.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Place {
    city: String,
    floors: Vec<Floor>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Floor {
    rooms: u8,
}

/// Visits places.
#[flow]
async fn visit(
    place: Place,
    /// How many people come along.
    #[param(default = 2)]
    people: u32,
    note: Option<String>,
    #[param(default = "car")] by: String,
    codes: HashMap<String, i64>,
) -> String {
    format!("{} {people} {note:?} {by} {}", place.city, codes.len())
}

#[flow]
async fn no_parameters() -> u8 {
    7
}

fn oslo() -> Value {
    json!({"city": "Oslo", "floors": [{"rooms": 3}]})
}

#[tokio::test(start_paused = true)]
async fn what_is_left_out_takes_its_default_and_an_option_is_none() {
    let lab = Lab::default();
    let shown = lab.run(async { visit.with_parameters(json!({"place": oslo(), "codes": {}})).await }).await;
    assert_eq!(shown.expect("the parameters fit"), "Oslo 2 None car 0");
    let expected = json!({"place": oslo(), "people": 2, "note": null, "by": "car", "codes": {}});
    assert_eq!(lab.flow("visit").parameters(), &expected, "the run has all of them");
}

#[tokio::test(start_paused = true)]
async fn what_is_given_counts() {
    let given = json!({"place": oslo(), "people": 5, "note": "hi", "by": "bus", "codes": {"a": -1}});
    let shown = Lab::default().run(async { visit.with_parameters(given).await }).await;
    assert_eq!(shown.expect("the parameters fit"), "Oslo 5 Some(\"hi\") bus 1");
}

#[tokio::test(start_paused = true)]
async fn a_flow_without_parameters_takes_an_empty_object_or_nothing() {
    let lab = Lab::default();
    for nothing in [json!({}), Value::Null] {
        assert_eq!(lab.run(async { no_parameters.with_parameters(nothing).await }).await.expect("it succeeds"), 7);
    }
}

#[tokio::test(start_paused = true)]
async fn parameters_that_do_not_fit_fail_the_run_from_pending_with_the_path_of_what_is_wrong() {
    let cases = [
        (
            json!({"place": {"city": "Oslo", "floors": [{"rooms": 3}, {"rooms": "x"}]}, "codes": {}}),
            "`place.floors[1].rooms`",
        ),
        (json!({"place": {"city": "Oslo"}, "codes": {}}), "`place`: missing field `floors`"),
        (json!({"place": oslo(), "codes": {"a": 1.5}}), "`codes.a`"),
        (json!({"place": oslo(), "codes": {}, "people": -1}), "`people`"),
        (json!({"place": oslo(), "codes": {}, "note": 4}), "`note`"),
        (json!({"codes": {}}), "missing parameter `place`"),
        (
            json!({"place": oslo(), "codes": {}, "poeple": 1}),
            "unknown parameter `poeple`: the flow has place, people, note, by, codes",
        ),
        (json!([1]), "parameters must be a JSON object, and are `[1]`"),
    ];
    for (given, expected) in cases {
        let lab = Lab::default();
        let error = lab.run(async { visit.with_parameters(given).await }).await.expect_err(expected);
        assert_eq!(error.kind(), ErrorKind::Parameters);
        assert!(error.to_string().contains(expected), "{error} should contain {expected}");
        let run = lab.flow("visit");
        assert_eq!(path(&run.states()), "Pending > Failed");
        let state = run.state();
        let message = state.message().expect("there is a message");
        assert!(message.starts_with("Validation of flow parameters failed with error: "), "{message}");
        assert!(message.contains(expected), "{message}");
        assert_eq!(run.effort().run_count, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_parameter_of_a_flow_that_has_none_says_so() {
    let error = Lab::default().run(async { no_parameters.with_parameters(json!({"a": 1})).await }).await;
    let error = error.expect_err("there are none");
    assert_eq!(error.to_string(), "unknown parameter `a`: the flow has none");
}

#[test]
fn a_schema_has_the_shape_that_prefects_ui_reads() {
    let schema = visit.schema().expect("it is a flow");
    assert_eq!((&schema["title"], &schema["type"]), (&json!("Parameters"), &json!("object")));
    assert_eq!(schema["required"], json!(["place", "codes"]));
    let properties = &schema["properties"];
    for (position, name) in ["place", "people", "note", "by", "codes"].into_iter().enumerate() {
        assert_eq!(properties[name]["position"], json!(position), "{name}");
        assert_eq!(properties[name]["title"], json!(name));
    }
    assert_eq!(properties["people"]["default"], json!(2));
    assert_eq!(properties["people"]["type"], json!("integer"));
    assert_eq!(properties["people"]["description"], json!("How many people come along."));
    assert_eq!(properties["note"]["default"], Value::Null);
    assert_eq!(properties["by"]["default"], json!("car"));
    assert_eq!(schema["definitions"]["Place"]["properties"]["floors"]["items"]["$ref"], json!("#/definitions/Floor"));
    let place = serde_json::to_string(&properties["place"]).expect("it is JSON");
    assert!(place.contains("\"#/definitions/Place\""), "{place}");
}

#[test]
fn the_schema_of_no_parameters_is_an_empty_object() {
    let schema = no_parameters.schema().expect("it is a flow");
    assert_eq!(schema, json!({"title": "Parameters", "type": "object", "properties": {}}));
}

#[test]
fn a_definition_tells_what_the_author_wrote() {
    let def = visit.def().expect("it is a flow");
    assert_eq!((def.name, def.description), ("visit", "Visits places."));
    assert_eq!(
        def.params.iter().map(|param| param.name).collect::<Vec<_>>(),
        ["place", "people", "note", "by", "codes"]
    );
}

fn no_flow(_n: u8) -> FlowCall<u8> {
    no_parameters()
}

#[tokio::test(start_paused = true)]
async fn a_function_that_is_no_flow_is_refused() {
    assert_eq!(no_flow.def().expect_err("it has no #[flow]").kind(), ErrorKind::Definition);
    let error = Lab::default().run(async { no_flow.with_parameters(json!({"n": 1})).await }).await;
    let error = error.expect_err("it has no #[flow]");
    assert!(error.to_string().ends_with("no_flow` is not a function made by #[flow]"), "{error}");
}
