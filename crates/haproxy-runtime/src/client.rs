//! The transport: one connection, one line, one write, read to the end, to a stats socket or through the master CLI. No connection is kept, because a kept one would
//! go on talking to the old process after a reload. Nothing is retried once a line may have been sent.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, sleep, timeout};

use crate::command::{MAX_LINE, line};
use crate::error::{CallError, ExchangeError, Phase};
use crate::failpoint;
use crate::framing;
use crate::reply::{Answer, CommandError, Reply};
use crate::{
    Address, AdminState, BackendName, Command, Info, RawCommand, Rows, ServerPath, ServerState, servers_state,
};

/// How long to wait after EAGAIN before connecting again. HAProxy takes a waiting connection within microseconds unless
/// all its slots are taken, and there is no event to wait for.
const BACKLOG_RETRY: Duration = Duration::from_millis(5);

/// What an exchange may take at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For the whole exchange, from connecting to the last byte. HAProxy answers within milliseconds; 1 s by default
    /// leaves room for a busy machine.
    pub deadline: Duration,
    /// Bytes of all replies together. `show stat` of 10 000 servers has 2.4 MB; 4 MiB by default.
    pub max_reply: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(1), max_reply: 4 * 1024 * 1024 }
    }
}

/// Talks to one stats socket or master CLI. Holds no connection: cheap to make, to clone and to share.
#[derive(Clone, Debug)]
pub struct Client {
    address: Address,
    limits: Limits,
}

impl Client {
    /// A client of the socket at `address`, with default [`Limits`].
    #[must_use]
    pub fn new(address: Address) -> Self {
        Self { address, limits: Limits::default() }
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The socket.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// Sends all `commands` on one connection, so that one process answers them all, in order. A refused command does
    /// not stop those behind it. The replies are as many as the commands.
    ///
    /// Dropping the future closes the connection; HAProxy may carry the commands out all the same.
    ///
    /// # Errors
    ///
    /// Where there are no trustworthy replies at all. [`ExchangeError::outcome_unknown`] says whether anything may have
    /// been carried out.
    pub async fn exchange(
        &self,
        commands: &[Command],
    ) -> Result<Vec<Result<Reply, CommandError>>, ExchangeError> {
        let bytes = self.transfer(commands).await?;
        let answers = self.answers(commands, &bytes)?;
        Ok(answers.into_iter().map(Answer::reply).collect())
    }

    /// `show info`.
    ///
    /// # Errors
    ///
    /// Where the exchange fails or HAProxy answers something else.
    pub async fn show_info(&self) -> Result<Info, CallError> {
        self.call(&Command::ShowInfo, |answer| answer.read(Info::parse)).await
    }

    /// `show servers state`, of one backend or of all.
    ///
    /// # Errors
    ///
    /// Where the exchange fails or HAProxy answers something else; [`CommandError::NoSuchBackend`] among it.
    pub async fn servers_state(&self, backend: Option<&BackendName>) -> Result<Rows<ServerState>, CallError> {
        let command = Command::ShowServersState(backend.cloned());
        self.call(&command, |answer| answer.read(servers_state::parse)).await
    }

    /// `set server ... state`.
    ///
    /// # Errors
    ///
    /// Where the exchange fails or HAProxy refuses.
    pub async fn set_server_state(&self, server: &ServerPath, state: AdminState) -> Result<(), CallError> {
        let command = Command::SetServerState { server: server.clone(), state };
        self.call(&command, |answer| answer.done()).await
    }

    async fn call<T>(
        &self,
        command: &Command,
        read: impl Fn(Answer<'_>) -> Result<T, CommandError>,
    ) -> Result<T, CallError> {
        let commands = std::slice::from_ref(command);
        let bytes = self.transfer(commands).await?;
        let mut answers = self.answers(commands, &bytes)?;
        Ok(read(answers.remove(0))?)
    }

    fn answers<'a>(
        &'a self,
        commands: &'a [Command],
        bytes: &'a [u8],
    ) -> Result<Vec<Answer<'a>>, ExchangeError> {
        let bodies = framing::split(commands, bytes)
            .map_err(|source| ExchangeError::Malformed { address: self.address.clone(), source })?;
        let answer = |(command, body)| Answer { address: &self.address, command, body };
        Ok(commands.iter().zip(bodies).map(answer).collect())
    }

