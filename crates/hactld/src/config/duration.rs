//! Durations as people write them: a number with its unit, such as `500ms`, `2s`, `1m 30s`, `30d`. A day has 24 hours.

use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::de::{Deserializer, Error, Visitor};

/// An answer takes a round trip of the tunnel, often as long as this: more canaries would only wait for each other.
pub(super) const CANARY_MIN: Duration = Duration::from_millis(50);

/// Many web servers close a connection on which nothing was asked for longer, and each canary would need a new one.
const CANARY_MAX: Duration = Duration::from_secs(60);

/// A full probe takes several round trips and some 8 kB, for each server. What is to be seen sooner, the canary sees.
pub(super) const INTERVAL_MIN: Duration = Duration::from_millis(500);

/// What only a full probe shows would go unseen for longer than anybody waits for it.
const INTERVAL_MAX: Duration = Duration::from_secs(3600);

/// Less than this is below the round trip of many tunnels: every stage of theirs would be late.
const TIMEOUT_MIN: Duration = Duration::from_millis(100);

/// A tunnel in which one stage takes longer than this serves nobody.
const TIMEOUT_MAX: Duration = Duration::from_secs(30);

/// With more mistakes than this clients are better off without hactl.
const FALSE_ALARM_MIN: Duration = Duration::from_secs(3600);

/// Ten years. More confirmation than that takes longer, and nobody will ever count the difference.
const FALSE_ALARM_MAX: Duration = Duration::from_secs(3650 * 24 * 3600);

/// Clients give up before this; whoever rides through more wants nobody moved at all.
const RIDE_THROUGH_MAX: Duration = Duration::from_secs(60);

/// A server that is used again after less than this was not looked at twice.
const HOLD_MIN: Duration = Duration::from_millis(500);

/// Whoever wants a server to stay out for longer puts it into maint.
const HOLD_MAX: Duration = Duration::from_secs(3600);

/// A dead session is of no use to its client, and one that is kept for longer than this is kept for good: `"keep"`.
const KILL_AFTER_MAX: Duration = Duration::from_secs(3600);

/// Of `hactl check`. Less than this is below the round trip of most tunnels: every probe would fail.
const CHECK_MIN: Duration = Duration::from_millis(50);

/// Of `hactl check`. SOCKS servers themselves give up on a dead tunnel after 127 to 135 s (measured); none is worth
/// waiting longer for.
const CHECK_MAX: Duration = Duration::from_secs(120);

/// A page is asked through each server; its owner is not to be bothered, and an exit is another one once in days.
const EXIT_EVERY_MIN: Duration = Duration::from_secs(60);

/// An exit that changed would not be told of for longer than a day.
const EXIT_EVERY_MAX: Duration = Duration::from_secs(24 * 3600);

/// A shorter pause is over before anybody has done anything.
pub const PAUSE_MIN: Duration = Duration::from_secs(1);

/// A month. Whoever wants a longer one says so in the configuration: `mode = "observe"`.
pub const PAUSE_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// A day. Whoever wants to be told less often than that has forgotten by then what it was about.
const COOLDOWN_MAX: Duration = Duration::from_secs(24 * 3600);

/// No program has done anything in less.
const RUN_MIN: Duration = Duration::from_millis(100);

/// A program that has not ended by then hangs.
const RUN_MAX: Duration = Duration::from_secs(600);

/// A server that is given this long is not to be restarted by a program.
const AFTER_MAX: Duration = Duration::from_secs(24 * 3600);

pub(super) const CANARY: Bounded = Bounded::new(CANARY_MIN, CANARY_MAX);
pub(super) const INTERVAL: Bounded = Bounded::new(INTERVAL_MIN, INTERVAL_MAX);
pub(super) const TIMEOUT: Bounded = Bounded::new(TIMEOUT_MIN, TIMEOUT_MAX);
pub(super) const FALSE_ALARM_EVERY: Bounded = Bounded::new(FALSE_ALARM_MIN, FALSE_ALARM_MAX).on(&LONG);
pub(super) const RIDE_THROUGH: Bounded = Bounded::new(Duration::ZERO, RIDE_THROUGH_MAX);
pub(super) const HOLD: Bounded = Bounded::new(HOLD_MIN, HOLD_MAX);
pub(super) const KILL_AFTER: Bounded = Bounded::new(Duration::ZERO, KILL_AFTER_MAX);
pub(super) const EXIT_EVERY: Bounded = Bounded::new(EXIT_EVERY_MIN, EXIT_EVERY_MAX).on(&MINUTES);
pub(super) const COOLDOWN: Bounded = Bounded::new(Duration::ZERO, COOLDOWN_MAX);
pub(super) const RUN: Bounded = Bounded::new(RUN_MIN, RUN_MAX);

/// A bare number is one of seconds.
pub(super) const AFTER: Bounded = Bounded { bare: true, ..Bounded::new(Duration::ZERO, AFTER_MAX) };

/// Parses how long `hactl pause` is to last, as it is written on a command line.
///
/// # Errors
/// In words, what is allowed.
pub fn parse_pause(text: &str) -> Result<Duration, String> {
    Bounded::new(PAUSE_MIN, PAUSE_MAX).on(&MINUTES).parse(text)
}

