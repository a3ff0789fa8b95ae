//! Asks the server what it has stored, and sends again what it has lost.

use std::time::Duration;

use flowkit_client::model::{MAX_LIMIT, TaskRunFilter, TaskRunQuery};
use flowkit_client::{ErrorKind, RetryPolicy};

use crate::backend::server::reporter::send_state;
use crate::backend::server::shared::Shared;
use crate::id::TaskRunId;

/// Questions follow each other after at least this time while the server stores, and after at most that when it does not.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// What the server does not show after this time was lost by it, if it has shown nothing else either.
const LOST_AFTER: Duration = Duration::from_secs(10);

/// Asks for as long as the reporter lives.
pub(super) async fn run(shared: &Shared) {
    let client = shared.client.with_retry(RetryPolicy::none()).with_deadline(Duration::from_secs(30));
    let mut pause = FIRST_PAUSE;
    loop {
        shared.ledger.something().await;
        tokio::time::sleep(pause).await;
        let asked = shared.ledger.next(MAX_LIMIT as usize);
        if asked.is_empty() {
            continue;
        }
        let query = TaskRunQuery::new(TaskRunFilter::default().ids(asked.iter().map(|id| id.uuid())));
        match client.filter_task_runs(&query.limit(MAX_LIMIT)).await {
            Ok(rows) => {
                let shown = |row: &flowkit_client::model::TaskRun| {
                    let state = row.state.as_ref();
                    state.is_some_and(|state| shared.ledger.shown(TaskRunId::from(row.id), state.timestamp.into()))
                };
                let stored = rows.iter().filter(|row| shown(row)).count();
                pause = if stored * 2 >= asked.len() { FIRST_PAUSE } else { (pause * 2).min(LAST_PAUSE) };
                if stored == 0 {
                    send_again(shared, &asked).await;
                }
            }
            Err(error) if error.is_transient() || error.kind() == ErrorKind::Unauthorized => {
                pause = (pause * 2).min(LAST_PAUSE)
            }
            Err(error) => {
                tracing::debug!("the server does not tell what it has stored: {error}");
                shared.ledger.go_blind();
            }
        }
    }
}

/// The server knows events by their ids: one that comes twice changes nothing.
async fn send_again(shared: &Shared, asked: &[TaskRunId]) {
    // What is still on its way is not lost.
    if shared.events.stats().outstanding > 0 {
        return;
    }
    for (run, index) in shared.ledger.overdue(asked, LOST_AFTER) {
        send_state(shared, &run, index).await;
    }
}
