//! In which zone a person reads times. What programs read is RFC 3339 in UTC, and no business of this.

use jiff::tz::TimeZone;

/// Longer than any name in the database of time zones.
const NAME_MAX: usize = 64;

/// This host's; reading it may read files.
#[must_use]
pub fn local() -> TimeZone {
    let zone = TimeZone::system();
    // A container without a database of zones has UTC, and says so.
    if zone.is_unknown() { TimeZone::UTC } else { zone }
}

/// The zone that somebody who asks has named, such as `Europe/Berlin`, where this host knows it.
pub(crate) fn named(name: &str) -> Option<TimeZone> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte);
    if name.len() > NAME_MAX || !name.bytes().all(is_plain) {
        return None;
    }
    TimeZone::get(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_a_zones_name_is_looked_for() {
        assert_eq!(named("UTC"), Some(TimeZone::UTC));
        let long = "a".repeat(NAME_MAX + 1);
        for wrong in ["../../etc/passwd", "Europe/Berlin\0", long.as_str(), "", "Nowhere/Land"] {
            assert_eq!(named(wrong), None, "{wrong}");
        }
    }
}
