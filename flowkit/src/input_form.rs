//! The JSON form of what a flow run is given: its schema, reading and writing it. Pure.
//!
//! An object travels as it is. Anything else travels as the field `value` of one, as in Prefect, whose API takes
//! objects only.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::error::{Error, ErrorKind};
use crate::interact::Form;
use crate::parameters::schema_of;

const FIELD: &str = "value";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// An object.
    Fields,
    /// Something else, or anything at all.
    Single,
}

fn shape_of<T: JsonSchema>() -> (Map<String, Value>, Shape) {
    let schema = schema_of::<T>();
    let shape = if schema.get("type") == Some(&json!("object")) { Shape::Fields } else { Shape::Single };
    (schema, shape)
}

/// Describes what a pause waits for, as Prefect's UI shows it.
pub(crate) fn form<T: DeserializeOwned + JsonSchema>() -> Form {
    let (mut schema, shape) = shape_of::<T>();
    if shape == Shape::Single {
        let (definitions, title) = (schema.remove("definitions"), schema.insert("title".to_owned(), json!("Value")));
        let mut around = Map::new();
        around.insert("title".to_owned(), title.unwrap_or_else(|| json!(T::schema_name())));
        around.insert("type".to_owned(), json!("object"));
        around.insert("properties".to_owned(), json!({ FIELD: schema }));
        around.insert("required".to_owned(), json!([FIELD]));
        around.extend(definitions.map(|definitions| ("definitions".to_owned(), definitions)));
        schema = around;
    }
    if schema.contains_key("properties") {
        // A misspelt field is to be refused, not left out.
        schema.entry("additionalProperties").or_insert(json!(false));
    }
    Form { schema: Value::Object(schema), description: None, initial: Map::new(), check: check::<T> }
}

/// Makes values the defaults of a form's fields.
pub(crate) fn fill(form: &mut Form, initial: Map<String, Value>) {
    for (name, value) in &initial {
        if let Some(property) = form.schema["properties"].get_mut(name).and_then(Value::as_object_mut) {
            property.insert("default".to_owned(), value.clone());
        }
    }
    if let Some(required) = form.schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| name.as_str().is_none_or(|name| !initial.contains_key(name)));
    }
    form.initial = initial;
}

/// What the server would find wrong with an input.
fn check<T: DeserializeOwned + JsonSchema>(input: &Value) -> Result<(), String> {
    let form = form::<T>();
    if let (Some(given), Some(known)) = (input.as_object(), form.schema["properties"].as_object()) {
        let closed = form.schema["additionalProperties"] == json!(false);
        if let Some(name) = given.keys().find(|name| closed && !known.contains_key(*name)) {
            let known: Vec<&str> = known.keys().map(String::as_str).collect();
            return Err(format!("unknown field `{name}`, it has {}", known.join(", ")));
        }
    }
    read::<T>(input.clone()).map(drop)
}

/// Reads what was given; the error names the path of what is wrong.
pub(crate) fn read<T: DeserializeOwned + JsonSchema>(mut given: Value) -> Result<T, String> {
    let single = shape_of::<T>().1 == Shape::Single;
    let wrapped = single && given.as_object().is_some_and(|fields| fields.len() == 1);
    if let Some(value) = given.get_mut(FIELD).filter(|_| wrapped).map(Value::take) {
        given = value;
    }
    serde_path_to_error::deserialize(given).map_err(|error| match error.path().to_string() {
        path if path == "." => error.inner().to_string(),
        path => format!("`{path}`: {}", error.inner()),
    })
}

/// Writes what is to be given. A value of any type that is an object stays one.
pub(crate) fn write<T: Serialize + JsonSchema>(value: &T) -> Result<Map<String, Value>, Error> {
    let value = serde_json::to_value(value)
        .map_err(|error| Error::new(ErrorKind::Input, "the input cannot be written as JSON").with_source(error))?;
    let (schema, shape) = shape_of::<T>();
    let is_any = !["type", "oneOf", "anyOf", "enum", "const", "$ref"].iter().any(|key| schema.contains_key(*key));
    Ok(match value {
        Value::Object(fields) if shape == Shape::Fields || is_any => fields,
        value => [(FIELD.to_owned(), value)].into_iter().collect(),
    })
}

/// What the keys of inputs of a type begin with, if nothing else is said; simple types have the names of Python's.
pub(crate) fn key_prefix<T: JsonSchema>() -> String {
    let (schema, _) = shape_of::<T>();
    let name = match schema.get("type").and_then(Value::as_str) {
        Some("string") if !schema.contains_key("enum") && !schema.contains_key("format") => "str".to_owned(),
        Some("integer") => "int".to_owned(),
        Some("number") => "float".to_owned(),
        Some("boolean") => "bool".to_owned(),
        Some("array") => "list".to_owned(),
        _ => T::schema_name().to_lowercase(),
    };
    format!("{name}-auto")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Serialize, Deserialize, JsonSchema, PartialEq, Debug)]
    struct Approval {
        approved: bool,
        #[serde(default)]
        reason: String,
    }

    #[derive(Serialize, Deserialize, JsonSchema, PartialEq, Debug)]
    enum Verdict {
        Yes,
        No { because: String },
    }

    #[test]
    fn a_struct_is_a_form_with_its_fields_and_no_others() {
        let form = form::<Approval>();
        assert_eq!(form.schema["title"], "Approval");
        assert_eq!(form.schema["properties"]["approved"]["title"], "Approved");
        assert_eq!(form.schema["required"], json!(["approved"]));
        assert_eq!(form.schema["additionalProperties"], false);
        assert_eq!((form.check)(&json!({"approved": true})), Ok(()));
        let unknown = (form.check)(&json!({"approved": true, "reson": "x"})).expect_err("it is misspelt");
        assert_eq!(unknown, "unknown field `reson`, it has approved, reason");
        let wrong = (form.check)(&json!({"approved": 1})).expect_err("it is a number");
        assert!(wrong.starts_with("`approved`: invalid type"), "{wrong}");
    }

    #[test]
    fn what_is_not_an_object_travels_as_a_value() {
        let form = form::<u32>();
        assert_eq!(form.schema["required"], json!(["value"]));
        assert_eq!(form.schema["properties"]["value"]["type"], "integer");
        assert_eq!(write(&7_u32).map(Value::Object).ok(), Some(json!({"value": 7})));
        assert_eq!(read::<u32>(json!({"value": 7})), Ok(7));
        assert_eq!(read::<u32>(json!(7)), Ok(7));
        let no = Verdict::No { because: "late".to_owned() };
        let written = write(&no).map(Value::Object).expect("it can be written");
        assert_eq!(written, json!({"value": {"No": {"because": "late"}}}));
        assert_eq!(read::<Verdict>(written), Ok(no));
        assert_eq!(write(&json!({"value": 7})).map(Value::Object).ok(), Some(json!({"value": 7})));
    }

    #[test]
    fn initial_values_are_defaults_and_need_not_be_given() {
        let mut form = form::<Approval>();
        fill(&mut form, [("approved".to_owned(), json!(true))].into_iter().collect());
        assert_eq!(form.schema["properties"]["approved"]["default"], true);
        assert_eq!(form.schema["required"], json!([]));
        assert_eq!(form.complete(json!({})), json!({"approved": true}));
    }

    #[test]
    fn keys_begin_as_pythons_do() {
        assert_eq!(key_prefix::<Approval>(), "approval-auto");
        assert_eq!(key_prefix::<String>(), "str-auto");
        assert_eq!(key_prefix::<i64>(), "int-auto");
    }
}
