//! Reports as they lie beside the database until they are in it: plain data, and its bytes. Pure.
//!
//! Whoever changes what is here gives `frame::VERSION` the next number.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::journal::Note;
use super::queue::Item;
use super::rows::{FlowRow, StateRow, TaskRow};
use super::statements::Entered;
use crate::codec::ResultCodec;
use crate::event::Event;
use crate::journals::{Asked, Written};

/// One report. States are JSON, as they are in the database.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Entry<'a> {
    FlowRun {
        run: FlowRow<'a>,
        state: String,
    },
    FlowStates {
        run: Uuid,
        states: Vec<String>,
        run_count: u32,
        is_top: bool,
    },
    TaskRun {
        flow_run: Option<Uuid>,
        key: Cow<'a, str>,
        task: Cow<'a, str>,
        row: TaskRow<'a>,
    },
    Log {
        flow_run: Option<Uuid>,
        task_run: Option<Uuid>,
        level: u8,
        at: i64,
        message: Cow<'a, str>,
    },
    Asked {
        run: Uuid,
        slot: Uuid,
        within: Uuid,
        position: u32,
        label: Cow<'a, str>,
    },
    Finished {
        run: Uuid,
        slot: Uuid,
        codec: Cow<'a, str>,
        value: Cow<'a, str>,
    },
    Begun {
        run: Uuid,
        slot: Uuid,
        subflow: Uuid,
    },
    /// What became of a variable or an artifact, as JSON.
    Change {
        change: String,
    },
    /// What is kept of a deployment, as JSON.
    Kept {
        kept: String,
    },
}

impl<'a> Entry<'a> {
    /// What an item comes to; `None` if there is nothing to be kept of it.
    pub(super) fn of(item: &'a Item) -> Option<Self> {
        Some(match item {
            Item::FlowRun(run, state, is_resumable) => {
                Self::FlowRun { run: FlowRow::of(run, *is_resumable), state: StateRow::text(state) }
            }
            Item::FlowState(run, state) | Item::Event(Event::FlowEnded(run, state)) => {
                let Entered { run, states, run_count, is_top } = Entered::of(run, state);
                let states = states.iter().map(StateRow::text).collect();
                Self::FlowStates { run: run.uuid(), states, run_count, is_top }
            }
            Item::Event(Event::TaskState(run, index)) => Self::TaskRun {
                flow_run: run.flow_run.as_ref().map(|run| run.id.uuid()),
                key: run.def.key.into(),
                task: run.def.name.into(),
                row: TaskRow::at(run, *index)?,
            },
            Item::Event(Event::Log(record)) => Self::Log {
                flow_run: record.flow_run_id.map(|id| id.uuid()),
                task_run: record.task_run_id.map(|id| id.uuid()),
                level: record.level as u8,
                at: record.timestamp.unix_micros(),
                message: record.message.as_str().into(),
            },
            Item::Note(run, note) => Self::note(run.uuid(), note),
            Item::Change(change) => Self::Change { change: serde_json::to_string(change).ok()? },
            Item::Kept(kept) => Self::Kept { kept: serde_json::to_string(kept).ok()? },
            Item::Event(Event::Asset(_) | Event::Happened(_)) | Item::Damage | Item::Barrier(_) => return None,
        })
    }

    fn note(run: Uuid, note: &'a Note) -> Self {
        match note {
            Note::Asked(Asked { slot, within, position, label }) => Self::Asked {
                run,
                slot: Uuid::from_u128(*slot),
                within: Uuid::from_u128(*within),
                position: *position,
                label: label.as_str().into(),
            },
            Note::Finished(slot, Written { codec, text }) => Self::Finished {
                run,
                slot: Uuid::from_u128(*slot),
                codec: codec.as_str().into(),
                value: text.as_str().into(),
            },
            Note::Begun(slot, subflow) => Self::Begun { run, slot: Uuid::from_u128(*slot), subflow: subflow.uuid() },
        }
    }

    /// The note that it is, and the flow run that it is about; `None` if it is none that can be understood.
    pub(super) fn into_note(self) -> Option<(Uuid, Note)> {
        Some(match self {
            Self::Asked { run, slot, within, position, label } => {
                let (slot, within) = (slot.as_u128(), within.as_u128());
                (run, Note::Asked(Asked { slot, within, position, label: label.into_owned() }))
            }
            Self::Finished { run, slot, codec, value } => {
                let codec = ResultCodec::named(&codec)?;
                (run, Note::Finished(slot.as_u128(), Written { codec, text: value.into_owned() }))
            }
            Self::Begun { run, slot, subflow } => (run, Note::Begun(slot.as_u128(), subflow.into())),
            _ => return None,
        })
    }

    /// Its bytes; empty if it has none, which cannot be.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        match rmp_serde::encode::write(&mut bytes, self) {
            Ok(()) => bytes,
            Err(_) => Vec::new(),
        }
    }
}

impl Entry<'static> {
    /// Reads one.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        rmp_serde::from_slice(bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::embedded::frame;

    #[test]
    fn entries_come_back_from_their_bytes_which_change_only_with_the_version() {
        let id = Uuid::from_u128;
        let run = FlowRow {
            id: id(1),
            flow: "etl".into(),
            version: "1".into(),
            name: "wise-owl".into(),
            parameters: "{}".to_owned(),
            tags: Some(r#"["a"]"#.to_owned()),
            retries: 2,
            parent_flow_run: None,
            parent_task_run: Some(id(2)),
            root_flow_run: None,
            deployment: None,
            scheduled: Some(-1),
            is_resumable: true,
        };
        let row = TaskRow {
            id: id(3),
            state_type: 3,
            state_name: None,
            message: Some("well".to_owned()),
            created: 1,
            started: None,
            ended: Some(1_700_000_000_000_000),
            run_count: 1,
            spent: 5,
            name: None,
            parent: None,
            tags: None,
            inputs: None,
            states: None,
        };
        let entries = [
            Entry::FlowRun { run, state: "{}".to_owned() },
            Entry::FlowStates { run: id(1), states: vec!["{}".to_owned()], run_count: 0, is_top: true },
            Entry::TaskRun { flow_run: Some(id(1)), key: "k".into(), task: "t".into(), row },
            Entry::Log { flow_run: None, task_run: None, level: 20, at: 7, message: "hello".into() },
            Entry::Asked { run: id(1), slot: id(u128::MAX), within: id(0), position: 9, label: "l".into() },
            Entry::Finished { run: id(1), slot: id(5), codec: "json".into(), value: "1".into() },
            Entry::Begun { run: id(1), slot: id(5), subflow: id(6) },
            Entry::Change { change: "{}".to_owned() },
            Entry::Kept { kept: "{}".to_owned() },
        ];
        let mut all = Vec::new();
        for entry in entries {
            let bytes = entry.bytes();
            let back = Entry::read(&bytes).expect("it was written");
            assert_eq!(format!("{back:?}"), format!("{entry:?}"));
            all.extend(bytes);
        }
        // Another sum is another version.
        assert_eq!((frame::VERSION, crc32fast::hash(&all)), (2, 790_821_572));
        assert!(Entry::read(b"\xc1 something else").is_none());
    }
}
