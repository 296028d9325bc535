//! The families with a series for each server, named as HAProxy's own exporter names it: `proxy` and `server`.

use std::collections::BTreeSet;
use std::fmt;

use failover::status::{BackendStatus, PinStatus, ServerStatus};
use failover::{Admin, Stage, Verdict};
use jiff::Timestamp;

use super::scrape::Sample;
use super::tally::{How, OfServer, Outcome};
use super::writer::{Labels, Value, Writer};

/// All states are always there, each as 0 or 1, so that a query need not know which of them were reached already.
const VERDICTS: [Verdict; 4] = [Verdict::Online, Verdict::Degraded, Verdict::Offline, Verdict::Unknown];
const ADMINS: [Admin; 3] = [Admin::Ready, Admin::Drain, Admin::Maint];

/// A server that has series of its own.
pub(super) struct OneServer<'a> {
    pub(super) labels: Labels<'a>,
    pub(super) sample: &'a Sample,
    pub(super) backend: &'a BackendStatus,
    pub(super) server: &'a ServerStatus,
    /// `None` where nothing was counted yet.
    pub(super) counted: Option<&'a OfServer>,
}

impl<'a> OneServer<'a> {
    /// Its backend is pinned to it.
    fn pin(&self) -> Option<&'a PinStatus> {
        self.backend.pinned.as_ref().filter(|pin| pin.server == self.server.name)
    }

    fn with<const N: usize>(&self, more: [(&'static str, &'a str); N]) -> Labels<'a> {
        self.labels.iter().copied().chain(more).collect()
    }
}

pub(super) fn write(writer: &mut Writer<'_>, servers: &[OneServer<'_>]) -> fmt::Result {
    write_states(writer, servers)?;
    write_orders(writer, servers)?;
    write_transitions(writer, servers)?;
    write_probes(writer, servers)
}

fn write_states(writer: &mut Writer<'_>, servers: &[OneServer<'_>]) -> fmt::Result {
    let healths = servers.iter().flat_map(|one| {
        VERDICTS.map(|verdict| {
            (one.with([("state", verdict.as_str())]), (one.server.health == Some(verdict)).into())
        })
    });
    writer.family("server_health", "The server's health is this one.", healths)?;
    let desired = servers.iter().flat_map(|one| {
        ADMINS
            .map(|admin| (one.with([("state", admin.as_str())]), (one.server.desired == Some(admin)).into()))
    });
    writer.family(
        "server_desired",
        "hactl wants HAProxy to have the server in this state; none of them where it leaves it as it is.",
        desired,
    )?;
    let mut all = |name, help, value: fn(&OneServer<'_>) -> bool| {
        writer.family(name, help, servers.iter().map(|one| (one.labels.clone(), value(one).into())))
    };
    all("server_active", "HAProxy sends new connections to the server.", |one| {
        one.backend.in_service.contains(&one.server.name)
    })?;
    all("server_is_backup", "The server is not the one that is meant to carry the traffic.", |one| {
        one.server.role == "backup"
    })?;
    all("server_drift", "HAProxy has the server in another state than wanted.", |one| one.server.drift)?;
    all("server_slow", "The server answers much more slowly than it used to.", |one| one.server.slow)
}

fn write_orders(writer: &mut Writer<'_>, servers: &[OneServer<'_>]) -> fmt::Result {
    let orders = servers.iter().flat_map(|one| {
        let ordered = one.server.override_.as_ref().map(|ordered| ordered.state);
        let states =
            ADMINS.map(|admin| (one.with([("state", admin.as_str())]), (ordered == Some(admin)).into()));
        states.into_iter().chain([(one.with([("state", "pin")]), one.pin().is_some().into())])
    });
    writer.family(
        "override_active",
        "An operator has ordered this state, or has pinned the backend to the server (pin).",
        orders,
    )?;
    let ends = servers.iter().filter_map(|one| {
        let ordered = one.server.override_.as_ref().map(|ordered| &ordered.until);
        let ends = ordered.into_iter().chain(one.pin().map(|pin| &pin.until));
        // Of two orders, one without an end is forgotten all the same.
        let ends: Option<Vec<&String>> = ends.map(Option::as_ref).collect();
        let last = ends?.into_iter().filter_map(|until| until.parse::<Timestamp>().ok()).max()?;
        Some((one.labels.clone(), Value::Moment(last.as_second() as f64)))
    });
    writer.family("override_expiry_timestamp", "When that ends; nothing where nobody has said so.", ends)
}

fn write_transitions(writer: &mut Writer<'_>, servers: &[OneServer<'_>]) -> fmt::Result {
    // From the start, because `increase()` does not see a series begin with 1.
    let pairs = VERDICTS.iter().flat_map(|from| {
        VERDICTS.iter().filter(move |to| *to != from).map(|to| (from.as_str(), to.as_str()))
    });
    let pairs: Vec<(&'static str, &'static str)> = pairs.collect();
    let transitions = servers.iter().flat_map(|one| {
        pairs.iter().map(|pair| {
            let count = one.counted.and_then(|counted| counted.transitions.get(pair)).copied();
            (one.with([("from", pair.0), ("to", pair.1)]), Value::Count(count.unwrap_or_default()))
        })
    });
    writer.family("server_transitions", "Changes of the server's health.", transitions)
}

fn write_probes(writer: &mut Writer<'_>, servers: &[OneServer<'_>]) -> fmt::Result {
    let probes = servers.iter().filter_map(|one| Some((one, one.counted?))).flat_map(|(one, counted)| {
        results(counted).into_iter().map(|(how, outcome, stage)| {
            let count = counted.probes.get(&(how, outcome, stage)).copied().unwrap_or_default();
            let labels =
                one.with([("kind", how.as_str()), ("result", outcome.as_str()), ("stage", stage.as_str())]);
            (labels, Value::Count(count))
        })
    });
    writer.family(
        "probe",
        "Probes through the server, by what became of them and in which stage.",
        probes,
    )?;
    let stages = servers.iter().filter_map(|one| Some((one, one.counted?))).flat_map(|(one, counted)| {
        counted.stages.iter().map(|((how, stage), histogram)| {
            (one.with([("kind", how.as_str()), ("stage", stage.as_str())]), Value::Took(histogram))
        })
    });
    writer.family("probe_duration", "What each stage that was passed took.", stages)?;
    let last = servers.iter().filter_map(|one| {
        let ago = one.sample.now.since(one.counted?.last?).as_secs_f64();
        Some((one.labels.clone(), Value::Moment(one.sample.unix_now - ago)))
    });
    writer.family("probe_last_timestamp", "When the last probe through the server was sent.", last)
}

/// What became of probes, and how they can fail where stages are passed by now: that begins with 0, too.
fn results(counted: &OfServer) -> BTreeSet<(How, Outcome, Stage)> {
    let failures = counted
        .stages
        .keys()
        .flat_map(|(how, stage)| [(*how, Outcome::Failure, *stage), (*how, Outcome::Abandoned, *stage)]);
    counted.probes.keys().copied().chain(failures).collect()
}
