//! Probes against real sockets: fake SOCKS5 servers that misbehave in every way known, and play the target too.

#![expect(clippy::unwrap_used, reason = "a fake that cannot be set up fails its test")]

mod certificates;
mod control;
mod fakes;
mod full;
mod hostile;
mod kept;
mod orders;
mod race;
mod socks;
mod targets;
mod tls;
