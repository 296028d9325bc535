//! What one exchange with each target takes through a server, beside others. Only exchanges with the same target are
//! compared, because what lies behind the tunnel is none of the server's doing.

use std::collections::VecDeque;
use std::time::Duration;

use crate::{TargetId, Time};

/// Exchanges of which the median is taken: two seconds of canaries, and some full probes to each target.
const RECENT: usize = 8;

/// With fewer nothing is said.
const KNOWN_FROM: usize = 3;

/// What was measured longer ago says nothing about now; the slowest cadence asks each of a few targets within this.
const OLD: Duration = Duration::from_secs(300);

/// Less than this nobody notices, whatever share of the whole it is.
const GAIN_MIN: Duration = Duration::from_millis(30);

/// Less than this part of the whole is not worth a move: one fifth.
const GAIN_PART: u32 = 5;

/// One server's paces.
#[derive(Clone, Debug)]
pub(crate) struct Paces {
    recent: Vec<VecDeque<(Time, Duration)>>,
}

impl Paces {
    pub(crate) fn new(targets: usize) -> Self {
        Self { recent: vec![VecDeque::with_capacity(RECENT); targets] }
    }

    /// One round trip to `target` took this long.
    pub(crate) fn learn(&mut self, target: TargetId, took: Duration, now: Time) {
        let Some(recent) = self.recent.get_mut(usize::from(target.0)) else { return };
        if recent.len() == RECENT {
            recent.pop_front();
        }
        recent.push_back((now, took));
    }

    /// The mean of what both take to the targets that both are known to: this one's, and the other's.
    pub(crate) fn beside(&self, other: &Self, now: Time) -> Option<(Duration, Duration)> {
        let medians = self.recent.iter().zip(&other.recent);
        let both: Vec<(Duration, Duration)> =
            medians.filter_map(|(own, other)| median(own, now).zip(median(other, now))).collect();
        let count = u32::try_from(both.len()).unwrap_or(u32::MAX);
        let sum = |of: fn(&(Duration, Duration)) -> Duration| both.iter().map(of).sum::<Duration>();
        (count > 0).then(|| (sum(|pair| pair.0) / count, sum(|pair| pair.1) / count))
    }
}

/// Whether one that takes `takes` is clearly faster than one that takes `other`.
pub(crate) fn is_clearly_faster(takes: Duration, other: Duration) -> bool {
    takes.saturating_add(GAIN_MIN.max(other / GAIN_PART)) <= other
}

fn median(recent: &VecDeque<(Time, Duration)>, now: Time) -> Option<Duration> {
    let mut times: Vec<Duration> =
        recent.iter().filter(|(at, _)| now.since(*at) <= OLD).map(|(_, took)| *took).collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied().filter(|_| times.len() >= KNOWN_FROM)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paces(of: &[(u16, u64)]) -> Paces {
        let mut paces = Paces::new(2);
        for (target, millis) in of {
            for _ in 0..RECENT {
                paces.learn(TargetId(*target), Duration::from_millis(*millis), Time::ZERO);
            }
        }
        paces
    }

    #[test]
    fn only_the_targets_that_both_are_known_to_are_compared_and_only_for_a_while() {
        let (one, other) = (paces(&[(0, 50), (1, 300)]), paces(&[(0, 90)]));
        let millis =
            |beside: Option<(Duration, Duration)>| beside.map(|(a, b)| (a.as_millis(), b.as_millis()));
        assert_eq!(millis(one.beside(&other, Time::ZERO)), Some((50, 90)));
        assert_eq!(millis(one.beside(&paces(&[(0, 90), (1, 100)]), Time::ZERO)), Some((175, 95)));
        assert_eq!(one.beside(&Paces::new(2), Time::ZERO), None);
        assert_eq!(one.beside(&other, Time::ZERO + OLD + Duration::from_secs(1)), None);
    }

    #[test]
    fn clearly_is_by_30_ms_and_by_a_fifth() {
        let table = [(50, 79, false), (50, 80, true), (200, 249, false), (200, 250, true), (0, 29, false)];
        for (takes, other, clearly) in table {
            let [takes, other] = [takes, other].map(Duration::from_millis);
            assert_eq!(is_clearly_faster(takes, other), clearly, "{takes:?} beside {other:?}");
        }
    }
}
