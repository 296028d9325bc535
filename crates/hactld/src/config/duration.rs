//! Durations as people write them: a number with its unit, such as `500ms`, `2s`, `1m 30s`.

use std::time::Duration;

use jiff::SignedDuration;
use serde::de::{Deserializer, Error, Visitor};

/// Two rounds in less than this would only measure themselves: a round over a tunnel takes longer.
const INTERVAL_MIN: Duration = Duration::from_millis(50);

/// Longer between rounds than this and nothing is steered any more.
const INTERVAL_MAX: Duration = Duration::from_secs(3600);

/// Less than this is below the round trip of most tunnels: every probe would fail.
const TIMEOUT_MIN: Duration = Duration::from_millis(50);

/// SOCKS servers themselves give up on a dead tunnel after 127 to 135 s (measured); none is worth waiting longer for.
const TIMEOUT_MAX: Duration = Duration::from_secs(120);

pub(super) fn interval<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(Bounded { least: INTERVAL_MIN, most: INTERVAL_MAX })
}

pub(super) fn timeout<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(Bounded { least: TIMEOUT_MIN, most: TIMEOUT_MAX })
}

/// Parses a probe's deadline as it is written on a command line.
///
/// # Errors
/// In words, what is allowed.
pub fn parse_timeout(text: &str) -> Result<Duration, String> {
    Bounded { least: TIMEOUT_MIN, most: TIMEOUT_MAX }.parse(text)
}

struct Bounded {
    least: Duration,
    most: Duration,
}

impl Bounded {
    fn parse(&self, text: &str) -> Result<Duration, String> {
        let parsed: SignedDuration = text
            .parse()
            .map_err(|_| format!("`{text}` is not a duration; write one such as \"500ms\" or \"2s\""))?;
        let allowed = || format!("from {:?} to {:?}", self.least, self.most);
        let duration =
            Duration::try_from(parsed).map_err(|_| format!("`{text}` is negative; {}", allowed()))?;
        if duration < self.least || duration > self.most {
            return Err(format!("`{text}` is out of range; {} is allowed", allowed()));
        }
        Ok(duration)
    }

    fn bare<E: Error>(number: impl std::fmt::Display) -> E {
        E::custom(format!("{number} has no unit; write \"{number}s\" or \"{number}ms\""))
    }
}

impl Visitor<'_> for Bounded {
    type Value = Duration;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a duration such as \"500ms\" or \"2s\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
        self.parse(text).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Duration, E> {
        Err(Self::bare(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Duration, E> {
        Err(Self::bare(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Duration, E> {
        Err(Self::bare(number))
    }
}
