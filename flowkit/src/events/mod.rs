//! Telling the world what happens, and hearing of it (Prefect's events).
//!
//! ```
//! use flowkit::{emit_event, events, prelude::*};
//! use futures::TryStreamExt;
//! use serde_json::json;
//!
//! #[task]
//! async fn place(order: u32) -> flowkit::Result<()> {
//!     emit_event("order.placed", format!("shop.order.{order}")).payload(json!({"items": 3})).await?;
//!     Ok(())
//! }
//!
//! # tokio::runtime::Runtime::new().expect("a runtime").block_on(flowkit::Runtime::ephemeral().run(async {
//! let mut orders = events().name("order.*");
//! place(17).await?;
//! let order = orders.try_next().await?.expect("events go on for ever");
//! assert_eq!((order.resource.id(), &order.payload["items"]), ("shop.order.17", &json!(3)));
//! # Ok::<_, flowkit::Error>(())
//! # })).expect("it succeeds");
//! ```
//!
//! With a Prefect server they are the server's, shared with Python, the UI and automations. Without one they are those of
//! this process: the newest 10 000 (fewer where fewer flow runs are [kept](crate::RuntimeBuilder::keep_flow_runs)), with 64
//! MiB of content, of what programs tell and of flow runs (`prefect.flow-run.*`, with the names and resources that Prefect's
//! server gives them). With a file (`FLOWKIT_DB`) what programs tell is in the file as well, for as long as runs are.
//!
//! What is known as a [`Secret`](crate::Secret) is masked in events.

mod emit;
mod stream;

pub use crate::happened::{Event, EventFilter, Resource};
pub use emit::{EmitEvent, emit_event};
pub use stream::{Events, PastEvents, events};
