//! The servers: does each speak SOCKS5 where HAProxy sends the traffic to, and does a whole probe come through it, with the
//! targets and certificate authorities that the daemon has?

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use checker::{Credentials, Finding, Greeting, Outcome, ProbeOutcome, Prober, Settings, Upstream};
use failover::{Cause, ServerId};
use hactld::config::{Backend, Config, Instance};
use haproxy_runtime::ServerState;
use tokio::task::JoinSet;

use super::haproxy::Seen;
use super::{Group, Mark};
use crate::config::counted;
use crate::init::{address, greetings};

/// For the whole of one probe; a tunnel in which it takes longer serves nobody.
const PROBE_LIMIT: Duration = Duration::from_secs(5);

/// Servers of an instance through which a probe is made: of more, each that is dead would be waited for.
const PROBED_MAX: usize = 100;

/// What whole probes are made with.
pub(super) struct Asker {
    prober: Prober,
    settings: Settings,
}

impl Asker {
    pub(super) fn new(prober: &Prober, config: &Config) -> Option<Self> {
        let settings = Settings::new(config.probe.targets.clone(), PROBE_LIMIT).ok()?;
        Some(Self { prober: prober.clone(), settings })
    }
}

/// A server that is to be steered.
struct Managed<'a> {
    row: &'a ServerState,
    at: Option<SocketAddr>,
    credentials: Option<&'a Credentials>,
}

pub(super) async fn check(
    instance: &Instance,
    seen: &Seen,
    asker: Option<Asker>,
    has_control: bool,
    name: String,
) -> Group {
    let of_backend = |backend: &'_ Backend| {
        let only = backend.servers.clone();
        let name = backend.name.clone();
        move |row: &&ServerState| {
            row.be_name == name && only.as_ref().is_none_or(|only| only.contains(&row.srv_name))
        }
    };
    let managed: Vec<Managed<'_>> = instance
        .backends
        .iter()
        .flat_map(|backend| {
            let rows = seen.servers.iter().filter(of_backend(backend));
            rows.map(|row| Managed { row, at: address(row), credentials: backend.credentials.as_ref() })
        })
        .collect();
    let mut group =
        Group::new(name, format!("{} at the addresses that HAProxy has", counted(managed.len(), "server")));
    if !has_control {
        compared(&managed, &mut group);
    }
    group.settle("D19");
    let found = greetings(managed.iter().filter_map(|server| server.at).collect()).await;
    let mut willing = Vec::new();
    for server in &managed {
        let Some(at) = server.at else {
            let text =
                format!("{}: HAProxy has no address for it, so it cannot be probed", server.row.path());
            group.warn("D06", text, "see why its name does not resolve: hactl raw show servers state");
            continue;
        };
        if greeted(server, at, found.get(&at), &mut group) {
            willing.push((server, at));
        }
    }
    group.settle("D06");
    if let Some(asker) = asker {
        probed(&willing, &asker, &mut group).await;
    }
    group
}

/// What fails alone is to blame where others answer meanwhile. Where all servers are one and the same, or there is but one, no
/// other could.
fn compared(managed: &[Managed<'_>], group: &mut Group) {
    let places: BTreeSet<Option<SocketAddr>> = managed.iter().map(|server| server.at).collect();
    let Some(first) = managed.first().filter(|_| places.len() == 1) else { return };
    let name = first.row.path();
    group.warn(
        "D19",
        format!(
            "{name}: there is no other server of this HAProxy to compare it with and no `control`, so its failure cannot be \
             told from one of this host's network: it is never blamed, nothing is taken out, and on_offline restarts nothing"
        ),
        "control = \"https://1.1.1.1/\" in [probe], which this host has to reach without a tunnel; then hactl reload",
    );
}

/// Says what is wrong with who listens there; whether it is worth a whole probe.
fn greeted(server: &Managed<'_>, at: SocketAddr, greeting: Option<&Greeting>, group: &mut Group) -> bool {
    let name = server.row.path();
    match greeting {
        None => return false,
        Some(Greeting::Open) => return true,
        Some(Greeting::WantsLogin) if server.credentials.is_some() => return true,
        Some(Greeting::WantsLogin) => group.error(
            "D06",
            format!("{name}: the SOCKS server at {at} asks for user and password"),
            "username and password_file in its [[instance.backend]]",
        ),
        Some(Greeting::WantsOther) => group.error(
            "D06",
            format!("{name}: the SOCKS server at {at} wants a login that hactl does not know"),
            "have it take no login, or user and password",
        ),
        Some(Greeting::Foreign(why)) => group.error(
            "D06",
            format!("{name}: what listens at {at} does not speak SOCKS5 ({why})"),
            "correct its address in haproxy.cfg, or leave it out of `servers` in [[instance.backend]]",
        ),
        Some(Greeting::Closed(why)) => group.warn(
            "D06",
            format!("{name}: nobody answers at {at} ({why})"),
            "start it, or correct its address in haproxy.cfg",
        ),
        Some(Greeting::Silent) => group.warn(
            "D06",
            format!("{name}: what listens at {at} does not answer a SOCKS greeting"),
            format!("hactl check -v {name}"),
        ),
    }
    false
}

/// All targets through each server, all at once: one that answers is enough. Where none does through any server, that is no
/// dead tunnel but a mistake.
async fn probed(servers: &[(&Managed<'_>, SocketAddr)], asker: &Asker, group: &mut Group) {
    let servers = &servers[..servers.len().min(PROBED_MAX)];
    let mut running = JoinSet::new();
    for (index, (server, at)) in servers.iter().enumerate() {
        let path = server.row.path().to_string();
        let id = ServerId::new("", path.as_str());
        let upstream = Upstream { server: id, address: *at, credentials: server.credentials.cloned() };
        let (prober, settings) = (asker.prober.clone(), asker.settings.clone());
        running.spawn(async move { (index, prober.race(&upstream, &settings).await) });
    }
    let mut failed = Vec::new();
    // A panic in a probe is caught where it happens, and nobody cancels these.
    while let Some(Ok((index, probes))) = running.join_next().await {
        failed.extend(failure(&probes).map(|(text, cause)| (index, text, cause)));
    }
    failed.sort_by_key(|(index, ..)| *index);
    let mark = if failed.len() == servers.len() { Mark::Error } else { Mark::Warning };
    for (index, text, cause) in failed {
        let name = servers[index].0.row.path();
        let fix = if cause == Some(Cause::Certificate) {
            "name the authority that signs it as `ca_file` in [probe], or correct the target".to_owned()
        } else {
            format!("hactl check -v {name}")
        };
        group.add("D18", mark, format!("{name}: no probe comes through it: {text}"), fix);
    }
    group.settle("D18");
}

/// Why no target has answered.
fn failure(probes: &[ProbeOutcome]) -> Option<(String, Option<Cause>)> {
    match Finding::of(probes) {
        Finding::Good(_) => None,
        Finding::Failed(failure) => Some((failure.text.clone(), Some(failure.cause))),
        Finding::Void => {
            let why = probes.iter().find_map(|probe| match &probe.outcome {
                Outcome::Void(why) => Some(why.to_string()),
                Outcome::Passed(_) | Outcome::Failed(_) => None,
            });
            Some((why.unwrap_or_else(|| "this host could not ask".to_owned()), None))
        }
    }
}
