//! One connection of HTTP, whichever listener it came from: for how long it may last, and how large a request's head may be.
//! Who is let in, and what is answered, is the business of the listeners.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout_at;

use crate::admin::sse::Lasting;

/// For a request's head: it is a few hundred bytes, and comes at once.
const HEAD_LIMIT: Duration = Duration::from_secs(5);

/// Answers one request, for as long as `lasting` says. What waits to be read or written takes no more than `buffer` bytes.
/// `listener` is where it came from, for the log.
pub(crate) async fn connection<S, A>(stream: S, app: A, lasting: &Lasting, buffer: usize, listener: &str)
where
    S: AsyncRead + AsyncWrite + Unpin,
    A: Service<Request<Incoming>, Response = Response, Error = Infallible>,
{
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_buf_size(buffer)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), app);
    tokio::pin!(served);
    loop {
        let until = lasting.until();
        match timeout_at(until, served.as_mut()).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => {
                tracing::debug!(%error, listener, "a client broke off");
                return;
            }
            Err(_) if lasting.until() > until => {}
            Err(_) => {
                tracing::debug!(listener, "a client was too slow");
                return;
            }
        }
    }
}
