//! Why the delivery of a file does not go on for now. Pure.

use flowkit_client::{Error, ErrorKind};

use crate::backend::server::verdict::Verdict;

/// What has to wait.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Stop {
    /// Everything, until the server is back.
    All(String),
    /// Everything, until somebody mends how the server is reached.
    Barred(String),
    /// This file; others may fare better.
    File(String),
}

impl Stop {
    pub(super) fn of(error: &Error) -> Self {
        let why = error.to_string();
        match (Verdict::of(error), error.kind()) {
            (Verdict::Barred | Verdict::Missing, _) => Self::Barred(why),
            (Verdict::Later, ErrorKind::Server | ErrorKind::Locked) | (Verdict::Never, _) => Self::File(why),
            (Verdict::Later, _) => Self::All(why),
        }
    }

    pub(super) fn disk(error: &std::io::Error) -> Self {
        Self::File(error.to_string())
    }
}
