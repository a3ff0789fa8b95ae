//! What has happened and is not yet on its way to the server: the only thing a run's work touches.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use crate::backend::Undelivered;
use crate::event::Event;
use crate::run::{TaskRun, lock};

/// How many events may wait. Records of task runs are shared, so that an event is a few words.
const MAX_EVENTS: usize = 1_000_000;

/// How many bytes of log lines may wait.
const MAX_LOG_BYTES: usize = 64 << 20;

/// What is handed on together, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lane {
    /// States of task runs, which go no faster than the server stores them.
    TaskStates,
    /// Everything else.
    Others,
}

/// A bounded buffer between the engine and the reporter.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    filled: [Notify; 2],
}

#[derive(Debug, Default)]
struct Waiting {
    lanes: [Line; 2],
    log_bytes: usize,
    /// How many of each kind nobody has taken.
    kinds: [usize; 3],
    /// How many were handed on so far.
    gone: u64,
    dropped: Undelivered,
}

/// What people are told the number of.
#[derive(Clone, Copy)]
enum Kind {
    Task,
    Flow,
    Log,
}

fn kind_of(event: &Event) -> Kind {
    match event {
        Event::TaskState(..) | Event::Asset(_) | Event::Happened(_) => Kind::Task,
        Event::FlowEnded(..) => Kind::Flow,
        Event::Log(_) => Kind::Log,
    }
}

/// The events of one lane.
#[derive(Debug, Default)]
struct Line {
    events: VecDeque<Event>,
    /// Taken and not yet handed on.
    in_hand: VecDeque<Event>,
    idle: bool,
}

fn lane_of(event: &Event) -> Lane {
    match event {
        Event::TaskState(..) => Lane::TaskStates,
        _ => Lane::Others,
    }
}

impl Queue {
    /// Takes an event. What does not fit is counted as lost: nothing waits.
    pub(super) fn push(&self, event: Event) {
        let lane = lane_of(&event) as usize;
        let wake = {
            let waiting = &mut *lock(&self.waiting);
            let full = waiting.lanes[lane].events.len() >= MAX_EVENTS;
            match &event {
                Event::Log(_) if full || waiting.log_bytes > MAX_LOG_BYTES => {
                    waiting.dropped.logs += 1;
                    return;
                }
                Event::TaskState(..) | Event::Asset(_) | Event::Happened(_) if full => {
                    waiting.dropped.task_states += 1;
                    return;
                }
                Event::Log(record) => waiting.log_bytes += record.message.len(),
                _ => {}
            }
            waiting.kinds[kind_of(&event) as usize] += 1;
            waiting.lanes[lane].events.push_back(event);
            std::mem::take(&mut waiting.lanes[lane].idle)
        };
        if wake {
            self.filled[lane].notify_one();
        }
    }

    /// Takes up to `most` events, after waiting for the first.
    pub(super) async fn take(&self, lane: Lane, most: usize) -> Vec<Event> {
        loop {
            {
                let waiting = &mut *lock(&self.waiting);
                let line = &mut waiting.lanes[lane as usize];
                let count = most.min(line.events.len());
                if count > 0 {
                    let batch: Vec<Event> = line.events.drain(..count).collect();
                    line.in_hand = batch.iter().cloned().collect();
                    let logs: usize = batch.iter().map(log_bytes).sum();
                    waiting.log_bytes -= logs.min(waiting.log_bytes);
                    for event in &batch {
                        waiting.kinds[kind_of(event) as usize] -= 1;
                    }
                    return batch;
                }
                line.idle = true;
            }
            self.filled[lane as usize].notified().await;
        }
    }

    /// Says that what was taken is handed on, all but the last so many.
    pub(super) fn handed_on(&self, lane: Lane, but: usize) {
        let waiting = &mut *lock(&self.waiting);
        let in_hand = &mut waiting.lanes[lane as usize].in_hand;
        let done = in_hand.len().saturating_sub(but);
        in_hand.drain(..done);
        waiting.gone += done as u64;
    }

    /// Counts what was handed on so far.
    pub(super) fn gone(&self) -> u64 {
        lock(&self.waiting).gone
    }

    /// Counts the events of a lane that nobody has taken.
    pub(super) fn backlog(&self, lane: Lane) -> usize {
        lock(&self.waiting).lanes[lane as usize].events.len()
    }

    /// Tells whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        lock(&self.waiting).lanes.iter().all(|line| line.events.is_empty() && line.in_hand.is_empty())
    }

    /// The states of task runs that are not handed on, oldest first.
    pub(super) fn task_states(&self) -> Vec<(Arc<TaskRun>, usize)> {
        let waiting = lock(&self.waiting);
        let line = &waiting.lanes[Lane::TaskStates as usize];
        let state = |event: &Event| match event {
            Event::TaskState(run, index) => Some((Arc::clone(run), *index)),
            _ => None,
        };
        line.in_hand.iter().chain(&line.events).filter_map(state).collect()
    }

    /// Takes all that is not handed on, also from whoever has it in hand, before the process ends.
    pub(super) fn take_all(&self) -> Vec<Event> {
        let waiting = &mut *lock(&self.waiting);
        (waiting.log_bytes, waiting.kinds) = (0, [0; 3]);
        let line = |line: &mut Line| line.in_hand.drain(..).chain(line.events.drain(..)).collect::<Vec<_>>();
        waiting.lanes.iter_mut().flat_map(line).collect()
    }

    /// Counts what was lost because the queue was full.
    pub(super) fn lost(&self) -> Undelivered {
        let mut lost = lock(&self.waiting).dropped.clone();
        if !lost.is_empty() {
            lost.reason = Some("more was reported than fits into memory".to_owned());
        }
        lost
    }

    /// Counts what waits, and what was lost because the queue was full.
    pub(super) fn count(&self) -> Undelivered {
        let mut count = self.lost();
        let waiting = lock(&self.waiting);
        count.task_states +=
            waiting.kinds[Kind::Task as usize] + waiting.lanes[Lane::TaskStates as usize].in_hand.len();
        count.flow_states += waiting.kinds[Kind::Flow as usize];
        count.logs += waiting.kinds[Kind::Log as usize];
        count
    }
}

fn log_bytes(event: &Event) -> usize {
    match event {
        Event::Log(record) => record.message.len(),
        _ => 0,
    }
}
