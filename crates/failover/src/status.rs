//! The status model, `hactl/v1`: what `hactl status -o json` prints and what the admin socket serves.
//!
//! Within v1 fields are only added. Enums are strings, what is unknown is `null`, and units stand in the names.

mod exit;
mod instances;
mod latency;
mod model;
mod overrides;
mod returning;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::core::{Backend, Core, Server};
use crate::detector::Detector;
use crate::event::{contended_text, frozen_text};
use crate::history::Entry;
use crate::policy::{Cause, Want, Wish};
use crate::{
    Admin, Haproxy, Held, HeldBecause, Name, Observed, ObservedBackend, ObservedServer, Plan, ServerId, Time,
    Verdict, Writes, plan,
};

pub use exit::{BackendExits, ExitList, ExitStatus, SeenExit, ServerExit};
pub use instances::{InstanceStatus, PauseStatus};
pub use latency::{LatencyBounds, LatencyLevel};
pub use model::{
    BackendStatus, HaproxyServerStatus, HaproxyStatus, LatencyStatus, Level, ReasonStatus, ServerStatus,
    Status,
};
pub use overrides::{OverrideStatus, PinStatus};
pub use returning::ReturnStatus;

/// Probes that the status shows of each server.
const HISTORY_SHOWN: usize = 20;

/// The version of this contract.
pub const API_VERSION: &str = "hactl/v1";

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
    /// Why what operators order cannot be written down, while that is so.
    pub unkept: Option<&'a str>,
    /// Why events cannot be written to their file, and which one that is, while that is so.
    pub unwritten: Option<&'a str>,
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
        problems.extend(context.unkept.map(|why| {
            format!("what operators order cannot be written down, so a restart would not know of it: {why}")
        }));
        problems.extend(context.unwritten.map(|why| {
            format!("events cannot be written to their file, so a restart would not know of them: {why}")
        }));
        // A name that is not there stops nothing but itself, a contended backend no other one, and what is kept on disk nothing.
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
            latency_bounds_ms: LatencyBounds::default(),
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
