//! The endpoint of this process: the only place that ties it to what runs report to.

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::backend::{History, Kept};
use crate::clock::{self, Timestamp};
use crate::deploy::Deploy;
use crate::endpoint::{Address, Endpoint, Program, Token};
use crate::engine::context::Ports;
use crate::error::{Error, ErrorKind};
use crate::id::FlowRunId;
use crate::secret::Secret;
use crate::state::State;

/// Opens an endpoint for the runs and deployments that are kept in this process.
///
/// `named_by` is who says where. Once `ending` is cancelled, nothing new can be started over it.
pub(crate) async fn open(
    ports: &Arc<Ports>,
    (address, named_by): (&str, &str),
    token: Option<&Secret>,
    ending: CancellationToken,
) -> Result<Endpoint, Error> {
    let address = Address::parse(address, named_by)?;
    let kept = Arc::clone(&ports.backend).kept().ok_or_else(|| {
        let why = format!(
            "{named_by} asks for an endpoint of this program, but PREFECT_API_URL is set: the server that it names is the one \
             to be asked for runs"
        );
        Error::new(ErrorKind::Settings, why)
    })?;
    let token = token.map(|token| Token::new(token.expose()));
    let program = Here { kept, ports: Arc::clone(ports), since: clock::now(), ending };
    Endpoint::open(&address, token, Arc::new(program)).await
}

/// This process, as its endpoint sees it.
struct Here {
    kept: Arc<dyn Kept>,
    ports: Arc<Ports>,
    since: Timestamp,
    ending: CancellationToken,
}

impl Program for Here {
    fn history(&self) -> &dyn History {
        &*self.kept
    }

    fn deploy(&self) -> &dyn Deploy {
        &*self.kept
    }

    fn cancel(&self, run: FlowRunId) -> BoxFuture<'_, Result<State, Error>> {
        Box::pin(super::cancel(&self.ports, run))
    }

    fn since(&self) -> Timestamp {
        self.since
    }

    fn is_ending(&self) -> bool {
        self.ending.is_cancelled()
    }
}
