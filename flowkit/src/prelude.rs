//! What most programs import: `use flowkit::prelude::*;`.

pub use crate::flow_fn::FlowFn;
pub use crate::{FlowCall, FlowFuture, MapFuture, Options, TaskCall, TaskFuture, flow, map, task};
