//! What the controller is there for: whose servers it steers, and whether it may. It changes while the controller runs.

use std::collections::BTreeSet;

use haproxy_runtime::{BackendName, ServerName};

/// One backend to steer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Managed {
    /// Its name.
    pub name: BackendName,
    /// The servers to steer; `None` for all.
    pub servers: Option<BTreeSet<ServerName>>,
}

/// What the controller may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mandate {
    /// The backends to steer. Without any, what is ours is given back, and then the controller ends.
    pub managed: Vec<Managed>,
    /// False: everything but the commands, which are told instead.
    pub writes: bool,
}

impl Mandate {
    /// This server may be steered.
    pub(crate) fn covers(&self, backend: &BackendName, server: &ServerName) -> bool {
        let managed = self.managed.iter().find(|managed| managed.name == *backend);
        managed.is_some_and(|managed| managed.servers.as_ref().is_none_or(|only| only.contains(server)))
    }
}
