//! The value of a flow run, stored where other processes can read it.

use std::sync::Arc;

use crate::engine::flow_run::{FlowJob, LiveFlow};
use crate::engine::results::ResultPorts;
use crate::engine::results::keep::{Keep, Kept, check_place, obstacle};
use crate::engine::transition::Fact;
use crate::error::{Error, ErrorKind};
use crate::options::Effective;
use crate::result_options::Place;

/// Leaves out what the flow cannot do by itself, and refuses what was asked for and cannot be done.
pub(super) fn check<T: 'static>(job: &FlowJob<T>, effective: &mut Effective, ports: &ResultPorts) -> Result<(), Error> {
    let (Some(plan), Ok(body)) = (&effective.results, &job.body) else { return Ok(()) };
    match (plan.place, obstacle(body.returns())) {
        (Place::Asked, Some(why)) => {
            let (flow, ty) = (job.def.name, std::any::type_name::<T>());
            let why = format!("the result of flow `{flow}` cannot be stored: its type `{ty}` {why}");
            Err(Error::new(ErrorKind::Definition, why))
        }
        (Place::Asked | Place::ByDefault, None) => check_place(ports, plan, format_args!("flow `{}`", job.def.name)),
        // Flows are not cached.
        (Place::ByDefault, Some(_)) | (Place::DurableCache | Place::PassingCache, _) => {
            effective.results = None;
            Ok(())
        }
    }
}

impl<T: Send + 'static> LiveFlow<T> {
    /// Stores the value of an attempt that has one.
    pub(super) async fn store(&mut self, fact: Fact, result: Result<T, Error>) -> (Fact, Result<T, Error>) {
        let (Fact::Returned, Ok(value), Some(plan), Ok(body)) =
            (&fact, &result, &self.effective.results, &self.job.body)
        else {
            return (fact, result);
        };
        let keep = Keep::new(&Arc::clone(&self.context.ports).results, plan, None);
        let written = keep.write_down(body.returns(), value);
        match keep.store_away(written).await {
            Ok(Kept::Durable(data)) => (Fact::Stored { data }, result),
            Ok(Kept::Passing) => (fact, result),
            Err(error) => {
                let message = format!("Flow run could not store its result: {}", error.chain());
                tracing::error!(target: "flowkit::run", "{message}");
                // Another attempt would not help.
                (
                    Fact::Doomed { message },
                    Err(self.error(ErrorKind::Results, "could not store its result").with_source(error)),
                )
            }
        }
    }
}
