//! The flows that are linked into this program.

use std::any::TypeId;

use futures::future::BoxFuture;
use serde_json::Value;

use crate::backend::Existing;
use crate::def::FlowDef;
use crate::error::{Error, ErrorKind};

/// What `#[flow]` registers.
#[derive(Debug)]
pub struct FlowEntry {
    pub(crate) def: &'static FlowDef,
    pub(crate) function: fn() -> TypeId,
    pub(crate) call: fn(FlowStart) -> BoxFuture<'static, Result<(), Error>>,
}

/// What a flow is started with when it is started by its name.
#[derive(Debug)]
pub struct FlowStart {
    pub(crate) parameters: Value,
    /// The run to be taken over, in place of a new one.
    pub(crate) existing: Option<Box<Existing>>,
}

inventory::collect!(FlowEntry);

impl FlowEntry {
    /// Describes a flow: its declaration, the type of its function, and how to run it with parameters in JSON.
    #[must_use]
    pub const fn new(
        def: &'static FlowDef,
        function: fn() -> TypeId,
        call: fn(FlowStart) -> BoxFuture<'static, Result<(), Error>>,
    ) -> Self {
        Self { def, function, call }
    }
}

/// Returns the declaration of the flow whose function has this type.
pub(crate) fn flow_of(function: TypeId) -> Option<&'static FlowDef> {
    inventory::iter::<FlowEntry>().find(|entry| (entry.function)() == function).map(|entry| entry.def)
}

/// Runs the flow of this name, with parameters in JSON.
///
/// For programs that learn at run time what to do; every flow linked into the program is known.
///
/// # Errors
/// An error of kind [`ErrorKind::Definition`] that lists the flows if there is none of this name, and one that names
/// the functions if there are several; else what the flow's run ends with.
pub async fn run_flow(name: &str, parameters: Value) -> Result<(), Error> {
    start_flow(name, FlowStart { parameters, existing: None }).await
}

/// Starts the flow of this name.
pub(crate) async fn start_flow(name: &str, start: FlowStart) -> Result<(), Error> {
    (named(name)?.call)(start).await
}

/// Finds the one flow of this name.
pub(crate) fn named(name: &str) -> Result<&'static FlowEntry, Error> {
    let same: Vec<&FlowEntry> = inventory::iter::<FlowEntry>().filter(|entry| entry.def.name == name).collect();
    let refuse = |why| Err(Error::new(ErrorKind::Definition, why));
    match same[..] {
        [entry] => Ok(entry),
        [] => {
            let mut known: Vec<&str> = inventory::iter::<FlowEntry>().map(|entry| entry.def.name).collect();
            known.sort_unstable();
            refuse(format!("there is no flow `{name}` in this program: it has {}", known.join(", ")))
        }
        _ => {
            let mut places: Vec<String> = same.iter().map(|entry| format!("`{}`", entry.def.key)).collect();
            places.sort_unstable();
            let places = places.join(" and ");
            refuse(format!("there is more than one flow `{name}` in this program, {places}: give each a `name`"))
        }
    }
}
