//! Whether the host has slept: the clock that timers are on stands still meanwhile, another one does not.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Between two looks. Connections are dead after minutes of sleep, so nothing is lost by a second.
const EVERY: Duration = Duration::from_secs(1);

/// Less is no sleep: the two clocks are not read at the same moment.
const LEAST: Duration = Duration::from_millis(500);

/// What is known of the host's sleep.
pub(crate) struct Slept {
    ticks: Interval,
    before: Duration,
}

impl Slept {
    pub(crate) fn new() -> Self {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks, before: asleep() }
    }

    /// How long it slept, when it has done so again. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Duration {
        loop {
            self.ticks.tick().await;
            let slept = asleep().saturating_sub(self.before);
            if slept >= LEAST {
                self.before += slept;
                return slept;
            }
        }
    }
}

/// How long the host has slept since it was started.
#[cfg(target_os = "linux")]
fn asleep() -> Duration {
    since_start(ClockId::Boottime).saturating_sub(since_start(ClockId::Monotonic))
}

/// Elsewhere the monotonic clock goes on, and the core sees the gap itself.
#[cfg(not(target_os = "linux"))]
const fn asleep() -> Duration {
    Duration::ZERO
}

#[cfg(target_os = "linux")]
fn since_start(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}
