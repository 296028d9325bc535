//! What the world looks like before anything fails, and a failure.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use failover::*;

use super::{BACKEND, NAMES};

pub(super) fn failed(stage: Stage, cause: Cause) -> Ending {
    Ending::Failed(Failure { stage, cause, text: format!("{stage}: {}", cause.as_str()) })
}

pub(crate) fn observed() -> Observed {
    let servers = NAMES.iter().zip([18181, 18182, 8111]).map(|(name, port)| ObservedServer {
        name: Name::from(*name),
        address: Some(SocketAddr::from(([127, 0, 0, 1], port))),
        backup: true,
        admin: Admin::Ready,
        owner: Owner::Ours,
        reopened: false,
        agent: None,
        tracks: None,
        flags: Vec::new(),
        operational: Operational::Running,
        weight: 1,
        managed: true,
        busy: false,
    });
    let backend = ObservedBackend { balance: Balance::First, servers: servers.collect() };
    let process = Process { pid: 412, start_time: 0, version: "2.6.12".to_owned() };
    Observed {
        haproxy: Haproxy::Present { process, at: Time::ZERO },
        level: Some("admin".to_owned()),
        backends: BTreeMap::from([(Name::from(BACKEND), backend)]),
        ..Observed::nothing()
    }
}
