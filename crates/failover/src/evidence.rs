//! The stages of a probe and the ways in which it can fail. The checker fills these in; the detector reads them.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The stages of a full probe, in the order they are passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// TCP connection to the SOCKS5 server itself.
    Tcp,
    /// SOCKS method negotiation and, where asked for, user/password (RFC 1928 section 3, RFC 1929).
    Greeting,
    /// SOCKS CONNECT to the target (RFC 1928 section 4).
    Connect,
    /// TLS handshake with the target, certificate verified.
    Tls,
    /// The target's complete HTTP response head.
    Http,
    /// The first bytes that a `tcp://` target says of itself.
    Banner,
}

impl Stage {
    /// The stage's name in logs, JSON and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Greeting => "greeting",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Http => "http",
            Self::Banner => "banner",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A stage that was passed, and how long it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageTime {
    /// Which stage.
    pub stage: Stage,
    /// From its start to its end.
    #[serde(with = "crate::time::micros")]
    pub took: Duration,
}

/// Why a stage failed: a closed list, fit for a metric's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Nothing came before the deadline.
    Timeout,
    /// The port is closed (ECONNREFUSED).
    Refused,
    /// No route, network or host unreachable.
    Unreachable,
    /// The peer closed the connection (EOF) or reset it.
    Closed,
    /// The SOCKS server wants other credentials or another method.
    Auth,
    /// The SOCKS server answered CONNECT with a reply code other than 0 (RFC 1928 section 6).
    Reply(u8),
    /// The bytes are not what the protocol says, or more of them than allowed.
    Protocol,
    /// The target's certificate does not verify.
    Certificate,
    /// The HTTP status is not one that the target's `expect` allows.
    Status(u16),
}

impl Cause {
    /// The cause's name in JSON and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Closed => "closed",
            Self::Auth => "auth",
            Self::Reply(_) => "reply",
            Self::Protocol => "protocol",
            Self::Certificate => "certificate",
            Self::Status(_) => "status",
        }
    }
}

/// The stage at which a probe ended, why, and the same in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The stage that was not passed.
    pub stage: Stage,
    /// Why not.
    pub cause: Cause,
    /// One line for people, at most 200 characters, free of control characters: `connect to 1.1.1.1:443: no reply
    /// in 2 s`.
    pub text: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
