//! The port of interaction, for the flow runs of this process.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use serde_json::{Map, Value};

use crate::backend::memory::Memory;
use crate::clock;
use crate::error::{Error, ErrorKind};
use crate::id::FlowRunId;
use crate::interact::{Changes, Form, Given, Interact};
use crate::orchestrate;
use crate::pause_details::InputKeys;
use crate::run::FlowRun;
use crate::state::{State, StateType};

impl Memory {
    fn known(&self, id: FlowRunId) -> Result<Arc<FlowRun>, Error> {
        let none = || Error::new(ErrorKind::Refused, format!("there is no flow run {id} in this process"));
        self.inboxes.run(id).or_else(|| self.recent.flow_run(id)).ok_or_else(none)
    }

    fn now(&self, id: FlowRunId, act: impl FnOnce(&Self, &Arc<FlowRun>) -> Result<(), String>) -> Result<(), Error> {
        let run = self.known(id)?;
        act(self, &run).map_err(|why| Error::new(ErrorKind::Refused, format!("flow run '{}': {why}", run.name)))
    }
}

impl Interact for Memory {
    fn changes(&self, run: FlowRunId) -> Changes {
        self.known(run).map_or_else(|_| Changes::unknown(), |run| self.inboxes.changes(&run))
    }

    fn state_of(&self, run: FlowRunId) -> BoxFuture<'_, Result<State, Error>> {
        ready(self.known(run).map(|run| self.inboxes.state_of(&run))).boxed()
    }

    fn ask_for_input(&self, run: FlowRunId, keys: InputKeys, form: Form) -> BoxFuture<'_, Result<(), Error>> {
        ready(self.known(run).map(|run| self.inboxes.ask(&run, keys, form))).boxed()
    }

    fn resume(&self, run: FlowRunId, input: Option<Map<String, Value>>) -> BoxFuture<'_, Result<(), Error>> {
        let input = Value::Object(input.unwrap_or_default());
        let resumed = self.now(run, |this, run| {
            let state = this.inboxes.resume(run, input, |current| orchestrate::resumed(current, clock::now()))?;
            if state.state_type() == StateType::Scheduled {
                // No engine has it: it is for whoever serves its deployment.
                this.put(run, state);
                this.deployments.again(run);
            } else {
                this.recent.mirror(run, &state);
            }
            Ok(())
        });
        ready(resumed).boxed()
    }

    fn give(&self, run: FlowRunId, given: Given) -> BoxFuture<'_, Result<(), Error>> {
        ready(self.now(run, |this, run| this.inboxes.give(run, given))).boxed()
    }

    fn given(&self, run: FlowRunId, key: String) -> BoxFuture<'_, Result<Option<Value>, Error>> {
        let found = |given: &[Given]| given.iter().find(|one| one.key == key).map(|one| one.value.clone());
        ready(Ok(self.inboxes.look(run, found))).boxed()
    }

    fn next_given(
        &self,
        run: FlowRunId,
        prefix: String,
        except: Vec<String>,
    ) -> BoxFuture<'_, Result<Option<Given>, Error>> {
        let fits = |one: &&Given| one.key.starts_with(&prefix) && !except.contains(&one.key);
        ready(Ok(self.inboxes.look(run, |given| given.iter().find(fits).cloned()))).boxed()
    }
}
