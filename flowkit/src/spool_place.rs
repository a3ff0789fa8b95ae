//! Where it is kept what a server cannot be told before the process ends.

use std::path::PathBuf;

/// Where the reports that a server has not taken wait for a later process.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum SpoolPlace {
    /// Nowhere: what cannot be delivered is lost, as somebody has asked for.
    #[default]
    Off,
    /// Nobody has said where, and there is no cache folder, for this reason.
    Nowhere(String),
    /// Nobody has said where: in the user's cache folder.
    Usual(PathBuf),
    /// Where somebody has said; `named_by` tells in what words.
    Chosen { folder: PathBuf, named_by: String },
}
