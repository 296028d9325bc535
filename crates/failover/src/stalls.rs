//! When this process itself was starved: the core asks to be woken, and whoever wakes it late did not read what came in
//! meanwhile either. Such time accuses nobody.

use std::collections::VecDeque;
use std::time::Duration;

use crate::Time;

/// Woken later than this, something kept the process from running: timers are a millisecond late at the most.
pub(crate) const STALL_MIN: Duration = Duration::from_millis(20);

/// After a stall, time for what arrived during it to be read before anything is called late.
const SETTLE_MAX: Duration = Duration::from_millis(50);

/// After this much nothing is as it was: connections are gone, timers of others have fired, evidence is old.
pub(crate) const GAP_MIN: Duration = Duration::from_secs(5);

/// Remembered stalls. They matter as long as a probe that they overlap is under way; with more of them the machine is
/// beyond judging others.
const STALLS_MAX: usize = 64;

/// The latest stalls, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stalls {
    recent: VecDeque<(Time, Time)>,
}

impl Stalls {
    /// Nothing ran from `from` to `to`.
    pub(crate) fn note(&mut self, from: Time, to: Time) {
        if self.recent.len() == STALLS_MAX {
            self.recent.pop_front();
        }
        let settle = to.since(from).min(SETTLE_MAX);
        self.recent.push_back((from, to + settle));
    }

    /// How much of the time since `since` does not count.
    pub(crate) fn since(&self, since: Time) -> Duration {
        let newest_first = self.recent.iter().rev().take_while(|(_, to)| *to > since);
        newest_first.map(|(from, to)| to.since((*from).max(since))).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_overlaps_counts_and_reading_takes_a_moment_too() {
        let at = Time::from_millis;
        let mut stalls = Stalls::default();
        assert_eq!(stalls.since(Time::ZERO), Duration::ZERO);
        stalls.note(at(100), at(130));
        stalls.note(at(1000), at(4000));
        assert_eq!(stalls.since(Time::ZERO), Duration::from_millis(60 + 3050));
        assert_eq!(stalls.since(at(2000)), Duration::from_millis(2050));
        assert_eq!(stalls.since(at(4050)), Duration::ZERO);
    }

    #[test]
    fn it_never_grows() {
        let mut stalls = Stalls::default();
        for index in 0..10_000 {
            stalls.note(Time::from_millis(index * 100), Time::from_millis(index * 100 + 30));
        }
        assert_eq!(stalls.recent.len(), STALLS_MAX);
    }
}
