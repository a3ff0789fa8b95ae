//! Asking the backend for states, and doing as it says.

use std::sync::Arc;
use std::time::Duration;

use crate::backend::{Answer, Proposal};
use crate::clock;
use crate::engine::flow_run::{LiveFlow, cancelled};
use crate::engine::transition::{Fact, transition};
use crate::error::{Error, ErrorKind};
use crate::state::StateType;

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
        loop {
            if cancel.is_cancelled() {
                self.conclude(cancelled()).await?;
                return Err(self.error(ErrorKind::Cancelled, "was cancelled"));
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
        let mut overruled = false;
        loop {
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
                        fact = cancelled();
                        overruled = true;
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
            let (entered_type, shown) = (entered.state_type(), entered.to_string());
            self.run().track.push(entered);
            if entered_type == proposed && overruled {
                return Err(self.error(ErrorKind::Cancelled, "was cancelled"));
            }
            if entered_type == proposed {
                return Ok(Verdict::Entered);
            }
            return match entered_type {
                StateType::Completed | StateType::Failed => {
                    Err(self.error(ErrorKind::Failed, &format!("was put into state {shown}")))
                }
                StateType::Cancelling => {
                    // Somebody asked for it while the run went on; the only way out is to do as they ask.
                    self.context.cancel.cancel();
                    fact = cancelled();
                    overruled = true;
                    continue;
                }
                StateType::Cancelled => {
                    self.context.cancel.cancel();
                    Err(self.error(ErrorKind::Cancelled, "was cancelled"))
                }
                StateType::Crashed => Err(self.error(ErrorKind::Crashed, &format!("was put into state {shown}"))),
                StateType::Scheduled | StateType::Pending | StateType::Running | StateType::Paused => {
                    Ok(Verdict::Again)
                }
            };
        }
    }
}
