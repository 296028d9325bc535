//! A SOCKS5 server with a tunnel behind it that can fail in the ways real ones do. It stands for wireproxy and WARP;
//! its traffic leaves from a loopback address of its own, so that a target can tell which exit asked it.

mod tunnel;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fast_socks5::Socks5Command;
use fast_socks5::server::Socks5ServerProtocol;
use fast_socks5::util::target_addr::TargetAddr;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::ports::Port;
use crate::service::Service;

/// Reply codes of RFC 1928 section 6.
const SUCCEEDED: u8 = 0;
const GENERAL_FAILURE: u8 = 1;
const NOT_ALLOWED: u8 = 2;
const HOST_UNREACHABLE: u8 = 4;
const REFUSED: u8 = 5;
const COMMAND_NOT_SUPPORTED: u8 = 7;

/// What is wrong with an exit. Under every fault but `Refuse` its established tunnels stand still: no byte and no FIN
/// passes, either way, until it is healed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The tunnel is dead: the greeting is answered, CONNECT is not until the tunnel is back.
    BlackHole,
    /// CONNECT is answered at once with this code, of RFC 1928 or not.
    Reject(u8),
    /// The server hangs: it accepts and says nothing until it goes on.
    Mute,
    /// CONNECT succeeds although nothing was connected, then the connection is closed.
    FakeSuccess,
    /// CONNECT succeeds although nothing was connected, then there is silence.
    Silence,
    /// The server has crashed: its port is closed, and so are its connections.
    Refuse,
}

/// What an exit may be given beyond its source address.
#[derive(Default)]
pub struct ExitOptions {
    /// Where it listens; a free port of 127.0.0.1 where this is `None`.
    pub listen: Option<SocketAddr>,
    /// The user and password that it asks for (RFC 1929); none where this is `None`.
    pub credentials: Option<(String, String)>,
    /// The names that it can resolve, besides `localhost`.
    pub names: HashMap<String, IpAddr>,
}

/// A SOCKS5 server for CONNECT, ended when dropped.
pub struct Exit {
    service: Service,
    shared: Arc<Shared>,
}

struct Shared {
    source: Ipv4Addr,
    credentials: Option<(String, String)>,
    names: HashMap<String, IpAddr>,
    fault: watch::Sender<Fault>,
    delay: watch::Sender<Duration>,
    accepted: AtomicU64,
    served: AtomicU64,
}

impl Exit {
    /// Starts on a free port; its IPv4 traffic leaves from `source`, its IPv6 traffic from `::1`, the only one.
    #[must_use]
    pub fn start(source: Ipv4Addr) -> Self {
        Self::start_with(source, ExitOptions::default())
    }

    /// As `start`, with options.
    #[must_use]
    pub fn start_with(source: Ipv4Addr, options: ExitOptions) -> Self {
        let shared = Arc::new(Shared {
            source,
            credentials: options.credentials,
            names: options.names,
            fault: watch::Sender::new(Fault::None),
            delay: watch::Sender::new(Duration::ZERO),
            accepted: AtomicU64::new(0),
            served: AtomicU64::new(0),
        });
        let serving = Arc::clone(&shared);
        let service = Service::start(options.listen.map_or_else(Port::free, Port::at), move |stream| {
            let shared = Arc::clone(&serving);
            async move { shared.serve(stream).await }
        });
        Self { service, shared }
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.service.addr()
    }

    /// Where its IPv4 traffic leaves from.
    #[must_use]
    pub fn source(&self) -> Ipv4Addr {
        self.shared.source
    }

    /// Breaks it in this way, or heals it with `Fault::None`; in force when this returns.
    pub async fn set(&self, fault: Fault) {
        self.shared.fault.send_replace(fault);
        self.service.set_open(fault != Fault::Refuse).await;
    }

    /// Makes the tunnel this slow, one way: CONNECT's reply takes twice as long, each byte after it once.
    pub fn set_delay(&self, one_way: Duration) {
        self.shared.delay.send_replace(one_way);
    }

    /// How many connections it has accepted.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    /// For how many of them it has opened a tunnel to the target.
    #[must_use]
    pub fn served(&self) -> u64 {
        self.shared.served.load(Ordering::Relaxed)
    }
}

