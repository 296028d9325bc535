//! Times as people read them: by the clock on the wall where they are, with the zone's abbreviation. Programs get RFC 3339 in
//! UTC, as the daemon sends it.

use hactld::text::Shown;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::client::encoded;

/// What somebody waits for, nearer than this, is told with its seconds.
const NEAR_SECONDS: u64 = 120;

/// Now, where whoever reads it is.
pub(crate) fn now() -> Zoned {
    Timestamp::now().to_zoned(hactld::zone::local())
}

/// `2026-11-23 18:00 CET`, in the zone of `now`.
pub(crate) fn at(then: Timestamp, now: &Zoned) -> String {
    // The seconds count only where they are few.
    let near = then.duration_since(now.timestamp()).unsigned_abs().as_secs() < NEAR_SECONDS;
    let form = if near { "%Y-%m-%d %H:%M:%S %Z" } else { "%Y-%m-%d %H:%M %Z" };
    then.to_zoned(now.time_zone().clone()).strftime(form).to_string()
}

/// The same of an RFC 3339 time that somebody has sent; what is none is shown as it is.
pub(crate) fn of_text(text: &str, now: &Zoned) -> String {
    text.parse().map_or_else(|_| Shown(text).to_string(), |then| at(then, now))
}

/// `2026-11-23 18:00:07 CET`: when something was.
pub(crate) fn to_the_second(text: &str, zone: &TimeZone) -> String {
    let at = |then: Timestamp| then.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string();
    text.parse().map_or_else(|_| Shown(text).to_string(), at)
}

/// What tells the daemon in which zone its words are read; empty where the zone has no name.
pub(crate) fn query() -> String {
    let zone = hactld::zone::local();
    zone.iana_name().map_or_else(String::new, |name| format!("?zone={}", encoded(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_that_of_the_reader_and_says_its_zone() {
        let now: Zoned = "2026-11-23T17:19:00+01:00[Europe/Berlin]".parse().unwrap();
        assert_eq!(of_text("2026-11-23T17:00:00.123Z", &now), "2026-11-23 18:00 CET");
        assert_eq!(of_text("2026-11-23T16:20:05Z", &now), "2026-11-23 17:20:05 CET");
        assert_eq!(of_text("soon\u{1b}", &now), "soon\\u{1b}");
        let summer = to_the_second("2026-07-01T00:00:07.9Z", now.time_zone());
        assert_eq!(summer, "2026-07-01 02:00:07 CEST");
    }
}
