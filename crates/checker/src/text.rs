//! Words for people, made safe to print: what came from outside is escaped and cut, waits are rounded.

use std::time::Duration;

/// Room for one sentence; a log line or a table's cell holds no more of what a stranger sent.
const MAX_CHARS: usize = 200;

/// Enough of a host name to know it again, while the reason behind it still fits into [`MAX_CHARS`].
const MAX_HOST_CHARS: usize = 80;

/// `text` on one line: control and direction-changing characters escaped, at most [`MAX_CHARS`] characters.
pub(crate) fn clean(text: &str) -> String {
    let mut safe = String::with_capacity(text.len().min(MAX_CHARS));
    // Escaping makes one character at least one, so nothing beyond the limit can matter.
    for character in text.chars().take(MAX_CHARS + 1) {
        if is_hidden(character) {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    cut(safe, MAX_CHARS)
}

/// A host as it is shown inside a longer sentence.
pub(crate) fn host(name: &str) -> String {
    cut(name.to_owned(), MAX_HOST_CHARS)
}

/// A wait as a person would say it: `2 s`, `0.5 s`, `480 ms`.
pub(crate) fn wait(waited: Duration) -> String {
    let millis = waited.saturating_add(Duration::from_micros(500)).as_millis();
    if millis < 500 {
        return format!("{millis} ms");
    }
    let tenths = (millis + 50) / 100;
    match tenths % 10 {
        0 => format!("{} s", tenths / 10),
        tenth => format!("{}.{tenth} s", tenths / 10),
    }
}

/// Characters that change a line without being seen in it (controls, directions, joiners, line separators).
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// At most `limit` characters of `text`, the last one telling that there were more.
fn cut(text: String, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text,
        Some(_) => text.chars().take(limit - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_control_character_is_escaped() {
        for code in (0..0x20_u32).chain(0x7f..0xa0) {
            let character = char::from_u32(code).unwrap();
            let shown = clean(&format!("a{character}b"));
            assert_eq!(shown, format!("a\\u{{{code:x}}}b"));
        }
    }

    #[test]
    fn direction_and_invisible_characters_are_escaped() {
        assert_eq!(clean("a\u{202e}b\u{2066}c\u{feff}"), "a\\u{202e}b\\u{2066}c\\u{feff}");
        assert_eq!(clean("línea über 北京"), "línea über 北京");
    }

    #[test]
    fn nothing_is_longer_than_200_characters() {
        assert_eq!(clean(&"x".repeat(200)), "x".repeat(200));
        let shown = clean(&"\u{202e}".repeat(100_000));
        assert_eq!(shown.chars().count(), 200);
        assert!(shown.ends_with('…'));
        assert_eq!(host(&"h".repeat(255)).chars().count(), 80);
    }

    #[test]
    fn waits_are_rounded_as_a_person_would() {
        let cases = [
            (0, "0 ms"),
            (3_400, "3 ms"),
            (480_100, "480 ms"),
            (500_900, "0.5 s"),
            (1_999_000, "2 s"),
            (2_001_400, "2 s"),
            (2_260_000, "2.3 s"),
            (60_000_000, "60 s"),
        ];
        for (micros, words) in cases {
            assert_eq!(wait(Duration::from_micros(micros)), words);
        }
    }
}
