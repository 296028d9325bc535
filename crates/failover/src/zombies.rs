//! Probes that a dead tunnel has swallowed. Each holds a thread or a socket in the SOCKS server until that gives up, also
//! when we have left: their number is limited.

use std::collections::VecDeque;
use std::time::Duration;

use crate::Time;

/// The slowest SOCKS server gives up after this (microsocks on Linux: 133 to 135 s, measured).
const LIFE: Duration = Duration::from_secs(135);

/// As many as the cadence of recovery makes in a minute and a half, the waves of one suspicion, and what is kept back.
/// microsocks has a thread for each, so that a hundred cost it little (20 were 20 threads and 40 descriptors, measured).
const BUDGET: usize = 120;

/// Kept back for a server that is down again while the probes of its last outage still live: with these it is asked ...
const RESERVE: usize = 34;

/// ... once in this, which uses them up no sooner than the oldest have ended.
const TRICKLE: Duration = Duration::from_secs(4);

/// When each of them began.
#[derive(Clone, Debug, Default)]
pub(crate) struct Zombies {
    since: VecDeque<Time>,
    asked: Option<Time>,
}

impl Zombies {
    /// A probe was given up behind the SOCKS server.
    pub(crate) fn add(&mut self, began: Time) {
        if self.since.len() == BUDGET {
            self.since.pop_front();
        }
        self.since.push_back(began);
    }

    /// How many may live at `now`.
    pub(crate) fn count(&self, now: Time) -> usize {
        self.since.iter().filter(|began| now.since(**began) < LIFE).count()
    }

    /// Another one was asked, which may end here.
    pub(crate) const fn asked(&mut self, now: Time) {
        self.asked = Some(now);
    }

    /// When another probe may be made: at once, now and then, or when the oldest has ended.
    pub(crate) fn room_at(&self, now: Time) -> Time {
        match self.count(now) {
            count if count < BUDGET - RESERVE => now,
            count if count < BUDGET => self.asked.map_or(now, |asked| now.max(asked + TRICKLE)),
            _ => self.since.front().map_or(now, |oldest| *oldest + LIFE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_at_once_then_now_and_then_and_then_only_when_the_oldest_has_ended() {
        let mut zombies = Zombies::default();
        for index in 0..BUDGET as u64 {
            let now = Time::from_millis(index * 500);
            let is_free = index < (BUDGET - RESERVE) as u64;
            let trickle = Time::from_millis(index.saturating_sub(1) * 500) + TRICKLE;
            assert_eq!(zombies.room_at(now), if is_free { now } else { trickle });
            zombies.asked(now);
            zombies.add(now);
        }
        let now = Time::from_millis(BUDGET as u64 * 500);
        assert_eq!(zombies.count(now), BUDGET);
        assert_eq!(zombies.room_at(now), Time::from_millis(135_000));
        let later = Time::from_millis(135_000);
        assert_eq!(zombies.room_at(later), later);
        zombies.add(later);
        assert_eq!(zombies.since.len(), BUDGET);
    }
}
