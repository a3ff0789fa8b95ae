//! What others do to the flow runs of this process while they are under way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::sync::watch;

use crate::id::FlowRunId;
use crate::interact::{Changes, Form, Given};
use crate::pause_details::InputKeys;
use crate::run::{FlowRun, lock};
use crate::state::State;

/// The inboxes of the flow runs that have one; it is gone once the run has ended.
#[derive(Debug, Default)]
pub(super) struct Inboxes(Mutex<HashMap<FlowRunId, Inbox>>);

/// What one flow run has been given.
#[derive(Debug)]
struct Inbox {
    run: Arc<FlowRun>,
    changed: watch::Sender<()>,
    /// The state that somebody else put the run into and that its engine has not seen yet.
    state: Option<State>,
    asked: Option<(InputKeys, Form)>,
    given: Vec<Given>,
}

impl Inbox {
    fn new(run: Arc<FlowRun>) -> Self {
        Self { run, changed: watch::Sender::default(), state: None, asked: None, given: Vec::new() }
    }

    fn state(&self) -> State {
        self.state.clone().unwrap_or_else(|| self.run.state())
    }
}

impl Inboxes {
    /// The inbox of a run that has not ended.
    fn with<R>(&self, run: &Arc<FlowRun>, use_it: impl FnOnce(&mut Inbox) -> R) -> R {
        let mut inboxes = lock(&self.0);
        let inbox = inboxes.entry(run.id).or_insert_with(|| Inbox::new(Arc::clone(run)));
        let result = use_it(inbox);
        if inbox.state().is_final() {
            inboxes.remove(&run.id);
        }
        result
    }

    /// A run that has an inbox, even if the history has forgotten it.
    pub(super) fn run(&self, id: FlowRunId) -> Option<Arc<FlowRun>> {
        lock(&self.0).get(&id).map(|inbox| Arc::clone(&inbox.run))
    }

    pub(super) fn changes(&self, run: &Arc<FlowRun>) -> Changes {
        self.with(run, |inbox| Changes::told_by(&inbox.changed))
    }

    pub(super) fn state_of(&self, run: &Arc<FlowRun>) -> State {
        match lock(&self.0).get(&run.id) {
            Some(inbox) => inbox.state(),
            None => run.state(),
        }
    }

    /// Takes note that the engine knows of the present state.
    pub(super) fn seen(&self, run: &FlowRun, state: &State) {
        let mut inboxes = lock(&self.0);
        if state.is_final() {
            inboxes.remove(&run.id);
        } else if let Some(inbox) = inboxes.get_mut(&run.id) {
            inbox.state = None;
        }
    }

    /// Goes on with another record of the same run.
    pub(super) fn replace(&self, run: &Arc<FlowRun>) {
        if let Some(inbox) = lock(&self.0).get_mut(&run.id) {
            inbox.run = Arc::clone(run);
        }
    }

    pub(super) fn ask(&self, run: &Arc<FlowRun>, keys: InputKeys, form: Form) {
        self.with(run, |inbox| inbox.asked = Some((keys, form)));
    }

    pub(super) fn give(&self, run: &Arc<FlowRun>, given: Given) -> Result<(), String> {
        self.with(run, |inbox| {
            if inbox.given.iter().any(|known| known.key == given.key) {
                return Err(format!("it has been given `{}` already", given.key));
            }
            inbox.given.push(given);
            inbox.changed.send_replace(());
            Ok(())
        })
    }

    /// Puts a paused run into the state that `resumed` makes of the present one, with its input if it waits for one.
    pub(super) fn resume(
        &self,
        run: &Arc<FlowRun>,
        input: Value,
        resumed: impl FnOnce(&State) -> Result<State, String>,
    ) -> Result<State, String> {
        self.with(run, |inbox| {
            let current = inbox.state();
            let state = resumed(&current)?;
            let asked_for = current.pause().and_then(|pause| pause.input.as_ref());
            let asked = inbox.asked.take_if(|(keys, _)| Some(&*keys) == asked_for);
            if let Some((keys, form)) = asked {
                if let Err(why) = (form.check)(&form.complete(input.clone())) {
                    inbox.asked = Some((keys, form));
                    return Err(format!("the input does not fit: {why}"));
                }
                inbox.given.push(Given { key: keys.response, value: input, sender: None });
            }
            inbox.state = Some(state.clone());
            inbox.changed.send_replace(());
            Ok(state)
        })
    }

    pub(super) fn look<R>(&self, run: FlowRunId, look: impl FnOnce(&[Given]) -> Option<R>) -> Option<R> {
        lock(&self.0).get(&run).and_then(|inbox| look(&inbox.given))
    }
}
