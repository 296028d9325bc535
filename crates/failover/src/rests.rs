//! Targets that are rested for one server: they refuse to serve its exit, or they keep silent through it while others
//! answer. A rested target is asked again when its rest is over; nobody is condemned because of it.

use std::time::Duration;

use crate::moved::Moved;
use crate::{Failure, TargetId, Time};

/// The first rest; each further one is twice as long ...
const REST_MIN: Duration = Duration::from_secs(30);

/// ... up to this: a target that is back is to be of use again within minutes.
const REST_MAX: Duration = Duration::from_secs(600);

/// Misses in a row that rest a silent target: less would rest targets for lost packets.
const MISSES_MAX: u8 = 3;

/// What is missed sooner after a miss belongs to it.
const MISSES_APART: Duration = Duration::from_secs(2);

/// Why a target rests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// It answers, but with this status.
    Blocked(u16),
    /// It does not answer, while others do through the same server.
    Failed(Failure),
}

#[derive(Clone, Debug, Default)]
struct Pair {
    misses: u8,
    missed_at: Time,
    rests: u32,
    until: Time,
    why: Option<Why>,
}

/// One server's view of the targets.
#[derive(Clone, Debug)]
pub(crate) struct Rests {
    pairs: Vec<Pair>,
}

impl Rests {
    pub(crate) fn new(targets: usize) -> Self {
        Self { pairs: vec![Pair::default(); targets] }
    }

    /// The targets stand in other places.
    pub(crate) fn rearrange(&mut self, moved: &Moved) {
        moved.rearrange(&mut self.pairs);
    }

    /// It answered, and served us; true where it was rested, so that this is news.
    pub(crate) fn answered(&mut self, target: TargetId) -> bool {
        self.pair(target).is_some_and(|pair| std::mem::take(pair).why.is_some())
    }

    /// It answered, but refuses to serve this exit; true where that is news.
    pub(crate) fn blocked(&mut self, target: TargetId, status: u16, now: Time) -> bool {
        self.pair(target).is_some_and(|pair| pair.rest(Why::Blocked(status), now))
    }

    /// It failed or was silent while another target answered; true where it is rested for that, and that is news.
    pub(crate) fn missed(&mut self, target: TargetId, failure: &Failure, definite: bool, now: Time) -> bool {
        let Some(pair) = self.pair(target) else { return false };
        if pair.misses == 0 || now.since(pair.missed_at) >= MISSES_APART {
            pair.misses = pair.misses.saturating_add(1);
            pair.missed_at = now;
        }
        let enough = definite || pair.misses >= MISSES_MAX || pair.why.is_some();
        enough && pair.rest(Why::Failed(failure.clone()), now)
    }

    /// Why it rests, or is to be asked again before it is trusted.
    pub(crate) fn why(&self, target: TargetId) -> Option<&Why> {
        self.pairs.get(usize::from(target.0)).and_then(|pair| pair.why.as_ref())
    }

    /// A target that has missed but not been rested yet: the next probe settles it.
    pub(crate) fn in_question(&self) -> Option<TargetId> {
        let index = self.pairs.iter().position(|pair| pair.misses > 0 && pair.why.is_none())?;
        u16::try_from(index).ok().map(TargetId)
    }

    /// The targets that may be asked now, from `start` on and around; where all are rested, the one whose rest ends
    /// first.
    pub(crate) fn available(&self, start: usize, now: Time) -> Vec<TargetId> {
        let count = self.pairs.len();
        let around = (0..count).map(|offset| (start + offset) % count.max(1));
        let all: Vec<usize> = around.collect();
        let awake = all.iter().copied().filter(|index| self.pairs[*index].until <= now);
        let mut chosen: Vec<usize> = awake.collect();
        if chosen.is_empty() {
            chosen.extend(all.iter().copied().min_by_key(|index| self.pairs[*index].until));
        }
        chosen.into_iter().filter_map(|index| u16::try_from(index).ok().map(TargetId)).collect()
    }

