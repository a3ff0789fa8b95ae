//! Leases on slots of concurrency limits.

use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use crate::request::{Ignored, Method, Request};

/// Keeps a lease for a further while, 60 seconds to one day in whole seconds. One that has run out is gone (404 or 410).
pub fn renew_lease(lease: Uuid, duration: Duration) -> Request<Ignored> {
    #[derive(Serialize)]
    struct Body {
        lease_duration: u64,
    }
    let body = Body { lease_duration: duration.as_secs() };
    Request::new(Method::Post, format!("/v2/concurrency_limits/leases/{lease}/renew")).json(&body)
}
