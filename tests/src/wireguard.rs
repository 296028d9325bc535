//! The scene with real tunnels: HAProxy in front of SOCKS servers (microsocks) whose traffic leaves through WireGuard
//! (wireguard-go), each in a network namespace of its own.
//!
//! The namespaces have no way out, and nothing of the machine's own network is changed. Several labs run at the same
//! time. Everything ends with its lab; what a killed run has left is removed when the next lab starts.

mod breaks;
mod config;
mod dice;
mod lab;
mod leftovers;
mod namespace;
mod needs;
mod network;
mod peer;
mod program;
mod relay;
mod socks;
mod targets;
mod tunnel;

pub use breaks::Break;
pub use config::Probing;
pub use dice::Dice;
pub use lab::{CLIENTS_TARGET, Lab};
pub use needs::{Missing, needs};
pub use network::{SERVERS, TARGETS};
pub use relay::{Carried, Direction, Path};
pub use targets::http as target;
