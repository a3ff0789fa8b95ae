//! Which tags are limited, as this process knows it: tasks do not ask the server again and again.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flowkit_client::Client;
use flowkit_client::model::MAX_LIMIT;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};

use super::manage::all;
use crate::backend::server::Server;
use crate::backend::server::link::brisk;
use crate::backend::server::shared::Shared;
use crate::clock::{self, Instant};
use crate::error::Error;
use crate::run::lock;
use crate::slots::OF_TAGS;

/// How long it is believed that nothing has changed, as in Prefect.
const FRESH: Duration = Duration::from_secs(5);

/// How long a task waits for a server that does not answer before it goes on with what is known.
const PATIENCE: Duration = Duration::from_secs(3);

/// The names of the limits of tags.
#[derive(Debug, Default)]
pub(super) struct KnownTags {
    known: Mutex<Option<Known>>,
    /// Held by whoever asks the server.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug)]
struct Known {
    at: Instant,
    names: Arc<HashSet<String>>,
}

impl KnownTags {
    fn fresh(&self) -> Option<Arc<HashSet<String>>> {
        let known = lock(&self.known);
        known.as_ref().filter(|known| known.at.elapsed() < FRESH).map(|known| Arc::clone(&known.names))
    }

    /// Has the next task ask the server: this process has changed a limit.
    pub(super) fn forget(&self) {
        if let Some(known) = &mut *lock(&self.known) {
            known.at = known.at.checked_sub(FRESH).unwrap_or(known.at);
        }
    }

    async fn learn(&self, shared: &Shared) -> Arc<HashSet<String>> {
        let _one = self.asking.lock().await;
        if let Some(names) = self.fresh() {
            return names;
        }
        let client = shared.client.with_deadline(PATIENCE).with_retry(brisk());
        let before = lock(&self.known).as_ref().map(|known| Arc::clone(&known.names));
        let names = names_at(&client).await.unwrap_or_else(|error| {
            let what = if before.is_some() { "those known last hold" } else { "none holds" };
            tracing::warn!(target: "flowkit::run", "The server does not tell which tags are limited ({error}): {what}");
            before.unwrap_or_default()
        });
        *lock(&self.known) = Some(Known { at: clock::instant(), names: Arc::clone(&names) });
        names
    }
}

async fn names_at(client: &Client) -> Result<Arc<HashSet<String>>, flowkit_client::Error> {
    let limits = all(client, MAX_LIMIT).await?;
    let names = limits.into_iter().map(|limit| limit.name).filter(|name| name.starts_with(OF_TAGS));
    Ok(Arc::new(names.collect()))
}

fn of(names: &HashSet<String>, tags: &[String]) -> Vec<String> {
    if names.is_empty() {
        return Vec::new();
    }
    tags.iter().map(|tag| format!("{OF_TAGS}{tag}")).filter(|name| names.contains(name)).collect()
}

impl Server {
    pub(super) fn known_limits_of_tags(&self, tags: &[String]) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        if let Some(names) = self.counter.tags.fresh() {
            return ready(Ok(of(&names, tags))).boxed();
        }
        let tags = tags.to_vec();
        self.job(move |shared| async move { Ok(of(&*shared.counter.tags.learn(&shared).await, &tags)) })
    }
}
