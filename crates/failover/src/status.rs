//! The status model, `hactl/v1`: what `hactl status -o json` prints and what the admin socket serves.
//!
//! Within v1 fields are only added. Enums are strings, what is unknown is `null`, and units stand in the names.

mod exit;
mod instances;
mod overrides;
mod returning;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::{Backend, Core, Server};
use crate::detector::Detector;
use crate::event::{contended_text, frozen_text};
use crate::history::Entry;
use crate::policy::{Cause, Want, Wish};
use crate::{
    Admin, Agent, Haproxy, Held, HeldBecause, Name, Observed, ObservedBackend, ObservedServer, Operational,
    Owner, Plan, ServerId, Time, Verdict, Writes, plan,
};

pub use exit::{BackendExits, ExitList, ExitStatus, SeenExit, ServerExit};
pub use instances::{InstanceStatus, PauseStatus};
pub use overrides::{OverrideStatus, PinStatus};
pub use returning::ReturnStatus;

/// Probes that the status shows of each server.
const HISTORY_SHOWN: usize = 20;

/// The version of this contract.
pub const API_VERSION: &str = "hactl/v1";

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

/// What the status needs from outside the core.
pub struct Context<'a> {
    /// hactl's version.
    pub version: &'a str,
    /// This host's name.
    pub node: &'a str,
    /// The instance's name.
    pub instance: &'a str,
    /// The socket of HAProxy.
    pub socket: &'a str,
    /// Now.
    pub now: Time,
    /// Now, seconds since the epoch.
    pub unix_now: u64,
    /// A moment as RFC 3339.
    pub wall: &'a dyn Fn(Time) -> String,
}

impl Core {
    /// Everything that is known, for people and programs.
    #[must_use]
    pub fn status(&self, observed: &Observed, context: &Context<'_>) -> Status {
        let todo = plan(self.desired(), observed);
        let backends: Vec<BackendStatus> = observed
            .backends
            .iter()
            .filter_map(|(name, seen)| {
                let backend = self.backends().get(name)?;
                let wants = self.desired().get(name);
                let status = backend_status(self, (name, backend), seen, wants, &todo, context);
                Some(BackendStatus { verdict: as_sure(status.verdict, &observed.haproxy), ..status })
            })
            .collect();
        let missing = self.backends().values().flat_map(|backend| backend.missing.iter().cloned());
        let mut problems: Vec<String> = observed.missing.iter().cloned().chain(missing).collect();
        problems.extend(overrides::problems(self, observed));
        // A name that is not there stops nothing but itself, a contended backend no other one, and the ledger nothing.
        let minor = problems.len() + observed.contended.len() + usize::from(observed.ledger.is_some());
        add_problems(&mut problems, observed, context.now);
        problems.extend(self.frozen_since().map(|_| frozen_text(self.has_control()).to_owned()));
        let own = match problems.len().cmp(&minor) {
            Ordering::Greater => Level::Down,
            Ordering::Less | Ordering::Equal if problems.is_empty() => Level::Ok,
            Ordering::Less | Ordering::Equal if backends.is_empty() => Level::Down,
            Ordering::Less | Ordering::Equal => Level::Degraded,
        };
        let unseen = if observed.haproxy == Haproxy::Unseen { Level::Unknown } else { Level::Ok };
        let worst = backends.iter().map(|backend| backend.verdict).fold(own.max(unseen), Level::max);
        let mut instance = InstanceStatus {
            name: context.instance.to_owned(),
            verdict: worst,
            haproxy: instances::haproxy(observed, context),
            applying: matches!(observed.haproxy, Haproxy::Present { .. })
                && observed.writes == Writes::Applied,
            problems,
            frozen_since: self.frozen_since().map(context.wall),
            mode: instances::mode(&observed.writes).to_owned(),
            would: instances::would(&observed.writes),
        };
        if instance.is_stale() {
            instance.verdict = Level::Unknown;
        }
        Status {
            api_version: API_VERSION.to_owned(),
            kind: "Status".to_owned(),
            generated_at: (context.wall)(context.now),
            exit_code: instance.verdict.exit_code(),
            version: context.version.to_owned(),
            node: context.node.to_owned(),
            instance: instance.name.clone(),
            haproxy: instance.haproxy.clone(),
            applying: instance.applying,
            problems: instance.problems.clone(),
            frozen_since: instance.frozen_since.clone(),
            paused: None,
            config_stale: false,
            instances: vec![instance],
            backends,
        }
    }
}

