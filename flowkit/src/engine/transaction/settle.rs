//! The end of a transaction, which goes on whatever happens to those who wait for it.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::engine::context::{Context, Waiters};
use crate::engine::transaction::{End, Scope};
use crate::error::{Error, ErrorKind};

/// Ends a transaction that was begun in `context`, once what was submitted inside has ended.
///
/// It has begun when this returns, and runs to its end although nobody awaits it; the flow run and the transaction
/// around wait for it. Outside of a tokio runtime it happens where it is awaited.
pub(crate) fn settle(
    scope: Arc<Scope>,
    end: End,
    context: &Context,
) -> impl Future<Output = Result<(), Error>> + Send + use<> {
    let waiters = Waiters { transaction: scope.outer.clone(), flow: context.flow.clone() };
    let around = Context { transaction: None, journal: None, cancel: CancellationToken::new(), ..context.clone() };
    let key = scope.txn.key().to_owned();
    let ending = async move {
        scope.inside.wait().await;
        match end {
            End::Commit => scope.succeed().await,
            End::RollBack => {
                scope.roll_back().await;
                Ok(())
            }
        }
    };
    let ending = around.scope(ending.in_current_span());
    let begun = match Handle::try_current() {
        Ok(runtime) => Ok(waiters.spawn(&runtime, ending)),
        Err(_) => Err(ending),
    };
    async move {
        match begun {
            Ok(handle) => handle.await.unwrap_or_else(|lost| Err(unfinished(&key, lost))),
            Err(ending) => ending.await,
        }
    }
}

fn unfinished(key: &str, lost: JoinError) -> Error {
    match lost.try_into_panic() {
        Ok(payload) => std::panic::resume_unwind(payload),
        Err(_) => Error::new(ErrorKind::Crashed, format!("the tokio runtime ended before transaction `{key}` did")),
    }
}
