//! Virtual time for people to read.

use std::fmt;

use failover::Time;

/// `3 d 04:05:06.789`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(pub(crate) Time);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.since_origin().as_millis();
        let (seconds, millis) = (millis / 1000, millis % 1000);
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        let (hours, minutes) = (minutes / 60, minutes % 60);
        write!(f, "{} d {:02}:{minutes:02}:{seconds:02}.{millis:03}", hours / 24, hours % 24)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_and_hours_are_not() {
        let time = Time::from_millis((((3 * 24 + 4) * 60 + 5) * 60 + 6) * 1000 + 789);
        assert_eq!(Clock(time).to_string(), "3 d 04:05:06.789");
    }
}
