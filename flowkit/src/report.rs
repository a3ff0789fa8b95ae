//! How much a Prefect server is told of task runs.

/// How much a Prefect server is told of task runs (the setting `FLOWKIT_REPORT`: `auto`, `all`, `final` or `aggregate`).
///
/// A server stores some tens of task runs a second, whatever the work does, so that one may not want to see each of 100 000.
/// Flow runs, subflows, logs, assets and artifacts are told in full in any case, and so are background tasks; what is kept in memory or in
/// a file has everything.
///
/// | mode | a task run at the server has | a map of a task at the server is |
/// | --- | --- | --- |
/// | `auto` | every state, or only the newest when more than 1 000 states wait to be sent | its task runs |
/// | `all` | every state, however long that takes | its task runs |
/// | `final` | its final state alone, with times and run count: it is not seen while it runs | its task runs |
/// | `aggregate` | as `auto`, outside of maps | one task run, `fetch-map-1a2`: Running until the map has ended, then in a state whose message counts, "10000 task runs: 9998 Completed, 2 Failed" |
///
/// With `aggregate`, the runs of a map that did not complete are task runs of their own beside that one, in their final
/// states, and no others are there: their logs are, with ids that name no task run. The state is Completed if that is what all
/// runs are, else Failed if any failed or was not ready, else Crashed, else Cancelled. What the map was given, and what was given its
/// results, is joined to that one task run in the graph of the flow run; so are calls in the bodies of its runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum Report {
    /// Every state, until the server is far behind. The default.
    #[default]
    Auto,
    /// Every state.
    All,
    /// Final states alone.
    Final,
    /// One task run for each map, and those of its runs that did not complete.
    Aggregate,
}
