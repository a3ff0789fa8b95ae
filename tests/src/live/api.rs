//! The server's own REST API, for assertions on what it really stored.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;

use super::LiveServer;

/// Longer than a server on sqlite waits for its own database, a minute.
const DEADLINE: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(100);

/// Is an answer of the server, whatever its status.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body: JSON where it parses, else text as a JSON string, `null` when empty.
    pub body: Value,
}

/// Sends requests to one server.
#[derive(Debug)]
pub(crate) struct Api {
    agent: Agent,
    authorization: Option<String>,
}

impl Api {
    pub(crate) fn new(auth: Option<&str>) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(DEADLINE))
            // A restarted server knows nothing of a kept connection.
            .max_idle_connections(0)
            .build();
        let authorization = auth.map(|auth| format!("Basic {}", STANDARD.encode(auth)));
        Self { agent: config.into(), authorization }
    }

    pub(crate) fn send(&self, method: &str, url: &str, body: Option<&Value>) -> Result<Reply, ureq::Error> {
        let mut request = Request::builder().method(method).uri(url);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let mut response = match body {
            Some(body) => {
                let request = request.header("content-type", "application/json");
                self.agent.run(request.body(body.to_string())?)?
            }
            None => self.agent.run(request.body(())?)?,
        };
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string()?;
        let body = match text.as_str() {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        };
        Ok(Reply { status, body })
    }
}

impl LiveServer {
    /// Returns what `GET path` answers; the path is below `/api`, as `/flows/…`.
    ///
    /// # Panics
    ///
    /// When the server does not answer, or not with a 2xx status.
    pub fn get(&self, path: &str) -> Value {
        self.expect_success("GET", path, None)
    }

    /// Returns what `POST path` with this body answers.
    ///
    /// # Panics
    ///
    /// When the server does not answer, or not with a 2xx status.
    pub fn post(&self, path: &str, body: &Value) -> Value {
        self.expect_success("POST", path, Some(body))
    }

    /// Returns what a request is answered with if that is a success: a server that has just come back may refuse some.
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Option<Value> {
        self.send(method, path, body).ok().filter(|reply| (200..300).contains(&reply.status)).map(|reply| reply.body)
    }

    /// Sends any request and returns any answer.
    ///
    /// # Errors
    ///
    /// When the server does not answer, with the reason in words.
    pub fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Reply, String> {
        self.api()
            .send(method, &format!("{}{path}", self.api_url()), body)
            .map_err(|error| format!("{method} {path}: {error}"))
    }

    /// Asks until the answer is there, and returns it; `what` names it in the failure.
    ///
    /// # Panics
    ///
    /// After 90 s without an answer, with the end of the server's log.
    pub fn eventually<T>(&self, what: &str, mut ask: impl FnMut(&Self) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(answer) = ask(self) {
                return answer;
            }
            if begun.elapsed() > DEADLINE {
                panic!("waited {DEADLINE:?} in vain for {what}; {}", self.log_end());
            }
            std::thread::sleep(POLL);
        }
    }

    fn expect_success(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let reply = self.send(method, path, body).unwrap_or_else(|error| panic!("{error}"));
        assert!((200..300).contains(&reply.status), "{method} {path} answered {}: {}", reply.status, reply.body);
        reply.body
    }
}