/// Parses the deadline of `hactl check` as it is written on a command line.
///
/// # Errors
/// In words, what is allowed.
pub fn parse_timeout(text: &str) -> Result<Duration, String> {
    Bounded::new(CHECK_MIN, CHECK_MAX).parse(text)
}

pub(super) fn canary<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    deserializer.deserialize_any(CANARY).map(Some)
}

pub(super) fn interval<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    deserializer.deserialize_any(INTERVAL).map(Some)
}

pub(super) fn exit_every<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    deserializer.deserialize_any(EXIT_EVERY).map(Some)
}

pub(super) fn timeout<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(TIMEOUT)
}

pub(super) fn false_alarm_every<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(FALSE_ALARM_EVERY)
}

pub(super) fn ride_through<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(RIDE_THROUGH)
}

pub(super) fn hold<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(HOLD)
}

pub(super) fn kill_after<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    deserializer.deserialize_any(KILL_AFTER).map(Some)
}

pub(super) fn cooldown<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    deserializer.deserialize_any(COOLDOWN).map(Some)
}

pub(super) fn run_timeout<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    deserializer.deserialize_any(RUN).map(Some)
}

pub(super) fn after<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    deserializer.deserialize_any(AFTER).map(Some)
}

/// A duration as a person would write it: in minutes from five on.
pub(super) fn written(duration: Duration) -> String {
    const UNITS: [(&str, Duration, u128); 5] = [
        ("d", Duration::from_secs(24 * 3600), 1),
        ("h", Duration::from_secs(3600), 1),
        ("m", Duration::from_secs(60), 5),
        ("s", Duration::from_secs(1), 1),
        ("ms", Duration::from_millis(1), 1),
    ];
    let whole = |(unit, of, from): (&str, Duration, u128)| {
        let (nanos, of) = (duration.as_nanos(), of.as_nanos());
        (nanos >= of * from && nanos.is_multiple_of(of)).then(|| format!("{}{unit}", nanos / of))
    };
    let odd = || if duration.is_zero() { "0s".to_owned() } else { format!("{duration:?}") };
    UNITS.into_iter().find_map(whole).unwrap_or_else(odd)
}

/// What is proposed to somebody who wrote something else.
struct Scale {
    examples: &'static str,
    /// In seconds.
    units: [(&'static str, f64); 2],
}

const SHORT: Scale = Scale { examples: "\"500ms\" or \"2s\"", units: [("s", 1.0), ("ms", 0.001)] };

const LONG: Scale = Scale { examples: "\"12h\" or \"30d\"", units: [("d", 86_400.0), ("h", 3600.0)] };

const MINUTES: Scale = Scale { examples: "\"30m\" or \"2h\"", units: [("m", 60.0), ("h", 3600.0)] };

/// What is allowed of a duration.
pub(super) struct Bounded {
    least: Duration,
    most: Duration,
    scale: &'static Scale,
    /// A number without a unit is one of seconds.
    bare: bool,
}

impl Bounded {
    const fn new(least: Duration, most: Duration) -> Self {
        Self { least, most, scale: &SHORT, bare: false }
    }

    const fn on(self, scale: &'static Scale) -> Self {
        Self { scale, ..self }
    }

    /// For the schema: the least and the most.
    pub(super) fn range(&self) -> [String; 2] {
        [self.least, self.most].map(written)
    }

    fn parse(&self, text: &str) -> Result<Duration, String> {
        if let Ok(number) = text.trim().parse::<f64>() {
            return Err(self.without_unit(text.trim(), number));
        }
        let span: Span = text.parse().map_err(|_| self.unusable(text))?;
        let parsed: SignedDuration =
            span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| self.unusable(text))?;
        let duration = Duration::try_from(parsed).map_err(|_| self.out_of_range(text))?;
        if duration < self.least || duration > self.most {
            return Err(self.out_of_range(text));
        }
        Ok(duration)
    }

    fn without_unit(&self, text: &str, number: f64) -> String {
        let allowed = self.least.as_secs_f64()..=self.most.as_secs_f64();
        let usable = self.scale.units.iter().filter(|(_, seconds)| allowed.contains(&(number * seconds)));
        let usable: Vec<String> = usable.map(|(unit, _)| format!("\"{text}{unit}\"")).collect();
        if usable.is_empty() {
            return self.out_of_range(text);
        }
        format!("{text} has no unit; write {}", usable.join(" or "))
    }

    fn unusable(&self, text: &str) -> String {
        format!("`{text}` is not a duration; write one such as {}", self.scale.examples)
    }

    fn out_of_range(&self, text: &str) -> String {
        let [least, most] = self.range();
        format!("`{text}` is out of range; from {least} to {most} is allowed")
    }

    fn number<E: Error>(&self, text: &str, number: f64) -> Result<Duration, E> {
        if self.bare {
            self.parse(&format!("{text}s")).map_err(E::custom)
        } else {
            Err(E::custom(self.without_unit(text, number)))
        }
    }
}

impl Visitor<'_> for Bounded {
    type Value = Duration;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a duration such as {}", self.scale.examples)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
        self.parse(text).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Duration, E> {
        self.number(&number.to_string(), number as f64)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Duration, E> {
        self.number(&number.to_string(), number as f64)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Duration, E> {
        // In this form a number with many zeros is short.
        self.number(&format!("{number:?}"), number)
    }
}
