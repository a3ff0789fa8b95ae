//! Keeps whatever a body returned as its error, so that the caller can have it back.
//!
//! A body may fail with any type that can be shown: a standard error, `anyhow::Error` and its kin (which are
//! not standard errors, but lend one), a boxed error, a string, or a plain `Debug` type.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;

/// The error value of a body, with its type erased.
pub struct UserError {
    kept: Box<dyn Kept>,
    /// What the `retry_if` of the definition has said about it.
    pub(crate) worth_a_retry: Option<bool>,
}

trait Kept: Send + Sync {
    fn as_std(&self) -> &(dyn StdError + 'static);
    fn as_any(&self) -> &dyn Any;
    /// What the value shows to those who debug.
    fn debugged(&self) -> Option<String> {
        None
    }
}

impl UserError {
    fn new(kept: impl Kept + 'static) -> Self {
        Self { kept: Box::new(kept), worth_a_retry: None }
    }

    /// Notes whether there is any use in trying again.
    #[must_use]
    pub fn worth_a_retry(mut self, worth: Option<bool>) -> Self {
        self.worth_a_retry = worth;
        self
    }

    /// Keeps a standard error.
    pub fn standard<E: StdError + Send + Sync + 'static>(error: E) -> Self {
        Self::new(Standard(error))
    }

    /// Keeps an error that lends a standard one, as `anyhow::Error`, `eyre::Report` and `Box<dyn Error>` do.
    pub fn lending<E: AsRef<dyn StdError + Send + Sync> + fmt::Debug + Send + Sync + 'static>(error: E) -> Self {
        Self::new(Lending(error))
    }

    /// Keeps any other value together with the text that shows it.
    pub fn shown<E: Send + Sync + 'static>(error: E, text: String) -> Self {
        Self::new(Shown { value: error, text: Text(text) })
    }

    /// Keeps only a text, for values that cannot leave their thread.
    #[must_use]
    pub fn text(text: String) -> Self {
        Self::new(Standard(Text(text)))
    }

    /// Returns the backtrace that `anyhow` and its kin have captured, if they were asked to (`RUST_BACKTRACE=1`). There is
    /// no way to it on stable Rust but through what they show.
    pub(crate) fn backtrace(&self) -> Option<String> {
        let shown = self.kept.debugged()?;
        let (_, trace) = shown.split_once("Stack backtrace:\n")?;
        Some(trace.trim_end().to_owned())
    }

    pub(crate) fn as_std(&self) -> &(dyn StdError + 'static) {
        self.kept.as_std()
    }

    pub(crate) fn exactly<E: 'static>(&self) -> Option<&E> {
        self.kept.as_any().downcast_ref()
    }
}

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_std(), f)
    }
}

struct Standard<E>(E);

impl<E: StdError + Send + Sync + 'static> Kept for Standard<E> {
    fn as_std(&self) -> &(dyn StdError + 'static) {
        &self.0
    }
    fn as_any(&self) -> &dyn Any {
        &self.0
    }
}

struct Lending<E>(E);

impl<E: AsRef<dyn StdError + Send + Sync> + fmt::Debug + Send + Sync + 'static> Kept for Lending<E> {
    fn debugged(&self) -> Option<String> {
        Some(format!("{:?}", self.0))
    }
    fn as_std(&self) -> &(dyn StdError + 'static) {
        self.0.as_ref()
    }
    fn as_any(&self) -> &dyn Any {
        &self.0
    }
}

struct Shown<E> {
    value: E,
    text: Text,
}

impl<E: Send + Sync + 'static> Kept for Shown<E> {
    fn as_std(&self) -> &(dyn StdError + 'static) {
        &self.text
    }
    fn as_any(&self) -> &dyn Any {
        &self.value
    }
}

#[derive(Debug)]
struct Text(String);

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Text {}

/// Returns the text of an error and of its causes, joined by `: `; a cause that its error already quotes is left out.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    for cause in causes(error.source()) {
        let cause = cause.to_string();
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// Returns the first line of a text.
pub(crate) fn first_line(text: &str) -> &str {
    text.trim().lines().next().unwrap_or_default().trim_end()
}

/// Follows a chain of causes from its first.
pub(crate) fn causes<'a>(
    first: Option<&'a (dyn StdError + 'static)>,
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(first, |error| {
        let error: &'a (dyn StdError + 'static) = *error;
        error.source()
    })
}
