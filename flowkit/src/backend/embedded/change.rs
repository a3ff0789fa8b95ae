//! What becomes of variables, concurrency limits, artifacts, blocks and events: memory decides, and the file follows.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::statements::Rows;
use crate::artifacts::Artifact;
use crate::blocks::KeptBlock;
use crate::clock::Timestamp;
use crate::happened::Event;
use crate::id::FlowRunId;
use crate::slots::ConcurrencyLimit;
use crate::variables::Variable;

/// A change that the file is to follow.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Change {
    /// A variable has this value.
    Variable(Variable),
    /// There is no variable of this name.
    NoVariable(String),
    /// A concurrency limit is this.
    Limit(ConcurrencyLimit),
    /// There is no concurrency limit of this name.
    NoLimit(String),
    /// There is this artifact.
    Artifact(Artifact),
    /// An artifact holds something else.
    Holds { artifact: Uuid, flow_run: Option<FlowRunId>, data: Value, updated: Timestamp },
    /// There is this block, encrypted if it has secrets.
    Block(KeptBlock),
    /// There is no block of this type and name.
    NoBlock { slug: String, name: String },
    /// A program has told of something.
    Event(Box<Event>),
}

impl Rows<'_> {
    /// Follows a change.
    pub(super) fn follow(&mut self, change: &Change) -> rusqlite::Result<()> {
        match change {
            Change::Variable(variable) => self.set_variable(variable),
            Change::NoVariable(name) => self.unset_variable(name),
            Change::Block(block) => self.save_block(block),
            Change::NoBlock { slug, name } => self.delete_block(slug, name),
            Change::Limit(limit) => self.set_limit(limit),
            Change::NoLimit(name) => self.delete_limit(name),
            Change::Artifact(artifact) => self.add_artifact(artifact),
            Change::Holds { artifact, flow_run, data, updated } => {
                self.change_artifact(*artifact, *flow_run, data, *updated)
            }
            Change::Event(event) => self.add_event(event),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::ArtifactKind;
    use crate::backend::embedded::entry::Entry;
    use crate::backend::embedded::queue::Item;
    use crate::blocks::BlockData;

    #[test]
    fn changes_come_back_from_what_lies_beside_the_database() {
        let at = Timestamp::from_unix_micros(1_700_000_000_123_456);
        let variable = Variable {
            name: "limit".to_owned(),
            value: serde_json::json!({"a": [1, 2.5, null, "ü"]}),
            tags: vec!["etl".to_owned()],
            created: at,
            updated: at,
        };
        let limit = ConcurrencyLimit {
            name: "tag:ü".to_owned(),
            limit: 5,
            active: false,
            slot_decay_per_second: 0.1,
            active_slots: 3,
            created: at,
            updated: at,
        };
        let artifact = Artifact {
            id: Uuid::from_u128(7),
            key: None,
            kind: ArtifactKind::Other("odd".to_owned()),
            description: Some("why".to_owned()),
            data: Value::from(12.5),
            flow_run_id: Some(Uuid::from_u128(8).into()),
            task_run_id: None,
            created: at,
            updated: at,
        };
        let block = KeptBlock {
            id: Uuid::from_u128(9),
            slug: "secret".to_owned(),
            name: "db".to_owned(),
            data: BlockData::Sealed("AAAA".to_owned()),
            secret_fields: vec!["value".to_owned()],
            created: at,
            updated: at,
        };
        let changes = [
            Change::Variable(variable),
            Change::NoVariable("gone".to_owned()),
            Change::Limit(limit),
            Change::NoLimit("gone".to_owned()),
            Change::Holds { artifact: artifact.id, flow_run: None, data: Value::Null, updated: at },
            Change::Block(block),
            Change::NoBlock { slug: "secret".to_owned(), name: "gone".to_owned() },
            Change::Artifact(artifact),
        ];
        for change in changes {
            let item = Item::Change(change.clone());
            let bytes = Entry::of(&item).expect("it is kept").bytes();
            let Some(Entry::Change { change: text }) = Entry::read(&bytes) else { panic!("it is a change") };
            let back: Change = serde_json::from_str(&text).expect("it was written");
            assert_eq!(serde_json::to_string(&back).ok(), serde_json::to_string(&change).ok());
        }
    }
}
