//! The newest events of this process, and who follows them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use futures::stream::{BoxStream, StreamExt, unfold};
use tokio::sync::Notify;

use crate::backend::memory::Memory;
use crate::error::{Error, ErrorKind};
use crate::feed::Feed;
use crate::happened::{Event, EventFilter, state_event};
use crate::run::{FlowRun, lock};
use crate::state::State;

/// How many there may be.
const MOST: usize = 10_000;

/// How many there may be for each flow run that is kept, since events of states hold on to their runs; and from how many on
/// that counts.
const OF_EACH_RUN: usize = 4;
const FEW: usize = 1_000;

/// How many bytes those may have that programs tell; the newest one is there however large it is.
const MOST_BYTES: usize = 64 << 20;

/// How many are looked at at once by somebody who follows.
const AT_ONCE: usize = 256;

/// Events, oldest first.
#[derive(Debug)]
pub(super) struct Happenings {
    most: usize,
    kept: Mutex<Kept>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Kept {
    entries: VecDeque<Entry>,
    /// How many have made room.
    gone: u64,
    bytes: usize,
}

/// One event. Those of states are written out only when somebody asks, since most are never asked for.
#[derive(Clone, Debug)]
enum Entry {
    Event(Arc<Event>, usize),
    /// The run was in so many states before this one.
    State(Arc<FlowRun>, usize, State),
}

impl Entry {
    fn event(&self) -> Option<Event> {
        match self {
            Self::Event(event, _) => Some(Event::clone(event)),
            Self::State(run, before, state) => {
                let mut states = run.track.with(|states| states.get(..*before).map(<[State]>::to_vec))?;
                states.push(state.clone());
                state_event(run, &states)
            }
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Event(_, bytes) => *bytes,
            Self::State(..) => 0,
        }
    }
}

impl Happenings {
    /// Makes room for events, by the number of flow runs that are kept.
    pub(super) fn beside(flow_runs: usize) -> Self {
        let most = flow_runs.saturating_mul(OF_EACH_RUN).clamp(FEW, MOST);
        Self { most, kept: Mutex::default(), news: Notify::new() }
    }

    fn add(&self, entry: Entry) {
        let mut kept = lock(&self.kept);
        kept.bytes += entry.bytes();
        kept.entries.push_back(entry);
        while kept.entries.len() > self.most || (kept.bytes > MOST_BYTES && kept.entries.len() > 1) {
            let Some(oldest) = kept.entries.pop_front() else { break };
            kept.bytes -= oldest.bytes();
            kept.gone += 1;
        }
        drop(kept);
        self.news.notify_waiters();
    }

    fn event(&self, event: Event) {
        let bytes = serde_json::to_vec(&event).map_or(0, |json| json.len());
        self.add(Entry::Event(Arc::new(event), bytes));
    }

    /// The number that the next one will have.
    fn next(&self) -> u64 {
        let kept = lock(&self.kept);
        kept.gone + kept.entries.len() as u64
    }

    /// Lists some from a number on; tells how many of those are gone, and the number to go on with.
    fn from(&self, number: u64, most: usize) -> (Vec<Entry>, u64, u64) {
        let kept = lock(&self.kept);
        let missed = kept.gone.saturating_sub(number);
        let skipped = usize::try_from(number.saturating_sub(kept.gone)).unwrap_or(usize::MAX);
        let entries: Vec<Entry> = kept.entries.iter().skip(skipped).take(most).cloned().collect();
        let next = number.max(kept.gone) + entries.len() as u64;
        (entries, missed, next)
    }
}

/// Somebody who follows events.
struct Follower {
    told: Arc<Happenings>,
    filter: EventFilter,
    next: u64,
    ready: VecDeque<Result<Event, Error>>,
}

impl Follower {
    async fn next(mut self) -> Option<(Result<Event, Error>, Self)> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some((event, self));
            }
            let told = Arc::clone(&self.told);
            // What is told from here on wakes it.
            let news = told.news.notified();
            let (entries, missed, next) = told.from(self.next, AT_ONCE);
            self.next = next;
            if missed > 0 {
                let why =
                    format!("{missed} events were not read in time, and are gone: the newest {} are kept", told.most);
                self.ready.push_back(Err(Error::new(ErrorKind::Backend, why)));
            }
            if entries.is_empty() {
                news.await;
            }
            let events = entries.iter().filter_map(Entry::event).filter(|event| self.filter.fits(event));
            self.ready.extend(events.map(Ok));
        }
    }
}

