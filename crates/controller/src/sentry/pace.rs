//! How closely HAProxy is asked who it is after something stirred. Owns no clock.

use std::time::Duration;

use tokio::time::Instant;

/// Right after something stirred. A question costs HAProxy 0.1 ms (measured), so this is a thirtieth of one thread.
const CLOSE_EVERY: Duration = Duration::from_millis(3);

/// How long that is kept up: with 5000 servers a new worker answers 264 ms after the signal (measured).
const CLOSE_FOR: Duration = Duration::from_millis(500);

/// Afterwards: a hundredth of a thread, still much sooner than without a sign.
const NEAR_EVERY: Duration = Duration::from_millis(10);

/// How long after the sign: a configuration that takes longer to load is found by the regular question.
const NEAR_FOR: Duration = Duration::from_secs(1);

/// When something last stirred.
#[derive(Debug, Default)]
pub(super) struct Pace {
    stirred: Option<Instant>,
}

impl Pace {
    pub(super) const fn stir(&mut self, now: Instant) {
        self.stirred = Some(now);
    }

    /// Until the next question; `calm` where nothing stirred of late.
    pub(super) fn pause(&self, now: Instant, calm: Duration) -> Duration {
        let Some(since) = self.stirred.map(|stirred| now.saturating_duration_since(stirred)) else {
            return calm;
        };
        if since < CLOSE_FOR {
            calm.min(CLOSE_EVERY)
        } else if since < NEAR_FOR {
            calm.min(NEAR_EVERY)
        } else {
            calm
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_look_is_closest_right_after_something_stirred_and_calms_down_by_itself() {
        let start = Instant::now();
        let calm = Duration::from_millis(50);
        let mut pace = Pace::default();
        assert_eq!(pace.pause(start, calm), calm);
        pace.stir(start);
        for (after, pause) in [(0, 3), (499, 3), (500, 10), (999, 10), (1000, 50), (90_000, 50)] {
            let now = start + Duration::from_millis(after);
            assert_eq!(pace.pause(now, calm), Duration::from_millis(pause), "after {after} ms");
        }
        pace.stir(start + NEAR_FOR);
        assert_eq!(pace.pause(start + NEAR_FOR, calm), CLOSE_EVERY);
        assert_eq!(pace.pause(start + NEAR_FOR, Duration::from_millis(1)), Duration::from_millis(1));
    }
}
