//! The whole scene in one call: three exits, two targets and HAProxy between them and the clients.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::ca::Ca;
use crate::client::get_through;
use crate::exit::Exit;
use crate::haproxy::{BACKEND, Builder, Haproxy, Layout};
use crate::target::{ExitNames, Target};
use crate::traffic::Traffic;

/// The servers in HAProxy's order, and the address that each one's traffic leaves from.
pub const EXITS: [(&str, Ipv4Addr); 3] = [
    ("wg1", Ipv4Addr::new(127, 0, 101, 1)),
    ("wg2", Ipv4Addr::new(127, 0, 101, 2)),
    ("cloudflare_warp", Ipv4Addr::new(127, 0, 101, 3)),
];

/// Clients -> HAProxy -> `wg1`, `wg2` or `cloudflare_warp` -> targets.
pub struct Lab {
    /// HAProxy, in front.
    pub haproxy: Haproxy,
    /// The first server.
    pub wg1: Exit,
    /// The second server.
    pub wg2: Exit,
    /// The last one, `cloudflare_warp`.
    pub warp: Exit,
    /// Answers with the name of the exit that asked.
    pub http: Target,
    /// The same over TLS.
    pub https: Target,
    /// Who signed `https`.
    pub ca: Ca,
}

impl Lab {
    /// Starts everything, HAProxy as one process.
    pub async fn start(layout: Layout) -> Self {
        Self::start_with(layout, |haproxy| haproxy).await
    }

    /// As `start`, with HAProxy as `adapt` wants it.
    pub async fn start_with(layout: Layout, adapt: impl FnOnce(Builder) -> Builder) -> Self {
        let ca = Ca::new();
        let [wg1, wg2, warp] = EXITS.map(|(_, source)| Exit::start(source));
        let addrs = [wg1.addr(), wg2.addr(), warp.addr()];
        let servers: Vec<(&str, SocketAddr)> =
            EXITS.iter().zip(addrs).map(|((name, _), addr)| (*name, addr)).collect();
        let haproxy = adapt(Haproxy::builder(layout, &servers)).start().await;
        let https = Target::https(exit_names(), &ca);
        Self { haproxy, wg1, wg2, warp, http: Target::http(exit_names()), https, ca }
    }

    /// The exit behind the server `name`.
    #[must_use]
    pub fn exit(&self, name: &str) -> &Exit {
        match name {
            "wg1" => &self.wg1,
            "wg2" => &self.wg2,
            "cloudflare_warp" => &self.warp,
            _ => panic!("there is no exit {name}"),
        }
    }

    /// One client request through HAProxy; the exit that it left by.
    ///
    /// # Errors
    /// As `get_through`.
    pub async fn get(&self) -> Result<String, String> {
        get_through(self.haproxy.frontend(), self.http.addr()).await
    }

    /// `clients` that keep asking through HAProxy.
    #[must_use]
    pub fn traffic(&self, clients: usize) -> Traffic {
        Traffic::start(clients, self.haproxy.frontend(), self.http.addr())
    }

    /// hactl's own admin socket, as in `config`.
    #[must_use]
    pub fn hactl_socket(&self) -> PathBuf {
        self.haproxy.dir().join("hactl.sock")
    }

    /// hactl's state directory, as in `config`.
    #[must_use]
    pub fn hactl_state(&self) -> PathBuf {
        self.haproxy.dir().join("hactl")
    }

    /// hactl's configuration for this scene; it ends inside `[[instance.backend]]`, so a backend's keys can be
    /// appended.
    #[must_use]
    pub fn config(&self) -> String {
        HactlConfig {
            targets: [self.https.url(), self.http.url()],
            ca_file: self.ca.file(),
            socket: &self.hactl_socket(),
            state: &self.hactl_state(),
            haproxy: &self.haproxy.admin_socket(),
        }
        .to_string()
    }

    /// Writes `config` to hactl's configuration file; where that is.
    pub fn write_config(&self, config: &str) -> PathBuf {
        let file = self.haproxy.dir().join("hactl.toml");
        std::fs::write(&file, config).expect("our directory is writable");
        file
    }
}

/// The exits' names by the addresses that their traffic leaves from.
#[must_use]
pub fn exit_names() -> ExitNames {
    EXITS.iter().map(|(name, source)| (IpAddr::from(*source), (*name).to_owned())).collect()
}

/// As long as the first hold: in a scene things break every few seconds, and nobody wants to wait until hactl has
/// forgotten that.
const HOLD: &str = "1.5s";

/// A configuration of hactl for a scene like this one, with the profile `fast`.
pub struct HactlConfig<'a> {
    /// What to ask for.
    pub targets: [String; 2],
    /// Who signed the targets.
    pub ca_file: &'a Path,
    /// hactl's own socket.
    pub socket: &'a Path,
    /// Its state directory.
    pub state: &'a Path,
    /// HAProxy's.
    pub haproxy: &'a Path,
}

impl fmt::Display for HactlConfig<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { targets: [one, other], .. } = self;
        let (ca_file, socket, haproxy) =
            (self.ca_file.display(), self.socket.display(), self.haproxy.display());
        let state = self.state.display();
        write!(
            f,
            r#"[probe]
targets = ["{one}", "{other}"]
profile = "fast"
hold_max = "{HOLD}"
ca_file = "{ca_file}"

[admin]
socket = "{socket}"

[state]
dir = "{state}"

[[instance]]
name = "7891"
haproxy = "{haproxy}"

[[instance.backend]]
name = "{BACKEND}"
"#
        )
    }
}
