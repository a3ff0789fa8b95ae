//! Schedules: when a deployment's flow runs by itself.
//!
//! A [`Schedule`] is a cron string, an interval or a recurrence rule, in a time zone. It has the meaning that it has in
//! Prefect, so the same schedule gives the same dates whether a Prefect server computes them or this process. Dates
//! are computed from a given moment; nothing here asks for the time.
//!
//! ```
//! use flowkit::Schedule;
//! use flowkit::schedule::moment;
//!
//! # fn main() -> flowkit::Result<()> {
//! let schedule = Schedule::cron("0 8 * * mon-fri").slug("workdays");
//! let dates = schedule.next_dates(moment("2026-11-20T09:00:00Z")?, 2)?;
//! assert_eq!(dates[0].to_string(), "2026-11-23T08:00:00.000000Z");
//! assert_eq!(dates[1].to_string(), "2026-11-24T08:00:00.000000Z");
//!
//! let error = Schedule::cron("61 8 * * *").check().unwrap_err();
//! assert_eq!(error.to_string(), "cron `61 8 * * *`: minute 61 is not within 0-59 (field 1)");
//! # Ok(())
//! # }
//! ```
//!
//! # Time zones
//!
//! Without a zone a schedule is in UTC. Dates in other zones are computed in this process when flowkit's feature
//! `timezones` is on; a Prefect server computes them itself, so a served flow needs the feature only without a server.
//!
//! # When clocks change
//!
//! | | clocks go forward, the time is left out | clocks go back, the time comes twice |
//! | --- | --- | --- |
//! | cron, rrule | runs as much earlier as is left out: 02:30 runs at 01:30 | runs the first time only |
//! | interval of a day or more | runs as much later: 02:30 runs at 03:30 | runs the second time only |
//! | shorter interval | counts elapsed time, and does not notice | likewise |
//!
//! An interval of a day or more keeps its clock hour: a daily run at nine stays at nine in summer and in winter,
//! whatever moment the dates are computed from.

mod cron;
mod dates;
mod fault;
mod interval;
mod json;
mod misfire;
mod rrule;
mod spec;
mod timetable;
mod zone;

pub use dates::Dates;
pub use misfire::{MOST_MADE_UP, Misfire, ON_TIME};
pub use spec::{Schedule, moment};
pub use timetable::{Due, Timetable};
