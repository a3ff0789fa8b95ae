//! What the tests of the workspace share: a runtime for the engine, a real Prefect server, and checks on the sources.

pub mod lab;
pub mod ledger;
pub mod live;
pub mod program;
pub mod served;
pub mod suite;
pub mod tidy;
