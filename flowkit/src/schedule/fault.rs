//! What is wrong with a schedule, before it is known which one.

use std::fmt;

use crate::error::{Error, ErrorKind};

/// Is a mistake in a schedule's text, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    what: String,
    field: Option<usize>,
}

impl Fault {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), field: None }
    }

    /// Says which field it is in, counted from 1.
    pub(super) fn at_field(self, field: usize) -> Self {
        Self { field: Some(field), ..self }
    }

    /// Makes the error that the caller sees.
    pub(super) fn into_error(self, of: impl fmt::Display) -> Error {
        Error::new(ErrorKind::Definition, format!("{of}: {self}"))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match self.field {
            Some(field) => write!(f, " (field {field})"),
            None => Ok(()),
        }
    }
}
