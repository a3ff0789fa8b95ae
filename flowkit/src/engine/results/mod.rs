//! What becomes of the values of runs: stored, found again, shared with runs that are equal.

pub(crate) mod cached;
pub(crate) mod flights;
pub(crate) mod keep;
pub(crate) mod key;

use crate::engine::results::flights::Flights;
use crate::store::Stores;

/// What the engine reaches stored results through.
#[derive(Debug, Default)]
pub(crate) struct ResultPorts {
    pub(crate) stores: Stores,
    pub(crate) flights: Flights,
}
