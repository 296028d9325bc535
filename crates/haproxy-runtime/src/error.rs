//! Why a whole exchange failed, told apart by what a person or a program would do next.

use std::fmt;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::time::Duration;

use crate::command::MAX_LINE;
use crate::framing::FramingError;
use crate::{Address, CommandError};

/// The parts of an exchange, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Until the connection stands.
    Connect,
    /// Until the whole line is handed over. Once this began, commands may have been carried out.
    Write,
    /// Until HAProxy closes the connection after its last reply.
    Read,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Connect => "connecting",
            Self::Write => "writing the commands",
            Self::Read => "reading the replies",
        })
    }
}

/// Who may connect to a unix socket: connecting takes the right to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketOwner {
    /// The owner's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// The permission bits.
    pub mode: u32,
}

impl SocketOwner {
    fn of(metadata: &Metadata) -> Self {
        Self { uid: metadata.uid(), gid: metadata.gid(), mode: metadata.mode() & 0o7777 }
    }
}

impl fmt::Display for SocketOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "uid {} gid {} mode {:03o}", self.uid, self.gid, self.mode)
    }
}

/// Why an exchange gave no replies. Where [`ExchangeError::outcome_unknown`] says so, commands may have been carried
/// out nevertheless.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// There was nothing to ask; nothing was sent.
    #[error("no commands to send")]
    EmptyBatch,
    /// The commands do not fit into one line; nothing was sent. [`batches`](crate::batches) cuts them.
    #[error("the commands make a line of {length} bytes, more than {MAX_LINE}: cut them into batches")]
    LineTooLong {
        /// What the line would have.
        length: usize,
    },
    /// ENOENT: there is no such socket.
    #[error(
        "{0} does not exist: is haproxy running, and does its {opener} name this path?",
        opener = .0.opened_by().0
    )]
    Missing(Address),
    /// ECONNREFUSED: nobody listens.
    #[error("nobody listens on {0}: haproxy is not running, or is just being started again")]
    Refused(Address),
    /// EACCES: this user may not connect.
    #[error(
        "permission denied on {address}{owner}: run as its owner or in its group, or give it \
         `{group}` on the {opener} of {file}",
        group = .address.group_option(),
        opener = .address.opened_by().0,
        file = .address.opened_by().1,
        owner = .owner.map_or_else(String::new, |owner| format!(" ({owner})"))
    )]
    PermissionDenied {
        /// The socket.
        address: Address,
        /// Whose it is; `None` where that cannot be seen.
        owner: Option<SocketOwner>,
    },
    /// The path is something else than a socket.
    #[error(
        "{0} is not a socket: name the path of a {opener} of {file}",
        opener = .0.opened_by().0,
        file = .0.opened_by().1
    )]
    NotASocket(Address),
    /// The master CLI says that there is no present worker, or none that it can reach; nothing was carried out.
    #[error("haproxy's master at {0} has no worker that answers: it is just being started or reloaded")]
    NoWorker(Address),
    /// The deadline of the whole exchange passed.
    #[error(
        "haproxy at {address} did not answer within {after:?} ({phase}): it is stopped or overloaded, or all its \
         CLI connections are taken (`stats maxconn`, by default 10 for all stats sockets together)"
    )]
    TimedOut {
        /// The socket.
        address: Address,
        /// What it was doing.
        phase: Phase,
        /// The deadline.
        after: Duration,
    },
    /// Any other failure of the operating system.
    #[error("{phase} failed with haproxy at {address}")]
    Io {
        /// The socket.
        address: Address,
        /// What it was doing.
        phase: Phase,
        /// The failure.
        #[source]
        source: io::Error,
    },
    /// More came than `Limits::max_reply`.
    #[error("the replies of haproxy at {address} are larger than {limit} bytes")]
    TooLarge {
        /// The socket.
        address: Address,
        /// The limit.
        limit: usize,
    },
    /// The connection was closed without a byte. HAProxy does so with lines that it finds too long.
    #[error("haproxy at {0} closed the connection without a reply: outcome unknown, read the state again")]
    Closed(Address),
    /// The replies are not those that the commands have.
    #[error(
        "the replies of haproxy at {address} do not fit the commands: outcome unknown, read the state again"
    )]
    Malformed {
        /// The socket.
        address: Address,
        /// How they do not fit.
        #[source]
        source: FramingError,
    },
}

