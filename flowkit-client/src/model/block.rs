//! Blocks: typed, named settings, their types and their schemas.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::JsonObject;

/// Creates a block type.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BlockTypeCreate {
    /// The name that people see.
    pub name: String,
    /// The name in paths: lowercase letters, digits and dashes.
    pub slug: String,
    /// What is shown of it.
    #[serde(flatten)]
    pub shown: BlockTypeUpdate,
}

/// What is shown of a block type; what is not set stays as it is.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct BlockTypeUpdate {
    /// The address of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_url: Option<String>,
    /// The address of its documentation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documentation_url: Option<String>,
    /// The description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// An example of its use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_example: Option<String>,
}

/// Describes a block type.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct BlockType {
    /// The id.
    pub id: Uuid,
    /// The name that people see.
    pub name: String,
    /// The name in paths.
    pub slug: String,
    /// The address of a picture.
    #[serde(default)]
    pub logo_url: Option<String>,
    /// The address of its documentation.
    #[serde(default)]
    pub documentation_url: Option<String>,
    /// The description.
    #[serde(default)]
    pub description: Option<String>,
    /// An example of its use.
    #[serde(default)]
    pub code_example: Option<String>,
    /// Whether it belongs to the server.
    #[serde(default)]
    pub is_protected: bool,
}

/// Creates a block schema.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BlockSchemaCreate {
    /// The JSON schema of the fields, with Prefect's additions.
    pub fields: JsonObject,
    /// The type that it is of.
    pub block_type_id: Uuid,
    /// What blocks of it can do.
    pub capabilities: Vec<String>,
    /// The version.
    pub version: String,
}

/// Describes a block schema.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct BlockSchema {
    /// The id.
    pub id: Uuid,
    /// A hash of the fields.
    pub checksum: String,
    /// The JSON schema of the fields, with Prefect's additions.
    #[serde(default, deserialize_with = "super::or_default")]
    pub fields: JsonObject,
    /// The type that it is of.
    pub block_type_id: Uuid,
}

/// Asks for block schemas.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BlockSchemaQuery {
    block_schemas: OfType,
    limit: u32,
}

impl BlockSchemaQuery {
    /// Asks for the newest schema of a type.
    #[must_use]
    pub fn newest_of(block_type: Uuid) -> Self {
        Self { block_schemas: OfType { block_type_id: AnyOf { any_: vec![block_type] } }, limit: 1 }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct OfType {
    block_type_id: AnyOf<Uuid>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct AnyOf<T> {
    any_: Vec<T>,
}

/// Creates a block.
#[derive(Clone, PartialEq, Serialize)]
pub struct BlockDocumentCreate {
    /// The name: lowercase letters, digits and dashes.
    pub name: String,
    /// What it holds, secrets as they are.
    pub data: JsonObject,
    /// Its schema.
    pub block_schema_id: Uuid,
    /// Its type.
    pub block_type_id: Uuid,
}

/// Replaces what a block holds.
#[derive(Clone, PartialEq, Serialize)]
pub struct BlockDocumentUpdate {
    /// What it holds, secrets as they are.
    pub data: JsonObject,
    /// Its schema.
    pub block_schema_id: Uuid,
    /// Whether fields that are not told stay as they are.
    pub merge_existing_data: bool,
}

/// Asks for blocks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BlockDocumentQuery {
    block_documents: Named,
    limit: u32,
}

impl BlockDocumentQuery {
    /// Asks for the blocks of a name, whatever their types.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self { block_documents: Named { name: AnyOf { any_: vec![name.into()] } }, limit: super::MAX_LIMIT }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Named {
    name: AnyOf<String>,
}

/// Describes a block.
#[derive(Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct BlockDocument {
    /// The id.
    pub id: Uuid,
    /// The name.
    #[serde(default)]
    pub name: Option<String>,
    /// What it holds, the blocks that it refers to included.
    #[serde(default, deserialize_with = "super::or_default")]
    pub data: JsonObject,
    /// Its schema.
    #[serde(default)]
    pub block_schema: Option<BlockSchema>,
    /// Its type.
    #[serde(default)]
    pub block_type: Option<BlockType>,
    /// The blocks that it refers to, by field.
    #[serde(default, deserialize_with = "super::or_default")]
    pub block_document_references: BTreeMap<String, BlockReference>,
}

/// Tells which block a field refers to.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct BlockReference {
    /// The block.
    pub block_document: ReferredBlock,
}

/// A block that another one refers to, without what it holds.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ReferredBlock {
    /// The id.
    pub id: Uuid,
    /// The name.
    #[serde(default)]
    pub name: Option<String>,
    /// The blocks that it refers to, by field.
    #[serde(default, deserialize_with = "super::or_default")]
    pub block_document_references: BTreeMap<String, BlockReference>,
}

// What blocks hold may be secret.

impl fmt::Debug for BlockDocumentCreate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockDocumentCreate").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for BlockDocumentUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockDocumentUpdate").field("schema", &self.block_schema_id).finish_non_exhaustive()
    }
}

impl fmt::Debug for BlockDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockDocument").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_block_holds_is_not_shown() {
        let data = JsonObject::from_iter([("token".to_owned(), json!("hunter2"))]);
        let id = Uuid::nil();
        let new =
            BlockDocumentCreate { name: "a".to_owned(), data: data.clone(), block_schema_id: id, block_type_id: id };
        let update = BlockDocumentUpdate { data, block_schema_id: id, merge_existing_data: false };
        let read: BlockDocument =
            serde_json::from_value(json!({"id": id, "name": "a", "data": {"token": "hunter2"}})).expect("a block");
        let shown = format!("{new:?} {update:?} {read:?}");
        assert!(shown.contains("BlockDocumentCreate") && !shown.contains("hunter2"), "{shown}");
    }
}
