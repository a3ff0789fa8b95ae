//! Parameters of flows.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::suite::prelude::*;

/// Where something is.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Place {
    city: String,
    floors: Vec<u8>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Vehicle {
    Bus,
    Car { seats: u8 },
}

/// Visits a place.
#[flow]
async fn visit(place: Place, #[param(default = 2)] people: u32, note: Option<String>) -> String {
    format!("{} {people} {note:?}", place.city)
}

#[flow]
async fn ride(by: Vehicle, prices: BTreeMap<String, f64>) -> String {
    format!("{by:?} {prices:?}")
}

#[flow]
async fn no_parameters() -> u32 {
    7
}

fn oslo() -> Place {
    Place { city: "Oslo".to_owned(), floors: vec![1, 2] }
}

pub(crate) fn all() -> Vec<Behaviour> {
    let given = |parameters: serde_json::Value| move || visit.with_parameters(parameters.clone());
    vec![
        flow("parameters_are_those_of_the_call", || visit(oslo(), 3, Some("hi".to_owned())), expect![[r#"
            flow visit {"note":"hi","people":3,"place":{"city":"Oslo","floors":[1,2]}}: Pending > Running > Completed
            = Ok("Oslo 3 Some(\"hi\")")
        "#]]),
        flow("an_option_that_is_none_is_null", || visit(oslo(), 3, None), expect![[r#"
            flow visit {"note":null,"people":3,"place":{"city":"Oslo","floors":[1,2]}}: Pending > Running > Completed
            = Ok("Oslo 3 None")
        "#]]),
        flow("what_is_left_out_takes_its_default", given(json!({"place": oslo()})), expect![[r#"
            flow visit {"note":null,"people":2,"place":{"city":"Oslo","floors":[1,2]}}: Pending > Running > Completed
            = Ok("Oslo 2 None")
        "#]]),
        flow(
            "enums_and_maps_are_parameters",
            || ride(Vehicle::Car { seats: 4 }, [("b".to_owned(), 1.5), ("a".to_owned(), 2.0)].into()),
            expect![[r#"
                flow ride {"by":{"car":{"seats":4}},"prices":{"a":2.0,"b":1.5}}: Pending > Running > Completed
                = Ok("Car { seats: 4 } {\"a\": 2.0, \"b\": 1.5}")
            "#]],
        ),
        flow("an_enum_is_read_by_its_name", || ride.with_parameters(json!({"by": "bus", "prices": {}})), expect![[r#"
            flow ride {"by":"bus","prices":{}}: Pending > Running > Completed
            = Ok("Bus {}")
        "#]]),
        flow("a_flow_without_parameters_has_an_empty_object", no_parameters, expect![[r#"
            flow no-parameters: Pending > Running > Completed
            = Ok(7)
        "#]]),
        flow(
            "a_wrong_parameter_fails_the_run_before_it_runs_and_names_the_path",
            given(json!({"place": {"city": "Oslo", "floors": [1, "two"]}})),
            expect![[r#"
                flow visit {"place":{"city":"Oslo","floors":[1,"two"]}}: Pending > Failed(Validation of flow parameters failed with error: parameter `place.floors[1]`: invalid type: string "two", expected u8)
                  INFO Beginning flow run '~visit~' for flow 'visit'
                  ERROR Finished in state Failed('Validation of flow parameters failed with error: parameter `place.floors[1]`: invalid type: string "two", expected u8')
                = Err(parameter `place.floors[1]`: invalid type: string "two", expected u8)
            "#]],
        )
        .with_logs(),
        flow("a_missing_parameter_fails_the_run_before_it_runs", given(json!({"people": 1})), expect![[r#"
            flow visit {"people":1}: Pending > Failed(Validation of flow parameters failed with error: missing parameter `place`)
            = Err(missing parameter `place`)
        "#]]),
        flow("a_missing_field_fails_the_run_before_it_runs", given(json!({"place": {"city": "Oslo"}})), expect![[r#"
            flow visit {"place":{"city":"Oslo"}}: Pending > Failed(Validation of flow parameters failed with error: parameter `place`: missing field `floors`)
            = Err(parameter `place`: missing field `floors`)
        "#]]),
        flow(
            "an_unknown_parameter_fails_the_run_before_it_runs",
            given(json!({"place": oslo(), "poeple": 1})),
            expect![[r#"
                flow visit {"place":{"city":"Oslo","floors":[1,2]},"poeple":1}: Pending > Failed(Validation of flow parameters failed with error: unknown parameter `poeple`: the flow has place, people, note)
                = Err(unknown parameter `poeple`: the flow has place, people, note)
            "#]],
        ),
        flow(
            "a_number_out_of_range_fails_the_run_before_it_runs",
            given(json!({"place": oslo(), "people": -1})),
            expect![[r#"
                flow visit {"people":-1,"place":{"city":"Oslo","floors":[1,2]}}: Pending > Failed(Validation of flow parameters failed with error: parameter `people`: invalid value: integer `-1`, expected u32)
                = Err(parameter `people`: invalid value: integer `-1`, expected u32)
            "#]],
        ),
        flow(
            "an_unknown_variant_fails_the_run_before_it_runs",
            || ride.with_parameters(json!({"by": "train", "prices": {}})),
            expect![[r#"
                flow ride {"by":"train","prices":{}}: Pending > Failed(Validation of flow parameters failed with error: parameter `by`: unknown variant `train`, expected `bus` or `car`)
                = Err(parameter `by`: unknown variant `train`, expected `bus` or `car`)
            "#]],
        ),
        flow(
            "a_wrong_parameter_is_not_retried",
            || visit.with_parameters(json!({"place": 1})).retries(2),
            expect![[r#"
                flow visit {"place":1}: Pending > Failed(Validation of flow parameters failed with error: parameter `place`: invalid type: integer `1`, expected struct Place)
                = Err(parameter `place`: invalid type: integer `1`, expected struct Place)
            "#]],
        ),
        scene(
            "wrong_parameters_of_a_subflow_fail_it_before_it_runs",
            || async { Ok(visit.with_parameters(json!({"place": 1})).await.is_err()) },
            expect![[r#"
                flow scene: Pending > Running > Completed
                  visit-0: Pending > Pending > Failed(Validation of flow parameters failed with error: parameter `place`: invalid type: integer `1`, expected struct Place)
                    flow visit {"place":1}: Pending > Failed(Validation of flow parameters failed with error: parameter `place`: invalid type: integer `1`, expected struct Place)
                = Ok(true)
            "#]],
        ),
    ]
}
