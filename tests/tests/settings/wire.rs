//! Just enough of HTTP for what stands between a program and the server.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

/// The start of a request: its first line and headers, and what came of the body.
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    pub(crate) rest: Vec<u8>,
}

impl Head {
    /// Reads it; nothing once the other end is gone.
    pub(crate) fn read(stream: &mut TcpStream) -> Option<Self> {
        let mut bytes = Vec::new();
        let mut some = [0; 4096];
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            let read = stream.read(&mut some).ok().filter(|read| *read > 0)?;
            bytes.extend(&some[..read]);
        };
        let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = text.lines();
        let mut first = lines.next()?.split(' ').map(str::to_owned);
        let header =
            |line: &str| line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
        let headers = lines.filter_map(header).collect();
        Some(Self { method: first.next()?, target: first.next()?, headers, rest: bytes[end + 4..].to_vec() })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(|(name, _)| name.as_str())
    }

    pub(crate) fn is_websocket(&self) -> bool {
        self.header("upgrade").is_some_and(|what| what.eq_ignore_ascii_case("websocket"))
    }

    /// Reads the rest of the body.
    pub(crate) fn complete(&mut self, stream: &mut TcpStream) -> Option<()> {
        let length = self.header("content-length").map_or(Some(0), |length| length.parse::<usize>().ok())?;
        let mut missing = vec![0; length.saturating_sub(self.rest.len())];
        stream.read_exact(&mut missing).ok()?;
        self.rest.extend(missing);
        Some(())
    }

    /// Its bytes, for another target. The connection ends with the answer, unless it becomes a websocket.
    pub(crate) fn bytes(&self, target: &str) -> Vec<u8> {
        let mut text = format!("{} {target} HTTP/1.1\r\n", self.method);
        for (name, value) in &self.headers {
            if self.is_websocket() || !matches!(name.as_str(), "connection" | "proxy-connection") {
                text.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        if !self.is_websocket() {
            text.push_str("connection: close\r\n");
        }
        [text.as_bytes(), b"\r\n", &self.rest].concat()
    }
}

/// Answers every connection on a port of this machine, until the process ends; gives its address.
pub(crate) fn listen(answer: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || answer(stream));
        }
    });
    address
}

/// Answers with a status, and ends the connection.
pub(crate) fn refuse(mut stream: TcpStream, status: &str, headers: &str, body: &str) {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n");
    // Whoever asked may be gone.
    let _ = stream.write_all(format!("{head}connection: close\r\n\r\n{body}").as_bytes());
}

/// Sends what there is already, and passes on what either says until both have ended.
pub(crate) fn pass_on(mut from: TcpStream, to: &str, first: &[u8]) -> Option<()> {
    let mut to = TcpStream::connect(to).ok()?;
    to.write_all(first).ok()?;
    let (mut back, mut forth) = (to.try_clone().ok()?, from.try_clone().ok()?);
    let answers = thread::spawn(move || {
        let _ = std::io::copy(&mut back, &mut forth);
        let _ = forth.shutdown(Shutdown::Both);
    });
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
    answers.join().ok()
}
