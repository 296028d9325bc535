//! Times as people type them: by the clock on the wall of this host.

use jiff::civil::Time;
use jiff::{Timestamp, Zoned};

use crate::moment::{at, now};

/// Reads `--until`.
pub(super) fn parse(text: &str) -> Result<Timestamp, String> {
    parse_at(text, &now())
}

fn parse_at(text: &str, now: &Zoned) -> Result<Timestamp, String> {
    if let Ok(time) = Time::strptime("%H:%M", text) {
        let today = now.date().to_zoned(now.time_zone().clone());
        let at = |day: &Zoned| day.date().to_datetime(time).to_zoned(now.time_zone().clone()).ok();
        let found = today
            .ok()
            .and_then(|today| at(&today).filter(|then| then > now).or_else(|| at(&today.tomorrow().ok()?)));
        return found.map(|then| then.timestamp()).ok_or_else(|| format!("there is no {text} within a day"));
    }
    let then: Timestamp = text
        .parse()
        .map_err(|_| "write 18:00, or a date with its zone such as 2026-11-24T06:00Z".to_owned())?;
    if then <= now.timestamp() {
        return Err(format!("that is over: it is {} now", at(now.timestamp(), now)));
    }
    Ok(then)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_the_next_one_of_this_host() {
        let now: Zoned = "2026-11-23T17:19:00+01:00[Europe/Berlin]".parse().unwrap();
        let read = |text: &str| parse_at(text, &now).map(|then| then.to_string());
        assert_eq!(read("18:00").unwrap(), "2026-11-23T17:00:00Z");
        assert_eq!(read("17:19").unwrap(), "2026-11-24T16:19:00Z", "this minute has begun");
        assert_eq!(read("2026-11-24T06:00Z").unwrap(), "2026-11-24T06:00:00Z");
        assert_eq!(read("2026-11-24T06:00:00+01:00").unwrap(), "2026-11-24T05:00:00Z");
        for wrong in ["25:00", "tomorrow", "2026-11-24T06:00", "18", ""] {
            assert!(read(wrong).unwrap_err().starts_with("write 18:00"), "{wrong}");
        }
        assert_eq!(
            read("2026-11-23T16:18:59Z").unwrap_err(),
            "that is over: it is 2026-11-23 17:19:00 CET now"
        );
        assert_eq!(at("2026-11-23T17:00:00Z".parse().unwrap(), &now), "2026-11-23 18:00 CET");
    }

    #[test]
    fn where_the_clock_is_put_forward_the_hour_that_is_not_there_is_the_one_after() {
        let now: Zoned = "2026-03-29T01:00:00+01:00[Europe/Berlin]".parse().unwrap();
        assert_eq!(parse_at("02:30", &now).unwrap().to_string(), "2026-03-29T01:30:00Z");
    }
}
