//! A field of a block that is another block.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use uuid::Uuid;

use super::kind::{Block, kind_of};
use super::schema::KIND;
use crate::blocks::{Fields, ID, NAME, reference};

/// A block in another block: a field of type `Nested<Credentials>`, or `Option<Nested<Credentials>>`.
///
/// One that was loaded, by [`block::nested`](super::nested) or as a part of another block, is saved as a reference: whoever
/// loads the outer block finds what the inner one holds by then. One that was made from a value is saved in its place.
/// It can be used as what it holds.
///
/// ```
/// use flowkit::block::Nested;
/// # use flowkit::block::Webhook;
/// let inner = Nested::from(Webhook::new("https://example.com/hook"));
/// assert_eq!(inner.method, "POST");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Nested<T> {
    block: T,
    document: Option<(Uuid, Option<String>)>,
}

impl<T> Nested<T> {
    pub(super) fn saved(block: T, id: Uuid, name: String) -> Self {
        Self { block, document: Some((id, Some(name))) }
    }

    /// Returns the name under which it was saved, if it was.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.document.as_ref().and_then(|(_, name)| name.as_deref())
    }

    /// Returns what it holds.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.block
    }
}

impl<T> From<T> for Nested<T> {
    fn from(block: T) -> Self {
        Self { block, document: None }
    }
}

impl<T> Deref for Nested<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.block
    }
}

impl<T: fmt::Debug> fmt::Debug for Nested<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.block.fmt(f)
    }
}

impl<T: Block> Serialize for Nested<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some((id, _)) = &self.document {
            return reference(*id).serialize(serializer);
        }
        let mut fields = match serde_json::to_value(&self.block).map_err(S::Error::custom)? {
            Value::Object(fields) => fields,
            _ => return Err(S::Error::custom("a block is a struct with named fields")),
        };
        // By which Python finds the class.
        fields.insert(SLUG.to_owned(), T::TYPE.slug().into());
        fields.serialize(serializer)
    }
}

impl<'de, T: Block> Deserialize<'de> for Nested<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Fields::deserialize(deserializer)?;
        let id = fields.remove(ID).and_then(|id| serde_json::from_value(id).ok());
        let name = fields.remove(NAME).and_then(|name| name.as_str().map(str::to_owned));
        fields.remove("_is_anonymous");
        let slug = fields.remove(SLUG);
        if slug.is_some_and(|slug| slug != T::TYPE.slug()) {
            return Err(D::Error::custom(format!(
                "invalid value: another block, expected a block of type `{}`",
                T::TYPE.slug()
            )));
        }
        let block = T::from_fields(fields).map_err(D::Error::custom)?;
        Ok(Self { block, document: id.map(|id| (id, name)) })
    }
}

/// Under which name the type of a block stands in one that it is in.
const SLUG: &str = "block_type_slug";

impl<T: Block> JsonSchema for Nested<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Nested_{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let kind = kind_of::<T>();
        let mut schema = kind.schema.clone();
        if let Some(Value::Object(definitions)) = schema.remove("definitions") {
            generator.definitions_mut().extend(definitions);
        }
        if let Ok(kind) = serde_json::to_value(&kind) {
            schema.insert(KIND.to_owned(), kind);
        }
        let name = T::schema_name();
        generator.definitions_mut().insert(name.clone().into_owned(), schema.into());
        json_schema!({"$ref": format!("#/definitions/{name}")})
    }
}
