//! Where the value of a setting comes from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Tells where the value of a setting comes from. The order is that in which they count: what comes first beats what
/// comes later.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Origin {
    /// A variable of the environment.
    Environment,
    /// The file `.env` in the working directory.
    DotEnv {
        /// The line, from 1.
        line: usize,
    },
    /// The file `prefect.toml` in the working directory.
    PrefectToml {
        /// The line, from 1.
        line: usize,
    },
    /// The table `tool.prefect` of the file `pyproject.toml` in the working directory.
    PyprojectToml {
        /// The line, from 1.
        line: usize,
    },
    /// The active profile.
    #[non_exhaustive]
    Profile {
        /// Its name.
        name: Arc<str>,
        /// The file it is in; `None` if it is one of those that Prefect brings.
        file: Option<Arc<Path>>,
        /// The line, from 1.
        line: usize,
    },
    /// Nobody sets it.
    Default,
}

impl Origin {
    /// Returns the file, if it is one.
    pub fn file(&self) -> Option<PathBuf> {
        match self {
            Self::Environment | Self::Default => None,
            Self::DotEnv { .. } => Some(PathBuf::from(".env")),
            Self::PrefectToml { .. } => Some(PathBuf::from("prefect.toml")),
            Self::PyprojectToml { .. } => Some(PathBuf::from("pyproject.toml")),
            Self::Profile { file, .. } => file.as_deref().map(Path::to_path_buf),
        }
    }

    /// Returns the line in the file, from 1.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Environment | Self::Default | Self::Profile { file: None, .. } => None,
            Self::DotEnv { line }
            | Self::PrefectToml { line }
            | Self::PyprojectToml { line }
            | Self::Profile { line, .. } => Some(*line),
        }
    }

    /// How far away it is: two values of one kind of place are equally near.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Environment => 0,
            Self::DotEnv { .. } => 1,
            Self::PrefectToml { .. } => 2,
            Self::PyprojectToml { .. } => 3,
            Self::Profile { .. } => 4,
            Self::Default => 5,
        }
    }
}

/// Shows it as in `.env, line 3`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("environment"),
            Self::Default => f.write_str("default"),
            Self::DotEnv { line } => write!(f, ".env, line {line}"),
            Self::PrefectToml { line } => write!(f, "prefect.toml, line {line}"),
            Self::PyprojectToml { line } => write!(f, "pyproject.toml, line {line}"),
            Self::Profile { name, file: Some(file), line } => {
                write!(f, "profile {name}: {}, line {line}", file.display())
            }
            Self::Profile { name, file: None, .. } => write!(f, "profile {name} of Prefect"),
        }
    }
}
