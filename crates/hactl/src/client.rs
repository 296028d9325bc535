//! One request to the daemon's socket, and what is told there for as long as somebody listens.

mod sse;

#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

pub(crate) use self::sse::Message;
use self::sse::Messages;

/// For the whole exchange: the daemon answers at once or says within some seconds that it cannot.
const LIMIT: Duration = Duration::from_secs(5);

/// Between two attempts where others crowd in.
const CROWDED: Duration = Duration::from_millis(5);

/// The daemon says something every 15 s, and be it a comment.
const SILENCE_MAX: Duration = Duration::from_secs(45);

/// A status has about 1 kB a server; this is room for more servers than one HAProxy has.
const ANSWER_MAX: usize = 64 * 1024 * 1024;

#[derive(Debug, Error)]
pub(crate) enum ClientError {
    #[error("no connection")]
    Connect(#[source] io::Error),
    #[error("no answer in time")]
    TooSlow,
    #[error("nothing was heard for 45 s")]
    Silent,
    #[error("what answers there is not hactl")]
    NotHactl,
    #[error("the exchange broke off")]
    Exchange(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("hactl has ended, or is being restarted")]
    CutOff,
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

/// As one part of a path, whatever was typed.
pub(crate) fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'.' | b':' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// Asks for `path`; the text of an answer that is no error.
pub(crate) fn get(socket: &Path, path: &str) -> Result<String, ClientError> {
    get_within(socket, path, LIMIT)
}

/// The same, where that may take another time.
pub(crate) fn get_within(socket: &Path, path: &str, limit: Duration) -> Result<String, ClientError> {
    ask(socket, Method::GET, path, String::new(), limit)
}

/// Has something changed; the text of an answer that is no error.
pub(crate) fn post(socket: &Path, path: &str, body: &serde_json::Value) -> Result<String, ClientError> {
    ask(socket, Method::POST, path, body.to_string(), LIMIT)
}

/// On this thread; what is asked for is waited for here.
pub(crate) fn runtime() -> Result<Runtime, ClientError> {
    Builder::new_current_thread().enable_all().build().map_err(ClientError::Runtime)
}

/// What is told on a stream of server-sent events, one message after the other.
#[derive(Debug)]
pub(crate) struct Stream {
    body: Incoming,
    messages: Messages,
}

/// Begins to listen; `after` is the id of the last message that is known already.
pub(crate) async fn stream(socket: &Path, path: &str, after: Option<&str>) -> Result<Stream, ClientError> {
    let answered = async {
        let response = answer(socket, Method::GET, path, String::new(), after).await?;
        let (head, body) = response.into_parts();
        if head.status == StatusCode::OK {
            return Ok(Stream { body, messages: Messages::new(ANSWER_MAX) });
        }
        Err(refused(head.status, &String::from_utf8_lossy(&whole(body).await?)))
    };
    timeout(LIMIT, answered).await.map_err(|_| ClientError::TooSlow)?
}

impl Stream {
    /// Waits for the next one; `None` where the daemon has ended it. It may be given up and waited for anew.
    pub(crate) async fn next(&mut self) -> Result<Option<Message>, ClientError> {
        loop {
            if let Some(message) = self.messages.next() {
                return Ok(Some(message));
            }
            let frame = timeout(SILENCE_MAX, self.body.frame()).await.map_err(|_| ClientError::Silent)?;
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame.map_err(|error| {
                if is_cut_off(&error) { ClientError::CutOff } else { ClientError::Exchange(error.into()) }
            })?;
            if let Ok(data) = frame.into_data() {
                self.messages.take(&data).map_err(|error| ClientError::Exchange(error.into()))?;
            }
        }
    }
}

fn ask(
    socket: &Path,
    method: Method,
    path: &str,
    body: String,
    limit: Duration,
) -> Result<String, ClientError> {
    let exchange = async {
        let response = answer(socket, method, path, body, None).await?;
        let status = response.status();
        Ok((status, whole(response.into_body()).await?))
    };
    let (status, body) =
        runtime()?.block_on(async { timeout(limit, exchange).await.map_err(|_| ClientError::TooSlow)? })?;
    let text = String::from_utf8_lossy(&body).into_owned();
    if status == StatusCode::OK { Ok(text) } else { Err(refused(status, &text)) }
}

async fn answer(
    socket: &Path,
    method: Method,
    path: &str,
    body: String,
    after: Option<&str>,
) -> Result<Response<Incoming>, ClientError> {
    let exchange = |error: hyper::Error| {
        if error.is_parse() { ClientError::NotHactl } else { ClientError::Exchange(error.into()) }
    };
    let stream = connected(socket).await.map_err(ClientError::Connect)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(exchange)?;
    // Its failure is the request's failure, which is reported.
    tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path).header("host", "hactl");
    if let Some(after) = after {
        request = request.header("last-event-id", after);
    }
    let request =
        request.body(Full::new(Bytes::from(body))).map_err(|error| ClientError::Exchange(error.into()))?;
    sender.send_request(request).await.map_err(exchange)
}

/// Where more want to connect than wait for it already, it is tried again; how long is the business of who waits.
async fn connected(socket: &Path) -> io::Result<UnixStream> {
    loop {
        match UnixStream::connect(socket).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => tokio::time::sleep(CROWDED).await,
            connected => return connected,
        }
    }
}

/// In the middle of what it said, as who ends does it.
fn is_cut_off(error: &hyper::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.downcast_ref::<io::Error>().is_some_and(|cause| cause.kind() == io::ErrorKind::UnexpectedEof)
        {
            return true;
        }
        source = cause.source();
    }
    error.is_incomplete_message()
}

async fn whole(body: Incoming) -> Result<Bytes, ClientError> {
    let body = Limited::new(body, ANSWER_MAX).collect().await.map_err(ClientError::Exchange)?;
    Ok(body.to_bytes())
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
