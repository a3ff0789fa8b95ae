//! Takes all that is not delivered from where it waits.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use flowkit_client::model as wire;
use uuid::Uuid;

use super::record::{Creation, LateState, Record};
use crate::backend::Undelivered;
use crate::backend::convert;
use crate::backend::server::outbox::Order;
use crate::backend::server::shared::Shared;
use crate::backend::server::telling::Telling;
use crate::clock;
use crate::event::Event;
use crate::id::TaskRunId;
use crate::run::TaskRun;

/// With so many states of task runs, only the newest of each run is kept.
const MANY: usize = 10_000;

/// How long what is under way may take to be reported as crashed, which waits for nothing any more.
const CRASH: Duration = Duration::from_secs(1);

/// Signs of life are of no use to anybody later.
const HEARTBEAT: &str = "prefect.flow-run.heartbeat";

/// Takes everything, flow runs first. The process is about to end: the parts of the reporter have nothing to do
/// afterwards.
pub(super) async fn collect(shared: &Shared) -> impl Iterator<Item = Record> {
    let mut pile = Pile::default();
    for event in shared.queue.take_all() {
        pile.take(shared, event);
    }
    // It may have waited for the queue to empty.
    drop(clock::within(CRASH, shared.crashing.lock()).await);
    for event in shared.queue.take_all() {
        pile.take(shared, event);
    }
    for (run, index) in shared.ledger.take_all() {
        let told = (0..=index).filter(|index| shared.is_told(&run, *index, false) == Telling::Yes);
        pile.states.extend(told.map(|index| (Arc::clone(&run), index)));
    }
    let (_, on_their_way) = shared.events.clone().close(Duration::ZERO).await;
    pile.orders.extend(shared.outbox.take_all());
    // Those orders are older that have come to the outbox already.
    pile.orders.rotate_left(pile.late_orders);
    pile.logs = shared.logs.take_all().into_iter().chain(pile.logs).collect();
    pile.records(shared, on_their_way)
}

/// Counts a record as people are told of it.
pub(super) fn count(count: &mut Undelivered, record: &Record) {
    match record {
        Record::Create(_) | Record::State(_) => count.flow_states += 1,
        Record::Event(_) => count.task_states += 1,
        Record::Log(_) => count.logs += 1,
        Record::End(_) => {}
    }
}

/// What was taken and is not in order yet.
#[derive(Default)]
struct Pile {
    states: Vec<(Arc<TaskRun>, usize)>,
    /// Those that are no states of task runs.
    events: Vec<wire::Event>,
    orders: Vec<Order>,
    /// How many of the orders come from the queue.
    late_orders: usize,
    logs: Vec<wire::LogCreate>,
}

impl Pile {
    fn take(&mut self, shared: &Shared, event: Event) {
        match event {
            Event::TaskState(run, index) => {
                shared.active.task_moved(&run, index);
                if shared.is_told(&run, index, false) == Telling::Yes {
                    self.states.push((run, index));
                }
            }
            Event::FlowEnded(run, state) => {
                shared.active.flow_ended(&run);
                let state = Box::new(convert::proposed(&state));
                self.orders.push(Order::SetState { run, state, force: true });
                self.late_orders += 1;
            }
            Event::Asset(told) => {
                let known = told.task_run.flow_run.as_ref().map(|flow_run| shared.known(flow_run));
                self.events.push(convert::asset_event(&told, known.as_ref()));
            }
            Event::Happened(emitted) => {
                let known = emitted.flow_run.as_ref().map(|flow_run| shared.known(flow_run));
                self.events.push(convert::told_event(&emitted, known.as_ref()));
            }
            Event::Log(record) => {
                if shared.logs_to_api {
                    self.logs.push(convert::log(&record, shared.flow_run_of(&record)));
                }
            }
        }
    }

    /// Converts one after the other: there may be many, each far larger than what it is made from.
    fn records(self, shared: &Shared, on_their_way: Vec<wire::Event>) -> impl Iterator<Item = Record> {
        let states = newest(self.states).into_iter().filter_map(|(run, index)| {
            let known = run.flow_run.as_ref().map(|flow_run| shared.known(flow_run));
            convert::task_event(&run, index, known.as_ref(), &|run| shared.stand_ins.known_as(run))
        });
        let mut told = HashSet::new();
        let events = states.chain(self.events).chain(on_their_way).filter_map(move |mut event| {
            // An event that the server has forgotten, or never comes, would be waited for.
            event.follows = None;
            (event.event != HEARTBEAT && told.insert(event.id)).then(|| Record::Event(Box::new(event)))
        });
        let logs = self.logs.into_iter().map(|line| Record::Log(Box::new(line)));
        orders(shared, self.orders).into_iter().chain(events).chain(logs)
    }
}

/// Leaves out states that others have followed, if there are many.
fn newest(states: Vec<(Arc<TaskRun>, usize)>) -> Vec<(Arc<TaskRun>, usize)> {
    if states.len() <= MANY {
        return states;
    }
    let mut last: HashMap<TaskRunId, usize> = HashMap::new();
    for (run, index) in &states {
        let newest = last.entry(run.id).or_default();
        *newest = (*newest).max(*index);
    }
    states.into_iter().filter(|(run, index)| last.get(&run.id) == Some(index)).collect()
}

/// The last state of a run is told whatever the server's rules say: there is nobody who could follow them.
fn orders(shared: &Shared, orders: Vec<Order>) -> Vec<Record> {
    let mut last: HashMap<Uuid, usize> = HashMap::new();
    for (place, order) in orders.iter().enumerate() {
        if let Order::SetState { run, .. } = order {
            last.insert(run.id.uuid(), place);
        }
    }
    let record = |(place, order): (usize, Order)| match order {
        Order::Create { local, new } => {
            let stand_in = new.parent.as_ref().map(|parent| {
                convert::stand_in(&new, parent, shared.known(&parent.flow_run).flow_run, local, &|run| {
                    shared.stand_ins.known_as(run)
                })
            });
            let run = convert::flow_run(&new, Uuid::nil(), None, local);
            let flow = new.def.name.to_owned();
            Record::Create(Box::new(Creation { local: local.uuid(), flow, run, stand_in }))
        }
        Order::SetState { run, state, force } => {
            let is_last = last.get(&run.id.uuid()) == Some(&place);
            let force = force || (is_last && state.kind.is_terminal());
            let after = shared.acknowledged(run.id);
            let run = shared.known(&run).flow_run;
            Record::State(Box::new(LateState { run, state: *state, force, after }))
        }
    };
    orders.into_iter().enumerate().map(record).collect()
}
