//! Asking the backend for states, and doing as it says.

use std::sync::Arc;
use std::time::Duration;

use crate::backend::{Answer, Proposal};
use crate::clock;
use crate::engine::flow_run::LiveFlow;
use crate::engine::transition::{Fact, transition};
use crate::error::{Error, ErrorKind};
use crate::state::{State, StateName, StateType};

/// How long to wait before asking again when the backend keeps a run in a pending state.
const ASK_AGAIN: Duration = Duration::from_millis(200);

/// What the engine does after it has heard the backend.
pub(super) enum Verdict {
    /// The run is in the state that was proposed.
    Entered,
    /// The run is in another state that has not ended it: propose to run.
    Again,
}

impl<T: Send + 'static> LiveFlow<T> {
    /// Proposes to run until the backend agrees or ends the run.
    pub(super) async fn enter_running(&mut self) -> Result<(), Error> {
        let cancel = self.context.cancel.clone();
        // A run that was taken over may have been cancelled before.
        if self.run().state().is(StateName::Cancelling) {
            cancel.cancel();
        }
        loop {
            if cancel.is_cancelled() {
                let (fact, error) = self.stopped();
                self.conclude(fact).await?;
                return Err(error);
            }
            match self.conclude(Fact::Started).await? {
                Verdict::Entered => return Ok(()),
                Verdict::Again => drop(cancel.run_until_cancelled(clock::sleep(ASK_AGAIN)).await),
            }
        }
    }

    /// Proposes the state that follows from a fact, and adopts the backend's answer.
    pub(super) async fn conclude(&mut self, mut fact: Fact) -> Result<Verdict, Error> {
        // The rules would have a doomed run retried, and know no step from Pending to NotReady.
        let force = matches!(fact, Fact::Crashed { .. } | Fact::Doomed { .. } | Fact::UpstreamFailed { .. });
        let mut overruled = None;
        loop {
            if let Some(state) = self.scope.ended_outside().cloned() {
                return Err(self.adopt(state));
            }
            let current = self.run().track.current();
            let Ok(state) = transition(current.as_ref(), fact.clone(), clock::now()) else {
                return Ok(Verdict::Entered);
            };
            let proposed = state.state_type();
            let answer = self.context.ports.backend.propose(Arc::clone(self.run()), Proposal { state, force }).await;
            let entered = match answer {
                Answer::Accept(state) => state,
                Answer::Reject(state) => state,
                // A run that has not begun need not wait any longer once it is cancelled; one that has ended must.
                Answer::Wait(delay) if fact == Fact::Started => {
                    if self.context.cancel.run_until_cancelled(clock::sleep(delay)).await.is_none() {
                        let (stopped, error) = self.stopped();
                        (fact, overruled) = (stopped, Some(error));
                    }
                    continue;
                }
                Answer::Wait(delay) => {
                    clock::sleep(delay).await;
                    continue;
                }
                Answer::Abort(why) => {
                    self.record.left_alone = true;
                    return Err(self.error(ErrorKind::Aborted, &format!("was left alone as the server asked: {why}")));
                }
            };
            let entered_type = entered.state_type();
            // Whoever asked for the run to be cancelled may have told so before the backend did.
            let known = entered_type == StateType::Cancelling && self.run().state().state_type() == entered_type;
            if !known {
                self.run().track.push_late(entered.clone());
            }
            if entered_type == proposed {
                return overruled.map_or(Ok(Verdict::Entered), Err);
            }
            match entered_type {
                StateType::Cancelling => {
                    // Somebody asked for it while the run went on; the only way out is to do as they ask.
                    self.context.cancel.cancel();
                    let (stopped, error) = self.stopped();
                    (fact, overruled) = (stopped, Some(error));
                }
                StateType::Completed | StateType::Failed | StateType::Cancelled | StateType::Crashed => {
                    self.context.cancel.cancel();
                    return Err(self.ended_as(&entered));
                }
                StateType::Scheduled | StateType::Pending | StateType::Running | StateType::Paused => {
                    return Ok(Verdict::Again);
                }
            }
        }
    }

    /// Takes over the final state that somebody else has put the run into.
    fn adopt(&mut self, state: State) -> Error {
        self.record.left_alone = true;
        let error = self.ended_as(&state);
        let _ = self.run().track.advance(|current| (!current.is_some_and(State::is_settled)).then_some(state));
        error
    }

    /// The error of a run that somebody else has put into a final state.
    fn ended_as(&self, state: &State) -> Error {
        let put = || format!("was put into state {state}");
        match state.state_type() {
            StateType::Cancelled => self.error(ErrorKind::Cancelled, "was cancelled"),
            StateType::Crashed => self.error(ErrorKind::Crashed, &put()),
            _ => self.error(ErrorKind::Failed, &put()),
        }
    }
}
