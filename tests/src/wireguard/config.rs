//! hactl's configuration for this scene.

use std::path::Path;

use super::network::TARGETS;
use super::targets;
use crate::haproxy::BACKEND;

/// How hactl probes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probing {
    /// Between two rounds, as the file has it (`200ms`).
    pub interval: String,
    /// How long one probe may take.
    pub timeout: String,
}

/// Every key that the scene sets is set here.
pub(super) fn render(probing: &Probing, ca_file: &Path, socket: &Path, haproxy: &Path) -> String {
    let Probing { interval, timeout } = probing;
    let targets: Vec<String> =
        (0..TARGETS.len()).map(|target| format!("\"{}\"", targets::https_url(target))).collect();
    let (targets, ca_file) = (targets.join(", "), ca_file.display());
    let (socket, haproxy) = (socket.display(), haproxy.display());
    format!(
        r#"[probe]
targets = [{targets}]
interval = "{interval}"
timeout = "{timeout}"
ca_file = "{ca_file}"

[admin]
socket = "{socket}"

[[instance]]
name = "7891"
haproxy = "{haproxy}"

[[instance.backend]]
name = "{BACKEND}"
"#
    )
}
