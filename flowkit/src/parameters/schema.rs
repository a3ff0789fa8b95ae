//! The schema of a flow's parameters, in the form that Prefect's UI makes a page of. Pure.
//!
//! The UI is made for what pydantic writes. schemars writes some things in another way, which means the same and which
//! the UI does not show as well; those are rewritten.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::def::FlowDef;

/// Describes the parameters of a flow.
pub(crate) fn schema(def: &FlowDef) -> Value {
    let mut generator = generator();
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (position, param) in def.params.iter().enumerate() {
        let mut property = Value::from((param.schema)(&mut generator));
        if !property.is_object() {
            property = json!({});
        }
        as_pydantic(&mut property);
        property["title"] = json!(param.name);
        property["position"] = json!(position);
        if !param.description.is_empty() {
            property["description"] = json!(param.description);
        }
        match param.default {
            Some(default) => property["default"] = default(),
            None if is_option(&property) => property["default"] = Value::Null,
            None => required.push(json!(param.name)),
        }
        properties.insert(param.name.to_owned(), property);
    }
    let mut definitions = generator.take_definitions(true);
    rewrite(&mut definitions);
    let mut schema = json!({"title": "Parameters", "type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = Value::Array(required);
    }
    if !definitions.is_empty() {
        schema["definitions"] = Value::Object(definitions);
    }
    schema
}

/// Describes one type, with the definitions that it needs.
pub(crate) fn schema_of<T: JsonSchema>() -> Map<String, Value> {
    let Value::Object(mut schema) = generator().into_root_schema_for::<T>().into() else { return Map::new() };
    schema.remove("$schema");
    if let Some(Value::Object(definitions)) = schema.get_mut("definitions") {
        rewrite(definitions);
    }
    let mut schema = Value::Object(schema);
    as_pydantic(&mut schema);
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}

fn generator() -> SchemaGenerator {
    let settings = schemars::generate::SchemaSettings::draft07();
    settings.with(|settings| settings.definitions_path = "/definitions".into()).into_generator()
}

fn rewrite(definitions: &mut Map<String, Value>) {
    for (name, definition) in definitions {
        as_pydantic(definition);
        title(definition, name);
    }
}

fn is_option(property: &Value) -> bool {
    let any = property.get("anyOf").and_then(Value::as_array);
    any.is_some_and(|any| any.contains(&json!({"type": "null"})))
}

fn title(schema: &mut Value, name: &str) {
    if let Value::Object(schema) = schema {
        schema.entry("title").or_insert_with(|| name.into());
    }
}

/// Rewrites a schema and all that are in it.
fn as_pydantic(schema: &mut Value) {
    let Value::Object(object) = schema else { return };
    formats(object);
    choices(object);
    one_of_all(object);
    nullable(object);
    for key in ["items", "additionalProperties", "not"] {
        if let Some(inner) = object.get_mut(key) {
            as_pydantic(inner);
        }
    }
    for key in ["anyOf", "oneOf", "allOf", "prefixItems", "items"] {
        if let Some(Value::Array(inner)) = object.get_mut(key) {
            inner.iter_mut().for_each(as_pydantic);
        }
    }
    let required = object.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        for (name, property) in properties {
            as_pydantic(property);
            title(property, &words(name));
            if is_option(property) && !required.contains(&json!(name)) && property.get("default").is_none() {
                property["default"] = Value::Null;
            }
        }
    }
}

/// Names of formats: those of numbers tell the width, which JSON does not have; those of times without a zone are
/// called the same.
fn formats(object: &mut Map<String, Value>) {
    let format = match object.get("format").and_then(Value::as_str) {
        Some("partial-date-time") => "date-time",
        Some("partial-time") => "time",
        Some(format) if format.starts_with("int") || format.starts_with("uint") => "",
        Some("float" | "double") => "",
        _ => return,
    };
    if format.is_empty() {
        object.remove("format");
    } else {
        object.insert("format".to_owned(), format.into());
    }
}

/// An enum whose variants have comments is a list of constants; as one enum it can be chosen from.
fn choices(object: &mut Map<String, Value>) {
    let constant = |choice: &Value| match (choice.get("const"), choice.get("enum")) {
        (Some(value), _) => Some(vec![value.clone()]),
        (None, Some(Value::Array(values))) if choice.get("type") == Some(&json!("string")) => Some(values.clone()),
        _ => None,
    };
    let Some(Value::Array(variants)) = object.get("oneOf") else { return };
    let Some(values) = variants.iter().map(constant).collect::<Option<Vec<_>>>() else { return };
    let values: Vec<Value> = values.into_iter().flatten().collect();
    object.remove("oneOf");
    if values.iter().all(Value::is_string) {
        object.insert("type".to_owned(), "string".into());
    }
    object.insert("enum".to_owned(), values.into());
}

/// `{"allOf": [{"$ref": ..}], ..}` is `{"$ref": .., ..}`.
fn one_of_all(object: &mut Map<String, Value>) {
    let Some(Value::Array(all)) = object.get("allOf") else { return };
    let [Value::Object(only)] = &all[..] else { return };
    let only = only.clone();
    object.remove("allOf");
    for (key, value) in only {
        object.entry(key).or_insert(value);
    }
}

/// `{"type": ["string", "null"], ..}` is `{"anyOf": [{"type": "string", ..}, {"type": "null"}]}`.
fn nullable(object: &mut Map<String, Value>) {
    let Some(Value::Array(types)) = object.get("type") else { return };
    let (null, others): (Vec<_>, Vec<_>) = types.iter().cloned().partition(|kind| *kind == json!("null"));
    let [only] = &others[..] else { return };
    if null.is_empty() {
        return;
    }
    let mut inner = std::mem::take(object);
    inner.insert("type".to_owned(), only.clone());
    if let Some(Value::Array(values)) = inner.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    for key in ["title", "description", "default"] {
        if let Some(value) = inner.remove(key) {
            object.insert(key.to_owned(), value);
        }
    }
    object.insert("anyOf".to_owned(), json!([inner, {"type": "null"}]));
}

/// `retry_delay` is `Retry Delay`.
fn words(name: &str) -> String {
    let word = |word: &str| {
        let mut chars = word.chars();
        chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
    };
    name.split('_').map(word).collect::<Vec<_>>().join(" ")
}
