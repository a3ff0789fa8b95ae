//! Blocks that hold one value: Prefect's `secret`, and the `json` and `date-time` of its earlier versions.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::kind::{Block, BlockForm, BlockType, fields_of, read};
use crate::blocks::Fields;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::secret::{Secret, Sensitive};

#[derive(Serialize)]
struct Held<'a, T> {
    value: &'a T,
}

#[derive(Deserialize)]
struct Holding<T> {
    value: T,
}

/// Prefect's `Secret`: a text or any other JSON that is hidden in the UI.
///
/// Text that holds JSON, as Prefect's UI makes it of what people enter, can be read as what it says.
impl<T> Block for Secret<T>
where
    T: Sensitive + DeserializeOwned,
    Secret<T>: BlockForm,
{
    const TYPE: BlockType = BlockType::new("Secret", "secret").system();

    fn fields(&self) -> Result<Fields, Error> {
        fields_of(&Held { value: self })
    }

    fn from_fields(fields: Fields) -> Result<Self, Error> {
        let said = fields.get("value").and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok());
        read::<Holding<Self>>(fields).map(|holding| holding.value).or_else(|error| {
            let of_text = |said: Value| read(Fields::from_iter([("value".to_owned(), said)])).ok();
            said.and_then(of_text).map(|holding: Holding<Self>| holding.value).ok_or(error)
        })
    }

    fn schema() -> Fields {
        one_value("Secret", json!({"title": "Value", "format": "password", "writeOnly": true}))
    }
}

/// A JSON value that is saved as a block of Prefect's type `json`. New programs use a [`variable`](crate::variable).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json(pub Value);

impl Block for Json {
    const TYPE: BlockType = BlockType::new("JSON", "json").description("A block that represents JSON").system();

    fn fields(&self) -> Result<Fields, Error> {
        fields_of(&Held { value: &self.0 })
    }

    fn from_fields(fields: Fields) -> Result<Self, Error> {
        read::<Holding<Self>>(fields).map(|holding| holding.value)
    }

    fn schema() -> Fields {
        let value = json!({"title": "Value", "description": "A JSON-compatible value."});
        one_value("JSON", value)
    }
}

/// A moment that is saved as a block of Prefect's type `date-time`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DateTime(pub Timestamp);

impl Block for DateTime {
    const TYPE: BlockType =
        BlockType::new("Date Time", "date-time").description("A block that represents a datetime").system();

    fn fields(&self) -> Result<Fields, Error> {
        fields_of(&Held { value: &self.0.to_string() })
    }

    fn from_fields(fields: Fields) -> Result<Self, Error> {
        read::<Holding<Self>>(fields).map(|holding| holding.value)
    }

    fn schema() -> Fields {
        let value = json!({"title": "Value", "type": "string", "format": "date-time", "description": "An ISO 8601-compatible datetime value."});
        one_value("DateTime", value)
    }
}

impl JsonSchema for Json {
    fn schema_name() -> Cow<'static, str> {
        "JSON".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Value::json_schema(generator)
    }
}

impl JsonSchema for DateTime {
    fn schema_name() -> Cow<'static, str> {
        "DateTime".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"type": "string", "format": "date-time"})
    }
}

/// The schema of a block with the field `value` alone.
fn one_value(title: &str, value: Value) -> Fields {
    let schema = json!({"title": title, "type": "object", "properties": {"value": value}, "required": ["value"]});
    match schema {
        Value::Object(schema) => schema,
        _ => Fields::new(),
    }
}
