//! A server that still answers, but ten times slower than it used to. A flag, never a verdict.

use std::collections::VecDeque;
use std::time::Duration;

use crate::lateness::Window;
use crate::moved::Moved;
use crate::{TargetId, Time};

/// Answers that are compared with the usual ones.
const RECENT: usize = 8;

/// How many in a row decide on entering: as many are there within a second, and lost packets do not come in such rows.
const ENTER_OF: usize = 6;

/// Entered when each of them took this many times as long as usual: those of a tenfold round trip scatter around ten,
/// and a request that is sent again after 200 ms takes five times its 50 ms.
const ENTER: f64 = 6.0;

/// Left below this, so that a server on the edge does not flicker.
const LEAVE: f64 = 3.0;

/// Quicker than this is quick, however much quicker it used to be.
const QUICK: Duration = Duration::from_millis(100);

/// A pace that has lasted this long is the usual one.
const USUAL_AFTER: Duration = Duration::from_secs(3600);

/// One server's pace, beside its usual one.
#[derive(Clone, Debug)]
pub(crate) struct Slow {
    usual: Vec<Window>,
    recent: VecDeque<(f64, Duration)>,
    since: Option<Time>,
}

impl Slow {
    pub(crate) fn new(targets: usize) -> Self {
        Self { usual: vec![Window::default(); targets], recent: VecDeque::with_capacity(RECENT), since: None }
    }

    /// The targets stand in other places.
    pub(crate) fn rearrange(&mut self, moved: &Moved) {
        moved.rearrange(&mut self.usual);
    }

    /// An exchange with `target` took this long. What was `late` is compared, but is not usual.
    pub(crate) fn learn(&mut self, target: TargetId, took: Duration, late: bool, now: Time) {
        let Some(usual) = self.usual.get_mut(usize::from(target.0)) else { return };
        let known = usual.median().filter(|_| usual.is_known());
        if let Some(median) = known {
            if self.recent.len() == RECENT {
                self.recent.pop_front();
            }
            let ratio = took.as_secs_f64() / median.as_secs_f64().max(1e-6);
            self.recent.push_back((ratio, took));
        }
        if self.since.is_none() && !late {
            usual.push(took);
        }
        self.settle(now);
    }

    fn settle(&mut self, now: Time) {
        match self.since {
            None => {
                let is_slow = |(ratio, took): &&(f64, Duration)| *ratio >= ENTER && *took >= QUICK;
                // The usual case ends with the first comparison.
                if self.recent.iter().rev().take_while(is_slow).count() >= ENTER_OF {
                    self.since = Some(now);
                }
            }
            Some(_) if self.median_of(RECENT).is_some_and(|(ratio, took)| ratio <= LEAVE || took < QUICK) => {
                self.since = None;
            }
            Some(since) if now.since(since) >= USUAL_AFTER => *self = Self::new(self.usual.len()),
            Some(_) => {}
        }
    }

    /// The latest answer came when the server had already been given up for silent: that one is trend enough.
    pub(crate) fn was_silent(&mut self, now: Time) {
        if self.since.is_none()
            && self.recent.back().is_some_and(|(ratio, took)| *ratio > LEAVE && *took >= QUICK)
        {
            self.since = Some(now);
            self.recent.drain(..self.recent.len() - 1);
        }
    }

    /// Since when it is much slower than usual.
    pub(crate) const fn since(&self) -> Option<Time> {
        self.since
    }

    /// What an exchange takes now: the lower quartile of the latest, because lost packets only ever add to it.
    pub(crate) fn pace(&self) -> Option<Duration> {
        let mut times: Vec<Duration> = self.recent.iter().map(|(_, took)| *took).collect();
        times.sort_unstable();
        times.get(times.len() / 4).copied()
    }

    /// The medians of the latest `count` ratios and times, where there are as many.
    fn median_of(&self, count: usize) -> Option<(f64, Duration)> {
        let skipped = self.recent.len().checked_sub(count)?;
        let mut ratios: Vec<f64> = self.recent.iter().skip(skipped).map(|(ratio, _)| *ratio).collect();
        let mut times: Vec<Duration> = self.recent.iter().skip(skipped).map(|(_, took)| *took).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        times.sort_unstable();
        Some((*ratios.get(count / 2)?, *times.get(count / 2)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: TargetId = TargetId(0);

    fn learn(slow: &mut Slow, millis: u64, count: usize, now: u64) {
        for _ in 0..count {
            slow.learn(T, Duration::from_millis(millis), false, Time::from_millis(now));
        }
    }

    #[test]
    fn tenfold_is_slow_and_threefold_is_not_and_the_way_back_is_longer() {
        let mut slow = Slow::new(1);
        learn(&mut slow, 50, 60, 0);
        learn(&mut slow, 150, 20, 1);
        assert_eq!(slow.since(), None);
        learn(&mut slow, 50, 60, 1);
        learn(&mut slow, 500, 5, 2);
        learn(&mut slow, 50, 1, 2);
        learn(&mut slow, 500, 5, 2);
        assert_eq!(slow.since(), None, "lost packets are no trend");
        learn(&mut slow, 500, 1, 3);
        assert_eq!(slow.since(), Some(Time::from_millis(3)));
        learn(&mut slow, 200, 100, 4);
        assert!(slow.since().is_some(), "still four times its usual");
        learn(&mut slow, 60, 5, 5);
        assert_eq!(slow.since(), None);
    }

    #[test]
    fn quick_is_quick_even_if_it_was_quicker_and_a_slowness_that_lasts_is_usual() {
        let mut slow = Slow::new(1);
        learn(&mut slow, 2, 60, 0);
        learn(&mut slow, 40, 60, 1);
        assert_eq!(slow.since(), None);
        let mut slow = Slow::new(1);
        learn(&mut slow, 50, 60, 0);
        learn(&mut slow, 500, 60, 1);
        learn(&mut slow, 500, 1, 3_700_000);
        assert_eq!(slow.since(), None);
        learn(&mut slow, 500, 60, 3_700_001);
        assert_eq!(slow.since(), None);
    }
}
