//! Run logs.

use crate::model::{Log, LogCreate, LogQuery};
use crate::request::{Ignored, Method, Request};

/// Stores log lines. Keep one request below about four megabytes.
pub fn create(lines: &[LogCreate]) -> Request<Ignored> {
    Request::new(Method::Post, "/logs/").json(lines)
}

/// Reads the log lines a query asks for.
pub fn filter(query: &LogQuery) -> Request<Vec<Log>> {
    Request::new(Method::Post, "/logs/filter").json(query)
}
