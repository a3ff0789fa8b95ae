//! The blocks of the server. Only the calls in here send secrets, or are answered with some.

mod register;

use std::collections::BTreeMap;

use flowkit_client::model::{
    BlockDocument, BlockDocumentCreate, BlockDocumentQuery, BlockDocumentUpdate, BlockReference,
};
use flowkit_client::{Client, Error as Refusal};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;
use uuid::Uuid;

use crate::backend::server::Server;
use crate::backend::server::link::patient;
use crate::blocks::{Blocks, Fields, FoundBlock, ID, NAME, NewBlock, exists, told};
use crate::error::{Error, ErrorKind};
use crate::redact;
use crate::variables::Existing;
use register::register;

impl Server {
    /// Sends requests about a block, on the reporter's thread.
    fn about_block<T, F>(
        &self,
        verb: &'static str,
        what: String,
        requests: impl FnOnce(Client) -> F + Send + 'static,
    ) -> BoxFuture<'static, Result<T, Error>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Refusal>> + Send + 'static,
    {
        self.job(move |shared| {
            let requests = requests(patient(&shared));
            async move {
                requests.await.map_err(|error| {
                    let kind = if error.is_validation() { ErrorKind::Input } else { ErrorKind::Backend };
                    // The server's words may quote what was sent.
                    let cause = redact::redact(error.to_string());
                    Error::new(kind, format!("the server did not {verb} {what}")).with_source(cause)
                })
            }
        })
    }
}

impl Blocks for Server {
    fn save_block(&self, new: NewBlock) -> BoxFuture<'_, Result<Uuid, Error>> {
        let (slug, name) = (new.kind.slug.clone(), new.name.clone());
        let what = told(&slug, &name);
        let saved = self.about_block("save", what, |client| async move { save(&client, new).await });
        async move { saved.await?.ok_or_else(|| exists(&slug, &name)) }.boxed()
    }

    fn block(&self, slug: String, name: String) -> BoxFuture<'_, Result<Option<FoundBlock>, Error>> {
        self.about_block("tell", told(&slug, &name), move |client| async move {
            Ok(client.read_block_with_secrets(&slug, &name).await?.map(found))
        })
    }

    fn types_of_block(&self, name: String) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        self.about_block("tell the types of block", format!("`{name}`"), move |client| async move {
            let found = client.filter_blocks(&BlockDocumentQuery::named(name)).await?;
            Ok(found.into_iter().filter_map(|block| block.block_type).map(|kind| kind.slug).collect())
        })
    }

    fn delete_block(&self, slug: String, name: String) -> BoxFuture<'_, Result<bool, Error>> {
        self.about_block("delete", told(&slug, &name), move |client| async move {
            let Some(block) = client.read_block(&slug, &name).await? else { return Ok(false) };
            match client.delete_block(block.id).await {
                Ok(()) => Ok(true),
                Err(error) if error.is_not_found() => Ok(false),
                Err(error) => Err(error),
            }
        })
    }
}

/// Saves a block and gives its id; `None` if there is one that is not to be replaced.
async fn save(client: &Client, new: NewBlock) -> Result<Option<Uuid>, Refusal> {
    let NewBlock { kind, name, data, existing } = new;
    let registered = register(client, &kind).await?;
    let create = BlockDocumentCreate {
        name: name.clone(),
        data: data.clone(),
        block_schema_id: registered.schema,
        block_type_id: registered.kind,
    };
    match client.create_block(&create).await {
        Ok(created) => return Ok(Some(created.id)),
        Err(error) if error.is_conflict() && existing == Existing::Refused => return Ok(None),
        Err(error) if error.is_conflict() => {}
        Err(error) => return Err(error),
    }
    let Some(block) = client.read_block(&kind.slug, &name).await? else {
        // Somebody has deleted it since.
        return client.create_block(&create).await.map(|created| Some(created.id));
    };
    let update = BlockDocumentUpdate { data, block_schema_id: registered.schema, merge_existing_data: false };
    client.update_block(block.id, &update).await?;
    Ok(Some(block.id))
}

fn found(block: BlockDocument) -> FoundBlock {
    let BlockDocument { id, mut data, block_schema, block_document_references, .. } = block;
    name_what_is_referred_to(&mut data, &block_document_references);
    let fields = block_schema.map(|schema| schema.fields).unwrap_or_default();
    let secret_fields = fields.get("secret_fields").and_then(Value::as_array);
    let secret_fields = secret_fields.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    FoundBlock { id, data, secret_fields }
}

/// Notes in what stands for a block which one it is.
fn name_what_is_referred_to(data: &mut Fields, references: &BTreeMap<String, BlockReference>) {
    for (field, reference) in references {
        let Some(Value::Object(inner)) = data.get_mut(field) else { continue };
        let block = &reference.block_document;
        inner.insert(ID.to_owned(), block.id.to_string().into());
        inner.extend(block.name.clone().map(|name| (NAME.to_owned(), name.into())));
        name_what_is_referred_to(inner, &block.block_document_references);
    }
}
