//! What has happened and is not yet on its way to the server: the only thing a run's work touches.

use std::collections::VecDeque;
use std::sync::Mutex;

use tokio::sync::Notify;

use crate::backend::Undelivered;
use crate::event::Event;
use crate::run::lock;

/// How many events may wait. Records of task runs are shared, so that an event is a few words.
const MAX_EVENTS: usize = 1_000_000;

/// How many bytes of log lines may wait.
const MAX_LOG_BYTES: usize = 64 << 20;

/// A bounded buffer between the engine and the reporter.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<Event>,
    log_bytes: usize,
    /// Taken and not yet handed on.
    in_hand: usize,
    idle: bool,
    dropped: Undelivered,
}

impl Queue {
    /// Takes an event. What does not fit is counted as lost: nothing waits.
    pub(super) fn push(&self, event: Event) {
        let wake = {
            let mut waiting = lock(&self.waiting);
            let full = waiting.events.len() >= MAX_EVENTS;
            match &event {
                Event::Log(_) if full || waiting.log_bytes > MAX_LOG_BYTES => {
                    waiting.dropped.logs += 1;
                    return;
                }
                Event::TaskState(..) if full => {
                    waiting.dropped.task_states += 1;
                    return;
                }
                Event::Log(record) => waiting.log_bytes += record.message.len(),
                _ => {}
            }
            waiting.events.push_back(event);
            std::mem::take(&mut waiting.idle)
        };
        if wake {
            self.filled.notify_one();
        }
    }

    /// Takes up to `most` events, after waiting for the first.
    pub(super) async fn take(&self, most: usize) -> Vec<Event> {
        loop {
            {
                let mut waiting = lock(&self.waiting);
                let count = most.min(waiting.events.len());
                if count > 0 {
                    let batch: Vec<Event> = waiting.events.drain(..count).collect();
                    waiting.in_hand = batch.len();
                    let logs: usize = batch.iter().map(log_bytes).sum();
                    waiting.log_bytes -= logs.min(waiting.log_bytes);
                    return batch;
                }
                waiting.idle = true;
            }
            self.filled.notified().await;
        }
    }

    /// Says that what was taken is handed on.
    pub(super) fn handed_on(&self) {
        lock(&self.waiting).in_hand = 0;
    }

    /// Tells whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        let waiting = lock(&self.waiting);
        waiting.events.is_empty() && waiting.in_hand == 0
    }

    /// Counts what waits, and what was lost because the queue was full.
    pub(super) fn count(&self) -> Undelivered {
        let waiting = lock(&self.waiting);
        let mut count = waiting.dropped.clone();
        count.task_states += waiting.in_hand;
        for event in &waiting.events {
            match event {
                Event::TaskState(..) => count.task_states += 1,
                Event::FlowEnded(..) => count.flow_states += 1,
                Event::Log(_) => count.logs += 1,
            }
        }
        if waiting.dropped.task_states + waiting.dropped.logs > 0 {
            count.reason = Some("more was reported than fits into memory".to_owned());
        }
        count
    }
}

fn log_bytes(event: &Event) -> usize {
    match event {
        Event::Log(record) => record.message.len(),
        _ => 0,
    }
}
