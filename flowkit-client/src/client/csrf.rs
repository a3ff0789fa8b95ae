//! The token that a server may want with every request that changes something.

use chrono::Utc;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::api::admin::CsrfToken;
use crate::error::Error;

/// Remembers whether the server wants tokens, and the one it gave.
#[derive(Debug)]
pub(crate) struct Csrf {
    client: Uuid,
    // Held while a token is fetched: the server keeps one token for each client, so a second fetch at the same time
    // would make the first token invalid.
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Unknown,
    Off,
    On(CsrfToken),
}

/// Names the two headers that go with a request.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Pass {
    pub(crate) token: String,
    pub(crate) client: String,
}

impl Csrf {
    pub(crate) fn new(enabled: bool) -> Self {
        let state = if enabled { State::Unknown } else { State::Off };
        Self { client: Uuid::new_v4(), state: Mutex::new(state) }
    }

    /// Gives the pass for a request, fetching a token if there is none or it has expired.
    pub(crate) async fn pass<F>(&self, fetch: impl FnOnce(Uuid) -> F + Send) -> Result<Option<Pass>, Error>
    where
        F: Future<Output = Result<CsrfToken, Error>> + Send,
    {
        let mut state = self.state.lock().await;
        match &*state {
            State::Off => return Ok(None),
            State::On(token) if token.expiration > Utc::now() => return Ok(Some(self.with(token))),
            State::On(_) | State::Unknown => {}
        }
        match fetch(self.client).await {
            Ok(token) => {
                let pass = self.with(&token);
                *state = State::On(token);
                Ok(Some(pass))
            }
            // 422: switched off; 404: a server that does not know about it.
            Err(error) if matches!(error.status(), Some(404 | 422)) => {
                *state = State::Off;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Forgets a token the server refused, unless another request has replaced it already.
    pub(crate) async fn forget(&self, refused: &Pass) {
        let mut state = self.state.lock().await;
        if matches!(&*state, State::On(token) if token.token == refused.token) {
            *state = State::Unknown;
        }
    }

    fn with(&self, token: &CsrfToken) -> Pass {
        Pass { token: token.token.clone(), client: self.client.to_string() }
    }
}
