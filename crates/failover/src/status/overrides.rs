//! What operators have ordered, as the status shows it, and how much of what follows from that is a cause for concern:
//! what was planned and ends by itself is none.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ServerStatus;
use crate::core::Core;
use crate::{Admin, Given, Haproxy, Observed, Overrides, ServerId};

/// What an operator has ordered of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OverrideStatus {
    /// `maint`, `drain` or `ready`.
    pub state: Admin,
    /// When it ends by itself, RFC 3339; `null` where somebody has to end it.
    pub until: Option<String>,
    /// Since when, RFC 3339.
    pub since: String,
    /// Why, in their words.
    pub reason: String,
    /// Who.
    pub by: String,
    /// Their number; `null` where the system did not know it.
    pub by_uid: Option<u32>,
}

/// Which server an operator wants to carry a backend's traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PinStatus {
    /// The server.
    pub server: String,
    /// When it ends by itself, RFC 3339; `null` where somebody has to end it.
    pub until: Option<String>,
    /// Since when, RFC 3339.
    pub since: String,
    /// Why, in their words.
    pub reason: String,
    /// Who.
    pub by: String,
    /// Their number; `null` where the system did not know it.
    pub by_uid: Option<u32>,
}

impl OverrideStatus {
    /// Out of rotation, and it ends by itself.
    fn is_planned_outage(&self) -> bool {
        self.until.is_some() && self.state != Admin::Ready
    }
}

pub(super) fn of_server(overrides: &Overrides, server: &ServerId) -> Option<OverrideStatus> {
    let ordered = overrides.servers.get(server)?;
    let Given { by, by_uid, since, until, reason, .. } = ordered.given.clone();
    let until = until.map(rfc3339);
    Some(OverrideStatus { state: ordered.state, until, since: rfc3339(since), reason, by, by_uid })
}

pub(super) fn of_backend(overrides: &Overrides, backend: &crate::Name) -> Option<PinStatus> {
    let pin = overrides.pins.get(backend)?;
    let Given { by, by_uid, since, until, reason, .. } = pin.given.clone();
    let (server, until) = (pin.server.to_string(), until.map(rfc3339));
    Some(PinStatus { server, until, since: rfc3339(since), reason, by, by_uid })
}

fn rfc3339(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Its health or its absence is no surprise.
pub(super) fn is_planned_out(server: &ServerStatus) -> bool {
    server.override_.as_ref().is_some_and(OverrideStatus::is_planned_outage)
}

/// Some order stands until somebody thinks of it.
pub(super) fn is_open_ended(servers: &[ServerStatus], pinned: Option<&PinStatus>) -> bool {
    let mut ordered = servers.iter().filter_map(|server| server.override_.as_ref());
    ordered.any(|ordered| ordered.until.is_none()) || pinned.is_some_and(|pinned| pinned.until.is_none())
}

/// Less preferred servers carry the traffic only because that was planned.
pub(super) fn is_planned(
    servers: &[ServerStatus],
    in_service: &[crate::Name],
    pinned: Option<&PinStatus>,
) -> bool {
    let serves = |name: &str| in_service.iter().any(|server| server.as_str() == name);
    let mut absent = servers.iter().filter(|server| server.role == "primary" && !serves(&server.name));
    pinned.is_some_and(|pinned| pinned.until.is_some() && serves(&pinned.server))
        || absent.all(is_planned_out)
}

/// Orders about servers that are not there, each with what to do.
pub(super) fn problems(core: &Core, observed: &Observed) -> Vec<String> {
    // While HAProxy is away it is as it was last seen.
    if observed.haproxy == Haproxy::Unseen {
        return Vec::new();
    }
    let is_there = |id: &ServerId| {
        let seen = observed.backends.get(&id.backend).and_then(|seen| seen.server(&id.server));
        seen.is_some_and(|there| there.managed)
    };
    let absent = core.overrides().of().into_iter().filter(|server| !is_there(server));
    absent
        .map(|server| {
            format!(
                "an operator's order is about {server}, which hactl does not steer now; it waits for that server, or end it with `hactl auto {server}`"
            )
        })
        .collect()
}
