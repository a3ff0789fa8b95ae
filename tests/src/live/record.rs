//! A way to the server that takes down what is said on it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::LiveServer;

/// One request and its answer, with their heads.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The first line: method, path and query.
    pub line: String,
    /// The request.
    pub request: String,
    /// The answer.
    pub answer: String,
}

/// What was said so far.
#[derive(Clone, Debug, Default)]
pub struct Recording(Arc<Mutex<Vec<Exchange>>>);

impl Recording {
    /// Returns all that was said, in the order of the answers.
    pub fn all(&self) -> Vec<Exchange> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl LiveServer {
    /// Gives another address of the server's API, and what is said there. Websockets are refused (403), so that all of it is
    /// in plain requests. It is there until the process ends.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub fn recorded(&self) -> (String, Recording) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let gate = listener.local_addr().expect("it is bound");
        let url = self.api_url();
        let host = url.trim_start_matches("http://").split('/').next().unwrap_or_default();
        let server: SocketAddr = host.parse().expect("the server listens on an address");
        let recording = Recording::default();
        let written = recording.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let written = written.clone();
                thread::spawn(move || exchange(stream, server, &written));
            }
        });
        (format!("http://{gate}/api"), recording)
    }
}

/// Passes one request on, and ends the connection after the answer.
fn exchange(mut from: TcpStream, server: SocketAddr, recording: &Recording) -> Option<()> {
    let request = request(&mut from)?;
    let text = String::from_utf8_lossy(&request).into_owned();
    if text.to_lowercase().contains("upgrade: websocket") {
        return from.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").ok();
    }
    let line = text.lines().next().unwrap_or_default().to_owned();
    let rest = request.get(line.len() + 2..)?;
    let mut to = TcpStream::connect(server).ok()?;
    to.write_all(format!("{line}\r\nconnection: close\r\n").as_bytes()).ok()?;
    to.write_all(rest).ok()?;
    let mut answer = Vec::new();
    to.read_to_end(&mut answer).ok()?;
    let said = Exchange { line, request: text, answer: String::from_utf8_lossy(&answer).into_owned() };
    recording.0.lock().unwrap_or_else(PoisonError::into_inner).push(said);
    from.write_all(&answer).ok()
}

/// Reads one request whole.
fn request(from: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut read, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let end = read.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
            if read.len() >= end + 4 + length {
                return Some(read);
            }
        }
        match from.read(&mut part).ok()? {
            0 => return None,
            count => read.extend_from_slice(&part[..count]),
        }
    }
}
