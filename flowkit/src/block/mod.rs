//! Blocks: settings and secrets that are saved under a name, typed, and shared with other programs (Prefect's blocks).
//!
//! A secret is saved once, by anybody, and loaded where it is needed. Python's `Secret.load("db-password").get()` reads
//! what this saves, and the other way round:
//!
//! ```
//! use flowkit::{Secret, block, prelude::*};
//!
//! #[task]
//! async fn connect() -> flowkit::Result<String> {
//!     let password = block::secret("db-password").await?;
//!     tracing::info!("using {}", password.expose());      // logs `using **********`
//!     Ok(format!("connected by {password}"))
//! }
//!
//! # tokio::runtime::Runtime::new().expect("a runtime").block_on(flowkit::Runtime::ephemeral().run(async {
//! block::save("db-password", &Secret::<String>::new("hunter2")).await?;
//! assert_eq!(connect().await?, "connected by **********");
//! # Ok::<_, flowkit::Error>(())
//! # })).expect("it succeeds");
//! ```
//!
//! Structs of your own are blocks by `#[derive(Block)]`. Their type and schema are registered when one is saved, so that
//! Prefect's UI shows a form for them; fields of type [`Secret`] are hidden there:
//!
//! ```
//! use flowkit::{Block, Secret, block};
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//!
//! /// Where the warehouse is.
//! #[derive(Block, Serialize, Deserialize, JsonSchema)]
//! #[block(slug = "warehouse")]
//! struct Warehouse {
//!     host: String,
//!     password: Secret,
//! }
//!
//! # tokio::runtime::Runtime::new().expect("a runtime").block_on(flowkit::Runtime::ephemeral().run(async {
//! let warehouse = Warehouse { host: "db.example.com".into(), password: Secret::new("hunter2") };
//! block::save("main", &warehouse).overwrite(true).await?;
//! let loaded = block::load::<Warehouse>("main").await?;
//! assert_eq!(loaded.password.expose(), "hunter2");
//! # Ok::<_, flowkit::Error>(())
//! # })).expect("it succeeds");
//! ```
//!
//! Where they are kept:
//!
//! - With a Prefect server, there, which encrypts them. Secrets travel in the calls that save and load blocks, and in no
//!   others.
//! - With a file (`FLOWKIT_DB`), in the file. Blocks with secrets are encrypted (ChaCha20-Poly1305) with the key of the
//!   setting `FLOWKIT_BLOCK_KEY` (or `RuntimeBuilder::block_key`), which is 32 bytes in base64: `openssl rand -base64 32`
//!   makes one, and so does `block::new_key`. Without a key, such a block cannot be saved. Types, names and blocks without
//!   secrets are in the file as they are.
//! - With neither, in this process, and they end with it.
//!
//! What is loaded is masked in log lines and state messages of this process, as with every
//! [`Secret`]. Code that is not `async` writes `.blocking()` instead of `.await`.

mod call;
mod kind;
mod nested;
mod schema;
mod system;
mod webhook;

pub use call::{DeleteBlock, LoadBlock, LoadNested, SaveBlock};
pub use kind::{Block, BlockForm, BlockType};
pub use nested::Nested;
pub use system::{DateTime, Json};
pub use webhook::{CustomWebhook, SlackWebhook, Webhook};

#[cfg(feature = "embedded")]
use crate::error::Error;
#[cfg(feature = "embedded")]
use crate::runtime;
use crate::secret::Secret;

/// Saves a block that must not be there yet, unless [`overwrite`](SaveBlock::overwrite) says otherwise.
///
/// `block` is a [`Secret`], [`Json`], [`DateTime`], a webhook, or a struct with `#[derive(Block)]`.
pub fn save<T: Block>(name: impl Into<String>, block: &T) -> SaveBlock {
    SaveBlock::of(name.into(), block)
}

/// Loads a block as a `T`.
pub fn load<T: Block>(name: impl Into<String>) -> LoadBlock<T> {
    LoadBlock::of(name.into())
}

/// Loads a text that is secret: a block of type `secret`. For secrets of other types, `load::<Secret<T>>(name)`.
pub fn secret(name: impl Into<String>) -> LoadBlock<Secret> {
    load(name)
}

/// Loads a block for a field of another one, which will refer to it when it is saved.
pub fn nested<T: Block>(name: impl Into<String>) -> LoadNested<T> {
    LoadNested::of(name.into())
}

/// Deletes a block of type `T`, if it is there.
pub fn delete<T: Block>(name: impl Into<String>) -> DeleteBlock {
    DeleteBlock { slug: T::TYPE.slug(), name: name.into() }
}

/// Makes a key for the setting `FLOWKIT_BLOCK_KEY`: 32 random bytes in base64. Whoever has it can read the secrets of a
/// file, and without it nobody can.
///
/// # Errors
/// An error of kind [`Backend`](crate::ErrorKind::Backend) if the system gives no random bytes.
#[cfg(feature = "embedded")]
pub fn new_key() -> Result<String, Error> {
    runtime::new_block_key()
}
