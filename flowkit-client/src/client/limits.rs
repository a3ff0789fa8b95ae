//! One method for each call of the API that is about concurrency limits.

use std::time::Duration;

use uuid::Uuid;

use super::Client;
use crate::api::concurrency;
use crate::error::Error;
use crate::model::{
    ConcurrencyLimit, ConcurrencyLimitCreate, ConcurrencyLimitUpdate, LeaseHolder, LeasedSlots, LimitRef, TagLimit,
};

/// Concurrency limits. All calls fail as [`Client::send`] does.
#[expect(clippy::missing_errors_doc, reason = "said once for all of them")]
impl Client {
    /// Creates a concurrency limit.
    pub async fn create_concurrency_limit(&self, limit: &ConcurrencyLimitCreate) -> Result<ConcurrencyLimit, Error> {
        self.send(concurrency::create(limit)).await
    }

    /// Reads a concurrency limit by its name; `None` if there is none.
    pub async fn read_concurrency_limit(&self, name: &str) -> Result<Option<ConcurrencyLimit>, Error> {
        self.send_opt(concurrency::read(name)).await
    }

    /// Lists concurrency limits in the order of their names.
    pub async fn filter_concurrency_limits(&self, limit: u32, offset: u32) -> Result<Vec<ConcurrencyLimit>, Error> {
        self.send(concurrency::filter(limit, offset)).await
    }

    /// Changes a concurrency limit.
    pub async fn update_concurrency_limit(&self, name: &str, update: &ConcurrencyLimitUpdate) -> Result<(), Error> {
        self.send(concurrency::update(name, update)).await.map(drop)
    }

    /// Deletes a concurrency limit.
    pub async fn delete_concurrency_limit(&self, name: &str) -> Result<(), Error> {
        self.send(concurrency::delete(name)).await.map(drop)
    }

    /// Reads the limit of a tag, with the task runs that hold slots of it; `None` if there is none.
    pub async fn read_tag_limit(&self, tag: &str) -> Result<Option<TagLimit>, Error> {
        self.send_opt(concurrency::read_of_tag(tag)).await
    }

    /// Takes slots of several concurrency limits for as long as a lease lasts.
    pub async fn take_slots(
        &self,
        names: &[String],
        slots: u32,
        lease: Duration,
        holder: Option<&LeaseHolder>,
    ) -> Result<LeasedSlots, Error> {
        self.send(concurrency::take_with_lease(names, slots, lease, holder)).await
    }

    /// Takes slots of several rate limits.
    pub async fn take_slots_of_rate(&self, names: &[String], slots: u32) -> Result<Vec<LimitRef>, Error> {
        self.send(concurrency::take_of_rate(names, slots)).await
    }

    /// Gives the slots of a lease back.
    pub async fn give_slots_back(&self, lease: Uuid) -> Result<(), Error> {
        self.send(concurrency::give_back(lease)).await.map(drop)
    }

    /// Keeps a lease on slots of a concurrency limit for a further while.
    pub async fn renew_concurrency_lease(&self, lease: Uuid, duration: Duration) -> Result<(), Error> {
        self.send(concurrency::renew_lease(lease, duration)).await.map(drop)
    }
}
