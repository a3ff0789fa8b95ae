//! Which of the two attributes is at work.

use std::fmt;

/// The attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Task,
    Flow,
}

impl Kind {
    /// What the function becomes, as a word in a message.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Flow => "flow",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#[{}]", self.noun())
    }
}
