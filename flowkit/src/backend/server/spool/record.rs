//! What a spool file is made of: JSON, one record a line. Pure.
//!
//! The first line tells whose file it is, the last one that it is whole. What nobody but the server can know, the id of a
//! flow run that it has not created yet, is this process's own id until then, in all records.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use flowkit_client::model::{Event, FlowRunCreate, LogCreate, StateCreate, TaskRunCreate};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The version of the format that this crate writes, and the only one that it reads.
const VERSION: u32 = 1;

/// The first line.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Header {
    flowkit_spool: u32,
    /// The server that the file is for.
    api: String,
    pub(super) written: DateTime<Utc>,
}

/// Something the server is to be told.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Record {
    Create(Box<Creation>),
    State(Box<LateState>),
    Event(Box<Event>),
    Log(Box<LogCreate>),
    /// Nothing: the file is whole, and has this many records before this one.
    End(u64),
}

impl Record {
    /// The flow run that it is about, if that is one that somebody has created before.
    pub(super) fn flow_run(&self) -> Option<Uuid> {
        match self {
            Self::State(late) => Some(late.run),
            Self::Event(event) => flow_run_of(event),
            Self::Log(line) => line.flow_run_id,
            Self::Create(_) | Self::End(_) => None,
        }
    }
}

/// The flow run of an event.
pub(super) fn flow_run_of(event: &Event) -> Option<Uuid> {
    let run = event.related.iter().find(|related| related.role() == "flow-run")?;
    id_in(run.resource().id(), "prefect.flow-run.")
}

/// The id in the name of a resource.
pub(super) fn id_in(resource: &str, prefix: &str) -> Option<Uuid> {
    resource.strip_prefix(prefix)?.parse().ok()
}

/// A flow run that does not exist yet.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Creation {
    /// What the other records call it.
    pub(super) local: Uuid,
    /// The name of the flow.
    pub(super) flow: String,
    pub(super) run: FlowRunCreate,
    /// The task run that stands for it in the graph of the run that called it.
    pub(super) stand_in: Option<TaskRunCreate>,
}

/// A state that a flow run has entered without the server's knowledge.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct LateState {
    pub(super) run: Uuid,
    pub(super) state: StateCreate,
    pub(super) force: bool,
    /// When the run had entered the last state that the server had told of, by the server's clock.
    pub(super) after: Option<DateTime<Utc>>,
}

/// Why a file is not to be delivered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Unfit {
    /// It is for another server.
    Foreign(String),
    /// Another version of this crate has written it.
    OtherVersion(u64),
    /// It is none of ours, or broken.
    Damaged,
}

impl Header {
    pub(super) fn new(api: &str, written: DateTime<Utc>) -> Self {
        Self { flowkit_spool: VERSION, api: api.to_owned(), written }
    }

    /// Reads the first line of a file that may be meant for the server at `api`.
    pub(super) fn read(line: &str, api: &str) -> Result<Self, Unfit> {
        let value: serde_json::Value = serde_json::from_str(line).map_err(|_| Unfit::Damaged)?;
        match value["flowkit_spool"].as_u64() {
            None => return Err(Unfit::Damaged),
            Some(version) if version != u64::from(VERSION) => return Err(Unfit::OtherVersion(version)),
            Some(_) => {}
        }
        let header: Self = serde_json::from_value(value).map_err(|_| Unfit::Damaged)?;
        if header.api == api { Ok(header) } else { Err(Unfit::Foreign(header.api)) }
    }
}

/// Writes a line, with its end.
pub(super) fn line(what: &impl Serialize) -> std::io::Result<String> {
    let mut line = serde_json::to_string(what)?;
    line.push('\n');
    Ok(line)
}

/// What the server calls flow runs that were created late.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<[String; 3]>);

/// How events name the flow of a run that is not created yet.
const NO_FLOW: &str = "prefect.flow.00000000-0000-0000-0000-000000000000";

impl Names {
    pub(super) fn add(&mut self, local: Uuid, run: Uuid, flow: Uuid) {
        self.0.push([local.to_string(), run.to_string(), format!("prefect.flow.{flow}")]);
    }

    /// Puts the server's ids into a line, wherever they are meant: in log messages too.
    pub(super) fn put_into<'a>(&self, line: &'a str) -> Cow<'a, str> {
        let mut line = Cow::Borrowed(line);
        for [local, run, flow] in &self.0 {
            if line.contains(local) {
                line = Cow::Owned(line.replace(local, run).replace(NO_FLOW, flow));
            }
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use flowkit_client::model::{RelatedResource, Resource};

    use super::*;

    const API: &str = "http://127.0.0.1:4200/api";

    #[test]
    fn a_file_is_for_one_server_and_of_one_version() {
        let line = line(&Header::new(API, DateTime::UNIX_EPOCH)).expect("json");
        assert!(Header::read(&line, API).is_ok());
        let other = "http://127.0.0.1:4201/api";
        assert_eq!(Header::read(&line, other), Err(Unfit::Foreign(API.to_owned())));
        let newer = line.replace("\"flowkit_spool\":1", "\"flowkit_spool\":2");
        assert_eq!(Header::read(&newer, API), Err(Unfit::OtherVersion(2)));
        for damaged in ["", "{}", &line[..line.len() / 2], "[1]", "not json"] {
            assert_eq!(Header::read(damaged, API), Err(Unfit::Damaged), "{damaged}");
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let mut run = FlowRunCreate::new(Uuid::from_u128(1));
        run.idempotency_key = Some("key".to_owned());
        run.state = Some(StateCreate::new(flowkit_client::model::StateType::Pending));
        let stand_in = Some(TaskRunCreate::new("key", "0"));
        let records = [
            Record::Create(Box::new(Creation { local: Uuid::from_u128(2), flow: "etl".to_owned(), run, stand_in })),
            Record::Event(Box::new(Event::new("prefect.task-run.Running", Resource::new("prefect.task-run.1")))),
            Record::Log(Box::new(LogCreate::new(Uuid::from_u128(3), 20, "two\nlines"))),
            Record::End(3),
        ];
        for record in records {
            let line = line(&record).expect("json");
            assert_eq!(line.matches('\n').count(), 1);
            let read: Record = serde_json::from_str(&line).expect("json");
            // Times have microseconds at the server.
            assert_eq!(super::line(&read).expect("json"), line);
        }
    }

    #[test]
    fn a_flow_run_that_was_created_late_has_the_servers_ids_everywhere() {
        let [local, run, flow] = [1, 2, 3].map(Uuid::from_u128);
        let mut names = Names::default();
        names.add(local, run, flow);
        let mut event = Event::new("prefect.task-run.Running", Resource::new("prefect.task-run.9"));
        event.related = vec![
            RelatedResource::new("flow-run", format!("prefect.flow-run.{local}")),
            RelatedResource::new("flow", format!("prefect.flow.{}", Uuid::nil())),
        ];
        let line = line(&Record::Event(Box::new(event))).expect("json");
        let line = names.put_into(&line);
        assert!(line.contains(&format!("prefect.flow-run.{run}")) && line.contains(&format!("prefect.flow.{flow}")));
        assert!(!line.contains(&local.to_string()), "{line}");
        assert!(matches!(names.put_into("{\"log\":1}"), Cow::Borrowed(_)));
    }
}
