//! What the tests of the workspace share: a real Prefect server, and checks on the sources.

pub mod live;
pub mod program;
pub mod tidy;
