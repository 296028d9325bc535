//! The stages that a probe passes, and what each of them needs of the way.

use failover::Stage;

use super::path::Packet;

/// Where a stage's packets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hop {
    /// To the SOCKS server on this host, and no further.
    Local,
    /// One exchange with the target.
    Through(Packet),
}

/// Stages in the order they are passed.
pub(crate) type Stages = &'static [(Stage, Hop)];

const TCP: (Stage, Hop) = (Stage::Tcp, Hop::Local);
const GREETING: (Stage, Hop) = (Stage::Greeting, Hop::Local);
const CONNECT: (Stage, Hop) = (Stage::Connect, Hop::Through(Packet::Syn));
/// The certificates fill packets.
const TLS: (Stage, Hop) = (Stage::Tls, Hop::Through(Packet::Big));

/// The port listens.
pub(crate) const PORT: Stages = &[TCP];

/// The SOCKS server says that it has connected.
pub(crate) const TUNNEL: Stages = &[TCP, GREETING, CONNECT];

/// `Kind::Full`: 3 kB and more from the target.
pub(crate) const FULL: Stages = &[TCP, GREETING, CONNECT, TLS, (Stage::Http, Hop::Through(Packet::Big))];

/// `Kind::Open`: a small answer.
pub(crate) const OPEN: Stages = &[TCP, GREETING, CONNECT, TLS, (Stage::Http, Hop::Through(Packet::Small))];

/// `Kind::Control`: past all servers.
pub(crate) const DIRECT: Stages =
    &[(Stage::Tcp, Hop::Through(Packet::Syn)), TLS, (Stage::Http, Hop::Through(Packet::Small))];
