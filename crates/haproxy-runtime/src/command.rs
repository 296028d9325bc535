//! The closed list of commands, their exact wire form, and how they share a line. Nothing is sent here.

use std::fmt;

use crate::{Address, BackendName, ServerPath};

/// The longest line sent, in bytes with its LF. HAProxy reads at most 16384 (`tune.bufsize`), 2.6 stalls for ever on
/// some lines above 15360 and 3.4 loops at exactly 16384; half of the limit stays clear of all that.
pub const MAX_LINE: usize = 8192;

/// What the master CLI is told before the commands: it hands all that follow on this line to one worker, of several the
/// one that was started last. `@1 cmd;cmd` would hand on the first alone and carry out the others itself (measured).
pub(crate) const PRESENT_WORKER: &str = "@1;";

/// What [`batches`] leaves free in each line: for the master CLI's prefix, and for [`Command::ShowInfo`], which the
/// caller may put in front to know which process answered.
const LEADING: usize = PRESENT_WORKER.len() + "show info;".len();

/// An administrative state, as `set server BACKEND/SERVER state` takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AdminState {
    /// Takes traffic at once, without waiting for a check; out of maintenance this erases HAProxy's own verdict.
    Ready,
    /// No new connections except persistent ones; checks go on; sessions stay.
    Drain,
    /// No new connections at all; health checks pause; sessions stay.
    Maint,
}

impl AdminState {
    /// HAProxy's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Drain => "drain",
            Self::Maint => "maint",
        }
    }
}

impl fmt::Display for AdminState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An absolute weight, 0 to 256; 0 means no new connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weight(u16);

/// A weight above 256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the weight {0} is above {max}, the highest that haproxy takes", max = Weight::MAX)]
pub struct WeightError(pub u16);

impl Weight {
    /// The highest weight that HAProxy takes.
    pub const MAX: u16 = 256;

    /// The weight as a number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for Weight {
    type Error = WeightError;

    fn try_from(weight: u16) -> Result<Self, WeightError> {
        if weight > Self::MAX { Err(WeightError(weight)) } else { Ok(Self(weight)) }
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One command of the runtime API. The list is closed: nothing else can be sent. [`fmt::Display`] is the wire form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `show info`: which process answers, and how it is. Any level.
    ShowInfo,
    /// `show version`: since HAProxy 2.6. Any level.
    ShowVersion,
    /// `show servers state [BACKEND]`: the servers as a state file would hold them. Any level.
    ShowServersState(Option<BackendName>),
    /// `show stat`: counters and states of everything. Below operator level some columns are empty.
    ShowStat,
    /// `show stat ID 6 -1`: only the proxy with that id (`be_id` of `show servers state`), as a backend, and its
    /// servers. An unknown id gives no rows, not an error.
    ShowStatProxy {
        /// The proxy's id; HAProxy's own begin at 1, and it takes 0 for a name.
        proxy_id: u32,
    },
    /// `show stat ID 4 -1`: only the servers of the proxy with that id. Any level. Costs HAProxy about 3 µs for each of
    /// them (2.6, measured), and nothing for those of other proxies.
    ShowStatServers {
        /// As in [`Self::ShowStatProxy`].
        proxy_id: u32,
    },
    /// `show backend`: the names of all backends. Any level.
    ShowBackend,
    /// `show cli level`: what this socket may do. Any level.
    ShowCliLevel,
    /// `set server BACKEND/SERVER state ready|drain|maint`. Admin level. Idempotent.
    SetServerState {
        /// Which server.
        server: ServerPath,
        /// The state to set.
        state: AdminState,
    },
    /// `set server BACKEND/SERVER weight 0..256`. Admin level. Idempotent.
    SetServerWeight {
        /// Which server.
        server: ServerPath,
        /// The absolute weight to set.
        weight: Weight,
    },
    /// `set server BACKEND/SERVER agent down`: as if its agent-check had answered `down`, until that answers again. Admin
    /// level. Idempotent. There is no such command for `up`, because it would also erase what HAProxy's own health check
    /// has found (2.6, measured).
    SetServerAgentDown(ServerPath),
    /// `shutdown sessions server BACKEND/SERVER`: closes every session on the server at once. Admin level.
    ShutdownSessionsServer(ServerPath),
}

impl Command {
    /// The server that the command is about, where it names one.
    #[must_use]
    pub const fn server(&self) -> Option<&ServerPath> {
        match self {
            Self::SetServerState { server, .. }
            | Self::SetServerWeight { server, .. }
            | Self::SetServerAgentDown(server)
            | Self::ShutdownSessionsServer(server) => Some(server),
            Self::ShowInfo
            | Self::ShowVersion
            | Self::ShowServersState(_)
            | Self::ShowStat
            | Self::ShowStatProxy { .. }
            | Self::ShowStatServers { .. }
            | Self::ShowBackend
            | Self::ShowCliLevel => None,
        }
    }

