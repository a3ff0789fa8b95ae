//! Waiting for slots of limits of the server.

use std::sync::Arc;
use std::time::Duration;

use flowkit_client::model as wire;
use flowkit_client::{Client, Error as Refusal};
use futures::future::{Either, pending};
use tokio::sync::oneshot;

use super::lease::Leased;
use super::pace::{Lack, lack, pause};
use super::{Place, failed};
use crate::backend::server::link::brisk;
use crate::backend::server::shared::Shared;
use crate::clock;
use crate::error::{Error, ErrorKind};
use crate::slots::{Granted, HeldSlots, SlotMode, Taker, Wanted, late};

/// How long a server that is away is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long one question may take at least, however little time there is.
const ONE_QUESTION: Duration = Duration::from_secs(10);

/// What the server says to a request for slots.
enum Answer {
    Granted(Granted),
    Full,
}

/// Takes slots, and waits until they are free, or nobody is there any more who wants them.
pub(super) async fn take(
    shared: &Arc<Shared>,
    wanted: Wanted,
    caller: &mut oneshot::Sender<Result<Granted, Error>>,
) -> Result<Granted, Error> {
    let begun = clock::instant();
    let place = Place::join(&shared.counter, &wanted.names);
    // Whether it is worth asking for the slots, or first whether there are any: every refusal makes the server tell others
    // to wait for longer, and of a rate limit it forgets the time that has passed.
    let mut worth = true;
    let mut looks = 0;
    loop {
        let left = wanted.patience.map(|patience| patience.saturating_sub(begun.elapsed()));
        let mut wait = None;
        if place.is_first() {
            let patience = left.map_or(PATIENCE, |left| left.clamp(ONE_QUESTION, PATIENCE));
            let client = shared.client.with_deadline(patience).with_retry(brisk());
            let mut lacking = if worth { Lack::Nothing } else { lack_of(&client, &wanted).await? };
            if lacking == Lack::Nothing {
                match ask(shared, &client, &wanted).await? {
                    Answer::Granted(granted) => return Ok(granted),
                    Answer::Full if worth => lacking = lack_of(&client, &wanted).await?,
                    Answer::Full => {}
                }
            }
            wait = Some(pause(lacking, looks));
            looks += 1;
        }
        let left = wanted.patience.map(|patience| patience.saturating_sub(begun.elapsed()));
        if let (Some(left), Some(patience)) = (left, wanted.patience)
            && left.is_zero()
        {
            return Err(late(&wanted.names, wanted.slots, patience));
        }
        let timer = match [wait, left].into_iter().flatten().min() {
            Some(time) => Either::Left(clock::sleep(time)),
            None => Either::Right(pending()),
        };
        tokio::select! {
            () = caller.closed() => return Err(Error::new(ErrorKind::Cancelled, "nobody wants the slots any more")),
            // It is this one's turn, or this process has given slots back.
            () = place.signal.notified() => (worth, looks) = (true, 0),
            () = timer => worth = false,
        }
    }
}

/// Asks for the slots.
async fn ask(shared: &Arc<Shared>, client: &Client, wanted: &Wanted) -> Result<Answer, Error> {
    let answer = match wanted.mode {
        SlotMode::Spent => client.take_slots_of_rate(&wanted.names, wanted.slots).await.map(|limits| (None, limits)),
        SlotMode::Held => {
            let holder = holder(shared, &wanted.taker);
            let taken = client.take_slots(&wanted.names, wanted.slots, wanted.lease, holder.as_ref()).await;
            taken.map(|taken| (Some(taken.lease_id), taken.limits))
        }
    };
    let (lease, limits) = match answer {
        Ok(answer) => answer,
        Err(refusal) if refusal.is_locked() => return Ok(Answer::Full),
        Err(refusal) => return Err(refused(client, wanted, refusal).await),
    };
    let names: Vec<String> = limits.iter().map(|limit| limit.name.clone()).collect();
    let missing = wanted.names.iter().filter(|name| !names.contains(name)).cloned().collect();
    let lease = lease.filter(|_| !limits.is_empty());
    let hold = lease.map(|id| Box::new(Leased::keep(shared, id, wanted, limits)) as Box<dyn HeldSlots>);
    Ok(Answer::Granted(Granted { names, missing, hold }))
}

/// Finds our words for a refusal: the server does not say which limit it is about.
async fn refused(client: &Client, wanted: &Wanted, refusal: Refusal) -> Error {
    if refusal.is_validation()
        && let Err(error) = lack_of(client, wanted).await
    {
        return error;
    }
    failed(refusal, &format!("give slots of `{}`", wanted.names.join("`, `")))
}

/// Reads what the limits lack.
async fn lack_of(client: &Client, wanted: &Wanted) -> Result<Lack, Error> {
    let mut limits = Vec::new();
    for name in &wanted.names {
        let found = client.read_concurrency_limit(name).await;
        limits.extend(found.map_err(|error| failed(error, &format!("tell concurrency limit `{name}`")))?);
    }
    lack(&limits, wanted)
}

/// Who the server is told to hold the slots.
fn holder(shared: &Shared, taker: &Taker) -> Option<wire::LeaseHolder> {
    let of = |kind, id| wire::LeaseHolder { kind, id };
    match (&taker.task, &taker.flow) {
        (Some(task), _) => Some(of(wire::HolderKind::TaskRun, task.id.uuid())),
        (None, Some(flow)) => Some(of(wire::HolderKind::FlowRun, shared.known(flow).flow_run)),
        (None, None) => None,
    }
}
