//! When to leave a backend to somebody else who keeps changing it. Two controllers that undo each other's work are worse
//! than one that is wrong.
//!
//! ```text
//!              more than CHANGES_MAX changes by others within WINDOW
//!   watching ────────────────────────────────────────────────────────> standing back
//!      ^                                                                    │
//!      └────────────────────────── STAND_BACK later ────────────────────────┘
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::{Name, Time};

/// A person who takes a server out for a repair and puts it back, twice at that, is no fight.
const CHANGES_MAX: usize = 3;

/// A script that looks at its servers does so at least this often.
const WINDOW: Duration = Duration::from_secs(60);

/// Long enough that what the other one does can be seen for itself, and for somebody to hear of it.
const STAND_BACK: Duration = Duration::from_secs(300);

/// What others did to each backend lately.
#[derive(Clone, Debug, Default)]
pub struct Contention {
    backends: BTreeMap<Name, State>,
}

#[derive(Clone, Debug)]
enum State {
    /// The latest changes by others, none older than `WINDOW` when the last one came.
    Watching(VecDeque<Time>),
    /// Nothing is written before this.
    StandingBack(Time),
}

impl Contention {
    /// Somebody else changed a server of `backend`; how long to stand back, where that begins with this.
    pub fn on_change(&mut self, backend: &Name, now: Time) -> Option<Duration> {
        let state = self.backends.entry(backend.clone()).or_insert_with(|| State::Watching(VecDeque::new()));
        match state {
            State::Watching(changes) => {
                changes.retain(|at| now.since(*at) < WINDOW);
                changes.push_back(now);
                if changes.len() <= CHANGES_MAX {
                    return None;
                }
                *state = State::StandingBack(now + STAND_BACK);
                Some(STAND_BACK)
            }
            State::StandingBack(_) => None,
        }
    }

    /// The backends that are steered again from now on.
    pub fn on_time(&mut self, now: Time) -> Vec<Name> {
        let over = |state: &State| match state {
            State::Watching(_) => false,
            State::StandingBack(until) => *until <= now,
        };
        let ended: Vec<Name> = self
            .backends
            .iter()
            .filter(|(_, state)| over(state))
            .map(|(backend, _)| backend.clone())
            .collect();
        self.backends.retain(|_, state| !over(state));
        ended
    }

    /// The backends that nothing is written to, each with the time until which that is so.
    #[must_use]
    pub fn standing_back(&self) -> BTreeMap<Name, Time> {
        let until = |state: &State| match state {
            State::Watching(_) => None,
            State::StandingBack(until) => Some(*until),
        };
        self.backends.iter().filter_map(|(backend, state)| Some((backend.clone(), until(state)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_three_changes_within_a_minute_begin_it() {
        let table: [(&[u64], Option<u64>); 7] = [
            (&[0, 1, 2], None),
            (&[0, 1, 2, 3], Some(3)),
            (&[0, 0, 0, 0], Some(0)),
            (&[0, 1, 2, 59], Some(59)),
            (&[0, 1, 2, 60], None),
            (&[0, 20, 40, 60, 80, 100], None),
            (&[0, 1, 2, 61, 61, 61, 61], Some(61)),
        ];
        for (changes, begins) in table {
            let mut contention = Contention::default();
            let begun = changes.iter().find(|at| contention.on_change(&b(), seconds(**at)).is_some());
            assert_eq!(begun.copied(), begins, "{changes:?}");
            let until = begins.map(|at| (b(), seconds(at + 300)));
            assert_eq!(contention.standing_back(), until.into_iter().collect(), "{changes:?}");
        }
    }

    #[test]
    fn it_ends_five_minutes_later_whatever_happens_meanwhile_and_counts_anew() {
        let mut contention = contended();
        for at in 1..300 {
            assert_eq!(contention.on_change(&b(), seconds(at)), None, "it has begun already");
            assert!(contention.on_time(seconds(at)).is_empty());
        }
        assert_eq!(contention.on_time(seconds(300)), [b()]);
        assert!(contention.on_time(seconds(300)).is_empty(), "it ends once");
        for _ in 0..CHANGES_MAX {
            assert_eq!(contention.on_change(&b(), seconds(301)), None);
        }
        assert_eq!(contention.on_change(&b(), seconds(301)), Some(STAND_BACK));
    }

    #[test]
    fn one_backend_is_none_of_another_ones_affair() {
        let mut contention = contended();
        assert_eq!(contention.on_change(&Name::from("c"), seconds(1)), None);
        assert_eq!(contention.standing_back().into_keys().collect::<Vec<_>>(), [b()]);
    }

    fn contended() -> Contention {
        let mut contention = Contention::default();
        let begun: Vec<_> = (0..4).filter_map(|_| contention.on_change(&b(), seconds(0))).collect();
        assert_eq!(begun, [STAND_BACK]);
        contention
    }

    fn b() -> Name {
        Name::from("b")
    }

    fn seconds(seconds: u64) -> Time {
        Time::from_millis(seconds * 1000)
    }
}
