//! The HTTP endpoint that tells whether a runner is alive.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::pulse::Pulse;
use crate::clock;
use crate::error::{Error, ErrorKind};

/// How long somebody may take to ask.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest question that is read.
const LONGEST: usize = 8 * 1024;

/// Opens the port.
pub(super) async fn open(host: &str, port: u16) -> Result<TcpListener, Error> {
    TcpListener::bind((host, port)).await.map_err(|error| {
        let why = format!("cannot answer at {host}:{port}, as PREFECT_RUNNER_SERVER_HOST and _PORT say");
        Error::new(ErrorKind::Settings, why).with_source(error)
    })
}

/// Answers until it is dropped.
pub(super) async fn answer(listener: TcpListener, pulse: Arc<Pulse>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let pulse = Arc::clone(&pulse);
                tokio::spawn(async move { clock::within(PATIENCE, exchange(stream, &pulse)).await });
            }
            // As when there are too many open files.
            Err(_) => clock::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn exchange(mut stream: TcpStream, pulse: &Pulse) -> std::io::Result<()> {
    let mut asked = Vec::new();
    while !asked.windows(4).any(|end| end == b"\r\n\r\n") && asked.len() < LONGEST {
        if stream.read_buf(&mut asked).await? == 0 {
            break;
        }
    }
    let question = String::from_utf8_lossy(&asked);
    let (status, body) = reply(question.lines().next().unwrap_or_default(), pulse.is_alive(), pulse.runs());
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await
}

/// What the first line of a question is answered with: the status, and JSON.
fn reply(line: &str, alive: bool, runs: usize) -> (&'static str, String) {
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    match (method, path) {
        ("GET" | "HEAD", "/health") if alive => ("200 OK", r#"{"message":"OK"}"#.to_owned()),
        ("GET" | "HEAD", "/health") => {
            ("503 Service Unavailable", r#"{"message":"Runner is unresponsive at this time"}"#.to_owned())
        }
        ("GET", "/run_count") => ("200 OK", runs.to_string()),
        (_, "/health" | "/run_count") => ("405 Method Not Allowed", r#"{"detail":"Method Not Allowed"}"#.to_owned()),
        _ => ("404 Not Found", r#"{"detail":"Not Found"}"#.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_is_told_as_prefects_runner_tells_it() {
        let answer = |line: &str, alive| reply(line, alive, 3);
        assert_eq!(answer("GET /health HTTP/1.1", true), ("200 OK", r#"{"message":"OK"}"#.to_owned()));
        assert_eq!(answer("GET /health?x=1 HTTP/1.1", false).0, "503 Service Unavailable");
        assert_eq!(answer("GET /run_count HTTP/1.1", true).1, "3");
        assert_eq!(answer("POST /health HTTP/1.1", true).0, "405 Method Not Allowed");
        assert_eq!(answer("GET / HTTP/1.1", true).0, "404 Not Found");
        assert_eq!(answer("", true).0, "404 Not Found");
    }
}
