//! A channel for many events: over a websocket while that works, over plain HTTP otherwise.
//!
//! Prefect has no message that confirms an event. What confirms is a ping: its pong says that everything sent before
//! has reached the server. So events are kept until such a pong, or the success of a `POST /events`, and sent again
//! with the same ids after a lost connection; the server drops what it has seen.

mod handle;
mod options;
mod pace;
mod socket;
mod subscription;
mod tally;
mod task_runs;
mod window;
mod worker;
mod worker_http;
mod worker_socket;

pub use handle::EventsChannel;
pub use options::{EventsOptions, EventsTransport};
pub use subscription::EventsSubscription;
pub use tally::{EventsPath, EventsStats, Flushed, RefusedEvent};
pub use task_runs::TaskRunsSubscription;
