//! hactl's configuration for this scene.

use std::path::Path;

use super::network::TARGETS;
use super::targets;
use crate::haproxy::BACKEND;

/// How hactl probes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probing {
    /// The profile, as the file has it (`fast`).
    pub profile: String,
    /// The longest that a server is held after relapses.
    pub hold_max: String,
}

/// Every key that the scene sets is set here.
pub(super) fn render(probing: &Probing, ca_file: &Path, dir: &Path, haproxy: &Path) -> String {
    let Probing { profile, hold_max } = probing;
    let targets: Vec<String> =
        (0..TARGETS.len()).map(|target| format!("\"{}\"", targets::https_url(target))).collect();
    let (targets, ca_file) = (targets.join(", "), ca_file.display());
    let (dir, haproxy) = (dir.display(), haproxy.display());
    format!(
        r#"[probe]
targets = [{targets}]
profile = "{profile}"
hold_max = "{hold_max}"
ca_file = "{ca_file}"

[admin]
socket = "{dir}/hactl.sock"

[state]
dir = "{dir}/hactl"

[[instance]]
name = "7891"
haproxy = "{haproxy}"

[[instance.backend]]
name = "{BACKEND}"
"#
    )
}
