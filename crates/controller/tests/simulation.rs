//! The core and the controller of production, between tunnels that die and heal and a HAProxy that operators, other
//! controllers and reloads change at the same time: thousands of short lives on a virtual clock, each by a seed of its own.
//! After every command and every step the promises of `FAULTS.md` are checked, I1 to I10.

#[path = "../../failover/tests/world/mod.rs"]
#[allow(dead_code, reason = "the scenarios of `failover` need more of it")]
mod world;

mod simulation {
    pub(super) mod actors;
    pub(super) mod chance;
    pub(super) mod haproxy;
    pub(super) mod life;
    pub(super) mod promises;
}

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use simulation::life;

/// What takes two and a half minutes on two cores; `LIVES` asks for another number.
const SEEDS: u64 = 10_000;

#[test]
fn no_life_breaks_a_promise() {
    let number = |name: &str, usual| {
        std::env::var(name).map_or(usual, |value| value.parse().unwrap_or_else(|_| panic!("{name}={value}")))
    };
    let (first, count) = (number("FIRST_LIFE", 0), number("LIVES", SEEDS));
    let next = AtomicU64::new(first);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        return;
                    }
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| life::live(seed))) {
                        eprintln!("broken by FIRST_LIFE={seed} LIVES=1");
                        // The others need not go on.
                        next.store(u64::MAX / 2, Ordering::Relaxed);
                        resume_unwind(panic);
                    }
                }
            });
        }
    });
}
