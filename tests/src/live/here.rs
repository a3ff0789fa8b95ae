//! The two sides that are compared: this process and Python, both as clients of a server.

use std::future::Future;
use std::time::Duration;

use flowkit::Runtime;
use serde_json::Value;

use super::LiveServer;

/// Runs `future` in this process, as a client of the server with this address, and waits until all is delivered.
///
/// # Panics
///
/// When something cannot be delivered.
pub fn at<F: Future>(url: &str, future: F) -> F::Output {
    let reporting = Runtime::builder().server(url).build().expect("the address is sound");
    let threads = tokio::runtime::Runtime::new().expect("a runtime starts");
    threads.block_on(async {
        let output = reporting.run(future).await;
        let left = reporting.flush(Duration::from_secs(30)).await;
        assert!(left.is_empty(), "{left:?}");
        output
    })
}

impl LiveServer {
    /// Runs `script` in the server's Python, as [`python`](LiveServer::python) does, and reads its last line, which is JSON.
    ///
    /// # Panics
    ///
    /// When the script fails or says something else.
    pub fn python_json(&self, script: &str) -> Value {
        let said = self.python(script);
        let last = said.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error} in {said}"))
    }
}
