//! The side of server-sent events that tells: how a message is written, and for how long its reader may be slow. What is
//! told is the business of who tells it.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use http_body_util::channel::{Channel, Sender};
use tokio::sync::watch;
use tokio::time::Instant;

use super::seats::Place;

/// A comment is sent where there was nothing to tell for so long: whoever hears nothing for three times that is alone.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// For a reader to take what is told; one that has stopped reading gives its place back after it.
const STALL_LIMIT: Duration = Duration::from_secs(45);

/// Messages that wait for a reader beside the one that is being written: who is slow is told the latest, not everything.
const WAITING_MAX: usize = 1;

/// Until when a connection may last. An answer that goes on puts it off each time that its reader has taken something.
#[derive(Clone)]
pub(crate) struct Lasting {
    until: watch::Sender<Instant>,
    /// Where those who follow have a room of their own.
    place: Option<Place>,
}

impl Lasting {
    /// At first for `limit`.
    pub(crate) fn new(limit: Duration, place: Option<Place>) -> Self {
        Self { until: watch::Sender::new(Instant::now() + limit), place }
    }

    pub(crate) fn until(&self) -> Instant {
        *self.until.borrow()
    }

    fn put_off(&self) {
        self.until.send_replace(Instant::now() + STALL_LIMIT);
    }
}

/// Who asked has gone, or does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone;

/// Somebody who is told what happens, for as long as they read.
pub(crate) struct Follower {
    body: Sender<Bytes>,
    lasting: Lasting,
}

impl Follower {
    /// With the answer by which it is told.
    pub(crate) fn new(lasting: Lasting) -> (Self, Response) {
        let (sender, body) = Channel::<Bytes>::new(WAITING_MAX);
        let head = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
        lasting.put_off();
        if let Some(place) = &lasting.place {
            place.follow();
        }
        (Self { body: sender, lasting }, (head, Body::new(body)).into_response())
    }

    /// Waits until there is room for it.
    pub(crate) async fn tell(&mut self, message: Bytes) -> Result<(), Gone> {
        self.body.send_data(message).await.map_err(|_| Gone)?;
        self.lasting.put_off();
        Ok(())
    }

    /// A comment, by which both sides see that the other one is there.
    pub(crate) async fn keep_alive(&mut self) -> Result<(), Gone> {
        self.tell(Bytes::from_static(b":\n\n")).await
    }
}

/// One message; `data` is a single line, as JSON is.
pub(crate) fn message(event: &str, id: Option<u64>, data: &[u8]) -> Bytes {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    let head = format!("event: {event}\n{id}data: ");
    [head.as_bytes(), data, b"\n\n"].concat().into()
}
