//! The way of a probe from the first SYN to the target's answer, one stage at a time. The only place that knows the
//! order of the stages. Keeps no deadline and reports nothing: whoever takes the steps does.

use std::io;
use std::net::SocketAddr;

use failover::{Cause, Stage, StageTime};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use crate::fault::Fault;
use crate::http::{Asking, Exchange};
use crate::position::{Position, Way};
use crate::socks::{self, Client, Credentials};
use crate::stream::Stream;
use crate::target::{Host, Protocol, Target};
use crate::wire::Wire;
use crate::{text, tls};

/// What a full probe wants from the target, TLS included: two segments of the usual 1460 bytes and some of a third.
/// A path that loses full-size packets cannot deliver them, however well small ones pass.
const FULL_BYTES: usize = 3 * 1024;

/// How much is asked of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The head of one response.
    Head,
    /// [`FULL_BYTES`], where the response has as many.
    Full,
    /// The head of one response, over a connection that may serve for more.
    Kept,
    /// One whole response, which is small and has the status 200.
    Page,
}

/// A probe on its way.
pub(crate) struct Walk<'a> {
    pub(crate) position: Position<'a>,
    connector: &'a TlsConnector,
    extent: Extent,
}

/// What has been reached, and is needed to go on. Dropping it closes its socket.
pub(crate) enum Place<'a> {
    Tcp(SocketAddr),
    Greeting(TcpStream),
    Request(TcpStream, Client),
    Direct,
    Tls(Wire, &'a ServerName<'static>, Exchange),
    Http(Stream, Exchange),
    Banner(Wire),
}

/// What comes of a step.
pub(crate) enum Step<'a> {
    /// A stage was passed, and the next one has begun.
    Passed(StageTime, Place<'a>),
    /// The last stage was passed.
    Over(StageTime, Answer),
}

/// What the target gave.
pub(crate) struct Answer {
    /// `None` where it does not speak HTTP.
    pub(crate) status: Option<u16>,
    /// Bytes from it, TLS included.
    pub(crate) received: u64,
    /// With [`Extent::Kept`], where the target allows more requests.
    pub(crate) connection: Option<(Stream, Exchange)>,
    /// With [`Extent::Page`], what the response says.
    pub(crate) page: Vec<u8>,
}

impl<'a> Walk<'a> {
    /// A walk whose first stage begins at `since`.
    pub(crate) fn new(
        connector: &'a TlsConnector,
        way: Way<'a>,
        target: &'a Target,
        extent: Extent,
        since: Instant,
    ) -> Self {
        let stage = start(way).stage();
        Self { position: Position { way, target, stage, since }, connector, extent }
    }

