//! One request to the daemon's socket.

use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::UnixStream;
use tokio::time::timeout;

/// For the whole exchange: the daemon answers at once or says within some seconds that it cannot.
const LIMIT: Duration = Duration::from_secs(5);

/// A status has about 1 kB a server; this is room for more servers than one HAProxy has.
const ANSWER_MAX: usize = 64 * 1024 * 1024;

#[derive(Debug, Error)]
pub(crate) enum ClientError {
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
    Refused {
        status: StatusCode,
        text: String,
        /// What is wrong with the configuration, each as `hactl run` would tell it.
        problems: Vec<String>,
        /// All that it answered.
        document: serde_json::Value,
    },
    #[error("its answer is not a hactl/v1 status")]
    Contract {
        #[source]
        source: serde_json::Error,
    },
}

/// Asks for `path`; the text of an answer that is no error.
pub(crate) fn get(socket: &Path, path: &str) -> Result<String, ClientError> {
    ask(socket, Method::GET, path, String::new())
}

/// Has something changed; the text of an answer that is no error.
pub(crate) fn post(socket: &Path, path: &str, body: &serde_json::Value) -> Result<String, ClientError> {
    ask(socket, Method::POST, path, body.to_string())
}

fn ask(socket: &Path, method: Method, path: &str, body: String) -> Result<String, ClientError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ClientError::Runtime)?;
    let exchange = exchange(socket, method, path, body);
    let (status, body) =
        runtime.block_on(async { timeout(LIMIT, exchange).await.map_err(|_| ClientError::TooSlow)? })?;
    let text = String::from_utf8_lossy(&body).into_owned();
    if status == StatusCode::OK { Ok(text) } else { Err(refused(status, &text)) }
}

async fn exchange(
    socket: &Path,
    method: Method,
    path: &str,
    body: String,
) -> Result<(StatusCode, Bytes), ClientError> {
    let exchange = |error: hyper::Error| {
        if error.is_parse() { ClientError::NotHactl } else { ClientError::Exchange(error.into()) }
    };
    let stream = UnixStream::connect(socket).await.map_err(ClientError::Connect)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(exchange)?;
    // Its failure is the request's failure, which is reported.
    tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "hactl")
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| ClientError::Exchange(error.into()))?;
    let response = sender.send_request(request).await.map_err(exchange)?;
    let status = response.status();
    let body =
        Limited::new(response.into_body(), ANSWER_MAX).collect().await.map_err(ClientError::Exchange)?;
    Ok((status, body.to_bytes()))
}

/// The daemon's own words in an answer that is an error.
fn refused(status: StatusCode, body: &str) -> ClientError {
    let document: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let error = &document["error"];
    let message = error["message"].as_str();
    let text = message.map_or_else(|| format!("{} bytes that are not hactl's", body.len()), str::to_owned);
    let problems = error["problems"].as_array().map(Vec::as_slice).unwrap_or_default();
    let problems = problems.iter().filter_map(|problem| problem.as_str().map(str::to_owned)).collect();
    ClientError::Refused { status, text, problems, document }
}
