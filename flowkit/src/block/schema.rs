//! The schema of a type of blocks in the form that Prefect has it: positions, secret fields, and which fields are blocks.
//! Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::blocks::{BlockKind, DEEPEST, Fields};

/// Under which key the definition of a block tells its type, until it is taken out.
pub(super) const KIND: &str = "x-flowkit-block";

/// What a schema comes to.
#[derive(Debug, Default)]
pub(super) struct Described {
    pub(super) schema: Fields,
    pub(super) secret_fields: Vec<String>,
    /// The fields that are blocks.
    pub(super) nested: Vec<(String, BlockKind)>,
}

/// Makes the schema of a block from that of its struct, whose fields were declared in this order.
pub(super) fn of_block(mut schema: Fields, slug: &str, description: Option<&str>, order: &[&str]) -> Described {
    let kinds = take_kinds(&mut schema);
    let definitions = schema.get("definitions").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut described = Described::default();
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        let place = |name: &str| order.iter().position(|known| *known == name).unwrap_or(usize::MAX);
        let mut names: Vec<String> = properties.keys().cloned().collect();
        names.sort_by_key(|name| place(name));
        for (position, name) in names.into_iter().enumerate() {
            let Some(Value::Object(property)) = properties.get_mut(&name) else { continue };
            secrets(&name, property, &definitions, &mut described.secret_fields, 0);
            // As pydantic has it.
            if property.contains_key("$ref") {
                property.remove("title");
            }
            property.insert("position".to_owned(), position.into());
            let kind = definitions_of(property).find_map(|definition| kinds.get(definition)).cloned();
            described.nested.extend(kind.map(|kind| (name, kind)));
        }
    }
    schema.remove("description");
    schema.extend(description.map(|description| ("description".to_owned(), description.into())));
    schema.insert("type".to_owned(), "object".into());
    schema.entry("properties").or_insert_with(|| json!({}));
    schema.insert("block_type_slug".to_owned(), slug.into());
    schema.insert("secret_fields".to_owned(), json!(described.secret_fields));
    let mut schema = Value::Object(schema);
    drop_key(&mut schema, "additionalProperties");
    if let Value::Object(schema) = schema {
        described.schema = schema;
    }
    described
}

/// Takes the types of blocks out of the definitions.
fn take_kinds(schema: &mut Fields) -> BTreeMap<String, BlockKind> {
    let Some(Value::Object(definitions)) = schema.get_mut("definitions") else { return BTreeMap::new() };
    let taken = definitions.iter_mut().filter_map(|(name, definition)| {
        let kind = definition.as_object_mut()?.remove(KIND)?;
        Some((name.clone(), serde_json::from_value(kind).ok()?))
    });
    taken.collect()
}

/// The schemas that a value has one of.
fn choices(schema: &Fields) -> impl Iterator<Item = &Fields> {
    let lists = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|key| schema.get(key)?.as_array()).flatten();
    lists.filter_map(Value::as_object)
}

/// The definitions that a field refers to.
fn definitions_of(property: &Fields) -> impl Iterator<Item = &str> {
    std::iter::once(property).chain(choices(property)).filter_map(definition_of)
}

/// The definition that a schema refers to.
fn definition_of(schema: &Fields) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/definitions/")
}

/// Collects which fields are secret.
fn secrets(path: &str, schema: &Fields, definitions: &Fields, found: &mut Vec<String>, depth: usize) {
    if depth > DEEPEST {
        return;
    }
    let mut add = |path: String| {
        if !found.contains(&path) {
            found.push(path);
        }
    };
    if schema.get("writeOnly") == Some(&json!(true)) {
        let is_object = schema.get("type") == Some(&json!("object"));
        return add(if is_object { format!("{path}.*") } else { path.to_owned() });
    }
    if let Some(Value::Object(definition)) = definition_of(schema).and_then(|name| definitions.get(name)) {
        if let Some(Value::Array(inner)) = definition.get("secret_fields") {
            inner.iter().filter_map(Value::as_str).for_each(|inner| add(format!("{path}.{inner}")));
        } else {
            properties_of(path, definition, definitions, found, depth);
        }
        return;
    }
    properties_of(path, schema, definitions, found, depth);
    let items = schema.get("items").and_then(Value::as_object);
    for inner in choices(schema).chain(items) {
        secrets(path, inner, definitions, found, depth + 1);
    }
}

fn properties_of(path: &str, schema: &Fields, definitions: &Fields, found: &mut Vec<String>, depth: usize) {
    let Some(Value::Object(properties)) = schema.get("properties") else { return };
    for (name, property) in properties {
        if let Value::Object(property) = property {
            secrets(&format!("{path}.{name}"), property, definitions, found, depth + 1);
        }
    }
}

/// Removes a key everywhere, as Prefect does with the schemas of blocks.
fn drop_key(schema: &mut Value, key: &str) {
    match schema {
        Value::Object(fields) => {
            fields.remove(key);
            fields.values_mut().for_each(|value| drop_key(value, key));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| drop_key(value, key)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
