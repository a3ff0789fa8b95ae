//! The runtime that code uses without naming one.

use std::sync::{Arc, OnceLock};

use crate::engine::context::{self, Context, Ports};
use crate::error::Error;
use crate::runtime::builder::RuntimeBuilder;

/// The ports that the settings ask for, made at first use; the error is kept and given to every call.
pub(super) fn global() -> Result<Arc<Ports>, Error> {
    static GLOBAL: OnceLock<Result<Arc<Ports>, Error>> = OnceLock::new();
    GLOBAL.get_or_init(|| RuntimeBuilder::new().build().map(|runtime| runtime.ports)).clone()
}

/// Returns the context that a call made here starts from.
///
/// If the settings cannot be used there is an error beside it, and the context reports to nobody.
pub(crate) fn ambient() -> (Context, Option<Error>) {
    if let Some(context) = context::current() {
        return (context, None);
    }
    match global() {
        Ok(ports) => (Context::outside(ports), None),
        Err(error) => (Context::outside(RuntimeBuilder::plain().ephemeral().ports), Some(error)),
    }
}

/// Returns what code reaches the outside through that is run here.
pub(crate) fn ports() -> Result<Arc<Ports>, Error> {
    context::with(|context| Arc::clone(&context.ports)).map_or_else(global, Ok)
}
