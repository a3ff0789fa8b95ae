//! The newest artifacts of this process.

use std::collections::VecDeque;
use std::sync::Mutex;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use serde_json::Value;
use uuid::Uuid;

use crate::artifacts::{Artifact, Artifacts, NewArtifact};
use crate::backend::memory::Memory;
use crate::clock::{self, Timestamp};
use crate::error::Error;
use crate::id::TaskRunId;
use crate::run::lock;

/// How many there may be.
const MOST: usize = 10_000;

/// How many bytes of content there may be in all; the newest one is there however large it is.
const MOST_BYTES: usize = 64 << 20;

/// Artifacts, oldest first.
#[derive(Debug, Default)]
pub(super) struct Shown(Mutex<Newest>);

#[derive(Debug, Default)]
struct Newest {
    artifacts: VecDeque<Artifact>,
    bytes: usize,
    last: Uuid,
}

impl Newest {
    /// Makes an id that is greater than all before, so that their order is that of time.
    fn next_id(&mut self) -> Uuid {
        let next = Uuid::from_u128(self.last.as_u128().saturating_add(1));
        self.last = TaskRunId::now().uuid().max(next);
        self.last
    }

    fn add(&mut self, artifact: Artifact) {
        self.bytes += bytes(&artifact);
        self.artifacts.push_back(artifact);
        while self.artifacts.len() > MOST || (self.bytes > MOST_BYTES && self.artifacts.len() > 1) {
            let Some(oldest) = self.artifacts.pop_front() else { return };
            self.bytes -= bytes(&oldest);
        }
    }
}

/// What an artifact holds is text, or small.
fn bytes(artifact: &Artifact) -> usize {
    let texts = [artifact.data.as_str(), artifact.description.as_deref(), artifact.key.as_deref()];
    texts.into_iter().flatten().map(str::len).sum()
}

impl Memory {
    /// Makes an artifact.
    pub(crate) fn show(&self, new: NewArtifact) -> Artifact {
        let now = clock::now();
        let mut shown = lock(&self.artifacts.0);
        let artifact = Artifact {
            id: shown.next_id(),
            key: new.key,
            kind: new.kind,
            description: new.description,
            data: new.data,
            flow_run_id: new.flow_run,
            task_run_id: new.task_run,
            created: now,
            updated: now,
        };
        shown.add(artifact.clone());
        artifact
    }

    /// Has an artifact hold something else, if it is still there; tells when that was.
    pub(crate) fn change_shown(&self, id: Uuid, data: Value) -> Timestamp {
        let now = clock::now();
        let mut shown = lock(&self.artifacts.0);
        let shown = &mut *shown;
        if let Some(artifact) = shown.artifacts.iter_mut().rfind(|artifact| artifact.id == id) {
            shown.bytes -= bytes(artifact);
            (artifact.data, artifact.updated) = (data, now);
            shown.bytes += bytes(artifact);
        }
        now
    }

    /// Finds the artifact of a key that was changed last.
    pub(crate) fn shown(&self, key: &str) -> Option<Artifact> {
        let shown = lock(&self.artifacts.0);
        // Of those that were changed at the same time the last one.
        shown.artifacts.iter().filter(|one| one.key.as_deref() == Some(key)).max_by_key(|one| one.updated).cloned()
    }

    pub(crate) fn all_shown(&self) -> Vec<Artifact> {
        lock(&self.artifacts.0).artifacts.iter().cloned().collect()
    }
}

impl Artifacts for Memory {
    fn create_artifact(&self, new: NewArtifact) -> BoxFuture<'_, Result<Artifact, Error>> {
        ready(Ok(self.show(new))).boxed()
    }

    fn update_artifact<'a>(&'a self, artifact: &'a Artifact, data: Value) -> BoxFuture<'a, Result<(), Error>> {
        self.change_shown(artifact.id, data);
        ready(Ok(())).boxed()
    }

    fn artifact(&self, key: String) -> BoxFuture<'_, Result<Option<Artifact>, Error>> {
        ready(Ok(self.shown(&key))).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::ArtifactKind;
    use crate::backend::memory::Limits;

    fn new(text: String) -> NewArtifact {
        let (key, kind) = (Some("a-key".to_owned()), ArtifactKind::Markdown);
        NewArtifact { key, kind, description: None, data: Value::String(text), flow_run: None, task_run: None }
    }

    #[test]
    fn the_oldest_makes_room() {
        let memory = Memory::new(Limits::default());
        let first = memory.show(new("0".to_owned()));
        for number in 1..=MOST {
            memory.show(new(number.to_string()));
        }
        let all = memory.all_shown();
        assert_eq!((all.len(), all[0].data.as_str()), (MOST, Some("1")));
        memory.change_shown(first.id, Value::Null);
        assert_eq!(memory.all_shown(), all);
        let large = MOST_BYTES / 2 - 100;
        for _ in 0..3 {
            memory.show(new("x".repeat(large)));
        }
        assert_eq!(memory.all_shown().len(), 2);
        memory.show(new("x".repeat(MOST_BYTES + 1)));
        assert_eq!(memory.all_shown().len(), 1);
    }

    #[test]
    fn the_one_that_was_changed_last_is_found() {
        let memory = Memory::new(Limits::default());
        let (first, second) = (memory.show(new("1".to_owned())), memory.show(new("2".to_owned())));
        assert_eq!(memory.shown("a-key").map(|found| found.id), Some(second.id));
        let mut changed = memory.change_shown(first.id, Value::Null);
        while changed <= second.updated {
            changed = memory.change_shown(first.id, Value::Null);
        }
        assert_eq!(memory.shown("a-key").map(|found| found.id), Some(first.id));
        assert_eq!(memory.shown("another"), None);
    }
}
