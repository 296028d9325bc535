//! What a reply says: an answer, or why there is none. HAProxy has no status codes, so refusals are told by their
//! texts; a text that nobody knows is a refusal too.

use std::str::FromStr;

use crate::table::{FormatError, Rows};
use crate::{
    Address, BackendName, Command, Info, ServerPath, ServerState, StatRow, servers_state, stat, text,
};

/// The answer to one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A command that changes something was carried out.
    Done,
    /// To [`Command::ShowInfo`].
    Info(Info),
    /// To [`Command::ShowVersion`].
    Version(String),
    /// To [`Command::ShowServersState`].
    ServersState(Rows<ServerState>),
    /// To [`Command::ShowStat`], [`Command::ShowStatProxy`] and [`Command::ShowStatServers`].
    Stat(Rows<StatRow>),
    /// To [`Command::ShowBackend`].
    Backends(Vec<BackendName>),
    /// To [`Command::ShowCliLevel`].
    Level(Level),
}

/// What a stats socket may do, `level` in haproxy.cfg. Each level may do what the one before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Reads what is not sensitive.
    User,
    /// Reads everything. HAProxy's default.
    Operator,
    /// Changes everything.
    Admin,
}

impl Level {
    /// HAProxy's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why one command was not answered, while others on the same line may have been.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// `No such server.`
    #[error("haproxy has no server {0}: it may have been renamed or removed")]
    NoSuchServer(ServerPath),
    /// `No such backend.` or `Can't find backend.`
    #[error("haproxy has no backend {0}: it may have been renamed or removed")]
    NoSuchBackend(BackendName),
    /// `Permission denied`: the level of the socket is too low.
    #[error(
        "haproxy does not permit `{command}` on this socket: {advice}",
        advice = address.admin_advice()
    )]
    PermissionDenied {
        /// What was asked for.
        command: Command,
        /// The socket.
        address: Address,
    },
    /// `Unknown command`: this HAProxy is too old for it.
    #[error("haproxy does not know `{0}`: its version is too old for it")]
    UnknownCommand(Command),
    /// `Proxy is disabled.`: a process that stops after a reload, or a backend that is `disabled` in haproxy.cfg
    /// ([`Info::stopping`] tells which).
    #[error(
        "`{0}` reached a process that is stopping, or a disabled backend: connect again and see `show info`"
    )]
    StaleWorker(Command),
    /// Any other text in place of success.
    #[error("haproxy refused `{command}`: {text}")]
    Refused {
        /// What was asked for.
        command: Command,
        /// HAProxy's text, escaped, at most 200 characters.
        text: String,
    },
    /// The reply is none that this command has.
    #[error("cannot read the reply to `{command}`")]
    Malformed {
        /// What was asked for.
        command: Command,
        /// What is wrong with the reply.
        #[source]
        source: FormatError,
    },
}

/// One command with the body of its reply, and the socket that both went through.
#[derive(Clone, Copy)]
pub(crate) struct Answer<'a> {
    pub(crate) address: &'a Address,
    pub(crate) command: &'a Command,
    pub(crate) body: &'a [u8],
}

impl Answer<'_> {
    /// The answer as its command's kind of reply.
    pub(crate) fn reply(self) -> Result<Reply, CommandError> {
        match self.command {
            Command::ShowInfo => self.read(Info::parse).map(Reply::Info),
            Command::ShowVersion => self.read(version).map(Reply::Version),
            Command::ShowServersState(_) => self.read(servers_state::parse).map(Reply::ServersState),
            Command::ShowStat | Command::ShowStatProxy { .. } | Command::ShowStatServers { .. } => {
                self.read(stat::parse).map(Reply::Stat)
            }
            Command::ShowBackend => self.read(backends).map(Reply::Backends),
            Command::ShowCliLevel => self.read(level).map(Reply::Level),
            Command::SetServerState { .. }
            | Command::SetServerWeight { .. }
            | Command::SetServerAgentDown(_)
            | Command::ShutdownSessionsServer(_) => self.done().map(|()| Reply::Done),
        }
    }

    /// The answer in the form that `parse` knows.
    pub(crate) fn read<T>(self, parse: fn(&[u8]) -> Result<T, FormatError>) -> Result<T, CommandError> {
        if let Some(refusal) = self.known_refusal() {
            return Err(refusal);
        }
        parse(self.body).map_err(|source| CommandError::Malformed { command: self.command.clone(), source })
    }

    /// Success is an empty body, whatever else there is says why not.
    pub(crate) fn done(self) -> Result<(), CommandError> {
        if self.body.is_empty() {
            return Ok(());
        }
        let text = text::excerpt(without_severity(self.body));
        Err(self
            .known_refusal()
            .unwrap_or_else(|| CommandError::Refused { command: self.command.clone(), text }))
    }

    fn known_refusal(self) -> Option<CommandError> {
        let command = self.command;
        match without_severity(self.body).trim_ascii() {
            b"No such server." => command.server().cloned().map(CommandError::NoSuchServer),
            b"No such backend." | b"Can't find backend." => {
                command.backend().cloned().map(CommandError::NoSuchBackend)
            }
            b"Permission denied" => Some(CommandError::PermissionDenied {
                command: command.clone(),
                address: self.address.clone(),
            }),
            b"Proxy is disabled." => Some(CommandError::StaleWorker(command.clone())),
            // 2.6 and 3.4 differ after these words, and a list of proposals follows.
            unknown if unknown.starts_with(b"Unknown command") => {
                Some(CommandError::UnknownCommand(command.clone()))
            }
            _ => None,
        }
    }
}

/// A text without the `[3]: ` or `[err]: ` that `severity-output` on the socket's line puts in front.
fn without_severity(body: &[u8]) -> &[u8] {
    let Some(rest) = body.strip_prefix(b"[") else { return body };
    let word = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    rest[word..].strip_prefix(b"]: ").unwrap_or(body)
}

fn version(body: &[u8]) -> Result<String, FormatError> {
    let version = without_severity(body);
    if version.first().is_some_and(u8::is_ascii_digit) {
        Ok(text::excerpt(version))
    } else {
        Err(FormatError::beginning("a version", body))
    }
}

fn level(body: &[u8]) -> Result<Level, FormatError> {
    match without_severity(body) {
        b"user" => Ok(Level::User),
        b"operator" => Ok(Level::Operator),
        b"admin" => Ok(Level::Admin),
        _ => Err(FormatError::beginning("user, operator or admin", body)),
    }
}

/// HAProxy itself refuses other names in its configuration, so one that does not parse condemns the reply.
fn backends(body: &[u8]) -> Result<Vec<BackendName>, FormatError> {
    let mut lines = body.split(|byte| *byte == b'\n');
    if lines.next() != Some(b"# name") {
        return Err(FormatError::beginning("`# name`", body));
    }
    let name = |line| BackendName::from_str(&String::from_utf8_lossy(line)).map_err(FormatError::Name);
    lines.map(name).collect()
}

#[cfg(test)]
mod tests;
