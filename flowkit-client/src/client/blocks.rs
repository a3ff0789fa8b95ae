//! The calls about blocks.

use uuid::Uuid;

use super::Client;
use crate::api::blocks;
use crate::error::Error;
use crate::model::{
    BlockDocument, BlockDocumentCreate, BlockDocumentQuery, BlockDocumentUpdate, BlockSchema, BlockSchemaCreate,
    BlockSchemaQuery, BlockType, BlockTypeCreate, BlockTypeUpdate,
};

/// The calls about blocks. All of them fail as [`Client::send`] does.
#[expect(clippy::missing_errors_doc, reason = "said once for all of them")]
impl Client {
    /// Creates a block type.
    pub async fn create_block_type(&self, kind: &BlockTypeCreate) -> Result<BlockType, Error> {
        self.send(blocks::create_type(kind)).await
    }

    /// Reads a block type by its slug; `None` if there is none.
    pub async fn read_block_type(&self, slug: &str) -> Result<Option<BlockType>, Error> {
        self.send_opt(blocks::read_type(slug)).await
    }

    /// Changes what is shown of a block type.
    pub async fn update_block_type(&self, id: Uuid, update: &BlockTypeUpdate) -> Result<(), Error> {
        self.send(blocks::update_type(id, update)).await.map(drop)
    }

    /// Creates a block schema, or gives the one with the same checksum and version.
    pub async fn create_block_schema(&self, schema: &BlockSchemaCreate) -> Result<BlockSchema, Error> {
        self.send(blocks::create_schema(schema)).await
    }

    /// Reads the block schemas that a query asks for, the newest first.
    pub async fn filter_block_schemas(&self, query: &BlockSchemaQuery) -> Result<Vec<BlockSchema>, Error> {
        self.send(blocks::filter_schemas(query)).await
    }

    /// Creates a block.
    pub async fn create_block(&self, block: &BlockDocumentCreate) -> Result<BlockDocument, Error> {
        self.send(blocks::create(block)).await
    }

    /// Changes a block.
    pub async fn update_block(&self, id: Uuid, update: &BlockDocumentUpdate) -> Result<(), Error> {
        self.send(blocks::update(id, update)).await.map(drop)
    }

    /// Reads a block by its type and its name, with its secrets; `None` if there is none.
    pub async fn read_block_with_secrets(&self, slug: &str, name: &str) -> Result<Option<BlockDocument>, Error> {
        self.send_opt(blocks::read(slug, name, true)).await
    }

    /// Reads a block by its type and its name, with the masks of its secrets; `None` if there is none.
    pub async fn read_block(&self, slug: &str, name: &str) -> Result<Option<BlockDocument>, Error> {
        self.send_opt(blocks::read(slug, name, false)).await
    }

    /// Reads the blocks that a query asks for, with the masks of their secrets.
    pub async fn filter_blocks(&self, query: &BlockDocumentQuery) -> Result<Vec<BlockDocument>, Error> {
        self.send(blocks::filter(query)).await
    }

    /// Deletes a block.
    pub async fn delete_block(&self, id: Uuid) -> Result<(), Error> {
        self.send(blocks::delete(id)).await.map(drop)
    }
}
