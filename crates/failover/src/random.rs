//! Numbers that spread what would otherwise happen at the same moment. The same seed gives the same numbers; nothing
//! depends on their quality.

use std::time::Duration;

/// SplitMix64.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// `period`, up to a tenth shorter or longer.
    pub(crate) fn around(&mut self, period: Duration) -> Duration {
        let tenth = period / 10;
        let width = u64::try_from((tenth * 2).as_nanos()).unwrap_or(u64::MAX);
        (period - tenth).saturating_add(Duration::from_nanos(self.below(width)))
    }

    /// Somewhere within `period`.
    pub(crate) fn within(&mut self, period: Duration) -> Duration {
        Duration::from_nanos(self.below(u64::try_from(period.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// Below `limit`; 0 where that is 0.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        mixed.checked_rem(limit).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_spread_by_a_tenth_and_by_no_more() {
        let mut random = Random::new(1);
        let period = Duration::from_millis(250);
        let spread: Vec<Duration> = (0..1000).map(|_| random.around(period)).collect();
        assert!(spread.iter().all(|one| (225..=275).contains(&one.as_millis())));
        assert!(spread.iter().any(|one| one.as_millis() < 230));
        assert!(spread.iter().any(|one| one.as_millis() > 270));
        assert_eq!(random.around(Duration::ZERO), Duration::ZERO);
        assert!(random.around(Duration::MAX) > Duration::from_secs(1));
        assert!((0..100).all(|_| random.within(period) < period));
    }
}
