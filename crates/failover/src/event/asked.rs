//! What an operator asked of hactl, and what follows from that: another configuration, a pause, and looking on.

use std::fmt;
use std::time::Duration;

use super::{Event, Severity, Span};
use crate::{Name, ServerId};

/// One fact of that kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Another configuration holds.
    Reloaded {
        /// Who wanted that.
        by: String,
        /// What it changes, a line each.
        changes: Vec<String>,
    },
    /// The configuration was read again and cannot be used.
    NotReloaded {
        /// Who wanted that.
        by: String,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing is changed in HAProxy from now on.
    Paused {
        /// Who wanted that.
        by: String,
        /// Why, in their words.
        reason: String,
        /// For how long; `None`: until somebody ends it.
        lasts: Option<Duration>,
    },
    /// The pause is over.
    Resumed {
        /// Who wanted that.
        by: String,
    },
    /// Traffic is to go back to where it belongs.
    FailBack {
        /// Who wanted that.
        by: String,
        /// The backend.
        backend: Name,
    },
    /// The commands that would be sent, were they not withheld, are others than before.
    Would {
        /// As HAProxy would read them, or what it would be answered.
        commands: Vec<String>,
    },
    /// A server that was out because of us was given back, because it is not ours to steer any more.
    LetGo {
        /// The server.
        server: ServerId,
    },
}

impl Asked {
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Reloaded { .. } => "reloaded",
            Self::NotReloaded { .. } => "not_reloaded",
            Self::Paused { .. } => "paused",
            Self::Resumed { .. } => "resumed",
            Self::FailBack { .. } => "fail_back",
            Self::Would { .. } => "would",
            Self::LetGo { .. } => "let_go",
        }
    }

    pub(super) const fn severity(&self) -> Severity {
        match self {
            Self::NotReloaded { .. } | Self::Paused { .. } => Severity::Warning,
            Self::Reloaded { .. }
            | Self::Resumed { .. }
            | Self::FailBack { .. }
            | Self::Would { .. }
            | Self::LetGo { .. } => Severity::Info,
        }
    }

    pub(super) fn why(&self) -> Option<&str> {
        match self {
            Self::NotReloaded { why, .. } => Some(why),
            Self::Paused { reason, .. } => Some(reason),
            Self::Reloaded { .. }
            | Self::Resumed { .. }
            | Self::FailBack { .. }
            | Self::Would { .. }
            | Self::LetGo { .. } => None,
        }
    }

    fn by(&self) -> Option<&str> {
        match self {
            Self::Reloaded { by, .. }
            | Self::NotReloaded { by, .. }
            | Self::Paused { by, .. }
            | Self::Resumed { by }
            | Self::FailBack { by, .. } => Some(by),
            Self::Would { .. } | Self::LetGo { .. } => None,
        }
    }

    pub(super) const fn server(&self) -> Option<&ServerId> {
        match self {
            Self::LetGo { server } => Some(server),
            Self::Reloaded { .. }
            | Self::NotReloaded { .. }
            | Self::Paused { .. }
            | Self::Resumed { .. }
            | Self::FailBack { .. }
            | Self::Would { .. } => None,
        }
    }

    pub(super) fn backend(&self) -> Option<&Name> {
        match self {
            Self::FailBack { backend, .. } => Some(backend),
            Self::LetGo { server } => Some(&server.backend),
            Self::Reloaded { .. }
            | Self::NotReloaded { .. }
            | Self::Paused { .. }
            | Self::Resumed { .. }
            | Self::Would { .. } => None,
        }
    }
}

impl Event {
    /// Who wanted it, where somebody did.
    #[must_use]
    pub fn by(&self) -> Option<&str> {
        if let Self::Asked(asked) = self { asked.by() } else { None }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reloaded { by, changes } if changes.is_empty() => {
                write!(f, "configuration read again for {by}: nothing is changed")
            }
            Self::Reloaded { by, changes } => {
                write!(f, "configuration read again for {by}: {}", changes.join("; "))
            }
            Self::NotReloaded { by, why } => {
                write!(
                    f,
                    "configuration read again for {by} and not taken, what runs is older than it: {why}"
                )
            }
            Self::Paused { by, reason, lasts: Some(lasts) } => {
                write!(f, "paused for {} by {by}, nothing is changed in HAProxy: {reason}", Span(*lasts))
            }
            Self::Paused { by, reason, lasts: None } => {
                write!(f, "paused by {by}, nothing is changed in HAProxy until it is resumed: {reason}")
            }
            Self::Resumed { by } => write!(f, "resumed by {by}"),
            Self::FailBack { by, backend } => write!(f, "{backend} is to go back: {by} wants that"),
            Self::Would { commands } if commands.is_empty() => f.write_str("would change nothing any more"),
            Self::Would { commands } => write!(f, "would {}", commands.join("; ")),
            Self::LetGo { server } => {
                write!(f, "{server} was given back: it is not hactl's to steer any more")
            }
        }
    }
}
