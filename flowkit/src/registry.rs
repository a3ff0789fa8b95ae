//! The flows that are linked into this program.

use std::any::TypeId;

use futures::future::BoxFuture;
use serde_json::Value;

use crate::def::FlowDef;
use crate::error::Error;

/// What `#[flow]` registers.
#[derive(Debug)]
pub struct FlowEntry {
    pub(crate) def: &'static FlowDef,
    pub(crate) function: fn() -> TypeId,
    pub(crate) call: fn(Value) -> BoxFuture<'static, Result<(), Error>>,
}

inventory::collect!(FlowEntry);

impl FlowEntry {
    /// Describes a flow: its declaration, the type of its function, and how to run it with parameters in JSON.
    #[must_use]
    pub const fn new(
        def: &'static FlowDef,
        function: fn() -> TypeId,
        call: fn(Value) -> BoxFuture<'static, Result<(), Error>>,
    ) -> Self {
        Self { def, function, call }
    }
}

/// Returns the declaration of the flow whose function has this type.
pub(crate) fn flow_of(function: TypeId) -> Option<&'static FlowDef> {
    inventory::iter::<FlowEntry>().find(|entry| (entry.function)() == function).map(|entry| entry.def)
}

/// Returns the flow of this name.
pub(crate) fn flow_named(name: &str) -> Option<&'static FlowEntry> {
    inventory::iter::<FlowEntry>().find(|entry| entry.def.name == name)
}
