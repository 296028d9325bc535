//! What the core orders to be probed, and what comes back while a probe is under way. A probe's stages are reported one
//! by one, so that a stage can be late before the probe has ended.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::{Failure, ServerId, StageTime, Time};

/// A probe, and the kept connection that an [`Kind::Open`] probe leaves behind. Never used twice by one core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProbeId(pub u64);

/// A target by its place in the configured list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TargetId(pub u16);

/// What a probe does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A fresh connection, all stages, and at least 3 kB from the target where it has that much to give: enough to
    /// meet a path-MTU hole. Closed afterwards.
    Full,
    /// As `Full`, but with a small request, and kept open afterwards where the target allows it.
    Open,
    /// One small request on the connection that `Open` left behind.
    Canary,
    /// A fresh connection to the control target, past all servers: is it this host's network?
    Control,
}

/// Which way a probe goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Route {
    /// Through a server.
    Server {
        /// The server.
        id: ServerId,
        /// Where it listens.
        address: SocketAddr,
    },
    /// Through none.
    Direct,
}

/// One probe to be made at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// What its evidence is filed under.
    pub id: ProbeId,
    /// What it does.
    pub kind: Kind,
    /// Which way.
    pub route: Route,
    /// What it asks for; of no meaning for `Control`, which has a target of its own.
    pub target: TargetId,
    /// For `Canary`: the `Open` probe whose connection it uses.
    pub connection: Option<ProbeId>,
}

/// What the core wants done, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Make this probe.
    Probe(Probe),
    /// Drop this probe, or the connection that it left behind; nothing more is wanted of it. What is under way already
    /// may still be reported.
    Drop(ProbeId),
}

/// What was seen, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Of which probe, or of the connection that it left behind.
    pub probe: ProbeId,
    /// When it happened: not when it was read.
    pub at: Time,
    /// What.
    pub saw: Saw,
}

/// What can be seen of a probe, in this order: `Began`, any number of `Passed`, `Ended`; after an `Open` that ended with
/// a kept connection, `Closed` at any time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Saw {
    /// Its first packet was sent: it waits for nothing of ours any more.
    Began,
    /// A stage was passed, and the next one has begun.
    Passed(StageTime),
    /// It is over. The last stage of a success has no `Passed` of its own.
    Ended(Ending),
    /// The kept connection was closed or reset by the other side while no canary was under way on it.
    Closed,
}

/// How a probe ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// Bytes from the target arrived whole.
    Success(Success),
    /// A stage was not passed.
    Failed(Failure),
    /// This host could not ask (out of descriptors, ports or memory, or a bug): evidence of nothing about the server.
    Void(String),
}

/// What a successful probe brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Success {
    /// The last stage, which is the one that the target's bytes came in.
    pub last: StageTime,
    /// The HTTP status; `None` for `tcp://` targets.
    pub status: Option<u16>,
    /// Bytes that came from the target, TLS included.
    pub received: u64,
    /// `Open`: the connection stays open for canaries. `Canary`: it does so for the next one.
    pub kept: bool,
}

impl Success {
    /// The target answers, but refuses to serve whoever comes from this exit: 401, 403 or 429. The tunnel works.
    #[must_use]
    pub const fn is_blocked(&self) -> bool {
        matches!(self.status, Some(401 | 403 | 429))
    }
}

impl fmt::Display for ProbeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}
