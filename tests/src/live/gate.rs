//! A way to the server that lets some requests through and not others.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use super::LiveServer;

impl LiveServer {
    /// Gives another address of the server's API, at which connections are refused (403) whose first request is for a path that
    /// begins so, such as websockets. It is there until the process ends.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub fn api_url_without(&self, path: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let gate = listener.local_addr().expect("it is bound");
        let url = self.api_url();
        let host = url.trim_start_matches("http://").split('/').next().unwrap_or_default();
        let server: SocketAddr = host.parse().expect("the server listens on an address");
        let refused = format!("GET /api{path}");
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let refused = refused.clone();
                thread::spawn(move || pass(stream, server, &refused));
            }
        });
        format!("http://{gate}/api")
    }
}

fn pass(mut from: TcpStream, server: SocketAddr, refused: &str) -> Option<()> {
    let mut start = vec![0; 4096];
    let read = from.read(&mut start).ok()?;
    if start[..read].starts_with(refused.as_bytes()) {
        return from.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").ok();
    }
    let mut to = TcpStream::connect(server).ok()?;
    to.write_all(&start[..read]).ok()?;
    let (mut back, mut forth) = (to.try_clone().ok()?, from.try_clone().ok()?);
    let answers = thread::spawn(move || {
        let _ = std::io::copy(&mut back, &mut forth);
        let _ = forth.shutdown(Shutdown::Both);
    });
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
    answers.join().ok()
}
