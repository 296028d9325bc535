//! What probes and clients ask for: an HTTP or HTTPS server that answers with the name of the exit that asked, or a
//! TCP service with a banner.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::ca::Ca;
use crate::ports::Port;
use crate::service::Service;

/// A request head is smaller than this, or its sender is not one of ours.
const MAX_HEAD: u64 = 16 * 1024;

/// What the TCP service says first.
const BANNER: &[u8] = b"220 banner.test ready\r\n";

/// How a target is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It answers with 200, or with its banner.
    Up,
    /// Its port is closed, and so are its connections.
    Down,
    /// It accepts and says nothing until it is in another condition.
    Mute,
    /// It answers with this HTTP status; a TCP service still says its banner.
    Status(u16),
}

/// Which exit a connection came through, by its source address.
pub type ExitNames = HashMap<IpAddr, String>;

/// A server, ended when dropped.
pub struct Target {
    service: Service,
    shared: Arc<Shared>,
    scheme: &'static str,
}

struct Shared {
    exits: ExitNames,
    tls: Option<TlsAcceptor>,
    condition: watch::Sender<Condition>,
    answered: AtomicU64,
}

struct Request {
    method: String,
    close: bool,
}

impl Target {
    /// An HTTP/1.1 server; its body is the exit's name and a line feed, or the address of an unknown one.
    #[must_use]
    pub fn http(exits: ExitNames) -> Self {
        Self::start(Port::free(), "http", exits, None)
    }

    /// The same at `addr`, in the namespace that the calling thread and those of its runtime are in.
    pub(crate) fn http_inside(addr: SocketAddr, exits: ExitNames) -> Self {
        Self::start(Port::inside(addr), "http", exits, None)
    }

    /// The same over TLS, with a leaf of `ca`.
    #[must_use]
    pub fn https(exits: ExitNames, ca: &Ca) -> Self {
        Self::start(Port::free(), "https", exits, Some(ca.acceptor()))
    }

    /// The same at `addr`, as `http_inside`.
    pub(crate) fn https_inside(addr: SocketAddr, exits: ExitNames, ca: &Ca) -> Self {
        Self::start(Port::inside(addr), "https", exits, Some(ca.acceptor()))
    }

    /// A TCP service that says its banner and then waits for the client to close.
    #[must_use]
    pub fn tcp() -> Self {
        Self::start(Port::free(), "tcp", ExitNames::new(), None)
    }

    fn start(port: Port, scheme: &'static str, exits: ExitNames, tls: Option<TlsAcceptor>) -> Self {
        let condition = watch::Sender::new(Condition::Up);
        let shared = Arc::new(Shared { exits, tls, condition, answered: AtomicU64::new(0) });
        let serving = Arc::clone(&shared);
        let service = Service::start(port, move |stream| {
            let shared = Arc::clone(&serving);
            async move { shared.serve(scheme, stream).await }
        });
        Self { service, shared, scheme }
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.service.addr()
    }

    /// The same as a probe's target: `https://127.0.0.1:PORT/`, `tcp://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        let path = if self.scheme == "tcp" { "" } else { "/" };
        format!("{}://{}{path}", self.scheme, self.addr())
    }

    /// Puts it in this condition; in force when this returns.
    pub async fn set(&self, condition: Condition) {
        self.shared.condition.send_replace(condition);
        self.service.set_open(condition != Condition::Down).await;
    }

    /// How many requests it has answered, and banners it has said.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::Relaxed)
    }
}

impl Shared {
    /// One client; its errors are its own affair.
    async fn serve(&self, scheme: &str, stream: TcpStream) {
        let Ok(peer) = stream.peer_addr() else { return };
        self.unless_mute().await;
        match &self.tls {
            Some(tls) => match tls.accept(stream).await {
                Ok(stream) => self.converse(stream, peer.ip()).await,
                Err(_) => return,
            },
            None if scheme == "tcp" => self.say_banner(stream).await,
            None => self.converse(stream, peer.ip()).await,
        };
    }

    async fn say_banner(&self, mut stream: TcpStream) -> Option<()> {
        stream.write_all(BANNER).await.ok()?;
        self.answered.fetch_add(1, Ordering::Relaxed);
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.ok()?;
        Some(())
    }

    /// Answers requests until the client wants no more; `None` where it stopped in the middle.
    async fn converse(&self, stream: impl AsyncRead + AsyncWrite + Unpin, peer: IpAddr) -> Option<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let request = read_request(&mut stream).await?;
            let condition = self.unless_mute().await;
            stream.write_all(&self.answer(&request, condition, peer)).await.ok()?;
            stream.flush().await.ok()?;
            self.answered.fetch_add(1, Ordering::Relaxed);
            if request.close {
                return stream.shutdown().await.ok();
            }
        }
    }

    fn answer(&self, request: &Request, condition: Condition, peer: IpAddr) -> Vec<u8> {
        let status = match (condition, request.method.as_str()) {
            (Condition::Status(status), _) => status,
            (Condition::Up | Condition::Down | Condition::Mute, "GET" | "HEAD") => 200,
            (Condition::Up | Condition::Down | Condition::Mute, _) => 405,
        };
        let name = self.exits.get(&peer).cloned().unwrap_or_else(|| peer.to_string());
        let body = if request.method == "HEAD" { String::new() } else { format!("{name}\n") };
        let connection = if request.close { "close" } else { "keep-alive" };
        let length = name.len() + 1;
        let head = format!(
            "HTTP/1.1 {status} -\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: {connection}\r\n\r\n"
        );
        (head + &body).into_bytes()
    }

    /// Waits while the target is mute; then its condition.
    async fn unless_mute(&self) -> Condition {
        let mut conditions = self.condition.subscribe();
        let passed = conditions.wait_for(|condition| *condition != Condition::Mute).await;
        *passed.expect("the sender lives in `self`")
    }
}

/// One request without a body; `None` at the end of the connection and for what is no request.
async fn read_request(stream: &mut (impl AsyncBufReadExt + Unpin)) -> Option<Request> {
    let mut head = stream.take(MAX_HEAD);
    let mut line = String::new();
    head.read_line(&mut line).await.ok()?;
    let (method, rest) = line.split_once(' ')?;
    let mut request = Request { method: method.to_owned(), close: !rest.trim_end().ends_with("HTTP/1.1") };
    loop {
        let mut line = String::new();
        if head.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end().to_ascii_lowercase().as_str() {
            "" => return Some(request),
            "connection: close" => request.close = true,
            _ => {}
        }
    }
}
