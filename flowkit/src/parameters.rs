//! Flow parameters in JSON: reading them, and the schema that describes them. Pure.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::def::{FlowDef, ParamDef};
use crate::error::{Error, ErrorKind};

fn refuse(message: String) -> Error {
    Error::new(ErrorKind::Parameters, message)
}

/// Takes the object that parameters must be; nothing at all counts as an empty one.
pub(crate) fn object(parameters: &Value) -> Result<Map<String, Value>, Error> {
    match parameters {
        Value::Object(given) => Ok(given.clone()),
        Value::Null => Ok(Map::new()),
        other => Err(refuse(format!("parameters must be a JSON object, and are `{other}`"))),
    }
}

/// Refuses parameters that the flow does not have.
pub(crate) fn no_unknown(given: &Map<String, Value>, def: &FlowDef) -> Result<(), Error> {
    let known: Vec<&str> = def.params.iter().map(|param| param.name).collect();
    match given.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) if known.is_empty() => Err(refuse(format!("unknown parameter `{name}`: the flow has none"))),
        Some(name) => Err(refuse(format!("unknown parameter `{name}`: the flow has {}", known.join(", ")))),
    }
}

/// Reads one parameter; one that is not given takes its default, or is `None` if its type is an `Option`.
pub(crate) fn read<T: DeserializeOwned>(given: &mut Map<String, Value>, param: &ParamDef) -> Result<T, Error> {
    let name = param.name;
    let value = match (given.remove(name), param.default) {
        (Some(value), _) => value,
        (None, Some(default)) => default(),
        (None, None) => {
            return T::deserialize(Value::Null).map_err(|_| refuse(format!("missing parameter `{name}`")));
        }
    };
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = match error.path().to_string() {
            path if path == "." => name.to_owned(),
            path if path.starts_with('[') => format!("{name}{path}"),
            path => format!("{name}.{path}"),
        };
        refuse(format!("parameter `{path}`: {}", error.inner()))
    })
}

/// Describes the parameters of a flow as Prefect's UI expects it.
pub(crate) fn schema(def: &FlowDef) -> Value {
    let mut generator = schemars::generate::SchemaSettings::draft07()
        .with(|settings| settings.definitions_path = "/definitions".into())
        .into_generator();
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (position, param) in def.params.iter().enumerate() {
        let mut property = Value::from((param.schema)(&mut generator));
        if !property.is_object() {
            property = json!({});
        }
        let is_option =
            property.get("type").and_then(Value::as_array).is_some_and(|types| types.contains(&json!("null")))
                || property
                    .get("anyOf")
                    .and_then(Value::as_array)
                    .is_some_and(|any| any.contains(&json!({"type": "null"})));
        property["title"] = json!(param.name);
        property["position"] = json!(position);
        if !param.description.is_empty() {
            property["description"] = json!(param.description);
        }
        match param.default {
            Some(default) => property["default"] = default(),
            None if is_option => property["default"] = Value::Null,
            None => required.push(json!(param.name)),
        }
        properties.insert(param.name.to_owned(), property);
    }
    let definitions = generator.take_definitions(true);
    let mut schema = json!({"title": "Parameters", "type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = Value::Array(required);
    }
    if !definitions.is_empty() {
        schema["definitions"] = Value::Object(definitions);
    }
    schema
}
