//! Making, reading and removing limits of the server.

use flowkit_client::model as wire;
use flowkit_client::{Client, Error as Refusal};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::failed;
use crate::backend::server::Server;
use crate::backend::server::link::patient;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind};
use crate::slots::{ConcurrencyLimit, ExistingLimit, LimitChange, OF_TAGS, SlotHolder, exists};

/// Lists all limits, page by page.
pub(super) async fn all(client: &Client, page: u32) -> Result<Vec<wire::ConcurrencyLimit>, Refusal> {
    let mut limits = Vec::new();
    loop {
        let offset = u32::try_from(limits.len()).unwrap_or(u32::MAX);
        let more = client.filter_concurrency_limits(page, offset).await?;
        let is_last = more.len() < page as usize;
        limits.extend(more);
        if is_last {
            return Ok(limits);
        }
    }
}

fn ours(limit: wire::ConcurrencyLimit) -> ConcurrencyLimit {
    let moment = |at: Option<_>| at.map_or(Timestamp::from_unix_micros(0), Timestamp::from);
    ConcurrencyLimit {
        name: limit.name,
        limit: limit.limit,
        active: limit.active,
        slot_decay_per_second: limit.slot_decay_per_second,
        active_slots: limit.active_slots,
        created: moment(limit.created),
        updated: moment(limit.updated),
    }
}

/// What there was before.
enum Before {
    Nothing,
    ALimit,
}

async fn create(client: &Client, change: &LimitChange) -> Result<Before, Refusal> {
    let limit = wire::ConcurrencyLimitCreate {
        name: change.name.clone(),
        limit: change.limit,
        active: change.active.unwrap_or(true),
        slot_decay_per_second: change.slot_decay_per_second.unwrap_or(0.0),
    };
    match client.create_concurrency_limit(&limit).await {
        Ok(_) => Ok(Before::Nothing),
        Err(refusal) if refusal.is_conflict() => Ok(Before::ALimit),
        Err(refusal) => Err(refusal),
    }
}

/// Changes a limit, or creates it. Another program may create or delete it between two requests, but not for ever.
async fn change(client: &Client, change: &LimitChange) -> Result<(), Refusal> {
    let LimitChange { name, limit, active, slot_decay_per_second, .. } = change;
    let update = wire::ConcurrencyLimitUpdate {
        limit: Some(*limit),
        active: *active,
        slot_decay_per_second: *slot_decay_per_second,
    };
    match client.update_concurrency_limit(name, &update).await {
        Err(refusal) if refusal.is_not_found() => {}
        done => return done,
    }
    match create(client, change).await? {
        Before::Nothing => Ok(()),
        Before::ALimit => client.update_concurrency_limit(name, &update).await,
    }
}

/// Whether there was something to do it to.
fn was_there(done: Result<(), Refusal>) -> Result<bool, Refusal> {
    match done {
        Ok(()) => Ok(true),
        Err(refusal) if refusal.is_not_found() => Ok(false),
        Err(refusal) => Err(refusal),
    }
}

impl Server {
    /// Sends requests about a limit, on the reporter's thread.
    fn about_limit<T, F>(
        &self,
        what: &'static str,
        name: String,
        requests: impl FnOnce(Client, String) -> F + Send + 'static,
    ) -> BoxFuture<'static, Result<T, Error>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Refusal>> + Send + 'static,
    {
        self.job(move |shared| {
            let requests = requests(patient(&shared), name.clone());
            async move {
                let answer = requests.await;
                if what != "tell" {
                    shared.counter.tags.forget();
                }
                answer.map_err(|refusal| failed(refusal, &format!("{what} concurrency limit `{name}`")))
            }
        })
    }

    pub(super) fn read_limit(&self, name: String) -> BoxFuture<'static, Result<Option<ConcurrencyLimit>, Error>> {
        let read = |client: Client, name: String| async move { client.read_concurrency_limit(&name).await };
        let found = self.about_limit("tell", name, read);
        async move { Ok(found.await?.map(ours)) }.boxed()
    }

    pub(super) fn list_limits(&self) -> BoxFuture<'static, Result<Vec<ConcurrencyLimit>, Error>> {
        self.job(|shared| async move {
            let limits = all(&patient(&shared), wire::MAX_LIMIT).await;
            let limits = limits.map_err(|refusal| failed(refusal, "list the concurrency limits"))?;
            Ok(limits.into_iter().map(ours).collect())
        })
    }

    pub(super) fn change_limit(&self, new: LimitChange) -> BoxFuture<'static, Result<(), Error>> {
        let name = new.name.clone();
        let done = self.about_limit("set", new.name.clone(), |client, _| async move {
            match new.existing {
                ExistingLimit::Refused => create(&client, &new).await,
                ExistingLimit::Changed => change(&client, &new).await.map(|()| Before::Nothing),
            }
        });
        async move {
            match done.await? {
                Before::Nothing => Ok(()),
                Before::ALimit => Err(exists(&name)),
            }
        }
        .boxed()
    }

    pub(super) fn switch_limit(&self, name: String, active: bool) -> BoxFuture<'static, Result<bool, Error>> {
        self.about_limit("switch", name, move |client, name| async move {
            let update = wire::ConcurrencyLimitUpdate { active: Some(active), ..Default::default() };
            was_there(client.update_concurrency_limit(&name, &update).await)
        })
    }

    pub(super) fn remove_limit(&self, name: String) -> BoxFuture<'static, Result<bool, Error>> {
        self.about_limit("delete", name, |client, name| async move {
            was_there(client.delete_concurrency_limit(&name).await)
        })
    }

    /// The server tells it of tags only, and only of task runs.
    pub(super) fn list_holders(&self, name: String) -> BoxFuture<'static, Result<Option<Vec<SlotHolder>>, Error>> {
        let Some(tag) = name.strip_prefix(OF_TAGS).map(ToOwned::to_owned) else {
            let found = self.read_limit(name.clone());
            let why = format!("a server tells who holds slots of limits of tags (`tag:..`) only, not of `{name}`");
            return async move { found.await?.map_or(Ok(None), |_| Err(Error::new(ErrorKind::Refused, why))) }.boxed();
        };
        let found = self.about_limit("tell", name, move |client, _| async move { client.read_tag_limit(&tag).await });
        let shown =
            |run: uuid::Uuid| SlotHolder { flow_run_id: None, task_run_id: Some(run.into()), slots: 1, since: None };
        async move { Ok(found.await?.map(|limit| limit.active_slots.into_iter().map(shown).collect())) }.boxed()
    }
}
