//! The whole scene in one call.

use std::future::Future;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::breaks::Break;
use super::config::{self, Probing};
use super::leftovers;
use super::network::{Network, SERVERS, TARGETS, socks};
use super::relay::{Carried, Cut, Direction, Path};
use super::socks::Socks;
use super::targets::{self, Targets};
use super::tunnel::Tunnel;
use crate::ca::Ca;
use crate::client::get_through;
use crate::haproxy::{Builder, Haproxy, Layout};
use crate::process;
use crate::traffic::Traffic;

/// Threads of the runtime in which a scene plays: as many as tests elsewhere have.
const THREADS: usize = 2;

/// The target that clients ask for, a number in `TARGETS`. Breaking it breaks every client.
pub const CLIENTS_TARGET: usize = TARGETS.len() - 1;

/// A connection through a tunnel that takes longer is none.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Clients -> HAProxy -> `wg1`, `wg2` (through WireGuard) or `cloudflare_warp` -> targets.
pub struct Lab {
    /// HAProxy, in front.
    pub haproxy: Haproxy,
    socks: [Socks; 3],
    /// Those of the first two servers.
    tunnels: [Tunnel; 2],
    targets: Targets,
    ca: Arc<Ca>,
    path: Path,
    /// Behind everything that is in its namespaces.
    network: Network,
    _logs: TempDir,
}

impl Lab {
    /// Makes a lab whose tunnels are like `path`, plays `scene` in it and takes it down.
    ///
    /// The scene's thread and those of its runtime are in HAProxy's namespace; what it starts is, too. The lab is the
    /// scene's own: it goes where the scene drops it. A panic passes on when everything is down. Panics where `needs` says that something is missing.
    pub fn run<T, Scene, Playing>(path: Path, scene: Scene) -> T
    where
        T: Send,
        Scene: FnOnce(Self) -> Playing + Send,
        Playing: Future<Output = T>,
    {
        leftovers::remove();
        let network = Network::create();
        let host = Arc::clone(&network.host);
        let inside = || {
            host.enter();
            host.runtime(THREADS).block_on(async { scene(Self::start(network, path).await).await })
        };
        let played = thread::scope(|scope| scope.spawn(inside).join());
        played.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    async fn start(network: Network, path: Path) -> Self {
        let ca = Arc::new(Ca::new());
        let logs = tempfile::tempdir().expect("the directory for temporary files is writable");
        let log = |server: usize| logs.path().join(format!("microsocks{}.log", server + 1));
        let socks_of = |server: usize| Socks::start(&network.near[server], socks(server), log(server));
        let tunnel_of = |server: usize| Tunnel::start(&network, server, path, logs.path());
        let (wg1, wg2, warp, tunnel1, tunnel2, targets, haproxy) = tokio::join!(
            socks_of(0),
            socks_of(1),
            socks_of(2),
            tunnel_of(0),
            tunnel_of(1),
            Targets::start(&network.far, Arc::clone(&ca)),
            builder().start(),
        );
        let (socks, tunnels) = ([wg1, wg2, warp], [tunnel1, tunnel2]);
        let lab = Self { haproxy, socks, tunnels, targets, ca, path, network, _logs: logs };
        for name in SERVERS {
            assert!(lab.connect_time(name).is_some(), "no connection through {name} in {CONNECT_LIMIT:?}");
        }
        lab
    }

    /// Breaks this at `wg1`, or a target; in force when this returns.
    pub async fn break_(&mut self, mode: Break) {
        self.break_at("wg1", mode).await;
    }

    /// Breaks this at the server `name`, or a target; in force when this returns. Panics where the server has no
    /// tunnel to break.
    pub async fn break_at(&mut self, name: &str, mode: Break) {
        match mode {
            Break::Drop => self.tunnel(name).cut(Cut::Everything),
            Break::DropOneWay(direction) => self.tunnel(name).cut(Cut::OneWay(direction)),
            Break::MtuHole(most) => self.tunnel(name).cut(Cut::LongerThan(most)),
            Break::FarPeerKilled => self.tunnel(name).kill_far(),
            Break::SocksKilled => self.socks[number(name)].kill(),
            Break::SocksStopped => self.socks[number(name)].pause().await,
            Break::TargetDown(target) => self.targets.down(target).await,
            Break::TargetSilent(target) => self.targets.silence(target),
        }
    }

    /// Heals everything that was broken; when this returns all of it works, but a WireGuard peer may take some
    /// seconds to notice.
    pub async fn heal(&mut self) {
        for socks in &mut self.socks {
            socks.heal().await;
        }
        for tunnel in &mut self.tunnels {
            tunnel.heal().await;
        }
        self.targets.heal().await;
    }

    fn tunnel(&mut self, name: &str) -> &mut Tunnel {
        self.tunnels.get_mut(number(name)).unwrap_or_else(|| panic!("{name} has no tunnel"))
    }

    /// Where the SOCKS server of the server `name` listens.
    #[must_use]
    pub fn socks(&self, name: &str) -> SocketAddr {
        self.socks[number(name)].addr()
    }

    /// How many requests the target number `target` has answered.
    #[must_use]
    pub fn answered(&self, target: usize) -> u64 {
        self.targets.answered(target)
    }

    /// One client request through HAProxy; the exit that it left by.
    ///
    /// # Errors
    /// As `get_through`.
    pub async fn get(&self) -> Result<String, String> {
        get_through(self.haproxy.frontend(), targets::http(CLIENTS_TARGET)).await
    }

    /// `clients` that keep asking through HAProxy.
    #[must_use]
    pub fn traffic(&self, clients: usize) -> Traffic {
        Traffic::start(clients, self.haproxy.frontend(), targets::http(CLIENTS_TARGET))
    }

    /// Writes hactl's configuration for this scene, with `keys` at its end, inside `[[instance.backend]]`; where the
    /// file is.
    #[must_use]
    pub fn write_config(&self, probing: &Probing, keys: &str) -> PathBuf {
        let dir = self.haproxy.dir();
        let file = dir.join("hactl.toml");
        let config = config::render(probing, self.ca.file(), dir, &self.haproxy.admin_socket());
        std::fs::write(&file, config + keys).expect("our directory is writable");
        file
    }

    /// What the tunnels are like.
    #[must_use]
    pub const fn path(&self) -> Path {
        self.path
    }

    /// What the relay of the tunnel of `name` did in this direction.
    #[must_use]
    pub fn carried(&self, name: &str, direction: Direction) -> Carried {
        self.tunnels[number(name)].carried(direction)
    }

    /// How long a TCP connection to a target takes from the near end of the server `name`: one round trip. `None`
    /// where there is none in ten seconds.
    #[must_use]
    pub fn connect_time(&self, name: &str) -> Option<Duration> {
        self.network.near[number(name)].run(|| {
            let start = Instant::now();
            TcpStream::connect_timeout(&targets::http(CLIENTS_TARGET), CONNECT_LIMIT).ok()?;
            Some(start.elapsed())
        })
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let Path { one_way, loss_per_mille, seed } = self.path;
        let path = format!("{one_way:?} one way, {loss_per_mille} of 1000 lost by seed {seed}");
        process::show_if_panicking("the tunnels", &path);
    }
}

fn builder() -> Builder {
    let servers = SERVERS.iter().enumerate();
    let servers: Vec<(&str, SocketAddr)> = servers.map(|(server, name)| (*name, socks(server))).collect();
    Haproxy::builder(Layout::AllBackup, &servers)
}

fn number(name: &str) -> usize {
    SERVERS.iter().position(|server| *server == name).unwrap_or_else(|| panic!("there is no server {name}"))
}
