//! How careful the file of the embedded backend is.

/// When what a resumable flow run has done counts as done (the setting `FLOWKIT_DURABILITY`: `commit` or `fast`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum Durability {
    /// Once it is on disk: a resumable flow run waits for that after each of its tasks, for about the time of one
    /// `fsync`. Nothing that has finished runs again, whatever happens. The default.
    #[default]
    Commit,
    /// At once: it is written at most 5 ms later. What was not written yet when the process is killed or the power
    /// fails runs again when the flow run is resumed.
    Fast,
}
