//! A connection that an `Open` left behind: asked again by canaries, one at a time, and watched in between.

use failover::{Ending, ProbeId, Saw, Stage, Success};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, timeout};

use crate::driver::task::Shared;
use crate::http::Exchange;
use crate::position::Position;
use crate::stream::Stream;

/// The connection and what is needed to ask over it. Dropping it closes the socket.
pub(super) struct Kept<'a> {
    stream: Stream,
    exchange: Exchange,
    position: Position<'a>,
}

impl<'a> Kept<'a> {
    /// After an answer at `position`.
    pub(super) const fn new(stream: Stream, exchange: Exchange, position: Position<'a>) -> Self {
        Self { stream, exchange, position }
    }

    /// Sends the canaries that come through `queue`, until the connection is of no more use. Whatever comes while none
    /// is under way ends it, as news about `open`.
    pub(super) async fn serve(mut self, shared: &Shared, open: ProbeId, queue: &mut Receiver<ProbeId>) {
        loop {
            let canary = tokio::select! {
                // In this order: an answer to a request that was not sent yet is none.
                biased;
                ended = shared.guard(open, self.watch()) => {
                    if ended.is_some() {
                        shared.teller().tell(open, Instant::now(), Saw::Closed).await;
                    }
                    return;
                }
                canary = queue.recv() => canary,
            };
            let Some(canary) = canary else { return };
            let is_kept = shared.guard(canary, self.ask(shared, canary)).await;
            if is_kept != Some(true) {
                return;
            }
        }
    }

    /// Waits for the end of the connection. Bytes that nobody asked for are one, too; what TLS has to say to itself is
    /// none.
    async fn watch(&mut self) {
        // Closed, broken or garbage: whichever it is, nobody was asked anything.
        let _ = self.stream.read(&mut [0]).await;
    }

    /// One canary from beginning to end; whether the connection serves for another one. After a failure it does not:
    /// an answer that comes too late must not be taken for that to the next request.
    async fn ask(&mut self, shared: &Shared, canary: ProbeId) -> bool {
        self.stream.renew();
        self.position.since = shared.teller().tell(canary, Instant::now(), Saw::Began).await;
        let miss = match timeout(shared.limit(), self.exchange.ask(&mut self.stream)).await {
            Ok(Ok(head)) => {
                let last = self.position.pass(Stage::Http);
                let received = self.stream.received() as u64;
                let kept = self.exchange.may_ask_again(&head);
                let success = Ending::Success(Success { last, status: Some(head.status), received, kept });
                shared.teller().tell(canary, self.position.since, Saw::Ended(success)).await;
                return kept;
            }
            Ok(Err(fault)) => self.position.missed(fault),
            Err(_) => self.position.timed_out(),
        };
        shared.teller().ended(canary, miss.into()).await;
        false
    }
}
