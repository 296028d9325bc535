//! What hactl steers and how it probes, for commands that ask HAProxy or servers themselves: the daemon knows it; which HAProxies
//! these are is said by the configuration, too.

use std::path::Path;

use failover::status::Status;
use hactld::admin::{PROBING_PATH, Probing, STATUS_PATH};
use hactld::config::{Flags, load};
use haproxy_runtime::Address;

use crate::client;

/// Debian's, where nothing else says where HAProxy is.
pub(crate) const USUAL_HAPROXY: &str = "/run/haproxy/admin.sock";

/// What the daemon says; `None` where none answers.
pub(crate) fn status(socket: &Path) -> Option<Status> {
    let text = client::get(socket, STATUS_PATH).ok()?;
    serde_json::from_str(&text).ok()
}

/// What the daemon asks for through servers; `None` where none answers.
pub(crate) fn probing(socket: &Path) -> Option<Probing> {
    let text = client::get(socket, PROBING_PATH).ok()?;
    serde_json::from_str(&text).ok()
}

/// Those of the daemon, else of the configuration, else Debian's.
pub(crate) fn haproxies(status: Option<&Status>) -> Vec<Address> {
    let steered = status.map(|status| {
        let of_each = status.instances.iter().map(|instance| &instance.haproxy.socket);
        of_each.filter_map(|socket| socket.parse().ok()).collect()
    });
    let configured = || {
        let config = load(&Flags::default()).ok()?;
        Some(config.instances.into_iter().map(|instance| instance.haproxy).collect())
    };
    let known: Vec<Address> = steered.or_else(configured).unwrap_or_default();
    if known.is_empty() { USUAL_HAPROXY.parse().into_iter().collect() } else { known }
}
