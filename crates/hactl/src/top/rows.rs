//! The lines of the table: which servers are shown, and in which order.

use std::cmp::Ordering;

use failover::Verdict;
use failover::status::{BackendStatus, ServerStatus, Status};

/// One server, by the names that requests to the daemon use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    /// A backend; where there are several instances, `INSTANCE:BACKEND`.
    pub(super) backend: String,
    pub(super) server: String,
}

impl Target {
    pub(super) fn of(status: &Status, backend: &BackendStatus, server: &ServerStatus) -> Self {
        Self { backend: backend_name(status, backend), server: server.name.clone() }
    }

    /// `BACKEND/SERVER`.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.backend, self.server)
    }
}

/// A backend's name, with its instance's before it where there are several.
pub(super) fn backend_name(status: &Status, backend: &BackendStatus) -> String {
    if status.instances.len() > 1 {
        format!("{}:{}", backend.instance, backend.name)
    } else {
        backend.name.clone()
    }
}

/// The order of the servers of a backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Order {
    #[default]
    Haproxy,
    Trouble,
    Latency,
    Name,
}

impl Order {
    pub(super) const fn next(self) -> Self {
        match self {
            Self::Haproxy => Self::Trouble,
            Self::Trouble => Self::Latency,
            Self::Latency => Self::Name,
            Self::Name => Self::Haproxy,
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Haproxy => "HAProxy's order",
            Self::Trouble => "trouble first",
            Self::Latency => "slowest first",
            Self::Name => "by name",
        }
    }

    fn compare(self, one: &ServerStatus, other: &ServerStatus) -> Ordering {
        let latency = |server: &ServerStatus| server.latency_ms.last.unwrap_or(-1.0);
        match self {
            Self::Haproxy => Ordering::Equal,
            Self::Trouble => trouble(other).cmp(&trouble(one)),
            Self::Latency => latency(other).total_cmp(&latency(one)),
            Self::Name => one.name.cmp(&other.name),
        }
    }
}

/// How much a server is in need of somebody.
pub(super) fn trouble(server: &ServerStatus) -> u8 {
    match server.health {
        Some(Verdict::Offline) => 5,
        Some(Verdict::Degraded) => 4,
        Some(_) | None if server.drift || server.override_.is_some() => 3,
        Some(Verdict::Unknown) => 2,
        Some(Verdict::Online) => 1,
        None => 0,
    }
}

/// A line of the table.
#[derive(Clone, Copy, Debug)]
pub(super) enum Row<'a> {
    Backend(&'a BackendStatus),
    Server(&'a BackendStatus, &'a ServerStatus),
}

impl Row<'_> {
    pub(super) fn is(&self, status: &Status, target: &Target) -> bool {
        match self {
            Row::Backend(_) => false,
            Row::Server(backend, server) => {
                server.name == target.server && backend_name(status, backend) == target.backend
            }
        }
    }

    pub(super) fn target(&self, status: &Status) -> Option<Target> {
        match self {
            Row::Backend(_) => None,
            Row::Server(backend, server) => Some(Target::of(status, backend, server)),
        }
    }
}

/// The backends with those of their servers that `filter` is about; a backend without one is left out.
pub(super) fn rows<'a>(status: &'a Status, filter: &str, order: Order) -> Vec<Row<'a>> {
    let wanted = filter.to_lowercase();
    let mut rows = Vec::new();
    for backend in &status.backends {
        let name = backend_name(status, backend).to_lowercase();
        let mut servers: Vec<&ServerStatus> =
            backend.servers.iter().filter(|server| matches(&wanted, &name, server)).collect();
        if servers.is_empty() && !wanted.is_empty() {
            continue;
        }
        servers.sort_by(|one, other| order.compare(one, other));
        rows.push(Row::Backend(backend));
        rows.extend(servers.into_iter().map(|server| Row::Server(backend, server)));
    }
    rows
}

/// A part of `backend/server`, of the address, or of the word for its health.
fn matches(wanted: &str, backend: &str, server: &ServerStatus) -> bool {
    let health = server.health.map(|health| health.to_string()).unwrap_or_default();
    let address = server.address.as_deref().unwrap_or_default();
    wanted.is_empty()
        || format!("{backend}/{}", server.name.to_lowercase()).contains(wanted)
        || address.contains(wanted)
        || health.contains(wanted)
}
