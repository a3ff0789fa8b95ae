//! What ends only after the transaction that it was begun in.

use crate::engine::context::Context;
use crate::engine::transaction::{Done, End, Scope, settle};
use crate::error::{Error, ErrorKind};
use crate::state::State;
use crate::txn::Transaction;

/// Commits or rolls back, as the transaction did, a run that has completed after it: one in a future that nobody waited
/// for.
pub(crate) async fn end_late(scope: &Scope, end: End, done: Done) {
    let (key, name, context) = (scope.txn.key(), done.run.name(), done.context.clone());
    let how = match end {
        End::Commit => "committed: it is committed by itself",
        End::RollBack => "rolled back: it is rolled back as well",
    };
    tracing::warn!(target: "flowkit::run", "Task run '{name}' has completed after transaction '{key}' was {how}");
    // The log tells what is wrong.
    let _ = settle(Scope::alone(scope.txn.clone(), done), end, &context).await;
}

/// Says that blocking code of a task has ended after its run, if so: nothing of it can be rolled back.
pub(crate) fn tell_if_late(context: &Context) {
    let (Some(scope), Some(run)) = (&context.transaction, &context.task) else { return };
    if run.track.with(|states| states.last().is_some_and(State::is_settled)) {
        let (key, name) = (scope.txn.key(), run.name());
        tracing::warn!(target: "flowkit::run", "Blocking code of task run '{name}' went on after the run had ended: what it has done is no part of transaction '{key}' and is not rolled back");
    }
}

/// Why an inner transaction that ends after the outer one does not count.
pub(super) fn ended_around(outer: &Transaction) -> Error {
    let why = format!("transaction `{}` around was rolled back before this one had ended", outer.key());
    Error::new(ErrorKind::Results, why)
}
