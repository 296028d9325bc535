//! One probe: a fresh connection through a SOCKS5 server to a target, stage by stage, under one deadline. Says what
//! was seen; judges nobody.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use failover::{Cause, Failure, Outcome, ProbeOutcome, ServerId, Stage, StageTime};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::fault::Fault;
use crate::socks::{self, Client, Credentials, Step};
use crate::target::{Protocol, Target};
use crate::tls::{self, TlsError, TlsRoots};
use crate::wire::Wire;
use crate::{http, text};

/// How many probes may be under way at once, one socket each: the usual limit of 1024 descriptors is left three
/// quarters free for HAProxy and for those who ask, and a host that answers slowly is not made slower.
const MAX_PROBES: usize = 256;

/// The most stages that a probe can pass: all but the banner.
const MAX_STAGES: usize = 5;

/// A server to ask through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// What evidence about it is filed under.
    pub server: ServerId,
    /// Where its SOCKS5 port is.
    pub address: SocketAddr,
    /// What it is offered where it wants a login.
    pub credentials: Option<Credentials>,
}

/// Makes probes. A clone shares everything.
#[derive(Clone)]
pub struct Prober {
    tls: TlsConnector,
    permits: Arc<Semaphore>,
}

impl Prober {
    /// Prepares everything that probes share.
    ///
    /// # Errors
    /// Where a CA file cannot be used; it is named.
    pub fn new(roots: &TlsRoots) -> Result<Self, TlsError> {
        Ok(Self { tls: tls::connector(roots)?, permits: Arc::new(Semaphore::new(MAX_PROBES)) })
    }

    /// Whoever makes many probes takes a permit for each.
    pub(crate) fn permits(&self) -> &Semaphore {
        &self.permits
    }

    /// Asks `target` through `upstream`, for at most `limit` in all. Dropping the future closes its socket.
    pub async fn probe(&self, upstream: &Upstream, target: &Target, limit: Duration) -> ProbeOutcome {
        let mut walk = Walk::new(upstream, target);
        let ended = timeout(limit, walk.run(&self.tls)).await;
        let outcome = match ended {
            Ok(Ok(())) => Outcome::Passed(walk.since.duration_since(walk.began)),
            Ok(Err(fault)) => walk.outcome(fault),
            Err(_) => walk.outcome(walk.timed_out()),
        };
        ProbeOutcome { target: target.name().clone(), stages: walk.passed, outcome }
    }
}

/// Where a probe is. Outlives the future that walks, so that a deadline knows the stage it struck.
struct Walk<'a> {
    upstream: &'a Upstream,
    target: &'a Target,
    began: Instant,
    stage: Stage,
    since: Instant,
    passed: Vec<StageTime>,
}

impl<'a> Walk<'a> {
    fn new(upstream: &'a Upstream, target: &'a Target) -> Self {
        let now = Instant::now();
        let passed = Vec::with_capacity(MAX_STAGES);
        Self { upstream, target, began: now, stage: Stage::Tcp, since: now, passed }
    }

    async fn run(&mut self, connector: &TlsConnector) -> Result<(), Fault> {
        let mut socket = connect(self.upstream.address).await?;
        self.enter(Stage::Greeting);
        self.open_tunnel(&mut socket).await?;
        let wire = Wire::new(socket);
        let target = self.target;
        match target.protocol() {
            Protocol::Tcp => {
                self.enter(Stage::Banner);
                banner(wire).await?;
            }
            Protocol::Http { path } => {
                self.enter(Stage::Http);
                request(wire, target, 80, path).await?;
            }
            Protocol::Https { path, server_name } => {
                self.enter(Stage::Tls);
                let stream = handshake(connector, wire, server_name).await?;
                self.enter(Stage::Http);
                request(stream, target, 443, path).await?;
            }
        }
        self.pass();
        Ok(())
    }

