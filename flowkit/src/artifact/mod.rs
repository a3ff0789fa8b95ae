//! What runs show to people (Prefect's artifacts): reports, tables, links, images, and how far they have come.
//!
//! ```
//! use flowkit::{artifact, prelude::*};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Price {
//!     product: String,
//!     euros: f64,
//! }
//!
//! #[task]
//! async fn report(prices: Vec<Price>) -> flowkit::Result<()> {
//!     artifact::table(&prices).key("prices").description("What things cost *today*").await?;
//!     artifact::markdown(format!("# {} prices", prices.len())).await?;
//!     artifact::link("https://example.com/prices").text("the shop").await?;
//!     Ok(())
//! }
//!
//! # tokio::runtime::Runtime::new().expect("a runtime").block_on(flowkit::Runtime::ephemeral().run(async {
//! report(vec![Price { product: "tea".to_owned(), euros: 2.5 }]).await?;
//! let prices: Vec<Price> = artifact::get("prices").await?.rows()?;
//! assert_eq!(prices[0].product, "tea");
//! # Ok::<_, flowkit::Error>(())
//! # })).expect("it succeeds");
//! ```
//!
//! Artifacts of the same key are versions of one thing: [`get`] reads the one that was changed last. Each knows the run
//! that made it. With a Prefect server they are in its UI, with a file (`FLOWKIT_DB`) they are kept with their runs, with
//! neither the newest are in this process: at most 10 000, with 64 MiB of content.
//!
//! What is known as a [`Secret`](crate::Secret) is masked in what they hold.
//!
//! All of it works outside of runs as well. Code that is not `async`, such as the body of a `#[task] fn`, writes
//! `.blocking()` instead of `.await`.

mod create;
mod progress;

use std::future::IntoFuture;

use futures::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;

use crate::artifacts::{self, ArtifactKind as Kind};
use crate::blocking;
use crate::error::{Error, ErrorKind};
use crate::redact::redact_json;
use crate::runtime;

pub use crate::artifacts::{Artifact, ArtifactKind};
pub use create::{CreateArtifact, LinkArtifact};
pub use progress::{Progress, ProgressUpdate, StartProgress};

/// Shows Markdown.
pub fn markdown(text: impl Into<String>) -> CreateArtifact {
    CreateArtifact::new(Kind::Markdown, Ok(Value::String(text.into())))
}

/// Shows a table: a list of rows, which are structs, maps or lists of cells, or a map of columns, which are lists.
pub fn table<T: Serialize + ?Sized>(rows: &T) -> CreateArtifact {
    let unfit = |error| Error::new(ErrorKind::Input, "the table cannot be written as JSON").with_source(error);
    let table = serde_json::to_value(rows).map_err(unfit).and_then(|mut table| {
        artifacts::check_table(&table)?;
        // Before it becomes text, in which a secret could look otherwise.
        redact_json(&mut table);
        Ok(Value::String(table.to_string()))
    });
    CreateArtifact::new(Kind::Table, table)
}

/// Shows a link, as Markdown. It reads as its address unless [`text`](LinkArtifact::text) says otherwise.
pub fn link(url: impl Into<String>) -> LinkArtifact {
    LinkArtifact::new(url.into())
}

/// Shows the image that is at an address.
pub fn image(url: impl Into<String>) -> CreateArtifact {
    CreateArtifact::new(Kind::Image, Ok(Value::String(url.into())))
}

/// Shows how far something has come, 0 % for now.
pub fn progress() -> StartProgress {
    StartProgress::new()
}

/// Reads the artifact of a key that was changed last.
pub fn get(key: impl Into<String>) -> GetArtifact {
    GetArtifact { key: key.into() }
}

/// An artifact that is to be read.
///
/// # Errors
/// Awaiting it gives an error of kind [`NotFound`](ErrorKind::NotFound) if there is none of this key, of kind
/// [`Input`](ErrorKind::Input) if no artifact can have it, and of kind [`Backend`](ErrorKind::Backend) if the server does
/// not answer or the file cannot be read.
#[derive(Debug)]
#[must_use = "nothing is read until this is awaited"]
pub struct GetArtifact {
    key: String,
}

impl GetArtifact {
    /// Waits for it on this thread, in code that is not `async`.
    ///
    /// # Errors
    /// Those of awaiting it.
    pub fn blocking(self) -> Result<Artifact, Error> {
        blocking::wait(self.into_future())
    }
}

impl IntoFuture for GetArtifact {
    type Output = Result<Artifact, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            artifacts::check_key(&self.key)?;
            let found = runtime::ports()?.backend.artifacts().artifact(self.key.clone()).await?;
            found.ok_or_else(|| {
                Error::new(ErrorKind::NotFound, format!("there is no artifact with the key `{}`", self.key))
            })
        })
    }
}
