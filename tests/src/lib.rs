//! What the end-to-end tests, the demo and the benchmarks share: a real HAProxy, SOCKS5 exits with faults, targets
//! that tell which exit asked them, client traffic, and the program under test.
//!
//! Everything listens on loopback (or inside namespaces without a way out), on a port of its own, and ends when it is
//! dropped, also while a test panics. A step of the scene that cannot be made panics and says why: a test has nothing
//! better to do. What a test is there to look at (a request, a reply) is returned.

pub mod attack;
pub mod ca;
pub mod client;
pub mod command;
pub mod daemon;
pub mod exit;
pub mod haproxy;
pub mod lab;
mod ports;
mod process;
pub mod programs;
mod service;
pub mod sim;
pub mod target;
mod tmux;
pub mod traffic;
pub mod wireguard;
pub mod witness;

#[cfg(test)]
mod selftest;

pub use ca::Ca;
pub use client::{closed, get_through, hold_through};
pub use command::Ran;
pub use daemon::Daemon;
pub use exit::{Exit, ExitOptions, Fault};
pub use haproxy::{Haproxy, Layout, Mode};
pub use lab::Lab;
pub use ports::Port;
pub use rustix::process::Signal;
pub use target::{Condition, Target};
pub use tmux::Tmux;
pub use traffic::Traffic;
pub use witness::Witness;