fn add_problems(problems: &mut Vec<String>, observed: &Observed, now: Time) {
    let contended = observed.contended.iter();
    problems.extend(contended.map(|(backend, until)| contended_text(backend, until.since(now))));
    problems.extend(observed.ledger.clone());
    match &observed.haproxy {
        Haproxy::Away { why, .. } => problems.push(format!("HAProxy does not answer: {why}")),
        Haproxy::Unseen | Haproxy::Present { .. } => {}
    }
    match &observed.writes {
        Writes::Denied { why } => problems.push(format!("nothing can be changed in HAProxy: {why}")),
        Writes::Refused { why } => problems.push(format!("HAProxy refuses a command: {why}")),
        Writes::Applied | Writes::Withheld { .. } => {}
    }
}

fn backend_status(
    core: &Core,
    (name, backend): (&Name, &Backend),
    seen: &ObservedBackend,
    wants: Option<&BTreeMap<Name, Wish>>,
    todo: &Plan,
    context: &Context<'_>,
) -> BackendStatus {
    let known: BTreeMap<&Name, &Server> =
        core.servers_of(backend).map(|server| (&server.id.server, server)).collect();
    let ours = |id: &ServerId| id.backend == *name;
    let held: BTreeMap<&Name, &Held> =
        todo.held.iter().filter(|held| ours(&held.server)).map(|held| (&held.server.server, held)).collect();
    let pending: BTreeSet<&Name> =
        todo.steps.iter().filter(|step| ours(&step.server)).map(|step| &step.server.server).collect();
    let roles = Roles::of(seen, core.tiers_of(name));
    let servers: Vec<ServerStatus> = seen
        .servers
        .iter()
        .map(|there| {
            let held = held.get(&there.name).copied();
            let pending = pending.contains(&there.name);
            let known = known.get(&there.name).copied();
            let wish = wants.and_then(|wants| wants.get(&there.name));
            let status = server_status(there, known, roles.of_server(there), wish, (pending, held), context);
            let id = ServerId { backend: name.clone(), server: there.name.clone() };
            ServerStatus { override_: overrides::of_server(core.overrides(), &id), ..status }
        })
        .collect();
    let in_service = seen.in_service();
    let on_backup = in_service
        .first()
        .and_then(|active| seen.server(active))
        .is_some_and(|active| roles.of_server(active) == "backup");
    let since = backend.in_service.as_ref().map(|(_, since)| *since);
    let pinned = overrides::of_backend(core.overrides(), name);
    BackendStatus {
        instance: context.instance.to_owned(),
        name: name.to_string(),
        verdict: backend_level(backend, &servers, &in_service, on_backup, pinned.as_ref()),
        active_server: in_service.first().map(Name::to_string),
        in_service: in_service.iter().map(Name::to_string).collect(),
        in_service_since: since.map(context.wall),
        in_service_seconds: since.map(|since| seconds(context.now.since(since))),
        on_backup,
        blackout_since: backend.blackout.map(context.wall),
        pinned,
        waits_for: backend.waits_for.as_ref().filter(|_| core.waiting(name).is_ok()).map(Name::to_string),
        servers,
    }
}

fn backend_level(
    backend: &Backend,
    servers: &[ServerStatus],
    in_service: &[Name],
    on_backup: bool,
    pinned: Option<&PinStatus>,
) -> Level {
    let unplanned = || servers.iter().filter(|server| !overrides::is_planned_out(server));
    let health = |verdict: Verdict| unplanned().any(|server| server.health == Some(verdict));
    let on_backup = on_backup && !overrides::is_planned(servers, in_service, pinned);
    if in_service.is_empty() || backend.blackout.is_some() {
        Level::Down
    } else if on_backup
        || health(Verdict::Degraded)
        || health(Verdict::Offline)
        || servers.iter().any(|server| server.drift)
        || overrides::is_open_ended(servers, pinned)
    {
        Level::Degraded
    } else if health(Verdict::Unknown) {
        Level::Unknown
    } else {
        Level::Ok
    }
}

/// Of a HAProxy that does not answer nobody knows whether it still serves as it did.
const fn as_sure(level: Level, haproxy: &Haproxy) -> Level {
    match (haproxy, level) {
        (Haproxy::Away { .. } | Haproxy::Unseen, Level::Ok | Level::Degraded) => Level::Unknown,
        (Haproxy::Away { .. } | Haproxy::Unseen | Haproxy::Present { .. }, level) => level,
    }
}

/// Who is meant to carry the traffic: the first tier. Without tiers, in a backend of backups alone, that is the first.
struct Roles<'a> {
    first_of_backups_alone: Option<&'a Name>,
    first_tier: Option<&'a Vec<Name>>,
}

