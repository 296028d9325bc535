//! Probes against real sockets: fake SOCKS5 servers that misbehave in every way known, and play the target too.

#![expect(clippy::unwrap_used, reason = "a fake that cannot be set up fails its test")]

mod certificates;
mod fakes;
mod race;
mod rounds;
mod socks;
mod targets;
mod tls;
