//! Damping: a server that relapses waits longer before it is trusted again. Each outage adds a penalty that halves with
//! time; the hold doubles with it, and a server that flaps on is suppressed until it has been still for a while. All
//! of it delays coming back, never leaving.

use std::time::Duration;

use crate::{Settings, Time};

/// What an outage adds (route flap damping of RFC 2439 has the same shape).
const PENALTY: f64 = 1000.0;

/// The penalty halves in this time.
const HALF_LIFE: Duration = Duration::from_secs(300);

/// From this penalty on nothing redeems the server ...
const SUPPRESS: f64 = 4000.0;

/// ... until it has fallen below this.
const REUSE: f64 = 2000.0;

/// A server that was good for less than this is held twice as long as it had been good.
const SHORT_LIVED: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub(crate) struct Damping {
    penalty: f64,
    at: Time,
    hold: Duration,
    hold_max: Duration,
    suppressed: bool,
}

impl Damping {
    pub(crate) const fn new() -> Self {
        Self {
            penalty: 0.0,
            at: Time::ZERO,
            hold: Duration::ZERO,
            hold_max: Duration::ZERO,
            suppressed: false,
        }
    }

    /// The server went down at `now`, after it had been good for `good`.
    pub(crate) fn down(&mut self, good: Duration, settings: &Settings, now: Time) {
        self.penalty = self.decayed(now) + PENALTY;
        self.at = now;
        self.suppressed = self.suppressed || self.penalty >= SUPPRESS;
        let doublings = (self.penalty / PENALTY) as i32 - 1;
        let mut hold = settings.hold.mul_f64(2.0_f64.powi(doublings.clamp(0, 16)));
        if good < SHORT_LIVED {
            hold = hold.max(good * 2);
        }
        self.hold = hold.min(settings.hold_max);
        self.hold_max = settings.hold_max;
    }

    /// How long the server has to be good before it is trusted again.
    pub(crate) const fn hold(&self) -> Duration {
        self.hold
    }

    /// Whether it flapped so much that having been good for `good` is not enough yet. What is as long as the longest hold
    /// always is.
    pub(crate) fn is_suppressed(&mut self, good: Duration, now: Time) -> bool {
        self.suppressed = self.suppressed && self.decayed(now) >= REUSE;
        self.suppressed && good < self.hold_max
    }

    /// Until when it is, unless it is good for long before that.
    pub(crate) fn suppressed_until(&self, now: Time) -> Option<Time> {
        if !self.suppressed || self.decayed(now) < REUSE {
            return None;
        }
        let halves = (self.penalty / REUSE).log2();
        Some(self.at + HALF_LIFE.mul_f64(halves.max(0.0)))
    }

    /// When what has been good since `since` is trusted again, if it goes on like that.
    pub(crate) fn trusted_at(&self, since: Time, now: Time) -> Time {
        let suppressed = self.suppressed_until(now).map(|until| until.min(since + self.hold_max));
        (since + self.hold).max(suppressed.unwrap_or(Time::ZERO))
    }

    fn decayed(&self, now: Time) -> f64 {
        let halves = now.since(self.at).as_secs_f64() / HALF_LIFE.as_secs_f64();
        self.penalty * 0.5_f64.powf(halves)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::from_millis(seconds * 1000)
    }

    fn settings() -> Settings {
        Settings::new(Vec::new())
    }

    fn down(damping: &mut Damping, good: Duration, second: u64) {
        damping.down(good, &settings(), at(second));
    }

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn each_relapse_holds_longer_and_time_heals() {
        let hold = settings().hold;
        let mut damping = Damping::new();
        down(&mut damping, LONG, 0);
        assert_eq!(damping.hold(), hold);
        down(&mut damping, LONG, 1);
        assert_eq!(damping.hold(), hold, "a little has decayed already");
        down(&mut damping, LONG, 2);
        assert_eq!(damping.hold(), hold * 2);
        down(&mut damping, LONG, 10_000);
        assert_eq!(damping.hold(), hold);
    }

    #[test]
    fn a_short_life_is_held_twice_as_long_as_it_was() {
        let mut damping = Damping::new();
        down(&mut damping, Duration::from_secs(50), 0);
        assert_eq!(damping.hold(), Duration::from_secs(100));
        down(&mut damping, Duration::from_secs(61), 100_000);
        assert_eq!(damping.hold(), settings().hold);
    }

    #[test]
    fn who_flaps_is_suppressed_until_it_was_still_for_a_while() {
        let mut damping = Damping::new();
        for second in 0..5 {
            assert!(!damping.is_suppressed(Duration::ZERO, at(second)));
            down(&mut damping, LONG, second);
        }
        assert!(damping.is_suppressed(Duration::ZERO, at(4)));
        let until = damping.suppressed_until(at(4)).unwrap();
        assert!(damping.clone().is_suppressed(Duration::ZERO, at(until.since_origin().as_secs())));
        assert!(!damping.clone().is_suppressed(Duration::ZERO, until + Duration::from_secs(1)));
        assert!(damping.is_suppressed(Duration::from_secs(299), at(300)));
        assert!(!damping.is_suppressed(Duration::from_secs(300), at(300)), "nobody waits longer than that");
        assert!(!damping.is_suppressed(Duration::ZERO, at(500)));
        for _ in 0..100 {
            down(&mut damping, Duration::ZERO, 500);
        }
        assert_eq!(damping.hold(), settings().hold_max);
    }

    #[test]
    fn where_the_longest_hold_is_the_first_one_nobody_is_held_for_relapses() {
        let second = Duration::from_secs(1);
        let settings = Settings { hold: second, hold_max: second, ..settings() };
        let mut damping = Damping::new();
        for _ in 0..100 {
            damping.down(Duration::from_secs(30), &settings, at(0));
        }
        assert_eq!(damping.hold(), second);
        assert!(!damping.is_suppressed(second, at(0)));
    }
}
