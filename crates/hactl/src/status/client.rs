//! One request to the daemon's socket.

use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use failover::status::Status;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::Fetched;

/// For the whole exchange: the daemon answers at once or says within 2 s that it cannot.
const LIMIT: Duration = Duration::from_secs(5);

/// A status has about 1 kB a server; this is room for more servers than one HAProxy has.
const ANSWER_MAX: usize = 64 * 1024 * 1024;

#[derive(Debug, Error)]
pub(super) enum ClientError {
    #[error("no connection")]
    Connect(#[source] io::Error),
    #[error("no answer within 5 s")]
    TooSlow,
    #[error("what answers there is not hactl")]
    NotHactl,
    #[error("the exchange broke off")]
    Exchange(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("this command could not run")]
    Runtime(#[source] io::Error),
    #[error("it answered {status}: {text}")]
    Refused { status: StatusCode, text: String },
    #[error("its answer is not a hactl/v1 status")]
    Contract {
        #[source]
        source: serde_json::Error,
    },
}

pub(super) fn fetch(socket: &Path) -> Result<Fetched, ClientError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ClientError::Runtime)?;
    let (status, body) =
        runtime.block_on(async { timeout(LIMIT, get(socket)).await.map_err(|_| ClientError::TooSlow)? })?;
    let text = String::from_utf8_lossy(&body).into_owned();
    if status != StatusCode::OK {
        return Err(ClientError::Refused { status, text: message(&text) });
    }
    let status: Status = serde_json::from_str(&text).map_err(|source| ClientError::Contract { source })?;
    Ok((status, text))
}

async fn get(socket: &Path) -> Result<(StatusCode, Bytes), ClientError> {
    let exchange = |error: hyper::Error| {
        if error.is_parse() { ClientError::NotHactl } else { ClientError::Exchange(error.into()) }
    };
    let stream = UnixStream::connect(socket).await.map_err(ClientError::Connect)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(exchange)?;
    // Its failure is the request's failure, which is reported.
    tokio::spawn(connection);
    let request = Request::get(hactld::admin::STATUS_PATH)
        .header("host", "hactl")
        .body(Empty::<Bytes>::new())
        .map_err(|error| ClientError::Exchange(error.into()))?;
    let response = sender.send_request(request).await.map_err(exchange)?;
    let status = response.status();
    let body =
        Limited::new(response.into_body(), ANSWER_MAX).collect().await.map_err(ClientError::Exchange)?;
    Ok((status, body.to_bytes()))
}

/// The daemon's own words in an answer that is an error.
fn message(body: &str) -> String {
    let document: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let message = document.as_ref().and_then(|document| document["error"]["message"].as_str());
    message.map_or_else(|| format!("{} bytes that are not hactl's", body.len()), str::to_owned)
}
