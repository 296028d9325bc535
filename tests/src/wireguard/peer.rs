//! One end of a WireGuard tunnel: wireguard-go and what it is told.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::leftovers;
use super::namespace::{Namespace, run};
use super::program::Program;
use crate::process;

/// From the start to a socket that answers: some 20 ms here, and nobody should wait longer on a busy machine.
const READY_LIMIT: Duration = Duration::from_secs(10);

/// What `wg-quick` takes on a path of 1500 bytes.
const MTU: u16 = 1420;

/// Seconds; what providers write into the files that they give to their users.
const KEEPALIVE: u16 = 25;

/// A private key and its public key.
pub(super) struct Keys {
    private: String,
    public: String,
}

impl Keys {
    pub(super) fn generate() -> Self {
        let private = run(Command::new("wg").arg("genkey"), "");
        let public = run(Command::new("wg").arg("pubkey"), &private);
        Self { private: private.trim().to_owned(), public: public.trim().to_owned() }
    }
}

/// What one end is told.
pub(super) struct Setup<'a> {
    pub(super) keys: &'a Keys,
    pub(super) other: &'a Keys,
    /// Where wireguard-go listens on loopback.
    pub(super) listen: SocketAddr,
    /// Where it sends to; the far end learns it from the near end, as a provider's does.
    pub(super) endpoint: Option<SocketAddr>,
    /// What is routed into the tunnel, and accepted from it.
    pub(super) routed: String,
    /// The end's own address; the far end needs none.
    pub(super) address: Option<String>,
}

/// Ended, and its socket removed, when dropped.
pub(super) struct Peer {
    namespace: Arc<Namespace>,
    interface: String,
    /// For `wg setconf`.
    crypto: String,
    /// For `ip`.
    addresses: String,
    log: PathBuf,
    wireguard_go: Option<Program>,
}

impl Peer {
    /// Starts it on a new `interface` in `namespace`.
    pub(super) async fn start(
        namespace: &Arc<Namespace>,
        interface: String,
        setup: &Setup<'_>,
        log: PathBuf,
    ) -> Self {
        let mut peer = Self {
            namespace: Arc::clone(namespace),
            crypto: setup.crypto(),
            addresses: setup.addresses(&interface),
            interface,
            log,
            wireguard_go: None,
        };
        peer.restart().await;
        peer
    }

    /// Ends it at once; its interface goes with it.
    pub(super) fn kill(&mut self) {
        if let Some(mut wireguard_go) = self.wireguard_go.take() {
            wireguard_go.kill();
        }
        fs::remove_file(leftovers::socket(&self.interface)).ok();
    }

    /// Starts it where it does not run.
    pub(super) async fn restart(&mut self) {
        if self.wireguard_go.is_some() {
            return;
        }
        let mut command = Command::new("wireguard-go");
        command.args(["--foreground", &self.interface]).env("LOG_LEVEL", "error");
        let mut wireguard_go = Program::start(&self.namespace, &mut command, &self.log);
        let (socket, start) = (leftovers::socket(&self.interface), Instant::now());
        while UnixStream::connect(&socket).is_err() {
            wireguard_go.assert_runs();
            assert!(start.elapsed() < READY_LIMIT, "wireguard-go does not answer on {}", socket.display());
            sleep(process::POLL).await;
        }
        self.wireguard_go = Some(wireguard_go);
        run(Command::new("wg").args(["setconf", &self.interface, "/dev/stdin"]), &self.crypto);
        self.namespace.configure(&self.addresses);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Setup<'_> {
    fn crypto(&self) -> String {
        let Self { keys, other, listen, endpoint, routed, .. } = self;
        let endpoint = endpoint.map_or_else(String::new, |addr| {
            format!("Endpoint = {addr}\nPersistentKeepalive = {KEEPALIVE}\n")
        });
        format!(
            "[Interface]
PrivateKey = {}
ListenPort = {}
[Peer]
PublicKey = {}
AllowedIPs = {routed}
{endpoint}",
            keys.private,
            listen.port(),
            other.public
        )
    }

    fn addresses(&self, interface: &str) -> String {
        let own =
            self.address.as_ref().map_or_else(String::new, |own| format!("addr add {own} dev {interface}\n"));
        let routed = &self.routed;
        format!("{own}link set {interface} mtu {MTU} up\nroute add {routed} dev {interface}\n")
    }
}
