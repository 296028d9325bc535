//! HAProxy as it was last seen, in the words of the domain. The controller fills this in; what the bits on the wire
//! mean is its business.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Name, ServerId, Time};

/// Servers in a chain of `track`. HAProxy refuses loops, and a chain is no longer than this in any configuration that a person
/// wrote.
const TRACK_CHAIN_MAX: usize = 64;

/// HAProxy's administrative state of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Admin {
    /// May take traffic, if HAProxy's own checks agree.
    Ready,
    /// Takes no new connections; its checks go on.
    Drain,
    /// Takes no connections; its checks are paused.
    Maint,
}

impl Admin {
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

/// Who put a server into its administrative state. Only our own is ever undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Owner {
    /// hactl did, now or in an earlier run.
    Ours,
    /// An operator, the configuration, a tracked server or DNS did.
    Theirs,
}

/// What HAProxy has from the agent-check by which hactl steers a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Agent {
    /// The last answer was `up`, or there was none yet.
    Up,
    /// The last answer was `down`.
    Down,
    /// The server has no agent-check that asks hactl, so it cannot be steered.
    Absent,
}

/// HAProxy's own view of a server, from its checks and agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Operational {
    /// Down.
    Stopped,
    /// Up, warming up (`slowstart`).
    Starting,
    /// Up.
    Running,
    /// Up, but takes no new connections.
    Stopping,
}

impl Operational {
    /// HAProxy's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
        }
    }
}

/// One server as HAProxy sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedServer {
    /// Its name.
    pub name: Name,
    /// Where HAProxy sends its traffic; `None` while it has no address (DNS) or none that TCP can reach.
    pub address: Option<SocketAddr>,
    /// Declared `backup`.
    pub backup: bool,
    /// Its administrative state.
    pub admin: Admin,
    /// Who set it; of no meaning while it is ready.
    pub owner: Owner,
    /// It was out because of us in this process and is so no more, by us or by somebody else.
    pub reopened: bool,
    /// What its agent-check says, where that is the lever; `None` where the administrative state is.
    #[serde(default)]
    pub agent: Option<Agent>,
    /// The server whose health and `maint` it follows (`track`).
    pub tracks: Option<ServerId>,
    /// The flags behind it, by HAProxy's names (`fmaint`, `cmaint`, ...), for display; no decision needs them, so a
    /// recording leaves them out.
    #[serde(skip)]
    pub flags: Vec<&'static str>,
    /// What HAProxy's own checks say.
    pub operational: Operational,
    /// Its weight; 0 takes no traffic.
    pub weight: u32,
    /// HAProxy reports sessions on it.
    pub busy: bool,
    /// False where the configuration's `servers` leaves it out: it is looked at, never written to.
    pub managed: bool,
}

impl ObservedServer {
    /// Whether HAProxy would send it a new connection, were it the preferred one.
    #[must_use]
    pub const fn is_usable(&self) -> bool {
        matches!(self.admin, Admin::Ready)
            && matches!(self.operational, Operational::Starting | Operational::Running)
            && self.weight > 0
    }

    /// Where it stands by the lever that hactl has on it: in or out, and who put it there. What the agent-check says is
    /// always ours, and an administrative state beside it never is.
    #[must_use]
    pub const fn position(&self) -> (Admin, Owner) {
        match (self.admin, self.agent) {
            (Admin::Ready, Some(Agent::Down)) => (Admin::Maint, Owner::Ours),
            (Admin::Drain | Admin::Maint, Some(_)) => (self.admin, Owner::Theirs),
            (Admin::Ready, Some(Agent::Up | Agent::Absent) | None) | (Admin::Drain | Admin::Maint, None) => {
                (self.admin, self.owner)
            }
        }
    }
}

impl ObservedServer {
    /// Whether HAProxy would use it once our own `drain` or `maint` is lifted.
    pub(crate) const fn is_available(&self) -> bool {
        match (self.admin, self.owner) {
            (Admin::Ready, _) => self.is_usable(),
            // What its checks said before is forgotten with `maint`.
            (Admin::Maint, Owner::Ours) => self.weight > 0,
            (Admin::Drain, Owner::Ours) => {
                self.weight > 0 && !matches!(self.operational, Operational::Stopped)
            }
            (Admin::Maint | Admin::Drain, Owner::Theirs) => false,
        }
    }
}

/// How HAProxy spreads connections over the servers that are not backups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Balance {
    /// `balance first`: the first usable one takes all.
    #[default]
    First,
    /// Anything else: the usable ones share.
    Spread,
}

/// One backend: its servers in HAProxy's own order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedBackend {
    /// Its balance algorithm.
    pub balance: Balance,
    /// Its servers.
    pub servers: Vec<ObservedServer>,
}

