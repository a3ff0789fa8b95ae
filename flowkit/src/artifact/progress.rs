//! How far something has come, while it goes on.

use std::fmt;
use std::future::IntoFuture;
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use serde_json::Value;

use crate::artifact::CreateArtifact;
use crate::artifacts::{Artifact, ArtifactKind, check_percent};
use crate::blocking;
use crate::call::spawn;
use crate::engine::context::{Ports, Waiters};
use crate::error::Error;
use crate::run::lock;

/// A progress that is to be shown. Awaiting it gives the [`Progress`].
///
/// # Errors
/// Those of [`CreateArtifact`].
#[derive(Debug)]
#[must_use = "nothing is shown until this is awaited"]
pub struct StartProgress {
    create: CreateArtifact,
    steps: u64,
}

impl StartProgress {
    pub(super) fn new() -> Self {
        Self { create: CreateArtifact::new(ArtifactKind::Progress, Ok(percentage(0.0))), steps: 100 }
    }

    /// Sets how many steps there are, such as the items of a map; [`Progress::advance`] makes one. Default: 100, and 0
    /// counts as 1.
    pub fn steps(mut self, steps: u64) -> Self {
        self.steps = steps.max(1);
        self
    }

    /// Sets the key that it shares with later versions of the same thing: lowercase letters, digits and dashes.
    /// Default: none.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.create = self.create.key(key);
        self
    }

    /// Sets what people are told about it, Markdown. Default: nothing.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.create = self.create.description(text);
        self
    }

    /// Waits until it is shown on this thread, in code that is not `async`.
    ///
    /// # Errors
    /// Those of awaiting it.
    pub fn blocking(self) -> Result<Progress, Error> {
        blocking::wait(self.into_future())
    }
}

impl IntoFuture for StartProgress {
    type Output = Result<Progress, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (artifact, ports) = self.create.make().await?;
            Ok(Progress(Arc::new(Shown {
                artifact,
                ports,
                steps: self.steps,
                reached: Mutex::default(),
                told: tokio::sync::Mutex::new(0.0),
            })))
        })
    }
}

/// A progress that is shown: an artifact that changes while something goes on. Clones are the same one.
///
/// ```
/// use flowkit::{artifact, artifact::Progress, prelude::*};
///
/// #[task]
/// async fn load(page: u32, progress: Progress) -> flowkit::Result<u32> {
///     // ...
///     progress.advance().await?;
///     Ok(page)
/// }
///
/// #[flow]
/// async fn load_all() -> flowkit::Result<usize> {
///     let progress = artifact::progress().key("pages").steps(40).await?;
///     let pages = flowkit::map(1..=40, |page| load(page, progress.clone())).limit(8).await?;
///     assert_eq!(progress.percent(), 100.0);
///     Ok(pages.len())
/// }
/// # tokio::runtime::Runtime::new().expect("a runtime").block_on(flowkit::Runtime::ephemeral().run(async {
/// assert_eq!(load_all().await?, 40);
/// # Ok::<_, flowkit::Error>(())
/// # })).expect("it succeeds");
/// ```
#[derive(Clone)]
pub struct Progress(Arc<Shown>);

struct Shown {
    artifact: Artifact,
    ports: Arc<Ports>,
    steps: u64,
    reached: Mutex<Reached>,
    /// What the backend knows. Held by the one who is telling it.
    told: tokio::sync::Mutex<f64>,
}

/// Where it is: where it was set to, and how many steps it has made since.
#[derive(Clone, Copy, Debug, Default)]
struct Reached {
    set: f64,
    steps: u64,
    /// What is worth to be told: each whole percent, and whatever was set.
    worth: f64,
}

impl Reached {
    #[expect(clippy::cast_precision_loss, reason = "a percentage is for people")]
    fn percent(self, of: u64) -> f64 {
        (self.set + self.steps as f64 * 100.0 / of as f64).min(100.0)
    }

    fn set(&mut self, percent: f64) {
        *self = Self { set: percent, steps: 0, worth: percent };
    }

    #[expect(clippy::float_cmp, reason = "whole numbers")]
    fn advance(&mut self, of: u64) {
        self.steps += 1;
        let percent = self.percent(of);
        if percent.floor() != self.worth.floor() {
            self.worth = percent;
        }
    }
}

impl Progress {
    /// Shows that it has come to so many percent, from 0 to 100; it may go back.
    pub fn set(&self, percent: impl Into<f64>) -> ProgressUpdate {
        ProgressUpdate { progress: self.clone(), step: Step::To(percent.into()) }
    }

    /// Shows that one of its [steps](StartProgress::steps) is done.
    ///
    /// To be called from many at once. What is shown changes with each whole percent, so a million steps cost a hundred
    /// requests to a server; of those who advance at the same time one waits for it, and tells of the others.
    pub fn advance(&self) -> ProgressUpdate {
        ProgressUpdate { progress: self.clone(), step: Step::Next }
    }

