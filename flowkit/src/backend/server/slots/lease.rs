//! A lease on slots: renewed for as long as somebody holds them, then given back.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use flowkit_client::model as wire;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::failed;
use crate::backend::convert::slots_event;
use crate::backend::server::link::brisk;
use crate::backend::server::shared::Shared;
use crate::clock;
use crate::error::Error;
use crate::run::lock;
use crate::slots::{HeldSlots, OnLoss, SlotMode, Taker, Wanted};

/// How often a lease is renewed while it lasts: a server may be away for half of it.
const RENEWALS: u32 = 3;

/// When it is tried again after the server could not be asked.
const AGAIN: Duration = Duration::from_secs(2);

/// How long one renewal may take, retries included.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a server that is away is waited for to give slots back.
const LONG_PATIENCE: Duration = Duration::from_secs(30);

/// Whom to tell once slots are given back.
type Ending = oneshot::Sender<Result<(), Error>>;

/// The holder's end of a lease.
pub(super) struct Leased {
    shared: Arc<Shared>,
    /// Sent or dropped when the slots are to be given back.
    end: Option<oneshot::Sender<Ending>>,
    lost: CancellationToken,
}

/// The reporter's end of it.
struct Lease {
    id: Uuid,
    names: Vec<String>,
    limits: Vec<wire::LimitRef>,
    slots: u32,
    duration: Duration,
    taker: Taker,
    on_loss: OnLoss,
    lost: CancellationToken,
    /// The events that say that the slots were taken.
    taken: Vec<Uuid>,
}

impl Leased {
    /// Keeps a lease that the server has just given.
    pub(super) fn keep(shared: &Arc<Shared>, id: Uuid, wanted: &Wanted, limits: Vec<wire::LimitRef>) -> Self {
        debug_assert_eq!(wanted.mode, SlotMode::Held);
        let (end, ended) = oneshot::channel();
        let lost = CancellationToken::new();
        let lease = Lease {
            id,
            names: wanted.names.clone(),
            limits,
            slots: wanted.slots,
            duration: wanted.lease,
            taker: wanted.taker.clone(),
            on_loss: Arc::clone(&wanted.on_loss),
            lost: lost.clone(),
            taken: Vec::new(),
        };
        shared.counter.leases.fetch_add(1, Ordering::AcqRel);
        tokio::spawn(keep(Arc::clone(shared), lease, ended));
        Self { shared: Arc::clone(shared), end: Some(end), lost }
    }

    fn end(&mut self) -> Option<oneshot::Sender<Ending>> {
        // Counted before the other end hears of it, so that a flush from now on waits.
        if self.end.is_some() {
            self.shared.counter.returning.fetch_add(1, Ordering::AcqRel);
        }
        self.end.take()
    }
}

impl Drop for Leased {
    fn drop(&mut self) {
        drop(self.end());
    }
}

impl HeldSlots for Leased {
    fn is_lost(&self) -> bool {
        self.lost.is_cancelled()
    }

    fn lost(&self) -> BoxFuture<'_, ()> {
        self.lost.cancelled().boxed()
    }

    fn give_back(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        let (told, given) = oneshot::channel();
        match self.end().map(|end| end.send(told)) {
            Some(Ok(())) => async move { given.await.unwrap_or(Ok(())) }.boxed(),
            _ => ready(Ok(())).boxed(),
        }
    }
}

/// Keeps a lease until it is to be given back, and gives it back.
async fn keep(shared: Arc<Shared>, mut lease: Lease, mut ended: oneshot::Receiver<Ending>) {
    lease.tell(&shared, "acquired").await;
    let ending = tokio::select! {
        ending = &mut ended => ending.ok(),
        () = shared.counter.closing.cancelled() => None,
        () = lease.renew(&shared) => {
            lease.lost.cancel();
            ended.await.ok()
        }
    };
    let given = lease.give_back(&shared).await;
    if let Err(error) = &given {
        let (names, duration) = (lease.names.join("`, `"), lease.duration);
        tracing::warn!(target: "flowkit::run", "Slots of `{names}` are free once their lease of {duration:?} has ended: {error}");
    }
    lock(&shared.counter.line).call(&lease.names);
    if let Some(ending) = ending {
        // Whoever waited may be gone.
        let _ = ending.send(given);
    }
    lease.tell(&shared, "released").await;
    let counter = &shared.counter;
    let less = |count: usize| Some(count.saturating_sub(1));
    let _ = counter.leases.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
    let _ = counter.returning.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
}

impl Lease {
    /// Renews the lease in time, and returns once it is lost.
    async fn renew(&self, shared: &Shared) {
        let client = shared.client.with_deadline(PATIENCE).with_retry(brisk());
        let mut until = clock::instant() + self.duration;
        let mut pause = self.duration / RENEWALS;
        loop {
            clock::sleep(pause).await;
            let asked = clock::instant();
            match client.renew_concurrency_lease(self.id, self.duration).await {
                Ok(()) => (until, pause) = (asked + self.duration, self.duration / RENEWALS),
                Err(error) if error.is_transient() && clock::instant() < until => pause = AGAIN,
                Err(error) => return (self.on_loss)(&format!("the server did not renew the lease: {error}")),
            }
        }
    }

    async fn give_back(&self, shared: &Shared) -> Result<(), Error> {
        let retry = brisk().also_on([500, 504]);
        let client = shared.client.with_deadline(LONG_PATIENCE).with_retry(retry);
        let given = client.give_slots_back(self.id).await;
        given.map_err(|error| failed(error, &format!("take back slots of `{}`", self.names.join("`, `"))))
    }

    /// Tells what happened to the slots, as Prefect does.
    async fn tell(&mut self, shared: &Shared, what: &str) {
        let known = self.taker.flow.as_ref().map(|run| shared.known(run));
        let mut sent = Vec::new();
        for (nth, limit) in self.limits.iter().enumerate() {
            let mut event = slots_event(what, limit, &self.limits, self.slots, &self.taker, known.as_ref());
            event.follows = self.taken.get(nth).copied();
            sent.push(event.id);
            if let Err(error) = shared.events.send(event).await {
                shared.refuse_event(error.to_string());
            }
        }
        self.taken = sent;
    }
}
