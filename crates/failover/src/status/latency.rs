//! From which latency on a figure is shown in another colour. Nothing is decided by it: what is slow for a path is known by the
//! path alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where colours change, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LatencyBounds {
    /// From here on it is raised.
    pub raised: u32,
    /// From here on it is high.
    pub high: u32,
}

/// What a latency is by its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LatencyLevel {
    /// Below both bounds.
    Usual,
    /// From the first one on.
    Raised,
    /// From the second one on.
    High,
}

impl Default for LatencyBounds {
    /// What a person feels as a delay, and as a long one; other dashboards of proxies have the same.
    fn default() -> Self {
        Self { raised: 200, high: 500 }
    }
}

impl LatencyBounds {
    /// What so many milliseconds are.
    #[must_use]
    pub fn level(self, millis: f64) -> LatencyLevel {
        if millis >= f64::from(self.high) {
            LatencyLevel::High
        } else if millis >= f64::from(self.raised) {
            LatencyLevel::Raised
        } else {
            LatencyLevel::Usual
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_of_what_is_above_it() {
        let bounds = LatencyBounds::default();
        let levels = [0.0, 199.9, 200.0, 499.9, 500.0, f64::MAX].map(|millis| bounds.level(millis));
        use LatencyLevel::{High, Raised, Usual};
        assert_eq!(levels, [Usual, Usual, Raised, Raised, High, High]);
    }
}
