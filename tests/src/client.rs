//! One client request through a SOCKS5 proxy, on a connection of its own.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_socks::IntoTargetAddr;
use tokio_socks::tcp::Socks5Stream;

/// How long a client waits: ample on loopback, and short for the person who waits for the tests.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Asks an HTTP `target` through `proxy`; the body, which is the exit's name, or why there is none.
///
/// # Errors
/// Where any stage fails, the status is not 200, or the whole takes longer than `PATIENCE`.
pub async fn get_through<'t>(proxy: SocketAddr, target: impl IntoTargetAddr<'t>) -> Result<String, String> {
    get_within(PATIENCE, proxy, target).await
}

/// As `get_through`, with another patience.
///
/// # Errors
/// As `get_through`.
pub async fn get_within<'t>(
    patience: Duration,
    proxy: SocketAddr,
    target: impl IntoTargetAddr<'t>,
) -> Result<String, String> {
    match timeout(patience, get(proxy, target)).await {
        Ok(result) => result,
        Err(_) => Err(format!("no answer within {patience:?}")),
    }
}

/// A tunnel through `proxy` to an HTTP `target` that has carried an answer, and stays open for more.
///
/// # Errors
/// As `get_through`.
pub async fn hold_through(proxy: SocketAddr, target: SocketAddr) -> Result<TcpStream, String> {
    let open = async {
        let stream =
            TcpStream::connect(proxy).await.map_err(|error| format!("connect to {proxy}: {error}"))?;
        let tunnel = Socks5Stream::connect_with_socket(stream, target).await;
        let mut stream = tunnel.map_err(|error| format!("SOCKS5 at {proxy}: {error}"))?.into_inner();
        let request = b"GET / HTTP/1.1\r\nHost: target.test\r\n\r\n";
        stream.write_all(request).await.map_err(|error| format!("request: {error}"))?;
        match stream.read(&mut [0; 1024]).await {
            Ok(0) => Err("response: closed".to_owned()),
            Ok(_) => Ok(stream),
            Err(error) => Err(format!("response: {error}")),
        }
    };
    timeout(PATIENCE, open).await.unwrap_or_else(|_| Err(format!("no answer within {PATIENCE:?}")))
}

/// Waits until a held tunnel is closed from the other side.
pub async fn closed(stream: &mut TcpStream) {
    while matches!(stream.read(&mut [0; 1024]).await, Ok(read) if read > 0) {}
}

async fn get<'t>(proxy: SocketAddr, target: impl IntoTargetAddr<'t>) -> Result<String, String> {
    let stream = TcpStream::connect(proxy).await.map_err(|error| format!("connect to {proxy}: {error}"))?;
    let tunnel = Socks5Stream::connect_with_socket(stream, target).await;
    let mut stream = tunnel.map_err(|error| format!("SOCKS5 at {proxy}: {error}"))?;
    let request = b"GET / HTTP/1.1\r\nHost: target.test\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.map_err(|error| format!("request: {error}"))?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.map_err(|error| format!("response: {error}"))?;
    body_of(&answer)
}

fn body_of(answer: &str) -> Result<String, String> {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        return Err(format!("response: closed after {} bytes", answer.len()));
    };
    match head.split(' ').nth(1) {
        Some("200") => Ok(body.trim_end().to_owned()),
        Some(status) => Err(format!("response: status {status}")),
        None => Err(format!("response: no status in {head:?}")),
    }
}
