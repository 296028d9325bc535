//! The one place that turns the runtime's clock into the core's time.

use std::time::Duration;

use failover::Time;
use tokio::time::Instant;

/// What stands for moments that the runtime's clock cannot express: far enough away to mean never.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// A monotonic clock that counts from an origin, which everything in one daemon shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    /// A clock that shows [`Time::ZERO`] at `origin`.
    #[must_use]
    pub const fn new(origin: Instant) -> Self {
        Self { origin }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Time {
        self.time(Instant::now())
    }

    /// The time at `instant`; [`Time::ZERO`] where that is before the origin.
    pub(crate) fn time(&self, instant: Instant) -> Time {
        Time::from_origin(instant.saturating_duration_since(self.origin))
    }

    /// The instant at `time`, for timers.
    #[must_use]
    pub fn instant(&self, time: Time) -> Instant {
        self.origin.checked_add(time.since_origin()).unwrap_or_else(|| Instant::now() + NEVER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_counts_from_the_origin_and_back() {
        let clock = Clock::new(Instant::now());
        assert_eq!(clock.now(), Time::ZERO);
        tokio::time::advance(Duration::from_millis(1500)).await;
        assert_eq!(clock.now(), Time::from_millis(1500));
        assert_eq!(clock.instant(Time::from_millis(1500)), Instant::now());
        assert!(clock.instant(Time::from_origin(Duration::MAX)) > Instant::now() + NEVER / 2);
    }
}
