//! The artifacts of the server.

use std::time::Duration;

use flowkit_client::model::{self, ArtifactCreate, ArtifactQuery, ArtifactUpdate};
use futures::future::BoxFuture;
use serde_json::Value;

use crate::artifacts::{Artifact, Artifacts, NewArtifact};
use crate::backend::server::Server;
use crate::backend::server::link::patient;
use crate::clock::{self, Timestamp};
use crate::error::{Error, ErrorKind};

/// How long an artifact waits for its flow run to be created.
const PATIENCE: Duration = Duration::from_secs(10);

fn failed(what: &str, key: Option<&str>, error: flowkit_client::Error) -> Error {
    let kind = if error.is_validation() { ErrorKind::Input } else { ErrorKind::Backend };
    let which = key.map_or_else(|| "an artifact without a key".to_owned(), |key| format!("artifact `{key}`"));
    Error::new(kind, format!("the server did not {what} {which}")).with_source(error)
}

impl Artifacts for Server {
    fn create_artifact(&self, new: NewArtifact) -> BoxFuture<'_, Result<Artifact, Error>> {
        self.job(move |shared| async move {
            // The server may have another name for the flow run by then.
            let _ = clock::within(PATIENCE, shared.outbox.no_creations()).await;
            let create = ArtifactCreate {
                key: new.key,
                kind: new.kind.into(),
                description: new.description,
                data: new.data,
                flow_run_id: new.flow_run.map(|run| shared.server_id(run)),
                task_run_id: new.task_run.map(|run| run.uuid()),
            };
            let made = patient(&shared).create_artifact(&create).await;
            made.map(artifact).map_err(|error| failed("take", create.key.as_deref(), error))
        })
    }

    fn update_artifact<'a>(&'a self, artifact: &'a Artifact, data: Value) -> BoxFuture<'a, Result<(), Error>> {
        let (id, key) = (artifact.id, artifact.key.clone());
        self.job(move |shared| async move {
            match patient(&shared).update_artifact(id, &ArtifactUpdate { data }).await {
                // Somebody has deleted it.
                Err(error) if error.is_not_found() => Ok(()),
                done => done.map_err(|error| failed("change", key.as_deref(), error)),
            }
        })
    }

    fn artifact(&self, key: String) -> BoxFuture<'_, Result<Option<Artifact>, Error>> {
        self.job(move |shared| async move {
            let found = patient(&shared).filter_artifacts(&ArtifactQuery::of_key(&key, 1)).await;
            let found = found.map_err(|error| failed("tell", Some(&key), error))?;
            Ok(found.into_iter().next().map(artifact))
        })
    }
}

fn artifact(found: model::Artifact) -> Artifact {
    let moment = |at: Option<_>| at.map_or(Timestamp::from_unix_micros(0), Timestamp::from);
    Artifact {
        id: found.id,
        key: found.key,
        kind: found.kind.into(),
        description: found.description,
        data: found.data,
        flow_run_id: found.flow_run_id.map(Into::into),
        task_run_id: found.task_run_id.map(Into::into),
        created: moment(found.created),
        updated: moment(found.updated),
    }
}
