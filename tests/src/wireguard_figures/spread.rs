//! Some durations as p50, p90 and max.

use std::fmt;
use std::time::Duration;

/// In rising order.
pub(crate) struct Spread(Vec<Duration>);

impl Spread {
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// By nearest rank, so it is always one of the values; `None` where there are none.
    pub(crate) fn at(&self, percent: usize) -> Option<Duration> {
        let rank = (self.0.len() * percent).div_ceil(100);
        self.0.get(rank.saturating_sub(1)).copied()
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(p50), Some(p90), Some(max)) = (self.at(50), self.at(90), self.at(100)) else {
            return write!(f, "none");
        };
        let [p50, p90, max] = [p50, p90, max].map(milliseconds);
        write!(f, "p50 {p50}  p90 {p90}  max {max}  (n = {})", self.0.len())
    }
}

pub(crate) fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let spread = |times: &[u64]| Spread::of(times.iter().copied().map(Duration::from_millis).collect());
        assert_eq!(spread(&[]).to_string(), "none");
        assert_eq!(spread(&[7]).to_string(), "p50 7.0 ms  p90 7.0 ms  max 7.0 ms  (n = 1)");
        let ten = spread(&[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(ten.to_string(), "p50 5.0 ms  p90 9.0 ms  max 10.0 ms  (n = 10)");
    }
}
