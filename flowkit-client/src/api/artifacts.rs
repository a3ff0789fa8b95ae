//! Artifacts: what runs show to people.

use uuid::Uuid;

use crate::model::{Artifact, ArtifactCreate, ArtifactQuery, ArtifactUpdate};
use crate::request::{Ignored, Method, Request};

/// Creates an artifact.
pub fn create(artifact: &ArtifactCreate) -> Request<Artifact> {
    Request::new(Method::Post, "/artifacts/").json(artifact)
}

/// Changes an artifact.
pub fn update(id: Uuid, update: &ArtifactUpdate) -> Request<Ignored> {
    Request::new(Method::Patch, format!("/artifacts/{id}")).json(update)
}

/// Reads the artifacts a query asks for.
pub fn filter(query: &ArtifactQuery) -> Request<Vec<Artifact>> {
    Request::new(Method::Post, "/artifacts/filter").json(query)
}
