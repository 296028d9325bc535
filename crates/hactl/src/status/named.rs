//! The part of a status that somebody names: an instance, a backend or a server, and how that alone is.

use std::collections::BTreeSet;

use failover::Verdict;
use failover::status::{BackendStatus, InstanceStatus, Level, ServerStatus, Status};

/// What was named.
#[derive(Debug)]
pub(crate) struct Named {
    /// Of the daemon and what was named, with the exit code of that.
    pub(crate) status: Status,
    /// Where it is a server, which: the backend is whole, so that its own figures are right.
    pub(crate) server: Option<String>,
}

/// Nothing is called so.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotThere {
    /// Names of instances and backends, or of a backend's servers as they would be named.
    pub(crate) known: Vec<String>,
    /// Servers of this name, as they would be named.
    pub(crate) namesakes: Vec<String>,
    /// Some HAProxy was not seen yet, so that more names may follow.
    pub(crate) unseen: bool,
}

/// INSTANCE, BACKEND or BACKEND/SERVER; `INSTANCE:BACKEND` is one of several backends of the same name. All that goes by
/// the name is meant. No colon is searched for, since it may stand in any of the names; a slash stands in none.
pub(crate) fn named(whole: &Status, name: &str) -> Result<Named, NotThere> {
    let (place, server) = match name.split_once('/') {
        Some((backend, server)) => (backend, Some(server)),
        None => (name, None),
    };
    let is_called = |backend: &BackendStatus| {
        backend.name == place || format!("{}:{}", backend.instance, backend.name) == place
    };
    let has = |backend: &BackendStatus| {
        server.is_none_or(|name| backend.servers.iter().any(|one| one.name == name))
    };
    let is_instance = |instance: &str| server.is_none() && instance == place;
    let is_meant =
        |backend: &BackendStatus| is_instance(&backend.instance) || (is_called(backend) && has(backend));
    let (backends, others): (Vec<BackendStatus>, Vec<BackendStatus>) =
        whole.backends.iter().cloned().partition(is_meant);
    let mut whole_with_less = whole.clone();
    for instance in whole_with_less.instances.iter_mut().filter(|instance| !is_instance(&instance.name)) {
        forget(instance, &backends, &others, server);
    }
    let alone = whole_with_less.of_instances(|instance| {
        is_instance(instance) || backends.iter().any(|backend| backend.instance == instance)
    });
    let Some(mut status) = alone else { return Err(not_there(whole, place, server)) };
    let own = if status.paused.is_some() || status.config_stale { Level::Degraded } else { Level::Ok };
    let levels = status.instances.iter().map(|instance| {
        if is_instance(&instance.name) || instance.is_stale() {
            return instance.verdict;
        }
        let own = backends.iter().filter(|backend| backend.instance == instance.name);
        own.map(|backend| level_of(backend, server)).fold(reached(instance), Level::max)
    });
    status.exit_code = levels.fold(own, Level::max).exit_code();
    status.backends = backends;
    Ok(Named { status, server: server.map(str::to_owned) })
}

impl Named {
    /// For programs: of a server, its backend has no other one.
    pub(crate) fn into_document(self) -> Status {
        let Self { mut status, server } = self;
        if let Some(server) = server {
            for backend in &mut status.backends {
                backend.servers.retain(|there| there.name == server);
            }
        }
        status
    }
}

fn not_there(whole: &Status, place: &str, server: Option<&str>) -> NotThere {
    let unseen = whole.instances.iter().any(|instance| {
        !instance.haproxy.answering && !whole.backends.iter().any(|backend| backend.instance == instance.name)
    });
    let servers = whole.backends.iter().filter(|backend| server.is_some() && backend.name == place);
    let servers = servers
        .flat_map(|backend| backend.servers.iter().map(|server| format!("{}/{}", backend.name, server.name)));
    let servers: BTreeSet<String> = servers.collect();
    let known = if servers.is_empty() {
        let instances = whole.instances.iter().map(|instance| instance.name.clone());
        instances.chain(whole.backends.iter().map(|backend| backend.name.clone())).collect()
    } else {
        servers
    };
    let namesakes = if server.is_none() { namesakes(whole, place) } else { Vec::new() };
    NotThere { known: known.into_iter().collect(), namesakes, unseen }
}

/// BACKEND/SERVER of each server that is called so.
pub(crate) fn namesakes(status: &Status, name: &str) -> Vec<String> {
    let of_backend = |backend: &BackendStatus| {
        let is_there = backend.servers.iter().any(|server| server.name == name);
        is_there.then(|| format!("{}/{name}", backend.name))
    };
    let found: BTreeSet<String> = status.backends.iter().filter_map(of_backend).collect();
    found.into_iter().collect()
}

/// Leaves out what concerns other backends and servers alone.
fn forget(
    instance: &mut InstanceStatus,
    backends: &[BackendStatus],
    others: &[BackendStatus],
    server: Option<&str>,
) {
    let instance_name = instance.name.clone();
    let one_of = |backends: &[BackendStatus], name: &str| {
        backends.iter().any(|backend| backend.instance == instance_name && backend.name == name)
    };
    instance.problems.retain(|problem| {
        let mut words = problem.split([' ', ',', ';', '/']).map(|word| word.trim_end_matches([':', '.']));
        !words.clone().any(|word| one_of(others, word)) || words.any(|word| one_of(backends, word))
    });
    instance.would.retain(|command| {
        command
            .split(' ')
            .filter_map(|word| word.split_once('/'))
            .any(|(backend, there)| one_of(backends, backend) && server.is_none_or(|server| server == there))
    });
}

/// Whether its HAProxy can be seen and steered, whatever its other backends do.
fn reached(instance: &InstanceStatus) -> Level {
    let haproxy = &instance.haproxy;
    if instance.frozen_since.is_some() || (!haproxy.answering && haproxy.age_seconds.is_some()) {
        Level::Down
    } else if !haproxy.answering {
        Level::Unknown
    } else if !instance.applying && instance.mode == "active" {
        Level::Down
    } else if !instance.problems.is_empty() {
        Level::Degraded
    } else {
        Level::Ok
    }
}

/// A server is not worse than clients feel it: while another one carries its backend's traffic, it is degraded.
fn level_of(backend: &BackendStatus, server: Option<&str>) -> Level {
    let Some(there) = server.and_then(|name| backend.servers.iter().find(|there| there.name == name)) else {
        return backend.verdict;
    };
    match there.health {
        Some(Verdict::Degraded | Verdict::Offline) => backend.verdict.max(Level::Degraded),
        Some(Verdict::Unknown) => Level::Unknown,
        Some(Verdict::Online) | None => as_wanted(there),
    }
}

const fn as_wanted(server: &ServerStatus) -> Level {
    if server.drift { Level::Degraded } else { Level::Ok }
}

#[cfg(test)]
mod tests;
