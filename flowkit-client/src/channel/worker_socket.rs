//! Delivery over the websocket.

use tokio::time::Instant;

use super::socket::{Incoming, Socket};
use super::tally::EventsPath;
use super::worker::{End, Worker, at};
use crate::error::{Error, ErrorKind};

/// How many frames are written before the server is listened to again.
const BATCH: usize = 64;

impl Worker {
    /// Sends the window, beginning with what is not confirmed, and what comes in while the connection lasts.
    pub(super) async fn over_socket(&mut self, mut socket: Socket) -> End {
        self.path(EventsPath::WebSocket);
        let mut sent = self.window.gone();
        let mut asked: Option<(u64, Instant)> = None;
        let mut asked_through = sent;
        let mut pinged = Instant::now();
        loop {
            let now = Instant::now();
            let frames = self.window.after(sent, self.pace.allowed(now, BATCH));
            let count = frames.len();
            if count > 0 {
                match self.meanwhile(socket.write(frames)).await {
                    None => return End::Expired,
                    Some(Err(error)) => return End::Lost(error),
                    Some(Ok(())) => {
                        self.pace.spend(count);
                        sent += count as u64;
                    }
                }
            }
            let unasked = sent - asked_through;
            let in_a_hurry = unasked > 0 && sent == self.window.last() && self.is_urgent();
            let ping_at = pinged + self.options.confirm_after;
            if asked.is_none() && (unasked >= self.options.confirms_after() || in_a_hurry || now >= ping_at) {
                match self.meanwhile(socket.ping(sent)).await {
                    None => return End::Expired,
                    Some(Err(error)) => return End::Lost(error),
                    Some(Ok(())) => {
                        (asked, asked_through, pinged) = (Some((sent, now)), sent, now);
                    }
                }
            }
            if self.is_closing() && self.window.is_empty() {
                socket.close().await;
                return End::Done;
            }
            if self.has_expired() {
                return End::Expired;
            }
            let more = (sent < self.window.last()).then(|| self.pace.next(now));
            let closing = self.closing_at();
            let silent = asked.map(|(_, since)| since + self.options.pong_timeout);
            tokio::select! {
                biased;
                incoming = socket.incoming() => match incoming {
                    Err(error) => return End::Lost(error),
                    Ok(Incoming::Other) => {}
                    Ok(Incoming::Confirmed(through)) => {
                        if asked.is_some_and(|(awaited, _)| awaited <= through) {
                            asked = None;
                        }
                        self.confirm(through);
                    }
                },
                () = self.listen() => {}
                () = at(more) => {}
                () = at(silent) => {
                    let limit = self.options.pong_timeout;
                    return End::Lost(Error::new(ErrorKind::Timeout, format!("no pong came within {limit:?}")));
                }
                () = at(asked.is_none().then_some(ping_at)) => {}
                () = at(closing) => return End::Expired,
            }
        }
    }
}
