//! What real tunnels need of the machine, and what is missing.

use std::fs::File;

use rustix::thread::{CapabilitySet, capabilities};

use crate::process;

/// Programs and the packages that have them.
const PROGRAMS: [(&str, &str); 4] = [
    ("ip", "iproute2"),
    ("wg", "wireguard-tools"),
    ("wireguard-go", "wireguard-go"),
    ("microsocks", "microsocks"),
];

/// Why no tunnel can be made here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// The machine, or the account, does not allow it.
    #[error("needs root and /dev/net/tun")]
    Rights,
    /// It would be possible.
    #[error("programs are missing: apt-get install {0}")]
    Packages(String),
}

/// Whether tunnels can be made here.
///
/// # Errors
/// Where they cannot: why.
pub fn needs() -> Result<(), Missing> {
    let wanted = CapabilitySet::SYS_ADMIN | CapabilitySet::NET_ADMIN;
    let has_rights = capabilities(None).is_ok_and(|sets| sets.effective.contains(wanted));
    // It may be there without a driver behind it.
    let has_tun = File::options().read(true).write(true).open("/dev/net/tun").is_ok();
    if !has_rights || !has_tun {
        return Err(Missing::Rights);
    }
    let absent = PROGRAMS.iter().filter(|(program, _)| process::in_path(program).is_none());
    let packages: Vec<&str> = absent.map(|(_, package)| *package).collect();
    if packages.is_empty() { Ok(()) } else { Err(Missing::Packages(packages.join(" "))) }
}
