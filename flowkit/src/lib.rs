//! Prefect's programming model as a native Rust library.
//!
//! Put `#[task]` and `#[flow]` on ordinary functions and get state tracking, retries, timeouts, mapping and
//! logs: in process with nothing installed, or reporting to a Prefect 3 server when `PREFECT_API_URL` is set.
//!
//! ```
//! use flowkit::prelude::*;
//!
//! #[task(retries = 3, retry_delay = "2s")]
//! async fn double(n: u32) -> u32 {
//!     n * 2
//! }
//!
//! #[flow]
//! async fn sum(upto: u32) -> flowkit::Result<u32> {
//!     let doubled = flowkit::map(1..=upto, double).await?;
//!     Ok(doubled.into_iter().sum())
//! }
//!
//! # fn main() -> flowkit::Result<()> {
//! # tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
//! assert_eq!(sum(3).await?, 12);
//! # Ok(())
//! # })
//! # }
//! ```

mod asset;
mod background;
pub mod cache;
mod canonical;
mod clock;
mod codec;
mod def;
mod do_not_retry;
mod durability;
mod duration;
mod error;
mod event;
mod happened;
mod heed;
mod hook;
mod id;
mod names;
mod options;
mod pause_details;
mod record;
mod redact;
mod report;
mod result_options;
mod retention;
mod retry_delay;
mod returns;
mod run;
#[cfg(feature = "embedded")]
mod run_record;
pub mod schedule;
mod secret;
mod spool_place;
mod state;
mod template;
mod time_delta;
mod trigger;
mod txn;
mod user_error;

mod artifacts;
mod backend;
mod blocks;
mod defer;
mod deploy;
mod feed;
mod interact;
mod journals;
mod orchestrate;
mod slots;
mod store;
mod variables;

mod engine;

#[cfg(feature = "endpoint")]
mod endpoint;
mod logs;

mod allow_failure;
mod arguments;
pub mod artifact;
mod asset_metadata;
mod awaited;
pub mod block;
mod blocking;
mod call;
mod call_options;
mod concurrency;
mod delay;
mod dependency;
mod deployment;
mod detached;
pub mod events;
mod flow;
mod flow_fn;
mod flow_future;
mod future;
mod hook_fn;
mod input;
mod input_form;
mod keep;
pub mod limit;
pub mod logging;
mod map;
mod parameters;
mod pause;
mod prints;
mod probe;
mod registry;
mod resume;
mod resumption;
mod run_deployment;
mod run_existing;
mod run_input;
pub mod runtime;
mod scoped_tags;
mod serve;
mod serve_tasks;
pub mod settings;
mod task_registry;
pub mod testing;
mod transaction;
pub mod variable;
mod waiting;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
pub use flowkit_macros::{Block, flow, task, test};

pub mod prelude;

pub use allow_failure::allow_failure;
pub use asset::{Asset, AssetEvent};
pub use asset_metadata::asset_metadata;
pub use awaited::Awaited;
pub use backend::{History, Undelivered};
pub use block::Block;
pub use cache::{CacheIsolation, CachePolicy};
pub use call::{Finished, ReturnState, TaskCall};
pub use clock::Timestamp;
pub use codec::ResultCodec;
pub use concurrency::{ConcurrencyCall, ConcurrencyGuard, LimitNames, RateLimitCall, concurrency, rate_limit};
pub use def::{FlowDef, ParamDef, TaskDef};
pub use delay::{DelayCall, DelayedTask, delayed_task};
pub use dependency::Upstream;
pub use deploy::{Collision, DeploymentDetails, DeploymentRun, RegisteredDeployment, ScheduleDetails};
pub use deployment::DeploymentCall;
pub use detached::Detached;
pub use do_not_retry::{DoNotRetry, do_not_retry};
pub use durability::Durability;
pub use duration::{IntoDuration, IntoRetryDelay};
pub use error::{Error, ErrorKind, Result};
pub use event::{Level, LogRecord};
pub use events::{emit_event, events};
pub use flow::{FlowCall, ReturnFlowState};
pub use flow_fn::FlowFn;
pub use flow_future::FlowFuture;
pub use future::TaskFuture;
pub use hook::{HookContext, RunKind};
pub use id::{FlowRunId, TaskRunId};
pub use input::Input;
pub use map::{DEFAULT_LIMIT, Handles, MapCall, MapFuture, MapStream, map};
pub use options::{Options, RetryIf};
pub use pause::{PauseCall, PauseForInput, pause_flow_run, suspend_flow_run};
pub use pause_details::{InputKeys, PauseDetails};
pub use record::{ResultRef, SerializerRef};
pub use registry::run_flow;
pub use report::Report;
pub use resume::{ResumeCall, resume_flow_run};
pub use resumption::{resume, resume_all};
pub use retry_delay::RetryDelay;
pub use run::{Effort, FlowRun, TaskInput, TaskInputs, TaskRun};
pub use run_deployment::{RunDeployment, run_deployment};
pub use run_existing::{assigned_flow_run, run_existing};
pub use run_input::{ReceiveInput, Received, SendInput, receive_input, send_input};
#[cfg(feature = "embedded")]
pub use run_record::{FlowRunFilter, FlowRunRecord, TaskRunRecord};
#[cfg(feature = "embedded")]
pub use runtime::Records;
pub use runtime::{Runtime, RuntimeBuilder};
pub use schedule::{Misfire, Schedule};
pub use scoped_tags::{Tags, tags};
pub use secret::{Secret, Sensitive};
pub use serve::{Isolation, ServeAllCall, ServeCall, serve};
pub use serve_tasks::{ServeTasksCall, TaskChoice, serve_tasks};
pub use state::{State, StateDetails, StateName, StateType, aggregate, end_as};
pub use task_registry::background_tasks;
pub use time_delta::TimeDelta;
pub use transaction::{TransactionCall, transaction};
pub use trigger::{DeploymentTrigger, Trigger};
pub use txn::Transaction;
pub use waiting::{AsCompleted, as_completed, resolve_all, wait};
