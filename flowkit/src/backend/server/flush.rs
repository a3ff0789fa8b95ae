//! Waits until everything is delivered, or until there is no use in waiting.

use std::time::Duration;

use flowkit_client::RetryPolicy;

use crate::backend::Undelivered;
use crate::backend::server::patience::{Patience, Sign};
use crate::backend::server::shared::Shared;
use crate::clock;

/// How often a flush looks whether it is done.
const LOOK: Duration = Duration::from_millis(10);

/// How long a server may take to show that it is there.
const QUESTION: Duration = Duration::from_secs(2);

/// How long what earlier processes have left is waited for at most: a later process can deliver it as well.
const OF_OTHERS: Duration = Duration::from_secs(60);

/// Waits until everything is delivered, or until nothing has moved for too long. What earlier processes have left is
/// waited for as well, but for no longer than the patience in all, or a minute.
pub(super) async fn flush(shared: &Shared, patience: Patience) -> Undelivered {
    let mut most = moves(shared);
    let mut delivered = None;
    let mut moved = clock::instant();
    loop {
        shared.outbox.hurry();
        shared.logs.hurry();
        if shared.queue.is_empty() {
            shared.events.flush(LOOK).await;
        }
        let settled = shared.queue.is_empty()
            && shared.logs.waiting() == 0
            && shared.outbox.is_empty()
            && shared.counter.returning() == 0;
        if settled && shared.events.stats().outstanding == 0 && shared.ledger.unstored() == 0 {
            let since = delivered.get_or_insert_with(clock::instant);
            if !shared.spool.is_busy() {
                return shared.undelivered();
            }
            if since.elapsed() >= patience.least().min(OF_OTHERS) {
                shared.spool.let_rest();
                return shared.undelivered();
            }
        } else if moves(shared) > most {
            (most, moved) = (moves(shared), clock::instant());
        } else if moved.elapsed() >= patience.least() {
            let sign = match patience {
                Patience::Strict(_) => Sign::Away,
                // Somebody has to mend that first, which takes longer.
                Patience::Kind(_) if shared.outbox.is_barred() || shared.logs.is_barred() => Sign::Away,
                Patience::Kind(_) => look_for(shared).await,
            };
            if moves(shared) <= most && moved.elapsed() >= patience.with(sign) {
                return shared.undelivered();
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Counts everything that was ever delivered, each time once: what was sent in vain, and again, is no progress.
fn moves(shared: &Shared) -> u64 {
    let (stored, again) = shared.ledger.progress();
    let confirmed = shared.events.stats().confirmed.saturating_sub(again);
    stored + confirmed + shared.queue.gone() + shared.logs.gone() + shared.outbox.gone()
}

async fn look_for(shared: &Shared) -> Sign {
    let client = shared.client.with_retry(RetryPolicy::none()).with_deadline(QUESTION);
    Sign::of(&client.health().await)
}
