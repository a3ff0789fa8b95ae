//! What we tell others: state changes of task runs, and log records.

use std::sync::Arc;

use serde::Serialize;

use crate::asset::AssetEvent;
use crate::clock::Timestamp;
use crate::happened::Emitted;
use crate::id::{FlowRunId, TaskRunId};
use crate::run::{FlowRun, TaskRun};
use crate::state::State;

/// Something that happened and that a backend is told once.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A task run entered the state with this index.
    TaskState(Arc<TaskRun>, usize),
    /// A flow run ended where nobody could ask for it, as when its future was dropped.
    FlowEnded(Arc<FlowRun>, State),
    /// Something happened to an asset.
    Asset(Box<AssetEvent>),
    /// A program told of something.
    Happened(Box<Emitted>),
    /// A run, or something on its behalf, wrote a log line.
    Log(LogRecord),
}

/// The severity of a log record, with Prefect's (Python's) numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// 5: more than debugging needs (Python's Prefect calls it NOTSET to DEBUG).
    Trace = 5,
    /// 10.
    Debug = 10,
    /// 20.
    Info = 20,
    /// 30.
    Warning = 30,
    /// 40.
    Error = 40,
}

impl Level {
    /// Returns Prefect's name of the level.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
        }
    }
}

impl From<&tracing::Level> for Level {
    fn from(level: &tracing::Level) -> Self {
        match *level {
            tracing::Level::TRACE => Self::Trace,
            tracing::Level::DEBUG => Self::Debug,
            tracing::Level::INFO => Self::Info,
            tracing::Level::WARN => Self::Warning,
            tracing::Level::ERROR => Self::Error,
        }
    }
}

/// One log line of a run.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct LogRecord {
    /// How severe it is.
    pub level: Level,
    /// The text, fields included.
    pub message: String,
    /// When it was written.
    pub timestamp: Timestamp,
    /// The flow run it belongs to.
    pub flow_run_id: Option<FlowRunId>,
    /// The task run it belongs to.
    pub task_run_id: Option<TaskRunId>,
}
