//! Concurrency limits, their slots, and leases on those.

use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use crate::model::{
    ConcurrencyLimit, ConcurrencyLimitCreate, ConcurrencyLimitUpdate, LeaseHolder, LeasedSlots, LimitRef, TagLimit,
};
use crate::request::{Ignored, Method, Request, segment};

/// Creates a limit. A name that exists already is a conflict (409).
pub fn create(limit: &ConcurrencyLimitCreate) -> Request<ConcurrencyLimit> {
    Request::new(Method::Post, "/v2/concurrency_limits/").json(limit)
}

/// Reads a limit by its name.
pub fn read(name: &str) -> Request<ConcurrencyLimit> {
    Request::new(Method::Get, format!("/v2/concurrency_limits/{}", segment(name)))
}

/// Lists limits in the order of their names, `limit` of them at most and 200 in any case.
pub fn filter(limit: u32, offset: u32) -> Request<Vec<ConcurrencyLimit>> {
    #[derive(Serialize)]
    struct Body {
        limit: u32,
        offset: u32,
    }
    let limit = limit.min(crate::model::MAX_LIMIT);
    Request::new(Method::Post, "/v2/concurrency_limits/filter").json(&Body { limit, offset })
}

/// Changes a limit, found by its name.
pub fn update(name: &str, update: &ConcurrencyLimitUpdate) -> Request<Ignored> {
    Request::new(Method::Patch, format!("/v2/concurrency_limits/{}", segment(name))).json(update)
}

/// Deletes a limit by its name.
pub fn delete(name: &str) -> Request<Ignored> {
    Request::new(Method::Delete, format!("/v2/concurrency_limits/{}", segment(name)))
}

/// Reads the limit of a tag, with the task runs that hold slots of it.
pub fn read_of_tag(tag: &str) -> Request<TagLimit> {
    Request::new(Method::Get, format!("/concurrency_limits/tag/{}", segment(tag)))
}

/// Takes slots of all the limits named that exist, for as long as a lease lasts: 60 seconds to one day, in whole seconds.
/// With no slot free in one of them none is taken (423).
pub fn take_with_lease(
    names: &[String],
    slots: u32,
    lease: Duration,
    holder: Option<&LeaseHolder>,
) -> Request<LeasedSlots> {
    #[derive(Serialize)]
    struct Body<'a> {
        names: &'a [String],
        slots: u32,
        mode: &'static str,
        lease_duration: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        holder: Option<&'a LeaseHolder>,
    }
    let body = Body { names, slots, mode: "concurrency", lease_duration: lease.as_secs(), holder };
    Request::new(Method::Post, "/v2/concurrency_limits/increment-with-lease").json(&body)
}

/// Takes slots of rate limits, which come back with time.
pub fn take_of_rate(names: &[String], slots: u32) -> Request<Vec<LimitRef>> {
    #[derive(Serialize)]
    struct Body<'a> {
        names: &'a [String],
        slots: u32,
        mode: &'static str,
    }
    Request::new(Method::Post, "/v2/concurrency_limits/increment").json(&Body { names, slots, mode: "rate_limit" })
}

/// Gives the slots of a lease back. One that has run out is no error.
pub fn give_back(lease: Uuid) -> Request<Ignored> {
    #[derive(Serialize)]
    struct Body {
        lease_id: Uuid,
    }
    Request::new(Method::Post, "/v2/concurrency_limits/decrement-with-lease").json(&Body { lease_id: lease })
}

/// Keeps a lease for a further while, 60 seconds to one day in whole seconds. One that has run out is gone (404 or 410).
pub fn renew_lease(lease: Uuid, duration: Duration) -> Request<Ignored> {
    #[derive(Serialize)]
    struct Body {
        lease_duration: u64,
    }
    let body = Body { lease_duration: duration.as_secs() };
    Request::new(Method::Post, format!("/v2/concurrency_limits/leases/{lease}/renew")).json(&body)
}