impl Shared {
    /// One client, from greeting to end. Its errors are the client's affair, who sees the connection closed.
    async fn serve(&self, mut client: TcpStream) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        if self.unless(&client, &[Fault::Mute]).await.is_none() {
            return;
        }
        let Some(target) = self.handshake(&mut client).await else { return };
        match self.unless(&client, &[Fault::Mute, Fault::BlackHole]).await {
            None | Some(Fault::Mute | Fault::BlackHole | Fault::Refuse) => {}
            Some(Fault::None) => self.carry(client, target).await,
            Some(Fault::Reject(code)) => reply(&mut client, code).await,
            Some(Fault::FakeSuccess) => {
                reply(&mut client, SUCCEEDED).await;
                client.shutdown().await.ok();
                swallow(&mut client).await;
            }
            Some(Fault::Silence) => {
                reply(&mut client, SUCCEEDED).await;
                swallow(&mut client).await;
            }
        }
    }

    /// The fault in force, as soon as it is none of `stuck`; `None` where the client left meanwhile.
    async fn unless(&self, client: &TcpStream, stuck: &[Fault]) -> Option<Fault> {
        let mut faults = self.fault.subscribe();
        tokio::select! {
            biased;
            fault = faults.wait_for(|fault| !stuck.contains(fault)) => fault.ok().map(|fault| *fault),
            () = left(client) => None,
        }
    }

    /// Greeting, authentication and request (RFC 1928 sections 3 to 5); `None` where the client failed in one.
    async fn handshake(&self, client: &mut TcpStream) -> Option<TargetAddr> {
        let asked = match &self.credentials {
            None => Socks5ServerProtocol::accept_no_auth(&mut *client).await,
            Some((user, password)) => {
                let known = |u: String, p: String| u == *user && p == *password;
                let accepted = Socks5ServerProtocol::accept_password_auth(&mut *client, known).await;
                accepted.map(|(protocol, _)| protocol)
            }
        };
        let (_, command, target) = asked.ok()?.read_command().await.ok()?;
        if command != Socks5Command::TCPConnect {
            reply(client, COMMAND_NOT_SUPPORTED).await;
            return None;
        }
        Some(target)
    }

    /// Connects to the target and carries bytes until both sides have ended.
    async fn carry(&self, mut client: TcpStream, target: TargetAddr) {
        // The handshake with the target crosses the tunnel and comes back.
        let delay = *self.delay.borrow();
        if !delay.is_zero() {
            sleep(delay * 2).await;
        }
        let connected = match self.resolve(target) {
            Ok(addr) => self.connect(addr).await.map_err(|error| code_of(&error)),
            Err(code) => Err(code),
        };
        match connected {
            Ok(server) => {
                self.served.fetch_add(1, Ordering::Relaxed);
                reply(&mut client, SUCCEEDED).await;
                tunnel::carry(client, server, self.fault.subscribe(), self.delay.subscribe()).await;
            }
            Err(code) => reply(&mut client, code).await,
        }
    }

    /// The target's address, or the code to refuse it with: nothing but loopback is ever connected to.
    fn resolve(&self, target: TargetAddr) -> Result<SocketAddr, u8> {
        let addr = match target {
            TargetAddr::Ip(addr) => addr,
            TargetAddr::Domain(name, port) if name == "localhost" => (Ipv4Addr::LOCALHOST, port).into(),
            TargetAddr::Domain(name, port) => {
                let ip = self.names.get(&name).ok_or(HOST_UNREACHABLE)?;
                (*ip, port).into()
            }
        };
        if addr.ip().is_loopback() { Ok(addr) } else { Err(NOT_ALLOWED) }
    }

    async fn connect(&self, target: SocketAddr) -> io::Result<TcpStream> {
        let socket = if target.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        if target.is_ipv4() {
            socket.bind((self.source, 0).into())?;
        }
        socket.set_nodelay(true)?;
        socket.connect(target).await
    }
}

/// Answers CONNECT. Written here because a hostile server may send codes that the library does not know.
async fn reply(client: &mut TcpStream, code: u8) {
    client.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]).await.ok();
}

fn code_of(error: &io::Error) -> u8 {
    if error.kind() == io::ErrorKind::ConnectionRefused { REFUSED } else { GENERAL_FAILURE }
}

/// Returns when the client has closed; one that speaks early is here to stay.
async fn left(client: &TcpStream) {
    if matches!(client.peek(&mut [0]).await, Ok(read) if read > 0) {
        std::future::pending::<()>().await;
    }
}

/// Takes whatever the client sends, until it closes: unread bytes would turn our FIN into a reset.
async fn swallow(client: &mut TcpStream) {
    tokio::io::copy(client, &mut tokio::io::sink()).await.ok();
}
