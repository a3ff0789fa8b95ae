//! A proxy of this machine.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};

use super::wire::{self, Head};

/// What was asked of it: `CONNECT host:port`, or a method and a path.
pub(crate) type Asked = Arc<Mutex<Vec<String>>>;

/// Starts one that wants credentials, and gives its address.
pub(crate) fn start(credentials: &'static str) -> (String, Asked) {
    let asked = Asked::default();
    let kept = Arc::clone(&asked);
    let address = wire::listen(move |stream| {
        // The other end may be gone.
        let _ = answer(stream, credentials, &kept);
    });
    (address, asked)
}

fn answer(mut stream: TcpStream, credentials: &str, asked: &Asked) -> Option<()> {
    let mut head = Head::read(&mut stream)?;
    if head.header("proxy-authorization") != Some(credentials) {
        wire::refuse(stream, "407 Proxy Authentication Required", "", "");
        return None;
    }
    let note = |what: String| asked.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    if head.method == "CONNECT" {
        note(format!("CONNECT {}", head.target));
        stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").ok()?;
        return wire::pass_on(stream, &head.target.clone(), &head.rest);
    }
    head.complete(&mut stream)?;
    let url = head.target.strip_prefix("http://")?.to_owned();
    let (host, path) = url.split_at(url.find('/')?);
    note(format!("{} {path}", head.method));
    wire::pass_on(stream, host, &head.bytes(path))
}
