//! What others do to the flow runs of this process: memory answers, and the file is told of the states that come of it.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Map, Value};

use super::Embedded;
use super::queue::Item;
use crate::backend::Backend;
use crate::error::Error;
use crate::id::FlowRunId;
use crate::interact::{Changes, Form, Given, Interact};
use crate::pause_details::InputKeys;
use crate::state::State;

impl Embedded {
    /// Somebody has put a run into this state; the engine hears of it later.
    pub(super) fn put(&self, id: FlowRunId, state: State) {
        if let Some(run) = self.memory.history().and_then(|history| history.flow_run(id)) {
            self.mirrored(&run);
            self.queue.push(Item::FlowState(run, state));
        }
    }
}

impl Interact for Embedded {
    fn changes(&self, run: FlowRunId) -> Changes {
        self.memory.interact().changes(run)
    }

    fn state_of(&self, run: FlowRunId) -> BoxFuture<'_, Result<State, Error>> {
        self.memory.interact().state_of(run)
    }

    fn ask_for_input(&self, run: FlowRunId, keys: InputKeys, form: Form) -> BoxFuture<'_, Result<(), Error>> {
        self.memory.interact().ask_for_input(run, keys, form)
    }

    fn resume(&self, run: FlowRunId, input: Option<Map<String, Value>>) -> BoxFuture<'_, Result<(), Error>> {
        async move {
            self.memory.interact().resume(run, input).await?;
            if let Ok(state) = Interact::state_of(self, run).await {
                self.put(run, state);
            }
            Ok(())
        }
        .boxed()
    }

    fn give(&self, run: FlowRunId, given: Given) -> BoxFuture<'_, Result<(), Error>> {
        self.memory.interact().give(run, given)
    }

    fn given(&self, run: FlowRunId, key: String) -> BoxFuture<'_, Result<Option<Value>, Error>> {
        self.memory.interact().given(run, key)
    }

    fn next_given(
        &self,
        run: FlowRunId,
        prefix: String,
        except: Vec<String>,
    ) -> BoxFuture<'_, Result<Option<Given>, Error>> {
        self.memory.interact().next_given(run, prefix, except)
    }
}
