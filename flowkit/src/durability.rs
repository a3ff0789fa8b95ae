//! How careful the file of the embedded backend is.

/// When what a resumable flow run has done counts as done (the setting `FLOWKIT_DURABILITY`: `commit` or `fast`).
///
/// Whichever it is, what any run reports outlives the process, however that ends: it lies beside the file, in one named
/// `-tail0` or `-tail1`, until it is in the database some 5 ms later, and the next process that opens the database for
/// writing takes it over. The two differ in what a loss of power costs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum Durability {
    /// Once it is on disk: a resumable flow run waits for that after each of its tasks, for about the time of one
    /// `fsync`. Nothing that has finished runs again, whatever happens. The default.
    #[default]
    Commit,
    /// At once. Nothing that has finished runs again after the process was killed; if the power fails, or the system
    /// crashes, what was reported in the 5 ms before may, when the flow run is resumed.
    Fast,
}
