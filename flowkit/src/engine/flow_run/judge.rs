//! What the ending of an attempt means for the run and for its caller.

use crate::engine::attempt::{Ending, run_error, told};
use crate::engine::flow_run::LiveFlow;
use crate::engine::retry::is_worth_a_retry;
use crate::engine::task_run::exceeded;
use crate::engine::transition::Fact;
use crate::engine::{choice, panic};
use crate::error::{Error, ErrorKind};
use crate::options::Effective;
use crate::state::State;
use crate::user_error::{UserError, chain, first_line};

impl<T: Send + 'static> LiveFlow<T> {
    /// Tells what an ending means for the run and for its caller.
    pub(super) fn judge(&self, ending: Ending<T>) -> (Fact, Result<T, Error>) {
        match ending {
            Ending::Returned(value) => match choice::of_value(&value) {
                None => (Fact::Returned, Ok(value)),
                Some(state) => self.chosen(state, Some(value)),
            },
            Ending::Errored(cause) => {
                if let Some(state) = choice::of_error(&cause) {
                    return self.chosen(state, None);
                }
                tracing::error!(target: "flowkit::run", "Encountered exception during execution: {}", told(&cause));
                let text = chain(cause.as_std());
                let text = first_line(&text);
                let (kind, fact) = match run_error(&cause) {
                    Some(ErrorKind::TimedOut) => {
                        let message = format!("Flow run failed due to timeout: {text}");
                        (ErrorKind::TimedOut, Fact::TimedOut { message })
                    }
                    _ => {
                        let message = format!("Flow run encountered an exception: {text}");
                        let fact =
                            if self.is_doomed(&cause) { Fact::Doomed { message } } else { Fact::Errored { message } };
                        (ErrorKind::Failed, fact)
                    }
                };
                (fact, Err(self.error(kind, "failed").with_user_error(cause)))
            }
            Ending::Panicked(text) => {
                tracing::error!(target: "flowkit::run", "Encountered exception during execution: {text}");
                let message = format!("Flow run encountered an exception: {}", first_line(&text));
                (Fact::Errored { message }, Err(self.error(ErrorKind::Panicked, &text)))
            }
            Ending::TimedOut(limit) => {
                let what = format!("exceeded its timeout of {:?} second(s)", limit.as_secs_f64());
                let message = exceeded("Flow", limit);
                (Fact::TimedOut { message }, Err(self.error(ErrorKind::TimedOut, &what)))
            }
            Ending::Cancelled => {
                let (fact, error) = self.stopped();
                (fact, Err(error))
            }
        }
    }

    fn chosen(&self, state: State, value: Option<T>) -> (Fact, Result<T, Error>) {
        let result = choice::result(&format!("flow run '{}'", self.run().name), &state, value);
        (Fact::Chosen { state: Box::new(state) }, result)
    }

    /// Tells whether retries are left that would not help. A condition that panics is no reason to leave them out.
    fn is_doomed(&self, cause: &UserError) -> bool {
        let Effective { retries, retry_if, .. } = self.effective;
        self.run().effort().run_count <= retries && panic::contain(|| is_worth_a_retry(cause, retry_if)) == Ok(false)
    }
}