impl Memory {
    /// Takes note of an event.
    pub(crate) fn tell_event(&self, event: Event) {
        self.happenings.event(event);
    }

    /// Takes note of a state that a flow run enters, or has just entered.
    pub(super) fn tell_state(&self, run: &Arc<FlowRun>, state: &State) {
        let before = run.track.with(|states| match states.split_last() {
            Some((last, before)) if last.timestamp() == state.timestamp() && last.name() == state.name() => {
                before.len()
            }
            _ => states.len(),
        });
        self.happenings.add(Entry::State(Arc::clone(run), before, state.clone()));
    }

    /// Lists the events that are kept, and gives those that come after them.
    pub(crate) fn events_and_more(
        &self,
        filter: EventFilter,
    ) -> (Vec<Event>, BoxStream<'static, Result<Event, Error>>) {
        let next = self.happenings.next();
        let past = self.kept_events(&filter);
        let follower = Follower { told: Arc::clone(&self.happenings), filter, next, ready: VecDeque::new() };
        // What has come between the two is in both, and is left out once.
        let known: std::collections::HashSet<uuid::Uuid> = past.iter().map(|event| event.id).collect();
        let more = unfold(follower, Follower::next);
        let more = more.filter(move |event| ready(event.as_ref().map_or(true, |event| !known.contains(&event.id))));
        (past, more.boxed())
    }

    /// Lists the events that are kept.
    pub(crate) fn kept_events(&self, filter: &EventFilter) -> Vec<Event> {
        let (entries, _, _) = self.happenings.from(0, usize::MAX);
        let events = entries.iter().filter_map(Entry::event);
        events.filter(|event| filter.fits(event)).collect()
    }
}

impl Feed for Memory {
    fn past_events(&self, filter: EventFilter) -> BoxFuture<'_, Result<Vec<Event>, Error>> {
        ready(Ok(self.kept_events(&filter))).boxed()
    }

    fn follow_events(&self, filter: EventFilter) -> BoxStream<'static, Result<Event, Error>> {
        let (past, more) = self.events_and_more(filter);
        futures::stream::iter(past.into_iter().map(Ok)).chain(more).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::memory::Limits;
    use crate::happened::tests::event;

    #[test]
    fn the_oldest_makes_room_and_whoever_is_too_slow_is_told() {
        let memory = Memory::new(Limits::default());
        let mut slow = memory.follow_events(EventFilter::new());
        for number in 0..=MOST as i64 {
            memory.tell_event(event("a", "r", number));
        }
        let past = memory.kept_events(&EventFilter::new());
        assert_eq!((past.len(), past[0].occurred.unix_micros()), (MOST, 1));
        let first = slow.next().now_or_never().flatten().expect("there is something");
        let why = "1 events were not read in time, and are gone: the newest 10000 are kept";
        assert_eq!(first.expect_err("one is gone").to_string(), why);
        let second = slow.next().now_or_never().flatten().expect("there is more").expect("an event");
        assert_eq!(second.occurred.unix_micros(), 1);
        let mut large = event("a", "r", -1);
        large.payload.insert("text".to_owned(), "x".repeat(MOST_BYTES).into());
        memory.tell_event(large);
        assert_eq!(memory.kept_events(&EventFilter::new()).len(), 1);
    }
}
