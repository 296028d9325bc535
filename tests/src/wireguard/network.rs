//! The namespaces of one lab, the links between them, and where everything is.
//!
//! ```text
//!  host              near1, near2                                far
//!  HAProxy, hactl ── microsocks, wireguard-go ─ relay ─ wireguard-go, targets
//!            │       near3                                        │
//!            └────── microsocks ──────────────────────────────────┘
//! ```
//!
//! No namespace has a route to where the lab is not, and the addresses are the same in every lab.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::leftovers;
use super::namespace::Namespace;

/// HAProxy's servers in its order.
pub const SERVERS: [&str; 3] = ["wg1", "wg2", "cloudflare_warp"];

/// The addresses of the targets. Documentation has them to itself.
pub const TARGETS: [Ipv4Addr; 3] =
    [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(198, 51, 100, 1), Ipv4Addr::new(203, 0, 113, 1)];

/// The number of the next lab of this process.
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// Removed when dropped.
pub(super) struct Network {
    pub(super) number: usize,
    /// HAProxy's side; a runtime has it, too.
    pub(super) host: Arc<Namespace>,
    /// One for each server.
    pub(super) near: [Arc<Namespace>; 3],
    /// The far end of all.
    pub(super) far: Arc<Namespace>,
}

impl Network {
    /// Makes the namespaces, and the links that are no tunnels.
    pub(super) fn create() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let create = |place: &str| Arc::new(Namespace::create(leftovers::namespace(number, place)));
        let network = Self {
            number,
            host: create("host"),
            near: ["near1", "near2", "near3"].map(create),
            far: create("far"),
        };
        for server in 0..SERVERS.len() {
            network.link_to_host(server);
        }
        network.link_past_wireguard();
        for target in TARGETS {
            network.far.configure(&format!("addr add {target}/32 dev lo\n"));
        }
        network
    }

    fn link_to_host(&self, server: usize) {
        let (near, host) = (&self.near[server], self.host.name());
        let addr = socks(server).ip();
        near.configure(&format!(
            "link add host type veth peer name socks{server} netns {host}
             addr add {addr}/30 dev host
             link set host up\n"
        ));
        let other = link(60, server, 1);
        self.host.configure(&format!("addr add {other}/30 dev socks{server}\nlink set socks{server} up\n"));
    }

    /// The third server has no tunnel.
    fn link_past_wireguard(&self) {
        let (near, far) = (&self.near[2], self.far.name());
        let (source, gateway) = (source(2), link(66, 2, 2));
        near.configure(&format!(
            "link add out type veth peer name warp netns {far}
             addr add {source}/30 dev out
             link set out up\n"
        ));
        self.far.configure(&format!("addr add {gateway}/30 dev warp\nlink set warp up\n"));
        near.configure(&format!("route add default via {gateway}\n"));
    }
}

/// Where the SOCKS server of `SERVERS[server]` listens.
pub(super) fn socks(server: usize) -> SocketAddr {
    (link(60, server, 2), 1080).into()
}

/// Where the traffic of `SERVERS[server]` leaves from.
pub(super) fn source(server: usize) -> Ipv4Addr {
    link(66, server, 1)
}

fn link(net: u8, server: usize, end: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, net, u8::try_from(server + 1).expect("there are three servers"), end)
}