    /// From the greeting to the end of the server's reply, and not a byte beyond: the next one is the target's.
    async fn open_tunnel(&mut self, socket: &mut TcpStream) -> Result<(), Fault> {
        let (credentials, target) = (self.upstream.credentials.as_ref(), self.target);
        let mut client = Client::new(credentials.is_some());
        let mut buffer = [0; socks::MAX_WANTED];
        let mut received = 0;
        send(socket, client.greeting(), received).await?;
        loop {
            let room = &mut buffer[..client.wanted()];
            let count = socket.read(room).await.map_err(|error| Fault::broken(&error, received))?;
            if count == 0 {
                return Err(Fault::closed(received));
            }
            received += count;
            for byte in &buffer[..count] {
                match client.receive(*byte)? {
                    Step::Read(next) => client = next,
                    Step::Login(next) => {
                        client = next;
                        let login = credentials.map(Credentials::message).unwrap_or_default();
                        send(socket, &login, received).await?;
                    }
                    Step::Request(next) => {
                        client = next;
                        received = 0;
                        self.enter(Stage::Connect);
                        send(socket, &socks::request(target.host(), target.port()), received).await?;
                    }
                    Step::Connected => return Ok(()),
                }
            }
        }
    }

    /// The current stage is passed and the next one begins.
    fn enter(&mut self, next: Stage) {
        self.pass();
        self.stage = next;
    }

    fn pass(&mut self) {
        let now = Instant::now();
        self.passed.push(StageTime { stage: self.stage, took: now.duration_since(self.since) });
        self.since = now;
    }

    fn timed_out(&self) -> Fault {
        let waited = text::wait(self.since.elapsed());
        let what = match self.stage {
            Stage::Tcp | Stage::Greeting | Stage::Tls => "no answer",
            Stage::Connect => "no reply",
            Stage::Http => "no complete response",
            Stage::Banner => "nothing came",
        };
        Fault::Failed(Cause::Timeout, format!("{what} in {waited}"))
    }

    fn outcome(&self, fault: Fault) -> Outcome {
        let text = |why: &str| text::clean(&format!("{}: {why}", self.place()));
        match fault {
            Fault::Void(why) => Outcome::Void(text(&why)),
            Fault::Failed(cause, why) => {
                Outcome::Failed(Failure { stage: self.stage, cause, text: text(&why) })
            }
        }
    }

    /// The current stage and whom it is about, in words.
    fn place(&self) -> String {
        let host = || text::host(&self.target.host().to_string());
        let port = self.target.port();
        match self.stage {
            Stage::Tcp => format!("tcp connect to {}", self.upstream.address),
            Stage::Greeting => "greeting".to_owned(),
            Stage::Connect => format!("connect to {}:{port}", host()),
            Stage::Tls => match self.target.protocol() {
                Protocol::Https { server_name, .. } => format!("tls with {}", shown(server_name)),
                Protocol::Http { .. } | Protocol::Tcp => format!("tls with {}", host()),
            },
            Stage::Http => format!("http from {}:{port}", host()),
            Stage::Banner => format!("banner from {}:{port}", host()),
        }
    }
}

async fn connect(address: SocketAddr) -> Result<TcpStream, Fault> {
    let connected = async {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        Ok(socket)
    };
    connected.await.map_err(|error| Fault::connecting(&error))
}

async fn send(socket: &mut TcpStream, message: &[u8], received: usize) -> Result<(), Fault> {
    socket.write_all(message).await.map_err(|error| Fault::broken(&error, received))
}

async fn handshake(
    connector: &TlsConnector,
    wire: Wire,
    server_name: &ServerName<'static>,
) -> Result<TlsStream<Wire>, Fault> {
    let connecting = connector.connect(server_name.clone(), wire).into_fallible();
    connecting.await.map_err(|(error, wire)| tls::fault(&error, &shown(server_name), wire.received()))
}

/// The target's first words: one byte of them proves the tunnel.
async fn banner(mut wire: impl AsyncRead + Unpin) -> Result<(), Fault> {
    match wire.read(&mut [0; 64]).await {
        Ok(0) => Err(Fault::closed(0)),
        Ok(_) => Ok(()),
        Err(error) => Err(Fault::broken(&error, 0)),
    }
}

/// Any status proves the tunnel, except where the target's `expect` says otherwise.
async fn request<S>(mut stream: S, target: &Target, usual_port: u16, path: &str) -> Result<(), Fault>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let port = Some(target.port()).filter(|port| *port != usual_port);
    let status = http::exchange(&mut stream, target.host(), port, path).await?;
    if target.expect().allows(status) {
        return Ok(());
    }
    Err(Fault::Failed(Cause::Status(status), format!("status {status}, which `expect` does not allow")))
}

fn shown(server_name: &ServerName<'_>) -> String {
    text::host(&server_name.to_str())
}