impl<'a> Roles<'a> {
    fn of(seen: &'a ObservedBackend, tiers: &'a [Vec<Name>]) -> Self {
        let all_backup = seen.servers.iter().all(|server| server.backup);
        let first_of_backups_alone = seen.servers.first().filter(|_| all_backup).map(|first| &first.name);
        Self { first_of_backups_alone, first_tier: tiers.first() }
    }

    fn of_server(&self, server: &ObservedServer) -> &'static str {
        let is_backup = match self.first_tier.filter(|_| server.managed) {
            Some(tier) => !tier.contains(&server.name),
            None => server.backup && self.first_of_backups_alone != Some(&server.name),
        };
        if is_backup { "backup" } else { "primary" }
    }
}

fn server_status(
    there: &ObservedServer,
    known: Option<&Server>,
    role: &str,
    wish: Option<&Wish>,
    (pending, held): (bool, Option<&Held>),
    context: &Context<'_>,
) -> ServerStatus {
    let detector = known.and_then(|server| server.detector.as_ref());
    let health = detector.map(Detector::health);
    let unknown = known.map(|server| (Verdict::Unknown, server.since));
    let (verdict, since) = health.map(|health| (health.verdict, health.since)).or(unknown).unzip();
    ServerStatus {
        name: there.name.to_string(),
        address: there.address.map(|address| address.to_string()),
        role: role.to_owned(),
        managed: there.managed,
        health: verdict,
        health_since: since.map(context.wall),
        health_seconds: since.map(|since| seconds(context.now.since(since))),
        reason: health.and_then(|health| health.reason.as_ref()).map(|reason| ReasonStatus {
            stage: reason.stage.to_string(),
            code: reason.cause.as_str().to_owned(),
            text: reason.text.clone(),
        }),
        returning: detector.and_then(|detector| returning::of(detector, context)),
        slow: known.is_some_and(|server| server.slow_since.is_some()),
        latency_ms: detector.map(latency).unwrap_or_default(),
        history: detector.map(history).unwrap_or_default(),
        haproxy: HaproxyServerStatus {
            operational: there.operational,
            state: there.admin,
            agent: there.agent,
            admin: there.flags.iter().map(|flag| (*flag).to_owned()).collect(),
            owner: (there.admin != Admin::Ready).then_some(there.position().1),
            weight: there.weight,
        },
        override_: None,
        desired: match wish.map(|wish| wish.want) {
            Some(Want::Ready | Want::Open) => Some(Admin::Ready),
            Some(Want::Drain) => Some(Admin::Drain),
            Some(Want::Maint | Want::Shut) => Some(Admin::Maint),
            Some(Want::AsIs | Want::Unknown) | None => None,
        },
        drift: pending || held.is_some(),
        // What is only on its way is kept there by nothing yet.
        held: held
            .map(|held| held_text(held.because))
            .or_else(|| rule_text(known?, wish?).filter(|_| !pending)),
        exit: None,
    }
}

/// The rule by which it is where it is.
fn rule_text(known: &Server, wish: &Wish) -> Option<String> {
    let why = wish.why.as_ref().filter(|_| known.cause.as_ref().is_some_and(Cause::is_rule));
    why.map(Name::to_string)
}

fn held_text(because: HeldBecause) -> String {
    match because {
        HeldBecause::NoSuccessor => "no other server could take over".to_owned(),
        HeldBecause::NoAgent => "it has no agent-check that asks hactl".to_owned(),
        HeldBecause::NotOurs(admin) => format!("somebody else put it into {}", admin.as_str()),
        HeldBecause::Contended => "somebody else keeps changing this backend".to_owned(),
    }
}

fn latency(detector: &Detector) -> LatencyStatus {
    let history = detector.history();
    LatencyStatus {
        last: history.last().map(millis),
        p50: history.percentile(50).map(millis),
        p95: history.percentile(95).map(millis),
    }
}

fn history(detector: &Detector) -> Vec<Option<f64>> {
    let shown = detector.history().latest(HISTORY_SHOWN).map(|entry| match entry {
        Entry::Passed(took) => Some(millis(took)),
        Entry::Failed => None,
    });
    shown.collect()
}

/// Milliseconds, to the tenth.
fn millis(took: Duration) -> f64 {
    (took.as_secs_f64() * 10_000.0).round() / 10.0
}

/// Seconds, to the tenth.
fn seconds(span: Duration) -> f64 {
    (span.as_secs_f64() * 10.0).round() / 10.0
}
