//! HAProxy's own health checks, from their documented timers.

use std::time::Duration;

use failover::Time;

use crate::sim::routing::{BACKUP, PRIMARY, Routing};
use crate::sim::stages::{PORT, Stages, TUNNEL};
use crate::sim::world::World;

const TARGET: usize = 0;

/// A `check` on the primary's line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Check {
    /// How far it looks.
    stages: Stages,
    /// `timeout check`.
    timeout: Duration,
    inter: Duration,
    /// While the server is about to go up or down.
    fastinter: Duration,
    fall: u32,
    rise: u32,
}

/// The seed's `check inter 1s fall 2 rise 1`: a TCP connection to the SOCKS port.
pub(crate) const TCP: Check = Check {
    stages: PORT,
    timeout: Duration::from_secs(2),
    inter: Duration::from_secs(1),
    fastinter: Duration::from_secs(1),
    fall: 2,
    rise: 1,
};

/// `option tcp-check` with a SOCKS5 CONNECT.
pub(crate) const SOCKS: Check = Check { stages: TUNNEL, ..TCP };

/// The same as quick as a careful operator could set it.
pub(crate) const TUNED: Check =
    Check { timeout: Duration::from_millis(500), fastinter: Duration::from_millis(200), ..SOCKS };

pub(crate) fn run(check: Check, world: &mut World, until: Time) -> Routing {
    let mut routing = Routing::new();
    let mut at = Time::ZERO + world.rng.between(Duration::ZERO, check.inter);
    let (mut up, mut good, mut bad) = (true, 0, 0);
    while at < until {
        at = world.wake(at);
        let visit = world.visit(PRIMARY, TARGET, check.stages, at);
        let passed = visit.whole && visit.ended.since(at) <= check.timeout;
        let ended = if passed { visit.ended } else { visit.ended.min(world.wake(at + check.timeout)) };
        (good, bad) = if passed { (good + 1, 0) } else { (0, bad + 1) };
        if up && bad >= check.fall {
            up = false;
            routing.to(ended, BACKUP);
        } else if !up && good >= check.rise {
            up = true;
            routing.to(ended, PRIMARY);
        }
        let about_to_move = if up { bad > 0 } else { good > 0 };
        at = ended + if about_to_move { check.fastinter } else { check.inter };
    }
    routing
}