    /// Returns how far it has come, in percent.
    #[must_use]
    pub fn percent(&self) -> f64 {
        lock(&self.0.reached).percent(self.0.steps)
    }

    /// Lends the artifact as it was made, at 0 %.
    #[must_use]
    pub fn artifact(&self) -> &Artifact {
        &self.0.artifact
    }

    /// Makes a step, and tells the backend beside the present code, which the flow run of that waits for.
    pub(crate) fn step(&self, waiters: &Waiters) {
        let is_worth_telling = {
            let mut reached = lock(&self.0.reached);
            let before = reached.worth;
            reached.advance(self.0.steps);
            reached.worth > before
        };
        if is_worth_telling {
            let progress = self.clone();
            // Whoever makes steps runs on a runtime.
            let _ = spawn(waiters, None, async move { progress.warn_of(progress.tell().await) });
        }
    }

    /// Waits until all that there is to tell is told.
    pub(crate) async fn shown(&self) {
        let mut told = self.0.told.lock().await;
        let outcome = self.0.tell(&mut told).await;
        self.warn_of(outcome.map(|_| ()));
    }

    /// Somebody who is not asked for the result hears of it.
    fn warn_of(&self, told: Result<(), Error>) {
        if let Err(error) = told {
            let name = self.0.artifact.key.as_deref().unwrap_or("without a key");
            tracing::warn!("the progress artifact `{name}` cannot be updated: {error}");
        }
    }

    /// Tells the backend, unless somebody is about to.
    #[expect(clippy::float_cmp, reason = "it is the same number or another one")]
    async fn tell(&self) -> Result<(), Error> {
        loop {
            // Whoever holds it looks again after letting go of it.
            let Ok(mut told) = self.0.told.try_lock() else { return Ok(()) };
            let now = self.0.tell(&mut told).await?;
            drop(told);
            if lock(&self.0.reached).worth == now {
                return Ok(());
            }
        }
    }
}

impl Shown {
    /// Tells the backend what it does not know, and returns what it knows then.
    #[expect(clippy::float_cmp, reason = "it is the same number or another one")]
    async fn tell(&self, told: &mut f64) -> Result<f64, Error> {
        let now = lock(&self.reached).worth;
        if now != *told {
            self.ports.backend.artifacts().update_artifact(&self.artifact, percentage(now)).await?;
            *told = now;
        }
        Ok(now)
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("key", &self.0.artifact.key).field("percent", &self.percent()).finish()
    }
}

/// A change of a progress that is to be shown.
///
/// # Errors
/// Awaiting it gives an error of kind [`Input`](crate::ErrorKind::Input) for less than 0 and more than 100 %, and of kind
/// [`Backend`](crate::ErrorKind::Backend) if the server does not answer.
///
/// # Cancel safety
/// Once it is polled, the change is made. One that is dropped while it waits for the server may be seen only with the next
/// one.
#[derive(Debug)]
#[must_use = "nothing is shown until this is awaited"]
pub struct ProgressUpdate {
    progress: Progress,
    step: Step,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    To(f64),
    Next,
}

impl ProgressUpdate {
    /// Waits until it is shown on this thread, in code that is not `async`.
    ///
    /// # Errors
    /// Those of awaiting it.
    pub fn blocking(self) -> Result<(), Error> {
        blocking::wait(self.into_future())
    }
}

impl IntoFuture for ProgressUpdate {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { progress, step } = self;
            match step {
                Step::To(percent) => {
                    check_percent(percent)?;
                    lock(&progress.0.reached).set(percent);
                }
                Step::Next => lock(&progress.0.reached).advance(progress.0.steps),
            }
            progress.tell().await
        })
    }
}

fn percentage(percent: f64) -> Value {
    Value::from(percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_add_up_to_all_of_it_and_not_to_more() {
        let mut reached = Reached::default();
        let after: Vec<f64> = (0..4)
            .map(|_| {
                reached.advance(3);
                reached.percent(3)
            })
            .collect();
        assert_eq!(after[2..], [100.0, 100.0]);
        assert!(after[0] > 33.3 && after[1] < 66.7, "{after:?}");
        reached.set(50.0);
        reached.advance(4);
        assert_eq!(reached.percent(4), 75.0);
    }

    #[test]
    fn each_whole_percent_is_worth_telling_and_whatever_is_set() {
        let mut reached = Reached::default();
        let mut worth: Vec<f64> = (0..1000)
            .map(|_| {
                reached.advance(1000);
                reached.worth
            })
            .collect();
        worth.dedup();
        assert_eq!((worth.len(), worth[0], worth[1], worth.last()), (101, 0.0, 1.0, Some(&100.0)));
        reached.set(55.25);
        assert_eq!(reached.worth, 55.25);
    }
}
