//! Delivery by `POST /events`.

use bytes::Bytes;
use tokio::time::Instant;

use super::pace::pause;
use super::tally::EventsPath;
use super::worker::{End, Worker};
use crate::request::{Ignored, Method, Request};

impl Worker {
    /// Posts what is in the window until it is empty, the websocket may be tried again, or a request fails.
    ///
    /// The server refuses a whole list over one bad event, so a refused list is halved until the bad one is alone.
    pub(super) async fn over_http(&mut self, socket_from: Option<Instant>) -> End {
        let mut most = self.options.http_events;
        // A narrowed search goes on to its end, whatever the websocket does.
        while !self.window.is_empty() && (most < self.options.http_events || !is_past(socket_from)) {
            if self.has_expired() {
                return End::Expired;
            }
            if most == self.options.http_events && self.window.len() < most && !self.is_urgent() {
                self.rest(self.options.http_linger).await;
            }
            let allowed = self.pace.allowed(Instant::now(), most);
            if allowed == 0 {
                let wait = self.pace.next(Instant::now());
                if self.meanwhile(tokio::time::sleep_until(wait)).await.is_none() {
                    return End::Expired;
                }
                continue;
            }
            let frames = self.window.first(allowed, self.options.http_bytes);
            let (count, through) = (frames.len(), self.window.gone() + frames.len() as u64);
            self.pace.spend(count);
            let client = self.client.clone();
            let list = Bytes::from(format!("[{}]", frames.join(",")));
            let posted = client.send(Request::<Ignored>::new(Method::Post, "/events").raw_json(list));
            match self.meanwhile(posted).await {
                None => return End::Expired,
                Some(Ok(_)) => {
                    self.path(EventsPath::Http);
                    self.confirm(through);
                    most = most.saturating_mul(2).min(self.options.http_events);
                }
                Some(Err(error)) if error.is_validation() && count == 1 => self.refuse_first(&error),
                Some(Err(error)) if error.is_validation() => most = count / 2,
                Some(Err(error)) => {
                    self.note(&error);
                    self.failures = self.failures.saturating_add(1);
                    let pause = pause(self.options.pause, self.failures, fastrand::f64());
                    self.rest(pause.max(error.retry_after().unwrap_or_default())).await;
                    return End::Done;
                }
            }
        }
        End::Done
    }
}

fn is_past(time: Option<Instant>) -> bool {
    time.is_some_and(|time| Instant::now() >= time)
}
