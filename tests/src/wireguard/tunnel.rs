//! One WireGuard tunnel: a peer at both ends and the relay between them.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path as FilePath;

use super::leftovers;
use super::network::{Network, source};
use super::peer::{Keys, Peer, Setup};
use super::relay::{Carried, Cut, Direction, End, Path, Relay};

/// Where the peers of the first tunnel listen on loopback, each in its namespace; the next tunnel has the next port.
const PEER: u16 = 51820;

/// The same for the relay's two ends.
const ENTRANCE: u16 = 51920;

pub(super) struct Tunnel {
    _near: Peer,
    far: Peer,
    relay: Relay,
}

impl Tunnel {
    /// Starts the tunnel of the server number `server`; logs go to `logs`.
    pub(super) async fn start(network: &Network, server: usize, path: Path, logs: &FilePath) -> Self {
        let offset = u16::try_from(server).expect("there are three servers");
        let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port + offset));
        let (near, far) = (&network.near[server], &network.far);
        let end = |socket| End { socket, peer: at(PEER) };
        let relay = Relay::start(&end(near.udp(at(ENTRANCE))), &end(far.udp(at(ENTRANCE))), path);

        let (near_keys, far_keys) = (Keys::generate(), Keys::generate());
        let own = format!("{}/32", source(server));
        let far_setup = Setup {
            keys: &far_keys,
            other: &near_keys,
            listen: at(PEER),
            endpoint: None,
            routed: own.clone(),
            address: None,
        };
        let near_setup = Setup {
            keys: &near_keys,
            other: &far_keys,
            endpoint: Some(at(ENTRANCE)),
            routed: "0.0.0.0/0".to_owned(),
            address: Some(own),
            ..far_setup
        };
        let interface = |end: char| leftovers::interface(network.number, end, server);
        let log = |end: &str| logs.join(format!("wireguard-go-{end}{}.log", server + 1));
        // The near end speaks first, and after 5 s again where it is not heard.
        let far = Peer::start(far, interface('f'), &far_setup, log("far")).await;
        let near = Peer::start(near, interface('n'), &near_setup, log("near")).await;
        Self { _near: near, far, relay }
    }

    /// In force when this returns.
    pub(super) fn cut(&self, cut: Cut) {
        self.relay.set(cut);
    }

    /// Ends the far peer at once.
    pub(super) fn kill_far(&mut self) {
        self.far.kill();
    }

    /// Lets everything through again, and starts the far peer where it was killed.
    pub(super) async fn heal(&mut self) {
        self.relay.set(Cut::Nothing);
        self.far.restart().await;
    }

    pub(super) fn carried(&self, direction: Direction) -> Carried {
        self.relay.carried(direction)
    }
}
