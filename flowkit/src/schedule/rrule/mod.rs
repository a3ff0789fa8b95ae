//! Recurrence rules of iCalendar (RFC 5545), as Prefect reads them with Python's dateutil.
//!
//! Everything here is time on the wall: Prefect drops the zone of each date in the text and puts the schedule's own
//! zone in its place. The crate `rrule` follows the RFC where dateutil does not (negative positions, counted weekdays
//! beside plain ones, weeks around New Year, `BYEASTER`, rules without a start), and walks from the start of the rule
//! on each question, so the reading is our own.

mod days;
mod moment;
mod parse;
mod rule;
mod set;
mod walk;

pub(super) use parse::DEFAULT_START;
pub(super) use set::{RuleSet, SetWalk};
