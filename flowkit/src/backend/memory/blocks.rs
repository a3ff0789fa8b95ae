//! The blocks of this process.

use std::collections::BTreeMap;
use std::sync::Mutex;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use uuid::Uuid;

use crate::backend::memory::Memory;
use crate::blocks::{
    BlockData, Blocks, DEEPEST, Fields, FoundBlock, ID, KeptBlock, NAME, NewBlock, exists, referred, told,
};
use crate::clock;
use crate::error::{Error, ErrorKind};
use crate::run::lock;
use crate::variables::Existing;

/// How many there may be: what is in memory stays bounded, and none may be forgotten for another.
const MOST: usize = 10_000;

/// Blocks by the slugs of their types and their names.
#[derive(Debug, Default)]
pub(super) struct Saved(Mutex<BTreeMap<(String, String), KeptBlock>>);

impl Memory {
    /// Takes over what an earlier process has saved.
    #[cfg(feature = "embedded")]
    pub(crate) fn recall_blocks(&self, blocks: Vec<KeptBlock>) {
        lock(&self.blocks.0).extend(blocks.into_iter().map(|block| ((block.slug.clone(), block.name.clone()), block)));
    }

    /// Saves a block in the form that `close` gives to what it holds, and gives what it is now.
    pub(crate) fn save_known_block(
        &self,
        new: NewBlock,
        close: impl FnOnce(&NewBlock, Uuid) -> Result<BlockData, Error>,
    ) -> Result<KeptBlock, Error> {
        let mut known = lock(&self.blocks.0);
        let key = (new.kind.slug.clone(), new.name.clone());
        let before = known.get(&key);
        if before.is_some() && new.existing == Existing::Refused {
            return Err(exists(&key.0, &key.1));
        }
        if before.is_none() && known.len() >= MOST {
            let why = format!("there are {MOST} blocks already, and no room for {}", told(&key.0, &key.1));
            return Err(Error::new(ErrorKind::Refused, why));
        }
        let gone = |id: &Uuid| !known.values().any(|block| block.id == *id);
        if new.data.values().filter_map(referred).any(|id| gone(&id)) {
            let why = format!("{} refers to a block that is not there", told(&key.0, &key.1));
            return Err(Error::new(ErrorKind::NotFound, why));
        }
        let now = clock::now();
        let id = before.map_or_else(Uuid::new_v4, |before| before.id);
        let created = before.map_or(now, |before| before.created);
        let data = close(&new, id)?;
        let (slug, name) = key.clone();
        let secret_fields = new.kind.secret_fields;
        let block = KeptBlock { id, slug, name, data, secret_fields, created, updated: now };
        known.insert(key, block.clone());
        Ok(block)
    }

    /// Finds a block; `open` gives what one holds.
    pub(crate) fn known_block(
        &self,
        slug: &str,
        name: &str,
        open: impl Fn(&KeptBlock) -> Result<Fields, Error>,
    ) -> Result<Option<FoundBlock>, Error> {
        let known = lock(&self.blocks.0);
        let Some(block) = known.get(&(slug.to_owned(), name.to_owned())) else { return Ok(None) };
        let data = whole(&known, block, &open, 0)?;
        Ok(Some(FoundBlock { id: block.id, data, secret_fields: block.secret_fields.clone() }))
    }

    pub(crate) fn types_of_known_block(&self, name: &str) -> Vec<String> {
        lock(&self.blocks.0).keys().filter(|(_, known)| known == name).map(|(slug, _)| slug.clone()).collect()
    }

    /// Removes a block; tells whether there was one.
    pub(crate) fn delete_known_block(&self, slug: &str, name: &str) -> bool {
        lock(&self.blocks.0).remove(&(slug.to_owned(), name.to_owned())).is_some()
    }
}

/// What a block holds, with what it refers to in the place of references.
fn whole(
    known: &BTreeMap<(String, String), KeptBlock>,
    block: &KeptBlock,
    open: &impl Fn(&KeptBlock) -> Result<Fields, Error>,
    depth: usize,
) -> Result<Fields, Error> {
    let refuse = |why: &str| Error::new(ErrorKind::NotFound, format!("{} {why}", told(&block.slug, &block.name)));
    if depth > DEEPEST {
        return Err(refuse("refers to itself, by way of others"));
    }
    let mut data = open(block)?;
    for value in data.values_mut() {
        let Some(id) = referred(value) else { continue };
        let inner = known.values().find(|known| known.id == id);
        let inner = inner.ok_or_else(|| refuse("refers to a block that is gone"))?;
        let mut fields = whole(known, inner, open, depth + 1)?;
        fields.insert(ID.to_owned(), id.to_string().into());
        fields.insert(NAME.to_owned(), inner.name.clone().into());
        *value = fields.into();
    }
    Ok(data)
}

/// What a block of this process holds.
fn plain(block: &KeptBlock) -> Result<Fields, Error> {
    match &block.data {
        BlockData::Plain(fields) => Ok(fields.clone()),
        BlockData::Sealed(_) => {
            let why = format!("{} is encrypted, and there is no key in memory", told(&block.slug, &block.name));
            Err(Error::new(ErrorKind::Backend, why))
        }
    }
}

impl Blocks for Memory {
    fn save_block(&self, new: NewBlock) -> BoxFuture<'_, Result<Uuid, Error>> {
        let saved = self.save_known_block(new, |new, _| Ok(BlockData::Plain(new.data.clone())));
        ready(saved.map(|block| block.id)).boxed()
    }

    fn block(&self, slug: String, name: String) -> BoxFuture<'_, Result<Option<FoundBlock>, Error>> {
        ready(self.known_block(&slug, &name, plain)).boxed()
    }

    fn types_of_block(&self, name: String) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        ready(Ok(self.types_of_known_block(&name))).boxed()
    }

    fn delete_block(&self, slug: String, name: String) -> BoxFuture<'_, Result<bool, Error>> {
        ready(Ok(self.delete_known_block(&slug, &name))).boxed()
    }
}
