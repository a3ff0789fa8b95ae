//! A typed async client of the Prefect 3 REST and WebSocket API.
//!
//! It speaks the API of Prefect 3.8 to a self-hosted server or to Prefect Cloud, and knows nothing of how flows are
//! written or run. Building a request is pure data ([`Request`], [`api`], [`model`]); sending it is [`Client`].
//!
//! ```no_run
//! use flowkit_client::api::flow_runs::Orchestrate;
//! use flowkit_client::model::{FlowCreate, FlowRunCreate, StateCreate, StateType};
//! use flowkit_client::{Auth, Client, Config};
//!
//! # async fn example() -> Result<(), flowkit_client::Error> {
//! let config = Config::new("http://127.0.0.1:4200/api")?.auth(Auth::Basic("admin:pass".into()));
//! let client = Client::new(config)?;
//! let flow = client.create_flow(&FlowCreate::new("etl")).await?;
//! let run = client.create_flow_run(&FlowRunCreate::new(flow.id)).await?;
//! let answer = client
//!     .set_flow_run_state(run.id, &StateCreate::new(StateType::Running), Orchestrate::Rules)
//!     .await?;
//! println!("{} is {:?}", run.name, answer.status);
//! # Ok(())
//! # }
//! ```

pub mod api;
mod api_url;
mod auth;
mod channel;
mod client;
mod config;
mod error;
pub mod model;
mod proxy;
mod refusal;
mod request;
mod retry;
mod tls;
mod version;

pub use api_url::ApiUrl;
pub use auth::Auth;
pub use channel::{
    EventsChannel, EventsOptions, EventsPath, EventsStats, EventsSubscription, EventsTransport, Flushed, RefusedEvent,
    TaskRunsSubscription,
};
pub use client::{Attribution, Client};
pub use config::{API_VERSION, Config, PREFECT_VERSION, Trust, USER_AGENT};
pub use error::{Error, ErrorKind, FieldError};
pub use request::{Ignored, Method, Request};
pub use retry::{Outcome, Retry, RetryPolicy, decide};
pub use version::ServerVersion;
