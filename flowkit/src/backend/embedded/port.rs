//! What resumable flow runs ask for.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use rusqlite::Connection;
use serde_json::Value;
use tokio::sync::oneshot;

use super::Embedded;
use super::journal::{self, Note};
use super::queue::Item;
use crate::backend::{Existing, NewFlowRun};
use crate::durability::Durability;
use crate::error::{Error, ErrorKind};
use crate::id::FlowRunId;
use crate::journals::{Asked, Journals, Recorded, Written};
use crate::run::{FlowRun, lock};

impl Embedded {
    /// Asks the file, on a thread that may wait for the disk.
    pub(super) async fn query<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        self.ask(ask).await
    }

    /// The same, for somebody who may outlive this.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, Error>> {
        let reader = Arc::clone(&self.reader);
        answered(move || ask(&lock(&reader))).boxed()
    }
}

async fn answered<T: Send + 'static>(ask: impl FnOnce() -> rusqlite::Result<T> + Send + 'static) -> Result<T, Error> {
    let answered = match tokio::runtime::Handle::try_current() {
        Ok(threads) => threads.spawn_blocking(ask).await,
        // A thread that waits by itself.
        Err(_) => Ok(ask()),
    };
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::new(ErrorKind::Backend, "the database cannot be read")
            .with_source(Error::new(ErrorKind::Backend, error.to_string()))
    };
    answered.map_err(|error| failed(error.into()))?.map_err(|error| failed(error.into()))
}

impl Journals for Embedded {
    fn asked(&self, run: FlowRunId, asked: Asked) {
        // Nothing has come of it until something else is reported.
        self.queue.push_with_next(Item::Note(run, Note::Asked(asked)));
    }

    fn finished(&self, run: FlowRunId, slot: u128, value: Written) {
        self.queue.push(Item::Note(run, Note::Finished(slot, value)));
    }

    fn begun(&self, run: FlowRunId, slot: u128, subflow: FlowRunId) {
        self.queue.push(Item::Note(run, Note::Begun(slot, subflow)));
    }

    fn settled(&self) -> BoxFuture<'_, ()> {
        async {
            if self.durability == Durability::Fast {
                return;
            }
            let (told, written) = oneshot::channel();
            // Whoever waits may be gone; and a writer that is gone has said so.
            self.queue.push(Item::Barrier(Box::new(move || told.send(()).unwrap_or_default())));
            written.await.unwrap_or_default();
        }
        .boxed()
    }

    fn read(&self, run: FlowRunId) -> BoxFuture<'_, Result<Vec<Recorded>, Error>> {
        self.query(move |file| journal::read(file, run)).boxed()
    }

    fn interrupted(&self, flow: String, parameters: Value) -> BoxFuture<'_, Result<Option<Existing>, Error>> {
        async {
            let found = self.query(move |file| journal::interrupted(file, &flow, &parameters)).await?;
            let mut taken = lock(&self.taken);
            Ok(found.into_iter().find(|run| taken.insert(run.id)))
        }
        .boxed()
    }

    fn all_interrupted(&self) -> BoxFuture<'_, Result<Vec<FlowRunId>, Error>> {
        async {
            let found = self.query(journal::all_interrupted).await?;
            let taken = lock(&self.taken);
            Ok(found.into_iter().filter(|run| !taken.contains(run)).collect())
        }
        .boxed()
    }

    fn find(&self, run: FlowRunId) -> BoxFuture<'_, Result<Existing, Error>> {
        async move {
            let found = self.query(move |file| journal::find(file, run)).await?;
            let missing =
                || Error::new(ErrorKind::Refused, format!("there is no flow run with the id {run} in the database"));
            found.ok_or_else(missing)
        }
        .boxed()
    }

    fn revive(&self, existing: Existing, new: NewFlowRun) -> Arc<FlowRun> {
        lock(&self.taken).insert(existing.id);
        let run = self.memory.revive(existing, new);
        self.begun(&run, true);
        run
    }
}
