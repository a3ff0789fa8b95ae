//! Blocks in the file: memory answers, and the file follows. What has a secret is encrypted in both.

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use rusqlite::{Connection, Row, params};
use serde_json::Value;
use uuid::Uuid;

use super::change::Change;
use super::statements::Rows;
use super::{Embedded, rows, schema};
use crate::blocks::{BlockData, Blocks, FoundBlock, KeptBlock, NewBlock, told};
use crate::clock::Timestamp;
use crate::error::Error;

impl Blocks for Embedded {
    fn save_block(&self, new: NewBlock) -> BoxFuture<'_, Result<Uuid, Error>> {
        async move {
            let what = told(&new.kind.slug, &new.name);
            let save = || {
                let block = self.memory.save_known_block(new, |new, id| self.seal.close(new, id))?;
                Ok((block.id, Some(Change::Block(block))))
            };
            self.change(save, &what).await
        }
        .boxed()
    }

    fn block(&self, slug: String, name: String) -> BoxFuture<'_, Result<Option<FoundBlock>, Error>> {
        ready(self.memory.known_block(&slug, &name, |block| self.seal.open(block))).boxed()
    }

    fn types_of_block(&self, name: String) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        ready(Ok(self.memory.types_of_known_block(&name))).boxed()
    }

    fn delete_block(&self, slug: String, name: String) -> BoxFuture<'_, Result<bool, Error>> {
        async move {
            let what = told(&slug, &name);
            let delete = || {
                let was_there = self.memory.delete_known_block(&slug, &name);
                Ok((was_there, was_there.then_some(Change::NoBlock { slug, name })))
            };
            self.change(delete, &what).await
        }
        .boxed()
    }
}

impl Rows<'_> {
    pub(super) fn save_block(&mut self, block: &KeptBlock) -> rusqlite::Result<()> {
        let (data, sealed) = match &block.data {
            BlockData::Plain(fields) => (Some(Value::Object(fields.clone()).to_string()), None),
            BlockData::Sealed(sealed) => (None, Some(sealed)),
        };
        self.connection
            .prepare_cached(
                "INSERT INTO block VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(slug, name) DO UPDATE SET
                 id = excluded.id, data = excluded.data, sealed = excluded.sealed, secret_fields = excluded.secret_fields,
                 created = excluded.created, updated = excluded.updated",
            )?
            .execute(params![
                block.slug,
                block.name,
                block.id.as_bytes(),
                data,
                sealed,
                rows::tags(&block.secret_fields),
                block.created.unix_micros(),
                block.updated.unix_micros(),
            ])
            .map(drop)
    }

    pub(super) fn delete_block(&mut self, slug: &str, name: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached("DELETE FROM block WHERE slug = ? AND name = ?")?.execute([slug, name]).map(drop)
    }
}

/// Lists the blocks.
pub(super) fn blocks(file: &Connection) -> rusqlite::Result<Vec<KeptBlock>> {
    if schema::version(file)? < schema::WITH_BLOCKS {
        return Ok(Vec::new());
    }
    let mut statement = file.prepare_cached("SELECT * FROM block")?;
    statement.query_map([], block)?.collect()
}

fn block(row: &Row<'_>) -> rusqlite::Result<KeptBlock> {
    let moment = |column| row.get(column).map(Timestamp::from_unix_micros);
    let (data, sealed): (Option<String>, Option<String>) = (row.get("data")?, row.get("sealed")?);
    let secret_fields: Option<String> = row.get("secret_fields")?;
    let plain = || data.and_then(|data| serde_json::from_str(&data).ok()).unwrap_or_default();
    Ok(KeptBlock {
        id: Uuid::from_bytes(row.get("id")?),
        slug: row.get("slug")?,
        name: row.get("name")?,
        data: sealed.map_or_else(|| BlockData::Plain(plain()), BlockData::Sealed),
        secret_fields: secret_fields.and_then(|fields| serde_json::from_str(&fields).ok()).unwrap_or_default(),
        created: moment("created")?,
        updated: moment("updated")?,
    })
}
