//! What most programs import: `use flowkit::prelude::*;`.

pub use crate::call::TaskCall;
pub use crate::flow::FlowCall;
pub use crate::flow_fn::FlowFn;
pub use crate::flow_future::FlowFuture;
pub use crate::future::TaskFuture;
pub use crate::map::{MapFuture, map};
pub use crate::options::Options;
pub use flowkit_macros::{flow, task};
