//! The side of server-sent events that tells: how a message is written, and for how long its reader may be slow. What is
//! told is the business of who tells it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use http_body_util::channel::{Channel, Sender};
use hyper::body::{Body as HttpBody, Frame};
use tokio::sync::watch;
use tokio::task::JoinHandle;
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

/// The answer by which somebody is told what `tell` tells, which ends with their connection.
pub(crate) fn answer<T>(lasting: Lasting, tell: impl FnOnce(Follower) -> T) -> Response
where
    T: Future<Output = Result<(), Gone>> + Send + 'static,
{
    let (sender, body) = Channel::<Bytes>::new(WAITING_MAX);
    let head = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    lasting.put_off();
    if let Some(place) = &lasting.place {
        place.follow();
    }
    let teller = tokio::spawn(tell(Follower { body: sender, lasting }));
    (head, Body::new(Told { body, teller })).into_response()
}

/// What a reader is told. Who tells it would otherwise learn only from its next message that the reader has gone, and those who
/// come and go at once would be many by then.
struct Told {
    body: Channel<Bytes>,
    teller: JoinHandle<Result<(), Gone>>,
}

impl Drop for Told {
    fn drop(&mut self) {
        self.teller.abort();
    }
}

impl HttpBody for Told {
    type Data = Bytes;
    type Error = <Channel<Bytes> as HttpBody>::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }
}

impl Follower {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_tells_ends_when_the_reader_goes_and_not_at_the_next_message() {
        let (told, mut gone) = tokio::sync::oneshot::channel::<()>();
        let response = answer(Lasting::new(KEEP_ALIVE, None), |_reader| async move {
            let _told = told;
            std::future::pending().await
        });
        tokio::task::yield_now().await;
        assert!(gone.try_recv().is_err_and(|why| why == tokio::sync::oneshot::error::TryRecvError::Empty));
        let began = Instant::now();
        drop(response);
        assert!(gone.await.is_err());
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
