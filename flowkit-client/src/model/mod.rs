//! The objects of the API as Rust types.
//!
//! Types that are sent write only keys the server knows and leave out what is not set, since the server refuses
//! unknown keys. Types that are received ignore unknown keys, fill missing ones with defaults, and read unknown
//! words of an enum as `Unknown`, since a newer server may say more.

mod artifact;
mod automation;
mod block;
mod concurrency;
mod deployment;
mod deployment_create;
mod event;
mod filter;
mod flow;
mod flow_run;
mod log;
mod orchestration;
mod policy;
mod query;
mod resource;
mod run_input;
mod schedule;
mod state;
mod task_run;
pub mod timestamp;
mod variable;

pub use artifact::{Artifact, ArtifactCreate, ArtifactQuery, ArtifactUpdate};
pub use automation::{
    Action, Automation, AutomationCreate, EventTrigger, OneOrMany, Posture, Require, RequireWord, ResourceSpec, Trigger,
};
pub use block::{
    BlockDocument, BlockDocumentCreate, BlockDocumentQuery, BlockDocumentUpdate, BlockReference, BlockSchema,
    BlockSchemaCreate, BlockSchemaQuery, BlockType, BlockTypeCreate, BlockTypeUpdate, ReferredBlock,
};
pub use concurrency::{
    ConcurrencyLimit, ConcurrencyLimitCreate, ConcurrencyLimitUpdate, HolderKind, LeaseHolder, LeasedSlots, LimitRef,
    TagLimit,
};
pub use deployment::{Deployment, DeploymentConcurrencyLimit, DeploymentFlowRunCreate};
pub use deployment_create::{CollisionStrategy, ConcurrencyOptions, DeploymentCreate, DeploymentUpdate, VersionInfo};
pub use event::{Event, EventPage, ReceivedEvent};
pub use filter::{EventFilter, FlowFilter, FlowRunFilter, LogFilter, TaskRunFilter};
pub use flow::{Flow, FlowCreate};
pub use flow_run::{Creator, FlowRun, FlowRunCreate, FlowRunUpdate};
pub use log::{Log, LogCreate};
pub use orchestration::{OrchestrationDetails, OrchestrationResult, OrchestrationStatus};
pub use policy::{FlowRunPolicy, RetryDelay, TaskRunPolicy};
pub use query::{FlowRunQuery, FlowRunSort, LogQuery, LogSort, MAX_LIMIT, TaskRunQuery, TaskRunSort};
pub use resource::{RelatedResource, Resource};
pub use run_input::{FlowRunInput, FlowRunInputCreate, FlowRunInputQuery};
pub use schedule::{DeploymentSchedule, DeploymentScheduleCreate, ScheduleRule};
pub use state::{State, StateCreate, StateDetails, StateType};
pub use task_run::{TaskInput, TaskRun, TaskRunCreate};
pub use variable::{Variable, VariableCreate, VariableUpdate};

use serde::{Deserialize, Deserializer};

/// Holds a JSON object.
pub type JsonObject = serde_json::Map<String, serde_json::Value>;
/// Holds the labels of a flow, run or deployment; a value is a boolean, a number or a string.
pub type Labels = std::collections::BTreeMap<String, serde_json::Value>;

/// Reads `null` as the default, for keys that a server may leave empty in either way.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
