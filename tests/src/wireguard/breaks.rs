//! The ways in which things break.

use super::relay::Direction;

/// What is broken. The tunnel and the SOCKS server are those of one server; a target is everybody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// Nothing passes between the peers.
    Drop,
    /// Nothing passes in this direction.
    DropOneWay(Direction),
    /// The far wireguard-go has been killed.
    FarPeerKilled,
    /// Datagrams of more bytes than this do not pass: handshakes do, answers of some length do not.
    MtuHole(usize),
    /// The SOCKS server has been killed: its port refuses.
    SocksKilled,
    /// The SOCKS server stands still: its port accepts.
    SocksStopped,
    /// The target of this number refuses connections.
    TargetDown(usize),
    /// The target of this number answers no packet.
    TargetSilent(usize),
}
