//! Loopback ports that stay ours for as long as we hold them, also between two listeners of the same port.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

/// Connections that may wait for `accept`: more than a scene ever opens at once.
const BACKLOG: u32 = 256;

/// A TCP port on loopback, held by a socket that is bound and never listens.
///
/// While it is held the kernel gives the port to nobody who asks for a free one, in this process or another, and a
/// connection to it is refused until somebody listens. Listeners bind beside it: ours by `SO_REUSEADDR`, HAProxy's by
/// `SO_REUSEPORT`.
pub struct Port {
    addr: SocketAddr,
    _held: TcpSocket,
}

impl Port {
    /// A free port of 127.0.0.1.
    #[must_use]
    pub fn free() -> Self {
        Self::at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    /// The port at `addr`; panics where it is not loopback or taken.
    #[must_use]
    pub fn at(addr: SocketAddr) -> Self {
        assert!(addr.ip().is_loopback(), "{addr} is not loopback: tests never leave the machine");
        Self::inside(addr)
    }

    /// The port at `addr`, an address in a namespace that has no way out and that the calling thread is in.
    pub(crate) fn inside(addr: SocketAddr) -> Self {
        let held = bound(addr, true);
        let addr = held.local_addr().expect("a bound socket has an address");
        Self { addr, _held: held }
    }

    /// Where the port is.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Starts to listen here; panics where somebody else does: this listener shares its port with none.
    pub(crate) fn listen(&self) -> TcpListener {
        bound(self.addr, false)
            .listen(BACKLOG)
            .unwrap_or_else(|error| panic!("cannot listen on {}: {error}", self.addr))
    }
}

fn bound(addr: SocketAddr, shared: bool) -> TcpSocket {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    let socket = socket.expect("no socket to be had: is the limit of open files reached?");
    let options = socket.set_reuseaddr(true).and_then(|()| socket.set_reuseport(shared));
    options.and_then(|()| socket.bind(addr)).unwrap_or_else(|error| panic!("cannot bind {addr}: {error}"));
    socket
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn held_ports_are_all_different() {
        let ports: Vec<Port> = (0..500).map(|_| Port::free()).collect();
        let distinct: HashSet<SocketAddr> = ports.iter().map(Port::addr).collect();
        assert_eq!(distinct.len(), ports.len());
    }

    #[tokio::test]
    async fn a_port_can_be_listened_on_again_and_is_refused_in_between() {
        let port = Port::free();
        for _ in 0..3 {
            let listener = port.listen();
            let client = tokio::net::TcpStream::connect(port.addr()).await.unwrap();
            drop((listener.accept().await.unwrap(), client, listener));
            let refused = tokio::net::TcpStream::connect(port.addr()).await.unwrap_err();
            assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        }
    }
}