impl ExchangeError {
    /// Whether the commands may have been carried out although no replies came: then read the state again before
    /// anything else is decided.
    #[must_use]
    pub const fn outcome_unknown(&self) -> bool {
        match self {
            Self::EmptyBatch
            | Self::LineTooLong { .. }
            | Self::Missing(_)
            | Self::Refused(_)
            | Self::PermissionDenied { .. }
            | Self::NotASocket(_)
            | Self::NoWorker(_) => false,
            Self::TimedOut { phase, .. } | Self::Io { phase, .. } => !matches!(phase, Phase::Connect),
            Self::TooLarge { .. } | Self::Closed(_) | Self::Malformed { .. } => true,
        }
    }

    /// What a failed connect means.
    pub(crate) fn connecting(address: Address, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::NotFound {
            Self::Missing(address)
        } else if source.kind() == io::ErrorKind::PermissionDenied {
            let owner = metadata(&address).map(|metadata| SocketOwner::of(&metadata));
            Self::PermissionDenied { address, owner }
        } else if source.kind() != io::ErrorKind::ConnectionRefused {
            Self::Io { address, phase: Phase::Connect, source }
        } else if is_no_socket(&address) {
            Self::NotASocket(address)
        } else {
            Self::Refused(address)
        }
    }
}

/// Linux refuses a connection to a plain file or a directory with the same ECONNREFUSED as to a socket without
/// listener.
fn is_no_socket(address: &Address) -> bool {
    metadata(address).is_some_and(|metadata| !metadata.file_type().is_socket())
}

fn metadata(address: &Address) -> Option<Metadata> {
    fs::metadata(address.path()?).ok()
}

/// Why one command that was sent alone has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The exchange failed.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// HAProxy answered something else.
    #[error(transparent)]
    Command(#[from] CommandError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_connects_are_told_apart() {
        let error =
            |kind| ExchangeError::connecting("/nowhere/a.sock".parse().unwrap(), io::Error::from(kind));
        assert!(matches!(error(io::ErrorKind::NotFound), ExchangeError::Missing(_)));
        assert!(matches!(error(io::ErrorKind::ConnectionRefused), ExchangeError::Refused(_)));
        assert!(matches!(
            error(io::ErrorKind::PermissionDenied),
            ExchangeError::PermissionDenied { owner: None, .. }
        ));
        let other = error(io::ErrorKind::NetworkUnreachable);
        assert!(matches!(other, ExchangeError::Io { phase: Phase::Connect, .. }));
    }

    #[test]
    fn a_denied_permission_says_whose_socket_it_is_and_what_to_do() {
        use std::os::unix::fs::PermissionsExt;

        let file = tempfile::NamedTempFile::new().unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).unwrap();
        let address = Address::Unix(file.path().to_owned());
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let message = ExchangeError::connecting(address, denied).to_string();
        assert!(message.contains("mode 640)"), "{message}");
        assert!(message.contains("`mode 660 group GROUP`"), "{message}");
    }

    #[test]
    fn only_what_was_sent_can_have_an_unknown_outcome() {
        let timed_out = |phase| ExchangeError::TimedOut {
            address: "a.sock".parse().unwrap(),
            phase,
            after: Duration::from_secs(1),
        };
        assert!(!timed_out(Phase::Connect).outcome_unknown());
        assert!(timed_out(Phase::Write).outcome_unknown());
        assert!(timed_out(Phase::Read).outcome_unknown());
        assert!(!ExchangeError::EmptyBatch.outcome_unknown());
        assert!(ExchangeError::Closed("a.sock".parse().unwrap()).outcome_unknown());
    }
}
