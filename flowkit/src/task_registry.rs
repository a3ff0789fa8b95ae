//! The background tasks that are linked into this program.

use std::ptr;

use crate::def::TaskDef;
use crate::defer::Given;
use crate::delay::Restored;
use crate::error::Error;

/// What `#[task(background)]` registers.
#[derive(Debug)]
pub struct TaskEntry {
    pub(crate) def: &'static TaskDef,
    pub(crate) restore: fn(&Given) -> Result<Restored, Error>,
}

inventory::collect!(TaskEntry);

impl TaskEntry {
    /// Describes a background task: its declaration, and how to make a call of it from stored arguments.
    #[must_use]
    pub const fn new(def: &'static TaskDef, restore: fn(&Given) -> Result<Restored, Error>) -> Self {
        Self { def, restore }
    }
}

/// Lists the tasks of this program that can be delayed, those of libraries included: `flowkit::serve_tasks(flowkit::background_tasks())`
/// serves them all.
#[must_use]
pub fn background_tasks() -> Vec<&'static TaskDef> {
    let mut all: Vec<&TaskDef> = inventory::iter::<TaskEntry>().map(|entry| entry.def).collect();
    all.sort_by_key(|def| (def.name, def.key));
    all
}

/// The entry of a task.
pub(crate) fn entry_of(def: &'static TaskDef) -> Option<&'static TaskEntry> {
    inventory::iter::<TaskEntry>().find(|entry| ptr::eq(entry.def, def))
}

/// The entries of this name.
pub(crate) fn entries_named(name: &str) -> Vec<&'static TaskEntry> {
    inventory::iter::<TaskEntry>().filter(|entry| entry.def.name == name).collect()
}
