//! A stand-in for Prefect Cloud: a real server behind a door that has Cloud's rules.

use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use flowkit_tests::live::LiveServer;

use super::wire::{self, Head};

pub(crate) const KEY: &str = "pnu_of_the_test";
const WORKSPACE: &str =
    "/api/accounts/11111111-1111-1111-1111-111111111111/workspaces/22222222-2222-2222-2222-222222222222";

/// How long nobody may ask again after a refusal, in seconds.
const PAUSE: u64 = 1;

#[derive(Clone)]
pub(crate) struct Cloud {
    pub(crate) address: String,
    book: Arc<Mutex<Book>>,
}

/// What has happened.
#[derive(Default)]
pub(crate) struct Book {
    /// Requests and, as `WS`, websockets, without the workspace.
    pub(crate) seen: Vec<String>,
    /// What no client of Cloud does.
    pub(crate) wrong: Vec<String>,
    /// How many requests are still to be refused since there are too many.
    limited: usize,
    refused: Option<Instant>,
}

impl Cloud {
    /// Refuses the first requests for a flow run as too many.
    pub(crate) fn before(server: &LiveServer, limited: usize) -> Self {
        let book = Arc::new(Mutex::new(Book { limited, ..Book::default() }));
        let url = server.api_url();
        let host = url.trim_start_matches("http://").split('/').next().unwrap_or_default().to_owned();
        let kept = Arc::clone(&book);
        let address = wire::listen(move |stream| {
            // The other end may be gone.
            let _ = answer(stream, &host, &kept);
        });
        Self { address, book }
    }

    /// The URL of Cloud's API, as in `PREFECT_CLOUD_API_URL`.
    pub(crate) fn base(&self) -> String {
        format!("http://{}/api", self.address)
    }

    /// The URL of the workspace.
    pub(crate) fn workspace(&self) -> String {
        format!("http://{}{WORKSPACE}", self.address)
    }

    pub(crate) fn book(&self) -> Book {
        std::mem::take(&mut self.book.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What becomes of a request.
enum Verdict {
    /// It is passed on for this path.
    Pass(String),
    Refuse(&'static str, String, &'static str),
}

fn judge(book: &mut Book, head: &Head) -> Verdict {
    let Some(path) = head.target.strip_prefix(WORKSPACE) else {
        return Verdict::Refuse("404 Not Found", String::new(), "{\"detail\":\"Not Found\"}");
    };
    let what = if head.is_websocket() { "WS" } else { &head.method };
    book.seen.push(format!("{what} {path}"));
    let authorization = head.header("authorization").unwrap_or_default();
    let known = authorization.eq_ignore_ascii_case(&format!("Bearer {KEY}"));
    let protocol = head.header("sec-websocket-protocol");
    let proven = match (head.is_websocket(), path) {
        (true, "/events/in") => known && protocol.is_none(),
        (true, _) => protocol == Some("prefect") && authorization.is_empty(),
        (false, _) => known,
    };
    if !proven {
        return Verdict::Refuse(
            "401 Unauthorized",
            String::new(),
            "{\"detail\":\"Invalid authentication credentials\"}",
        );
    }
    if path.starts_with("/csrf-token")
        || path == "/admin/version"
        || head.names().any(|it| it.starts_with("prefect-csrf"))
    {
        book.wrong.push(format!("{what} {path}"));
    }
    if head.header("user-agent") != Some("prefect/3.8.8 (API 0.8.4)") {
        book.wrong.push(format!("{what} {path} as {:?}", head.header("user-agent")));
    }
    let since = book.refused.map(|refused| refused.elapsed());
    // What was under way when it was refused is no fault.
    if since.is_some_and(|since| (300..PAUSE * 1000).contains(&(since.as_millis() as u64))) && !head.is_websocket() {
        book.wrong.push(format!("{what} {path} {since:?} after it was asked to wait"));
    }
    if path == "/flow_runs/" && book.limited > 0 {
        book.limited -= 1;
        book.refused = Some(Instant::now());
        return Verdict::Refuse(
            "429 Too Many Requests",
            format!("retry-after: {PAUSE}\r\n"),
            "{\"detail\":\"Too many\"}",
        );
    }
    Verdict::Pass(format!("/api{path}"))
}

fn answer(mut stream: TcpStream, server: &str, book: &Mutex<Book>) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    let mut head = Head::read(&mut stream)?;
    head.complete(&mut stream)?;
    let verdict = judge(&mut book.lock().unwrap_or_else(PoisonError::into_inner), &head);
    match verdict {
        Verdict::Pass(path) => wire::pass_on(stream, server, &head.bytes(&path)),
        Verdict::Refuse(status, headers, body) => {
            wire::refuse(stream, status, &headers, body);
            None
        }
    }
}
