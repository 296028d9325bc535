//! What is known of a server, in the four words that people see.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Failure, Stage, Time};

/// What is known of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing has settled it yet.
    Unknown,
    /// It carries traffic.
    Online,
    /// Its port listens, but it does not carry traffic.
    Degraded,
    /// Its port does not listen.
    Offline,
}

impl Verdict {
    /// The word in status, events and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Online => "online",
            Self::Degraded => "degraded",
            Self::Offline => "offline",
        }
    }

    /// Whether this server was found unable to carry traffic.
    #[must_use]
    pub const fn is_condemned(self) -> bool {
        matches!(self, Self::Degraded | Self::Offline)
    }

    /// What this failure alone makes of a server: `offline` is the TCP stage alone, whatever fails later is `degraded`.
    #[must_use]
    pub const fn of_failure(failure: &Failure) -> Self {
        match failure.stage {
            Stage::Tcp => Self::Offline,
            Stage::Greeting | Stage::Connect | Stage::Tls | Stage::Http | Stage::Banner => Self::Degraded,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A verdict with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The verdict.
    pub verdict: Verdict,
    /// The first failure of the kind that was seen last; `Some` exactly while the verdict is `Degraded` or `Offline`.
    pub reason: Option<Failure>,
    /// When the verdict became this one.
    pub since: Time,
}
