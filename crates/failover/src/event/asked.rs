//! What an operator asked of hactl, and what follows from that: another configuration, a pause, looking
//! on, and how servers are to be whatever their probes say.

use std::fmt;
use std::time::Duration;

use super::{Event, Severity, Span, ordered};
use crate::{Admin, Given, Name, ServerId};

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
    /// A server is to be in this state, whatever its probes say.
    Override {
        /// The server.
        server: ServerId,
        /// The state.
        state: Admin,
        /// Whose it is.
        given: Given,
    },
    /// A server is to carry its backend's traffic.
    Pinned {
        /// The server.
        server: ServerId,
        /// Whose it is.
        given: Given,
    },
    /// The same from before this start.
    StillOverridden {
        /// The server.
        server: ServerId,
        /// The state; `None` for a pin.
        state: Option<Admin>,
        /// Whose it is.
        given: Given,
    },
    /// Either of them ended by itself.
    Expired {
        /// The server.
        server: ServerId,
        /// The state; `None` for a pin.
        state: Option<Admin>,
        /// Whose it was.
        given: Given,
    },
    /// What operators have ordered cannot be read or kept.
    OverridesLost {
        /// Which, why, and what follows from that.
        why: String,
    },
    /// Somebody ended them.
    Auto {
        /// The server.
        server: ServerId,
        /// Who.
        by: String,
    },
    /// Somebody has sent HAProxy a command that changes something, past what hactl decides.
    Raw {
        /// Who.
        by: String,
        /// The command, as HAProxy has read it.
        command: String,
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
            Self::Override { .. } => "override",
            Self::Pinned { .. } => "pin",
            Self::StillOverridden { .. } => "override_kept",
            Self::Expired { .. } => "override_expired",
            Self::OverridesLost { .. } => "override_lost",
            Self::Auto { .. } => "auto",
            Self::Raw { .. } => "raw",
            Self::Would { .. } => "would",
            Self::LetGo { .. } => "let_go",
        }
    }

    pub(super) const fn severity(&self) -> Severity {
        match self {
            Self::NotReloaded { .. } | Self::Paused { .. } | Self::OverridesLost { .. } => Severity::Warning,
            Self::Reloaded { .. }
            | Self::Resumed { .. }
            | Self::FailBack { .. }
            | Self::Override { .. }
            | Self::Pinned { .. }
            | Self::StillOverridden { .. }
            | Self::Expired { .. }
            | Self::Auto { .. }
            | Self::Raw { .. }
            | Self::Would { .. }
            | Self::LetGo { .. } => Severity::Info,
        }
    }

    pub(super) fn why(&self) -> Option<&str> {
        match self {
            Self::NotReloaded { why, .. } | Self::OverridesLost { why } => Some(why),
            Self::Paused { reason, .. } => Some(reason),
            Self::Override { given, .. }
            | Self::Pinned { given, .. }
            | Self::StillOverridden { given, .. } => Some(&given.reason),
            Self::Reloaded { .. }
            | Self::Resumed { .. }
            | Self::FailBack { .. }
            | Self::Expired { .. }
            | Self::Auto { .. }
            | Self::Raw { .. }
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
            | Self::FailBack { by, .. }
            | Self::Auto { by, .. }
            | Self::Raw { by, .. } => Some(by),
            Self::Override { given, .. }
            | Self::Pinned { given, .. }
            | Self::StillOverridden { given, .. } => Some(&given.by),
            Self::Would { .. } | Self::LetGo { .. } | Self::Expired { .. } | Self::OverridesLost { .. } => {
                None
            }
        }
    }

    pub(super) const fn server(&self) -> Option<&ServerId> {
        match self {
            Self::LetGo { server }
            | Self::Override { server, .. }
            | Self::Pinned { server, .. }
            | Self::StillOverridden { server, .. }
            | Self::Expired { server, .. }
            | Self::Auto { server, .. } => Some(server),
            Self::Reloaded { .. }
            | Self::NotReloaded { .. }
            | Self::Paused { .. }
            | Self::Resumed { .. }
            | Self::FailBack { .. }
            | Self::OverridesLost { .. }
            | Self::Raw { .. }
            | Self::Would { .. } => None,
        }
    }

    pub(super) fn backend(&self) -> Option<&Name> {
        match self {
            Self::FailBack { backend, .. } => Some(backend),
            Self::LetGo { server }
            | Self::Override { server, .. }
            | Self::Pinned { server, .. }
            | Self::StillOverridden { server, .. }
            | Self::Expired { server, .. }
            | Self::Auto { server, .. } => Some(&server.backend),
            Self::Reloaded { .. }
            | Self::NotReloaded { .. }
            | Self::Paused { .. }
            | Self::Resumed { .. }
            | Self::OverridesLost { .. }
            | Self::Raw { .. }
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
            Self::Override { server, state, given } => ordered::given(f, server, Some(*state), given),
            Self::Pinned { server, given } => ordered::given(f, server, None, given),
            Self::StillOverridden { server, state, given } => ordered::still(f, server, *state, given),
            Self::Expired { server, state, given } => ordered::expired(f, server, *state, &given.by),
            Self::OverridesLost { why } => f.write_str(why),
            Self::Auto { server, by } => write!(f, "{server} is left to its probes again: {by} wants that"),
            Self::Raw { by, command } => write!(f, "{by} has sent HAProxy `{command}`"),
            Self::Would { commands } if commands.is_empty() => {
                f.write_str("would change nothing: HAProxy is as it is wanted")
            }
            Self::Would { commands } => write!(f, "would {}", commands.join("; ")),
            Self::LetGo { server } => {
                write!(f, "{server} was given back: it is not hactl's to steer any more")
            }
        }
    }
}