    /// Where the first step begins.
    pub(crate) fn start(&self) -> Place<'a> {
        start(self.position.way)
    }

    /// Goes through the stage that begins at `place`, which is the start or where the step before led.
    pub(crate) async fn step(&mut self, place: Place<'a>) -> Result<Step<'a>, Fault> {
        let target = self.position.target;
        let next = match place {
            Place::Tcp(address) => Place::Greeting(prepared(TcpStream::connect(address).await)?),
            Place::Greeting(socket) => {
                let client = Client::new(self.credentials().is_some());
                self.negotiate(socket, client, client.greeting()).await?
            }
            Place::Request(socket, client) => {
                self.negotiate(socket, client, &socks::request(target.host(), target.port())).await?
            }
            Place::Direct => self.at_target(connect(target).await?),
            Place::Tls(wire, name, exchange) => Place::Http(self.handshake(wire, name).await?, exchange),
            Place::Http(stream, exchange) => {
                let answer = self.ask(stream, exchange).await?;
                return Ok(self.over(answer));
            }
            Place::Banner(wire) => {
                let answer = banner(wire).await?;
                return Ok(self.over(answer));
            }
        };
        Ok(Step::Passed(self.position.pass(next.stage()), next))
    }

    fn over(&mut self, answer: Answer) -> Step<'a> {
        Step::Over(self.position.pass(self.position.stage), answer)
    }

    fn credentials(&self) -> Option<&'a Credentials> {
        match self.position.way {
            Way::Through { credentials, .. } => credentials,
            Way::Direct => None,
        }
    }

    /// Sends `message` and takes what the server says to it, and not a byte beyond: what follows the reply is the
    /// target's.
    async fn negotiate(
        &self,
        mut socket: TcpStream,
        mut client: Client,
        message: &[u8],
    ) -> Result<Place<'a>, Fault> {
        let mut buffer = [0; socks::MAX_WANTED];
        let mut received = 0;
        send(&mut socket, message, received).await?;
        loop {
            let room = &mut buffer[..client.wanted()];
            let count = socket.read(room).await.map_err(|error| Fault::broken(&error, received))?;
            if count == 0 {
                return Err(Fault::closed(received));
            }
            received += count;
            for byte in &buffer[..count] {
                match client.receive(*byte)? {
                    socks::Step::Read(next) => client = next,
                    socks::Step::Login(next) => {
                        client = next;
                        let login = self.credentials().map(Credentials::message).unwrap_or_default();
                        send(&mut socket, &login, received).await?;
                    }
                    // Both stand at the end of a message, so no byte is left in the buffer.
                    socks::Step::Request(next) => return Ok(Place::Request(socket, next)),
                    socks::Step::Connected => return Ok(self.at_target(socket)),
                }
            }
        }
    }

    /// Where a connection leads that the target itself is at the other end of.
    fn at_target(&self, socket: TcpStream) -> Place<'a> {
        let wire = Wire::new(socket);
        match self.position.target.protocol() {
            Protocol::Tcp => Place::Banner(wire),
            Protocol::Http { path } => Place::Http(Stream::Plain(wire), self.exchange(80, path)),
            Protocol::Https { path, server_name } => Place::Tls(wire, server_name, self.exchange(443, path)),
        }
    }

    fn exchange(&self, usual_port: u16, path: &str) -> Exchange {
        let target = self.position.target;
        let port = Some(target.port()).filter(|port| *port != usual_port);
        let asking = match self.extent {
            Extent::Head | Extent::Full => Asking::Once,
            Extent::Kept => Asking::Often,
            Extent::Page => Asking::Plainly,
        };
        Exchange::new(asking, target.host(), port, path)
    }

    async fn handshake(&self, wire: Wire, name: &ServerName<'static>) -> Result<Stream, Fault> {
        let connecting = self.connector.connect(name.clone(), wire).into_fallible();
        match connecting.await {
            Ok(stream) => Ok(Stream::Tls(Box::new(stream))),
            Err((error, wire)) => Err(tls::fault(&error, &text::host(&name.to_str()), wire.received())),
        }
    }

    /// Any status proves the tunnel, except where the target's `expect` says otherwise. A connection that is kept is not
    /// asked for what `expect` is about.
    async fn ask(&self, mut stream: Stream, mut exchange: Exchange) -> Result<Answer, Fault> {
        let head = exchange.ask(&mut stream).await?;
        let status = head.status;
        if self.extent != Extent::Kept && !self.position.target.expect().allows(status) {
            let text = format!("status {status}, which `expect` does not allow");
            return Err(Fault::Failed(Cause::Status(status), text));
        }
        if self.extent == Extent::Full {
            exchange.read_body(&mut stream, head.body, |stream| stream.received() >= FULL_BYTES).await?;
        }
        let page = if self.extent == Extent::Page {
            if status != 200 {
                return Err(Fault::Failed(Cause::Status(status), format!("status {status}")));
            }
            exchange.read_page(&mut stream, head.body).await?
        } else {
            Vec::new()
        };
        let received = stream.received() as u64;
        let is_kept = self.extent == Extent::Kept && exchange.may_ask_again(&head);
        Ok(Answer { status: Some(status), received, connection: is_kept.then_some((stream, exchange)), page })
    }
}

impl Place<'_> {
    /// The stage that begins here.
    const fn stage(&self) -> Stage {
        match self {
            Self::Tcp(_) => Stage::Tcp,
            Self::Greeting(_) => Stage::Greeting,
            Self::Request(..) | Self::Direct => Stage::Connect,
            Self::Tls(..) => Stage::Tls,
            Self::Http(..) => Stage::Http,
            Self::Banner(_) => Stage::Banner,
        }
    }
}

fn start<'a>(way: Way<'_>) -> Place<'a> {
    match way {
        Way::Through { address, .. } => Place::Tcp(address),
        Way::Direct => Place::Direct,
    }
}

/// A connection past all servers; this host resolves the name.
async fn connect(target: &Target) -> Result<TcpStream, Fault> {
    let port = target.port();
    prepared(match target.host() {
        Host::V4(address) => TcpStream::connect((*address, port)).await,
        Host::V6(address) => TcpStream::connect((*address, port)).await,
        Host::Name(name) => TcpStream::connect((&**name, port)).await,
    })
}

fn prepared(connected: io::Result<TcpStream>) -> Result<TcpStream, Fault> {
    let prepared = connected.and_then(|socket| socket.set_nodelay(true).map(|()| socket));
    prepared.map_err(|error| Fault::connecting(&error))
}

async fn send(socket: &mut TcpStream, message: &[u8], received: usize) -> Result<(), Fault> {
    socket.write_all(message).await.map_err(|error| Fault::broken(&error, received))
}

/// The target's first words: one byte of them proves the tunnel. They are not waited for twice.
async fn banner(mut wire: Wire) -> Result<Answer, Fault> {
    match wire.read(&mut [0; 64]).await {
        Ok(0) => Err(Fault::closed(0)),
        Ok(received) => {
            Ok(Answer { status: None, received: received as u64, connection: None, page: Vec::new() })
        }
        Err(error) => Err(Fault::broken(&error, 0)),
    }
}
