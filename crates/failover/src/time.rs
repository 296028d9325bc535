//! Monotonic time as a value. The driver reads the clock; nothing here does.

use std::ops::Add;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer};
use serde::{Serialize, Serializer};

/// A moment: the time since an origin that the driver chose, on a clock that never goes back. In whole microseconds: what
/// a recording holds, and finer than any decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(Duration);

impl Time {
    /// The driver's origin.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// The moment `elapsed` after the origin.
    #[must_use]
    pub const fn from_origin(elapsed: Duration) -> Self {
        Self(whole(elapsed))
    }

    /// The moment `millis` milliseconds after the origin.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// How long after the origin this is.
    #[must_use]
    pub const fn since_origin(self) -> Duration {
        self.0
    }

    /// How long after `earlier` this is; zero where it is before it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, later: Duration) -> Self {
        Self(whole(self.0.saturating_add(later)))
    }
}

/// The whole microseconds of a span.
pub(crate) const fn whole(span: Duration) -> Duration {
    Duration::new(span.as_secs(), span.subsec_micros() * 1000)
}

/// Microseconds since the origin.
impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(self.0.as_micros()).unwrap_or(u64::MAX))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(|micros| Self(Duration::from_micros(micros)))
    }
}

/// A span in whole microseconds, for `#[serde(with = "crate::time::micros")]`.
pub(crate) mod micros {
    use super::{Deserialize, Deserializer, Duration, Serializer};

    pub(crate) fn serialize<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(span.as_micros()).unwrap_or(u64::MAX))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_micros)
    }
}
