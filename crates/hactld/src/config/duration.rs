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
        if let Ok(number) = text.trim().parse::<f64>() {
            return Err(self.without_unit(text.trim(), number));
        }
        let parsed: SignedDuration = text.parse().map_err(|_| Self::unusable(text))?;
        let duration = Duration::try_from(parsed).map_err(|_| self.out_of_range(text))?;
        if duration < self.least || duration > self.most {
            return Err(self.out_of_range(text));
        }
        Ok(duration)
    }

    fn without_unit(&self, text: &str, number: f64) -> String {
        let usable = |unit: &f64| {
            let seconds = number * unit;
            (self.least.as_secs_f64()..=self.most.as_secs_f64()).contains(&seconds)
        };
        match (Some(1.0).filter(usable), Some(0.001).filter(usable)) {
            (Some(_), Some(_)) => format!("{text} has no unit; write \"{text}s\" or \"{text}ms\""),
            (Some(_), None) => format!("{text} has no unit; write \"{text}s\""),
            (None, Some(_)) => format!("{text} has no unit; write \"{text}ms\""),
            (None, None) => self.out_of_range(text),
        }
    }

    fn unusable(text: &str) -> String {
        format!("`{text}` is not a duration; write one such as \"500ms\" or \"2s\"")
    }

    fn out_of_range(&self, text: &str) -> String {
        format!("`{text}` is out of range; from {:?} to {:?} is allowed", self.least, self.most)
    }

    fn number<E: Error>(&self, text: &str, number: f64) -> E {
        E::custom(self.without_unit(text, number))
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
        Err(self.number(&number.to_string(), number as f64))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Duration, E> {
        Err(self.number(&number.to_string(), number as f64))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Duration, E> {
        // In this form a number with many zeros is short.
        Err(self.number(&format!("{number:?}"), number))
    }
}
