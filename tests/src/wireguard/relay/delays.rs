//! How long datagrams were under way: the last ones, counted in a place that does not grow.

use std::time::Duration;

/// Enough for a p99 that is not chance.
const KEPT: usize = 10_000;

/// The delays of the last `KEPT` datagrams.
#[derive(Default)]
pub(super) struct Delays {
    kept: Vec<Duration>,
    /// The oldest one, once there are `KEPT`.
    next: usize,
}

impl Delays {
    pub(super) fn push(&mut self, delay: Duration) {
        if self.kept.len() < KEPT {
            self.kept.push(delay);
        } else {
            self.kept[self.next] = delay;
            self.next = (self.next + 1) % KEPT;
        }
    }

    /// In rising order.
    pub(super) fn sorted(&self) -> Vec<Duration> {
        let mut sorted = self.kept.clone();
        sorted.sort_unstable();
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_kept() {
        let mut delays = Delays::default();
        (0..KEPT as u64 + 5).for_each(|micros| delays.push(Duration::from_micros(micros)));
        let sorted = delays.sorted();
        assert_eq!(sorted.len(), KEPT);
        assert_eq!(sorted.first(), Some(&Duration::from_micros(5)));
        assert_eq!(sorted.last(), Some(&Duration::from_micros(KEPT as u64 + 4)));
    }
}