    /// Everything that HAProxy writes after the commands' line; at least one byte.
    async fn transfer(&self, commands: &[Command]) -> Result<Vec<u8>, ExchangeError> {
        if commands.is_empty() {
            return Err(ExchangeError::EmptyBatch);
        }
        self.send(commands, &line(&self.address, commands)).await
    }

    /// Sends one command as a person typed it; all that HAProxy writes to it, with the empty line that ends it.
    ///
    /// # Errors
    ///
    /// As [`exchange`](Self::exchange).
    pub async fn raw(&self, command: &RawCommand) -> Result<Vec<u8>, ExchangeError> {
        self.send(&[], &line(&self.address, &[command])).await
    }

    async fn send(&self, commands: &[Command], line: &str) -> Result<Vec<u8>, ExchangeError> {
        if line.len() > MAX_LINE {
            return Err(ExchangeError::LineTooLong { length: line.len() });
        }
        let started = Instant::now();
        match &self.address {
            Address::Unix(path) | Address::Master(path) => {
                let connect = async {
                    failpoint::exchange(commands, "connect").await?;
                    connect_unix(path).await
                };
                let stream = self.within(started, Phase::Connect, connect).await?;
                self.converse(started, stream, commands, line).await
            }
            Address::Tcp { host, port } => {
                let connect = async {
                    failpoint::exchange(commands, "connect").await?;
                    TcpStream::connect((host.as_str(), *port)).await
                };
                let stream = self.within(started, Phase::Connect, connect).await?;
                self.converse(started, stream, commands, line).await
            }
        }
    }

    async fn converse(
        &self,
        started: Instant,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        commands: &[Command],
        line: &str,
    ) -> Result<Vec<u8>, ExchangeError> {
        let write = async {
            failpoint::exchange(commands, "write").await?;
            // An empty socket buffer takes MAX_LINE bytes in one piece; 2.6 stalls on a line that arrives in three.
            stream.write_all(line.as_bytes()).await
        };
        self.within(started, Phase::Write, write).await?;
        if matches!(self.address, Address::Master(_)) {
            // Otherwise the master keeps the connection open for more. It reads the whole line all the same.
            self.within(started, Phase::Write, stream.shutdown()).await?;
        }
        let limit = self.limits.max_reply;
        let mut replies = Vec::new();
        // One byte more than allowed, to know that there is more.
        let mut bounded = stream.take((limit as u64).saturating_add(1));
        let read = async {
            failpoint::exchange(commands, "written").await?;
            bounded.read_to_end(&mut replies).await?;
            failpoint::exchange(commands, "replied").await
        };
        self.within(started, Phase::Read, read).await?;
        if replies.len() > limit {
            return Err(ExchangeError::TooLarge { address: self.address.clone(), limit });
        }
        if replies.is_empty() {
            return Err(ExchangeError::Closed(self.address.clone()));
        }
        if matches!(self.address, Address::Master(_)) && framing::is_without_worker(&replies) {
            return Err(ExchangeError::NoWorker(self.address.clone()));
        }
        Ok(replies)
    }

    /// Runs one phase in what is left of the deadline.
    async fn within<T>(
        &self,
        started: Instant,
        phase: Phase,
        work: impl Future<Output = io::Result<T>>,
    ) -> Result<T, ExchangeError> {
        let left = self.limits.deadline.saturating_sub(started.elapsed());
        let address = || self.address.clone();
        match timeout(left, work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(source)) if phase == Phase::Connect => Err(ExchangeError::connecting(address(), source)),
            Ok(Err(source)) => Err(ExchangeError::Io { address: address(), phase, source }),
            Err(_) => Err(ExchangeError::TimedOut { address: address(), phase, after: self.limits.deadline }),
        }
    }
}

/// Linux answers a connection to a full backlog with EAGAIN at once instead of letting it wait.
async fn connect_unix(path: &Path) -> io::Result<UnixStream> {
    loop {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => sleep(BACKLOG_RETRY).await,
            done => return done,
        }
    }
}
