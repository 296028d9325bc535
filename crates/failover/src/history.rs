//! The last probes of one server, for people to look at. Nothing is decided from it.

use std::collections::VecDeque;
use std::time::Duration;

/// Probes that are remembered: a minute at one a second, and what a terminal's line can show twice over.
const PROBES: usize = 60;

/// One remembered probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It passed; its last request took this long.
    Passed(Duration),
    /// It failed, or was late.
    Failed,
}

/// A bounded memory of probes, oldest first.
#[derive(Clone, Debug, Default)]
pub struct History {
    entries: VecDeque<Entry>,
}

impl History {
    /// Remembers one more probe, forgetting the oldest where there is no room.
    pub fn push(&mut self, entry: Entry) {
        if self.entries.len() == PROBES {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// The latest `count` probes, oldest first.
    pub fn latest(&self, count: usize) -> impl Iterator<Item = Entry> {
        self.entries.iter().skip(self.entries.len().saturating_sub(count)).copied()
    }

    /// The time of the latest probe, where it passed.
    #[must_use]
    pub fn last(&self) -> Option<Duration> {
        match self.entries.back() {
            Some(Entry::Passed(took)) => Some(*took),
            Some(Entry::Failed) | None => None,
        }
    }

    /// The time that `percent` of the remembered passed probes did not exceed (nearest rank).
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Option<Duration> {
        let mut times: Vec<Duration> = self
            .entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::Passed(took) => Some(*took),
                Entry::Failed => None,
            })
            .collect();
        times.sort_unstable();
        let rank = (times.len() * percent).div_ceil(100);
        times.get(rank.saturating_sub(1)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_passed_probes_alone_and_none_without_one() {
        let mut history = History::default();
        assert_eq!(history.percentile(50), None);
        history.push(Entry::Failed);
        assert_eq!((history.percentile(95), history.last()), (None, None));
        for millis in [40, 10, 30, 20] {
            history.push(Entry::Passed(Duration::from_millis(millis)));
        }
        assert_eq!(history.percentile(50), Some(Duration::from_millis(20)));
        assert_eq!(history.percentile(95), Some(Duration::from_millis(40)));
        assert_eq!(history.last(), Some(Duration::from_millis(20)));
    }

    #[test]
    fn it_forgets_the_oldest_and_never_grows() {
        let mut history = History::default();
        for _ in 0..10 * PROBES {
            history.push(Entry::Passed(Duration::ZERO));
        }
        history.push(Entry::Failed);
        assert_eq!(history.latest(usize::MAX).count(), PROBES);
        assert_eq!(history.latest(1).collect::<Vec<_>>(), [Entry::Failed]);
    }
}
