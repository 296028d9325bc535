//! The path between two WireGuard peers: delay, loss, and the ways in which a path breaks. It stands for netem, which
//! not every kernel has.
//!
//! The peers are in namespaces that have no path to each other; the relay has a socket in each, on loopback.

mod delays;
mod way;

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use delays::Delays;
use way::Way;

/// Which way a datagram goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the near end to the far end.
    Out,
    /// From the far end to the near end.
    In,
}

/// What the path does not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Lets everything through.
    Nothing,
    /// Nothing passes.
    Everything,
    /// Nothing passes in this direction.
    OneWay(Direction),
    /// Only datagrams of at most so many bytes pass.
    LongerThan(usize),
}

/// What the path is like while nothing is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    /// Half of the round trip.
    pub one_way: Duration,
    /// Of a thousand datagrams so many are lost, in each direction.
    pub loss_per_mille: u32,
    /// Decides which ones.
    pub seed: u64,
}

/// What the path did in one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// How many datagrams came out.
    pub passed: u64,
    /// How many were lost by chance.
    pub lost: u64,
    /// How many were held back by what was broken.
    pub cut: u64,
    /// How many found the queue full.
    pub overflowed: u64,
    /// How long the last ones that passed were under way (some thousands of them), in rising order.
    pub delays: Vec<Duration>,
}

impl Carried {
    /// The delay that `percent` of the datagrams did not exceed; `None` where none passed.
    #[must_use]
    pub fn delay(&self, percent: usize) -> Option<Duration> {
        let rank = (self.delays.len() * percent).div_ceil(100);
        self.delays.get(rank.saturating_sub(1)).copied()
    }
}

/// One of the relay's two ends.
pub(super) struct End {
    /// What the peer sends to.
    pub(super) socket: UdpSocket,
    /// Where the peer is; nobody else is listened to.
    pub(super) peer: SocketAddr,
}

/// Carries datagrams in both directions, in order; ended when dropped.
pub(super) struct Relay {
    cut: Arc<RwLock<Cut>>,
    stopped: Arc<AtomicBool>,
    out: Way,
    back: Way,
}

impl Relay {
    pub(super) fn start(near: &End, far: &End, path: Path) -> Self {
        let cut = Arc::new(RwLock::new(Cut::Nothing));
        let stopped = Arc::new(AtomicBool::new(false));
        let way = |from, to, direction| Way::start(from, to, direction, path, &cut, &stopped);
        let (out, back) = (way(near, far, Direction::Out), way(far, near, Direction::In));
        Self { cut, stopped, out, back }
    }

    /// In force when this returns: what is under way is subject to it, too.
    pub(super) fn set(&self, cut: Cut) {
        *self.cut.write().unwrap_or_else(PoisonError::into_inner) = cut;
    }

    pub(super) fn carried(&self, direction: Direction) -> Carried {
        match direction {
            Direction::Out => self.out.carried(),
            Direction::In => self.back.carried(),
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.out.end();
        self.back.end();
    }
}

#[cfg(test)]
mod tests;