    /// The backend that the command is about, where it names one.
    #[must_use]
    pub fn backend(&self) -> Option<&BackendName> {
        match self {
            Self::ShowServersState(backend) => backend.as_ref(),
            Self::SetServerState { server, .. }
            | Self::SetServerWeight { server, .. }
            | Self::SetServerAgentDown(server)
            | Self::ShutdownSessionsServer(server) => Some(&server.backend),
            Self::ShowInfo
            | Self::ShowVersion
            | Self::ShowStat
            | Self::ShowStatProxy { .. }
            | Self::ShowStatServers { .. }
            | Self::ShowBackend
            | Self::ShowCliLevel => None,
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShowInfo => f.write_str("show info"),
            Self::ShowVersion => f.write_str("show version"),
            Self::ShowServersState(None) => f.write_str("show servers state"),
            Self::ShowServersState(Some(backend)) => write!(f, "show servers state {backend}"),
            Self::ShowStat => f.write_str("show stat"),
            Self::ShowStatProxy { proxy_id } => write!(f, "show stat {proxy_id} 6 -1"),
            Self::ShowStatServers { proxy_id } => write!(f, "show stat {proxy_id} 4 -1"),
            Self::ShowBackend => f.write_str("show backend"),
            Self::ShowCliLevel => f.write_str("show cli level"),
            Self::SetServerState { server, state } => write!(f, "set server {server} state {state}"),
            Self::SetServerWeight { server, weight } => write!(f, "set server {server} weight {weight}"),
            Self::SetServerAgentDown(server) => write!(f, "set server {server} agent down"),
            Self::ShutdownSessionsServer(server) => write!(f, "shutdown sessions server {server}"),
        }
    }
}

/// The line that asks the process at `address` for all of `commands`: joined by `;`, ended by one LF.
pub(crate) fn line(address: &Address, commands: &[impl fmt::Display]) -> String {
    let mut line = match address {
        Address::Master(_) => PRESENT_WORKER.to_owned(),
        Address::Unix(_) | Address::Tcp { .. } => String::new(),
    };
    for (index, command) in commands.iter().enumerate() {
        line.push_str(if index == 0 { "" } else { ";" });
        line.push_str(&command.to_string());
    }
    line.push('\n');
    line
}

/// Cuts a list of commands into slices that each fit into one line of [`MAX_LINE`] bytes with a
/// [`Command::ShowInfo`] in front, at whatever address. Order is kept, nothing is lost, no slice is empty.
pub fn batches(commands: &[Command]) -> impl Iterator<Item = &[Command]> {
    let mut rest = commands;
    std::iter::from_fn(move || {
        let (batch, later) = rest.split_at(fitting(rest));
        rest = later;
        (!batch.is_empty()).then_some(batch)
    })
}

/// How many of the first commands fit. The longest command is under 600 bytes, so one always does.
fn fitting(commands: &[Command]) -> usize {
    let mut length = LEADING;
    let fits = |command: &&Command| {
        // One byte more for the `;` or LF behind it.
        length += command.to_string().len() + 1;
        length <= MAX_LINE
    };
    commands.iter().take_while(fits).count()
}

#[cfg(test)]
pub(crate) mod tests;
