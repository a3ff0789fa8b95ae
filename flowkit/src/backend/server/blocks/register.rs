//! Tells the server what a type of blocks is: the type, and the schema of its fields. Again and again, it changes nothing.

use flowkit_client::model::{BlockSchemaCreate, BlockSchemaQuery, BlockType, BlockTypeCreate, BlockTypeUpdate};
use flowkit_client::{Client, Error as Refusal};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::blocks::{BlockKind, Fields};

/// What the server calls a type of blocks.
pub(super) struct Registered {
    pub(super) kind: Uuid,
    pub(super) schema: Uuid,
    checksum: String,
    /// The schema with the checksums of those that it refers to.
    fields: Fields,
}

/// Registers a type of blocks and those that its fields are of.
pub(super) fn register<'a>(client: &'a Client, kind: &'a BlockKind) -> BoxFuture<'a, Result<Registered, Refusal>> {
    async move {
        let mut fields = kind.schema.clone();
        let mut references = Fields::new();
        for (field, inner) in &kind.nested {
            let inner_kind = register(client, inner).await?;
            let reference = json!({
                "block_type_slug": inner.slug,
                "block_schema_checksum": inner_kind.checksum,
            });
            references.insert(field.clone(), reference);
            define(&mut fields, inner_kind.fields);
        }
        fields.insert("block_schema_references".to_owned(), references.into());
        let (block_type, was_there) = register_type(client, kind).await?;
        let known = match kind.is_system && was_there {
            // Prefect's own has been registered by Prefect, whose checksum is that of pydantic's schema.
            true => client.filter_block_schemas(&BlockSchemaQuery::newest_of(block_type.id)).await?.into_iter().next(),
            false => None,
        };
        let schema = match known {
            Some(known) => known,
            None => {
                let schema = BlockSchemaCreate {
                    fields: fields.clone(),
                    block_type_id: block_type.id,
                    capabilities: kind.capabilities.clone(),
                    version: kind.version.clone(),
                };
                client.create_block_schema(&schema).await?
            }
        };
        Ok(Registered { kind: block_type.id, schema: schema.id, checksum: schema.checksum, fields })
    }
    .boxed()
}

/// Puts the schema of a field among the definitions, in the place of the one without references.
fn define(fields: &mut Fields, mut inner: Fields) {
    inner.remove("definitions");
    let title = inner.get("title").and_then(Value::as_str).map(str::to_owned);
    if let (Some(title), Some(Value::Object(definitions))) = (title, fields.get_mut("definitions")) {
        definitions.insert(title, inner.into());
    }
}

/// Finds or creates the type; tells whether it was there.
async fn register_type(client: &Client, kind: &BlockKind) -> Result<(BlockType, bool), Refusal> {
    let shown = BlockTypeUpdate {
        logo_url: kind.logo_url.clone(),
        documentation_url: kind.documentation_url.clone(),
        description: kind.description.clone(),
        code_example: kind.code_example.clone(),
    };
    if let Some(known) = client.read_block_type(&kind.slug).await? {
        if !kind.is_system && differs(&known, &shown) {
            client.update_block_type(known.id, &shown).await?;
        }
        return Ok((known, true));
    }
    let new = BlockTypeCreate { name: kind.name.clone(), slug: kind.slug.clone(), shown };
    match client.create_block_type(&new).await {
        Ok(created) => Ok((created, false)),
        // Somebody else was faster, or another type has this name.
        Err(error) if error.is_conflict() => match client.read_block_type(&kind.slug).await? {
            Some(known) => Ok((known, true)),
            None => Err(error),
        },
        Err(error) => Err(error),
    }
}

/// Whether the server shows something else; what is not said here may be anything.
fn differs(known: &BlockType, shown: &BlockTypeUpdate) -> bool {
    let other = |ours: &Option<String>, theirs: &Option<String>| ours.is_some() && ours != theirs;
    other(&shown.logo_url, &known.logo_url)
        || other(&shown.documentation_url, &known.documentation_url)
        || other(&shown.description, &known.description)
        || other(&shown.code_example, &known.code_example)
}
