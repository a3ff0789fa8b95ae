//! The token that a server may want with every request that changes something.
//!
//! Few servers do, and asking one that does not is an error in its log. So nobody asks before a request was refused
//! for want of a token.

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
    /// No request was refused so far.
    NotAsked,
    /// A request was refused: a token is to be fetched.
    Wanted,
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
        let state = if enabled { State::NotAsked } else { State::Off };
        Self { client: Uuid::new_v4(), state: Mutex::new(state) }
    }

    /// Gives the pass for a request, fetching a token if one is wanted or the last one has expired.
    pub(crate) async fn pass<F>(&self, fetch: impl FnOnce(Uuid) -> F + Send) -> Result<Option<Pass>, Error>
    where
        F: Future<Output = Result<CsrfToken, Error>> + Send,
    {
        let mut state = self.state.lock().await;
        match &*state {
            State::Off | State::NotAsked => return Ok(None),
            State::On(token) if token.expiration > Utc::now() => return Ok(Some(self.with(token))),
            State::On(_) | State::Wanted => {}
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

    /// Notes that the server refused a request for its token, or for having none; tells whether another try can help.
    pub(crate) async fn refused(&self, pass: Option<&Pass>) -> bool {
        let mut state = self.state.lock().await;
        match &*state {
            State::Off => return false,
            // Another request has fetched a newer one already.
            State::On(token) if pass.is_none_or(|pass| pass.token != token.token) => {}
            State::On(_) | State::NotAsked | State::Wanted => *state = State::Wanted,
        }
        true
    }

    fn with(&self, token: &CsrfToken) -> Pass {
        Pass { token: token.token.clone(), client: self.client.to_string() }
    }
}