impl ObservedBackend {
    /// The servers in HAProxy's order of preference: those that are not backups first, then as declared.
    pub fn by_preference(&self) -> impl DoubleEndedIterator<Item = &ObservedServer> {
        let (first, last): (Vec<_>, Vec<_>) = self.servers.iter().partition(|server| !server.backup);
        first.into_iter().chain(last)
    }

    /// The servers that get the next connections. Among backups HAProxy takes the first usable one alone (measured,
    /// without `option allbackups`, which the runtime API does not show).
    #[must_use]
    pub fn in_service(&self) -> Vec<Name> {
        let usable = self.servers.iter().filter(|server| server.is_usable());
        let usable: Vec<(bool, Name)> = usable.map(|server| (server.backup, server.name.clone())).collect();
        in_service(self.balance, &usable)
    }

    /// The server of that name.
    #[must_use]
    pub fn server(&self, name: &Name) -> Option<&ObservedServer> {
        self.servers.iter().find(|server| server.name == *name)
    }
}

/// Which of the usable servers, in declared order and each with whether it is a backup, HAProxy sends new connections to.
pub(crate) fn in_service<T: Clone>(balance: Balance, usable: &[(bool, T)]) -> Vec<T> {
    let of =
        |wanted: bool| usable.iter().filter(move |(backup, _)| *backup == wanted).map(|(_, one)| one.clone());
    let active: Vec<T> = of(false).collect();
    match (active.as_slice(), balance) {
        ([], _) => of(true).take(1).collect(),
        ([first, ..], Balance::First) => vec![first.clone()],
        (_, Balance::Spread) => active,
    }
}

/// One HAProxy worker process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its pid.
    pub pid: u32,
    /// When it started, seconds since the epoch; with the pid it tells one process from another.
    pub start_time: u64,
    /// Its version, `2.6.12-1+deb12u4`.
    pub version: String,
}

/// Whether HAProxy answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Haproxy {
    /// Nobody has looked yet.
    Unseen,
    /// It does not answer.
    Away {
        /// What was tried and what came of it.
        why: String,
        /// Since when.
        since: Time,
    },
    /// It answers.
    Present {
        /// Which process.
        process: Process,
        /// When it was last asked.
        at: Time,
    },
}

/// Whether commands reach HAProxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Writes {
    /// They do.
    Applied,
    /// They would be refused, so none is sent: the socket's level is too low.
    Denied {
        /// What the socket is, and what to do.
        why: String,
    },
    /// None is sent, because hactl was told to look on.
    Withheld {
        /// The commands that would be sent now, as HAProxy would read them, or what it would be answered.
        would: Vec<String>,
    },
    /// Some came back refused.
    Refused {
        /// The last refusal.
        why: String,
    },
}

/// All that is known of one HAProxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// The process.
    pub haproxy: Haproxy,
    /// The level of the socket (`user`, `operator`, `admin`), once known.
    pub level: Option<String>,
    /// Whether it takes our commands.
    pub writes: Writes,
    /// The configured backends that HAProxy knows; while it is away, as they were last seen.
    pub backends: BTreeMap<Name, ObservedBackend>,
    /// Configured backends and servers that HAProxy does not know.
    pub missing: Vec<String>,
    /// Backends of which others keep changing servers, each with the time until which nothing is written to it.
    #[serde(default)]
    pub contended: BTreeMap<Name, Time>,
    /// Why it is not on disk which `maint` and `drain` are ours, while that is so.
    #[serde(default)]
    pub ledger: Option<String>,
    /// When HAProxy was last asked for its servers, not merely for who it is. Nothing is decided by it: it says whether an order
    /// can have been seen to be carried out.
    #[serde(skip)]
    pub read: Time,
}

impl Observed {
    /// Before anybody has looked.
    #[must_use]
    pub const fn nothing() -> Self {
        Self {
            haproxy: Haproxy::Unseen,
            level: None,
            writes: Writes::Applied,
            backends: BTreeMap::new(),
            missing: Vec::new(),
            contended: BTreeMap::new(),
            ledger: None,
            read: Time::ZERO,
        }
    }

    /// The servers that this one tracks, the nearest first, as far as they were seen: it is in `maint` or `drain` with each of
    /// them (measured: IMAINT).
    pub(crate) fn tracked_by<'a>(
        &'a self,
        server: &'a ObservedServer,
    ) -> impl Iterator<Item = (&'a ServerId, &'a ObservedServer)> {
        let mut next = server.tracks.as_ref();
        let chain = std::iter::from_fn(move || {
            let id = next?;
            let seen = self.backends.get(&id.backend)?.server(&id.server)?;
            next = seen.tracks.as_ref();
            Some((id, seen))
        });
        chain.take(TRACK_CHAIN_MAX)
    }
}

#[cfg(test)]
#[path = "observed_tests.rs"]
mod tests;