    /// The targets whose answer proves something now: those that may be asked, and those that rest because of what they
    /// answer.
    pub(crate) fn telling(&self, start: usize, now: Time) -> Vec<TargetId> {
        let count = self.pairs.len();
        let around = (0..count).map(|offset| (start + offset) % count.max(1));
        let tells = |index: &usize| {
            let pair = &self.pairs[*index];
            pair.until <= now || matches!(pair.why, Some(Why::Blocked(_)))
        };
        let telling: Vec<usize> = around.filter(tells).collect();
        if telling.is_empty() {
            return self.available(start, now);
        }
        telling.into_iter().filter_map(|index| u16::try_from(index).ok().map(TargetId)).collect()
    }

    /// The targets that rest because they failed.
    pub(crate) fn silent(&self, now: Time) -> Vec<TargetId> {
        let silent = |pair: &Pair| pair.until > now && matches!(pair.why, Some(Why::Failed(_)));
        let indexes = self.pairs.iter().enumerate().filter(|(_, pair)| silent(pair)).map(|(index, _)| index);
        indexes.filter_map(|index| u16::try_from(index).ok().map(TargetId)).collect()
    }

    /// The targets that rest now, until when and why.
    pub(crate) fn resting(&self, now: Time) -> impl Iterator<Item = (TargetId, Time, &Why)> {
        let pairs = self.pairs.iter().enumerate().filter(move |(_, pair)| pair.until > now);
        pairs.filter_map(|(index, pair)| {
            Some((TargetId(u16::try_from(index).ok()?), pair.until, pair.why.as_ref()?))
        })
    }

    fn pair(&mut self, target: TargetId) -> Option<&mut Pair> {
        self.pairs.get_mut(usize::from(target.0))
    }
}

impl Pair {
    fn rest(&mut self, why: Why, now: Time) -> bool {
        let news = self.why.is_none();
        if self.until <= now {
            let rest = REST_MIN.saturating_mul(1 << self.rests.min(10)).min(REST_MAX);
            self.until = now + rest;
            self.rests += 1;
        }
        self.why = Some(why);
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cause, Stage};

    const A: TargetId = TargetId(0);
    const B: TargetId = TargetId(1);

    fn at(seconds: u64) -> Time {
        Time::from_millis(seconds * 1000)
    }

    fn silent() -> Failure {
        Failure { stage: Stage::Connect, cause: Cause::Timeout, text: String::new() }
    }

    #[test]
    fn a_silent_target_rests_after_three_misses_in_a_row() {
        let mut rests = Rests::new(2);
        assert!(!rests.missed(A, &silent(), false, at(0)));
        assert_eq!(rests.in_question(), Some(A));
        assert!(!rests.missed(A, &silent(), false, at(1)), "of the same moment");
        assert!(!rests.missed(A, &silent(), false, at(5)));
        rests.answered(A);
        assert_eq!(rests.in_question(), None);
        assert!(!rests.missed(A, &silent(), false, at(10)));
        assert!(!rests.missed(A, &silent(), false, at(15)));
        assert!(rests.missed(A, &silent(), false, at(20)));
        assert_eq!(rests.available(0, at(21)), [B]);
        assert_eq!(rests.available(0, at(50)), [A, B]);
    }

    #[test]
    fn rests_double_and_end_with_an_answer() {
        let mut rests = Rests::new(1);
        assert!(rests.missed(A, &silent(), true, at(0)));
        assert!(!rests.missed(A, &silent(), true, at(30)), "no news");
        assert_eq!(rests.pairs[0].until, at(90));
        for now in [90, 210, 450, 930, 1530] {
            rests.missed(A, &silent(), false, at(now));
        }
        assert_eq!(rests.pairs[0].until, at(1530) + REST_MAX);
        rests.answered(A);
        assert_eq!(rests.why(A), None);
        assert!(rests.blocked(A, 429, at(2000)));
        assert_eq!(rests.pairs[0].until, at(2030));
    }

    #[test]
    fn there_is_always_a_target_to_ask() {
        let mut rests = Rests::new(3);
        for (index, now) in [(0_u16, 10), (1, 0), (2, 20)] {
            rests.blocked(TargetId(index), 403, at(now));
        }
        assert_eq!(rests.available(2, at(21)), [TargetId(1)]);
        assert_eq!(rests.available(2, at(41)), [TargetId(0), TargetId(1)]);
        assert!(Rests::new(0).available(0, at(0)).is_empty());
    }
}
