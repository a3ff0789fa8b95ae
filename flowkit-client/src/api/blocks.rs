//! Blocks: typed, named settings, their types and their schemas.

use uuid::Uuid;

use crate::model::{
    BlockDocument, BlockDocumentCreate, BlockDocumentQuery, BlockDocumentUpdate, BlockSchema, BlockSchemaCreate,
    BlockSchemaQuery, BlockType, BlockTypeCreate, BlockTypeUpdate,
};
use crate::request::{Ignored, Method, Request, segment};

/// Creates a block type. A name or slug that exists already is a conflict (409).
pub fn create_type(kind: &BlockTypeCreate) -> Request<BlockType> {
    Request::new(Method::Post, "/block_types/").json(kind)
}

/// Reads a block type by its slug.
pub fn read_type(slug: &str) -> Request<BlockType> {
    Request::new(Method::Get, format!("/block_types/slug/{}", segment(slug)))
}

/// Changes what is shown of a block type.
pub fn update_type(id: Uuid, update: &BlockTypeUpdate) -> Request<Ignored> {
    Request::new(Method::Patch, format!("/block_types/{id}")).json(update)
}

/// Creates a block schema, or gives the one with the same checksum and version.
pub fn create_schema(schema: &BlockSchemaCreate) -> Request<BlockSchema> {
    Request::new(Method::Post, "/block_schemas/").json(schema)
}

/// Reads the block schemas that a query asks for, the newest first.
pub fn filter_schemas(query: &BlockSchemaQuery) -> Request<Vec<BlockSchema>> {
    Request::new(Method::Post, "/block_schemas/filter").json(query)
}

/// Creates a block. A name that its type has already is a conflict (409).
pub fn create(block: &BlockDocumentCreate) -> Request<BlockDocument> {
    Request::new(Method::Post, "/block_documents/").json(block)
}

/// Changes a block.
pub fn update(id: Uuid, update: &BlockDocumentUpdate) -> Request<Ignored> {
    Request::new(Method::Patch, format!("/block_documents/{id}")).json(update)
}

/// Reads a block by its type and its name, with its secrets or with their masks.
pub fn read(slug: &str, name: &str, include_secrets: bool) -> Request<BlockDocument> {
    let path = format!("/block_types/slug/{}/block_documents/name/{}", segment(slug), segment(name));
    Request::new(Method::Get, path).query("include_secrets", include_secrets.to_string())
}

/// Reads the blocks that a query asks for, with the masks of their secrets.
pub fn filter(query: &BlockDocumentQuery) -> Request<Vec<BlockDocument>> {
    Request::new(Method::Post, "/block_documents/filter").json(query)
}

/// Deletes a block.
pub fn delete(id: Uuid) -> Request<Ignored> {
    Request::new(Method::Delete, format!("/block_documents/{id}"))
}
