//! Background tasks: calls that some worker runs later, in this process or another one (Prefect's `delay`).

mod args;
mod call;
mod handle;
mod local;
mod options;
mod order;
mod restore;

pub use args::BackgroundArgs;
pub use call::DelayCall;
pub use handle::{DelayedTask, delayed_task};
pub(crate) use local::all_ended as all_local_ended;
pub(crate) use order::Order;
pub use restore::Restored;
pub(crate) use restore::{Begun, Taking};
