//! Keeps the error of a body, whatever its type can do.
//!
//! The eight traits are tried in turn by method lookup on `&&&&&&&&Kept<E>`, which needs no specialization: each
//! level of reference that the lookup takes off reaches a trait with a weaker bound.

use std::cell::Cell;
use std::error::Error as StdError;
use std::fmt::{Debug, Display};

use crate::user_error::{UserError, chain};

/// An error on its way to being kept.
pub struct Kept<E>(Cell<Option<E>>);

impl<E> std::fmt::Debug for Kept<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept")
    }
}

impl<E> Kept<E> {
    /// Wraps an error.
    pub const fn new(error: E) -> Self {
        Self(Cell::new(Some(error)))
    }

    fn with(&self, keep: impl FnOnce(E) -> UserError) -> UserError {
        self.0.take().map_or_else(|| UserError::text(String::new()), keep)
    }
}

/// For standard errors.
pub trait KeepStandard {
    /// Keeps it.
    fn keep(&self) -> UserError;
}

impl<E: StdError + Send + Sync + 'static> KeepStandard for &&&&&&&Kept<E> {
    fn keep(&self) -> UserError {
        self.with(UserError::standard)
    }
}

/// For errors that lend a standard one: `anyhow::Error`, `Box<dyn Error + Send + Sync>`.
pub trait KeepAsRef {
    /// Keeps it.
    fn keep(&self) -> UserError;
}

impl<E: AsRef<dyn StdError + Send + Sync> + Debug + Send + Sync + 'static> KeepAsRef for &&&&&&Kept<E> {
    fn keep(&self) -> UserError {
        self.with(UserError::lending)
    }
}

/// For anything that can be displayed, such as a `String`.
pub trait KeepDisplay {
    /// Keeps it.
    fn keep(&self) -> UserError;
}

impl<E: Display + Send + Sync + 'static> KeepDisplay for &&&&&Kept<E> {
    fn keep(&self) -> UserError {
        self.with(|error| {
            let text = error.to_string();
            UserError::shown(error, text)
        })
    }
}

/// For standard errors that cannot leave their thread; only the text of their chain is kept.
pub trait KeepLocal {
    /// Keeps it.
    fn keep(&self) -> UserError;
}

impl<E: StdError + 'static> KeepLocal for &&&&Kept<E> {
    fn keep(&self) -> UserError {
        self.with(|error| UserError::text(chain(&error)))
    }
}

/// For boxes of standard errors that cannot leave their thread: `Box<dyn Error>`.
pub trait KeepLocalAsRef {
    /// Keeps it.
    fn keep(&self) -> UserError;
}

impl<E: AsRef<dyn StdError>> KeepLocalAsRef for &&&Kept<E> {
    fn keep(&self) -> UserError {
        self.with(|error| UserError::text(chain(error.as_ref())))
    }
}

/// For anything displayed that cannot leave its thread; only its text is kept.
pub trait KeepDisplayed {
    /// Keeps it.
    fn keep(&self) -> UserError;
}

impl<E: Display> KeepDisplayed for &&Kept<E> {
    fn keep(&self) -> UserError {
        self.with(|error| UserError::text(error.to_string()))
    }
}

/// For anything that can be debugged.
pub trait KeepDebug {
    /// Keeps it.
    fn keep(&self) -> UserError;
}

impl<E: Debug + Send + Sync + 'static> KeepDebug for &Kept<E> {
    fn keep(&self) -> UserError {
        self.with(|error| {
            let text = format!("{error:?}");
            UserError::shown(error, text)
        })
    }
}

/// For anything debugged that cannot leave its thread; only its text is kept.
pub trait KeepDebugged {
    /// Keeps it.
    fn keep(&self) -> UserError;
}

impl<E: Debug> KeepDebugged for Kept<E> {
    fn keep(&self) -> UserError {
        self.with(|error| UserError::text(format!("{error:?}")))
    }
}
