//! How long something took, counted by how long. No more than the counts is kept.

use std::time::Duration;

/// Upper bounds in seconds: from a port on this host to longer than any stage may take.
pub(super) const BOUNDS: [f64; 13] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Histogram {
    /// Those up to each bound that are above the one before it; the last ones are above all bounds.
    counts: [u64; BOUNDS.len() + 1],
    sum: f64,
}

impl Histogram {
    pub(super) fn add(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        let index = BOUNDS.partition_point(|bound| *bound < seconds);
        self.counts[index] += 1;
        self.sum += seconds;
    }

    /// All of them together, in seconds.
    pub(super) const fn sum(&self) -> f64 {
        self.sum
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Each bound with those that no smaller one holds. The last one is infinity, without which Prometheus has no quantile.
    pub(super) fn buckets(&self) -> [(f64, u64); BOUNDS.len() + 1] {
        std::array::from_fn(|index| (BOUNDS.get(index).copied().unwrap_or(f64::INFINITY), self.counts[index]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_as_long_as_a_bound_is_within_it() {
        let mut histogram = Histogram::default();
        for micros in [1, 1000, 1001, 10_000_000, 10_000_001] {
            histogram.add(Duration::from_micros(micros));
        }
        let filled: Vec<(f64, u64)> =
            histogram.buckets().into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(filled, [(0.001, 2), (0.0025, 1), (10.0, 1), (f64::INFINITY, 1)]);
        assert_eq!(histogram.count(), 5);
        assert!((histogram.sum() - 20.002_003).abs() < 1e-9, "{}", histogram.sum());
    }
}
