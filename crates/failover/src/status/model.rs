//! The model itself: what there is to say, and under which names.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ExitStatus, InstanceStatus, LatencyBounds, OverrideStatus, PauseStatus, PinStatus, ReturnStatus,
};
use crate::{Admin, Agent, Operational, Owner, Verdict};

/// The answer to "is it all right?", with Nagios' numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Everything is online and applied: 0.
    Ok,
    /// Not everything is known yet: 3.
    Unknown,
    /// Clients are served, but not everything is as it should be: 1.
    Degraded,
    /// Clients are not served, or hactl cannot act: 2.
    Down,
}

impl Level {
    /// The exit code of `hactl status`.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Degraded => 1,
            Self::Down => 2,
            Self::Unknown => 3,
        }
    }

    /// The word in the first line of `hactl status`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Degraded => "degraded",
            Self::Down => "down",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Everything, at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// `hactl/v1`.
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    /// `Status`.
    pub kind: String,
    /// When this was put together, RFC 3339.
    #[serde(rename = "generatedAt")]
    pub generated_at: String,
    /// The exit code of `hactl status`.
    pub exit_code: u8,
    /// hactl's own version.
    pub version: String,
    /// This host's name.
    pub node: String,
    /// The first instance's name.
    pub instance: String,
    /// The HAProxy of the first instance.
    pub haproxy: HaproxyStatus,
    /// Commands are sent and taken, in all instances.
    pub applying: bool,
    /// What stands in the way, each with what to do; empty when nothing does. Where there are several instances, each
    /// begins with the name of its own.
    pub problems: Vec<String>,
    /// Since when no server of some instance answers, so that nobody can be blamed and nothing is decided, RFC 3339.
    pub frozen_since: Option<String>,
    /// Somebody has paused it: nothing is changed in HAProxy meanwhile.
    pub paused: Option<PauseStatus>,
    /// The configuration file was read again and cannot be used: what runs is older than it.
    pub config_stale: bool,
    /// From which latency on a figure is shown as raised, and as high, as configured.
    #[serde(default)]
    pub latency_bounds_ms: LatencyBounds,
    /// Each instance, in the order of the configuration.
    pub instances: Vec<InstanceStatus>,
    /// The backends of all instances: of one after the other, by name.
    pub backends: Vec<BackendStatus>,
}

/// One HAProxy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HaproxyStatus {
    /// It answers.
    pub answering: bool,
    /// Its version.
    pub version: Option<String>,
    /// Its worker's pid.
    pub pid: Option<u32>,
    /// Seconds since it started.
    pub uptime_seconds: Option<u64>,
    /// The socket it is reached by.
    pub socket: String,
    /// The socket's level.
    pub level: Option<String>,
    /// Seconds since it was last heard.
    pub age_seconds: Option<f64>,
}

/// One backend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BackendStatus {
    /// The instance that it belongs to.
    pub instance: String,
    /// Its name.
    pub name: String,
    /// How it is.
    pub verdict: Level,
    /// The server that gets the next connection; `null` where none does.
    pub active_server: Option<String>,
    /// All servers that get new connections: more than one where they share.
    pub in_service: Vec<String>,
    /// Since when these do, RFC 3339.
    pub in_service_since: Option<String>,
    /// The same in seconds.
    pub in_service_seconds: Option<f64>,
    /// A less preferred server carries the traffic because a more preferred one does not.
    pub on_backup: bool,
    /// Since when no server is known to carry traffic, RFC 3339.
    pub blackout_since: Option<String>,
    /// The server that an operator wants to carry the traffic.
    #[serde(default)]
    pub pinned: Option<PinStatus>,
    /// More preferred servers that are good again wait for this one to fail, or for `hactl failback`.
    #[serde(default)]
    pub waits_for: Option<String>,
    /// Its servers, in HAProxy's order.
    pub servers: Vec<ServerStatus>,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServerStatus {
    /// Its name.
    pub name: String,
    /// Where it listens, `127.0.0.1:18181`.
    pub address: Option<String>,
    /// `primary` or `backup`.
    pub role: String,
    /// Whether hactl may write to it.
    pub managed: bool,
    /// The detector's verdict; `null` for servers that are not managed.
    pub health: Option<Verdict>,
    /// Since when, RFC 3339.
    pub health_since: Option<String>,
    /// The same in seconds.
    pub health_seconds: Option<f64>,
    /// Why it is degraded or offline.
    pub reason: Option<ReasonStatus>,
    /// It answers again, and is held until it has done so for long enough; `null` otherwise.
    #[serde(default)]
    pub returning: Option<ReturnStatus>,
    /// It answers much more slowly than it used to, while another one does not.
    pub slow: bool,
    /// What one request through it takes.
    pub latency_ms: LatencyStatus,
    /// The last 20 probes, oldest first: milliseconds, or `null` for one that failed or was late.
    pub history: Vec<Option<f64>>,
    /// HAProxy's view of it.
    pub haproxy: HaproxyServerStatus,
    /// What an operator has ordered of it.
    #[serde(rename = "override")]
    pub override_: Option<OverrideStatus>,
    /// What hactl wants of it: `ready`, `drain`, `maint` (out, by whichever lever), or `null` where it leaves it as it is.
    pub desired: Option<Admin>,
    /// HAProxy has it otherwise than wanted.
    pub drift: bool,
    /// Why the difference stands, where it does so on purpose; or the rule by which it is kept out.
    pub held: Option<String>,
    /// Where its traffic leaves from, as was last seen; `null` where nobody has asked.
    pub exit: Option<ExitStatus>,
}

/// Why a server is degraded or offline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReasonStatus {
    /// The stage that failed: `tcp`, `greeting`, `connect`, `tls`, `http`, `banner`.
    pub stage: String,
    /// Why, as one word.
    pub code: String,
    /// In words.
    pub text: String,
}

/// What the request of each of the last 60 probes took, once its connection was there: one round trip through the
/// tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LatencyStatus {
    /// The last probe, `null` where it failed or was late.
    pub last: Option<f64>,
    /// Median.
    pub p50: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
}

/// A server in HAProxy's eyes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HaproxyServerStatus {
    /// From its own checks.
    pub operational: Operational,
    /// `ready`, `drain` or `maint`.
    pub state: Admin,
    /// What its agent-check says, where hactl steers by that: `down` is `DOWN (agent)` in HAProxy. `null` otherwise.
    #[serde(default)]
    pub agent: Option<Agent>,
    /// The flags behind it.
    pub admin: Vec<String>,
    /// Who set it; `null` while it is ready.
    pub owner: Option<Owner>,
    /// Its weight.
    pub weight: u32,
}
