//! Blocks, which are typed and named settings that programs share: what one is, what is refused, and the port to where
//! they are kept.

use std::fmt;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind};
use crate::redact;
use crate::variables::Existing;

/// A JSON object.
pub(crate) type Fields = Map<String, Value>;

/// What a type of blocks is, and what its blocks have.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BlockKind {
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) description: Option<String>,
    pub(crate) logo_url: Option<String>,
    pub(crate) documentation_url: Option<String>,
    pub(crate) code_example: Option<String>,
    pub(crate) capabilities: Vec<String>,
    pub(crate) version: String,
    /// Whether the type is Prefect's own, which has its schema already.
    pub(crate) is_system: bool,
    /// The schema in Prefect's form, without `block_schema_references`.
    pub(crate) schema: Fields,
    /// Which fields are secret, in Prefect's words: `a`, `a.b` and `a.*`.
    pub(crate) secret_fields: Vec<String>,
    /// The fields that are other blocks.
    pub(crate) nested: Vec<(String, BlockKind)>,
}

/// A block that is to be saved, with its secrets as they are.
#[derive(Clone)]
pub(crate) struct NewBlock {
    pub(crate) kind: BlockKind,
    pub(crate) name: String,
    pub(crate) data: Fields,
    pub(crate) existing: Existing,
}

/// A block that was found, with its secrets as they are, and with what it refers to in the place of references.
#[derive(Clone)]
pub(crate) struct FoundBlock {
    pub(crate) id: Uuid,
    pub(crate) data: Fields,
    /// Which fields are secret by the schema with which it was saved.
    pub(crate) secret_fields: Vec<String>,
}

/// A block as it is kept without a server.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KeptBlock {
    pub(crate) id: Uuid,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) data: BlockData,
    pub(crate) secret_fields: Vec<String>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

/// What a block holds.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum BlockData {
    /// In memory, or without a secret.
    Plain(Fields),
    /// Encrypted, in base64.
    Sealed(String),
}

/// Where blocks are kept. Names have been checked.
pub(crate) trait Blocks: Send + Sync {
    /// Saves a block, or refuses to since there is one. Gives its id.
    fn save_block(&self, new: NewBlock) -> BoxFuture<'_, Result<Uuid, Error>>;

    /// Reads a block.
    fn block(&self, slug: String, name: String) -> BoxFuture<'_, Result<Option<FoundBlock>, Error>>;

    /// Lists the slugs of the types that have a block of that name.
    fn types_of_block(&self, name: String) -> BoxFuture<'_, Result<Vec<String>, Error>>;

    /// Removes a block; tells whether there was one.
    fn delete_block(&self, slug: String, name: String) -> BoxFuture<'_, Result<bool, Error>>;
}

/// How deep blocks may refer to each other, as in Prefect.
pub(crate) const DEEPEST: usize = 50;

/// Under which names the id and the name of a block stand in another one that refers to it, as Python writes them.
pub(crate) const ID: &str = "_block_document_id";
pub(crate) const NAME: &str = "_block_document_name";

/// What stands in the place of a secret in what a server shows.
const SHOWN: &str = "********";

/// Refuses what Prefect refuses as a name.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let accepted = "lowercase letters, digits and dashes are accepted";
    let refuse = |why: String| Err(Error::new(ErrorKind::Input, format!("{why}: {accepted}")));
    let is_fit = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    match name.chars().find(|letter| !is_fit(*letter)) {
        _ if name.is_empty() => refuse("a block has no name".to_owned()),
        Some(odd) => refuse(format!("`{}` cannot be the name of a block because of {odd:?}", name.escape_debug())),
        None => Ok(()),
    }
}

/// Refuses secrets that a server would take for "as it was".
pub(crate) fn check_data(new: &NewBlock) -> Result<(), Error> {
    let mut is_mask = false;
    each_secret(&new.data, &new.kind.secret_fields, &mut |text| is_mask |= text == SHOWN);
    if !is_mask {
        return Ok(());
    }
    let what = told(&new.kind.slug, &new.name);
    let why = format!("a secret of {what} is `{SHOWN}`, which stands for a secret that is not shown");
    Err(Error::new(ErrorKind::Input, why))
}

/// How errors call a block.
pub(crate) fn told(slug: &str, name: &str) -> String {
    format!("block `{slug}/{name}`")
}

/// There is such a block, and it is not to be replaced.
pub(crate) fn exists(slug: &str, name: &str) -> Error {
    let why = format!("{} exists already: `.overwrite(true)` replaces it", told(slug, name));
    Error::new(ErrorKind::AlreadyExists, why)
}

/// A field that refers to a block.
pub(crate) fn reference(id: Uuid) -> Value {
    json!({"$ref": {"block_document_id": id}})
}

/// The block that a field refers to, if it does.
pub(crate) fn referred(value: &Value) -> Option<Uuid> {
    serde_json::from_value(value.get("$ref")?.get("block_document_id")?.clone()).ok()
}

/// Has every secret of a block masked from now on, whatever type it is read as.
pub(crate) fn mask(block: &FoundBlock) {
    each_secret(&block.data, &block.secret_fields, &mut redact::register);
}

/// Calls `each` with the texts of the fields that are secret.
fn each_secret(data: &Fields, secret_fields: &[String], each: &mut dyn FnMut(&str)) {
    for path in secret_fields {
        let mut steps = path.split('.').filter(|step| *step != "*");
        let first = steps.next().and_then(|step| data.get(step));
        if let Some(secret) = steps.fold(first, |at, step| at.and_then(|at| at.get(step))) {
            texts(secret, each);
        }
    }
}

fn texts(value: &Value, each: &mut dyn FnMut(&str)) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => each(&number.to_string()),
        Value::String(text) => each(text),
        Value::Array(values) => values.iter().for_each(|value| texts(value, each)),
        Value::Object(fields) => fields.values().for_each(|value| texts(value, each)),
    }
}

// What blocks hold may be secret.

impl fmt::Debug for NewBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewBlock").field("kind", &self.kind.slug).field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for FoundBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FoundBlock").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for KeptBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptBlock").field("slug", &self.slug).field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_prefect_accepts() {
        for name in ["a", "db-password", "7", "-", &"x".repeat(300)] {
            check_name(name).expect(name);
        }
        let refused = |name: &str| check_name(name).expect_err("it is refused").to_string();
        let accepted = "lowercase letters, digits and dashes are accepted";
        assert_eq!(refused(""), format!("a block has no name: {accepted}"));
        let odd = format!("`secret/db_1` cannot be the name of a block because of '/': {accepted}");
        assert_eq!(refused("secret/db_1"), odd);
        assert!(refused("db_1").contains("because of '_'") && refused("a\n").contains(r"because of '\n'"));
    }

    #[test]
    fn secrets_are_found_by_their_paths() {
        let data = json!({"a": "one", "b": {"c": ["two", 3], "d": "no"}, "e": {"x": "four", "y": {"z": "five"}}});
        let Value::Object(data) = data else { panic!("it is an object") };
        let mut found = Vec::new();
        let paths = ["a", "b.c", "e.*", "gone", "a.deeper", "b.gone.*"].map(str::to_owned);
        each_secret(&data, &paths, &mut |text| found.push(text.to_owned()));
        assert_eq!(found, ["one", "two", "3", "four", "five"]);
    }
}
