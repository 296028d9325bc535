//! Bytes from outside made fit for strings, messages and logs. Nothing is interpreted here.

/// How many characters of a foreign text a message may carry: enough for any of HAProxy's one-line answers.
pub(crate) const MAX_EXCERPT: usize = 200;

/// The bytes as one line of text: what is not UTF-8 becomes U+FFFD; control, format and other characters that do
/// not print are escaped as Rust escapes them, and so is the backslash, which keeps the result unambiguous.
pub(crate) fn printable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for c in String::from_utf8_lossy(bytes).chars() {
        push_printable(&mut text, c);
    }
    text
}

/// Like [`printable`], cut after [`MAX_EXCERPT`] characters, the last of which then is `…`.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    // One character takes at most four bytes, so nothing beyond this can be seen.
    let seen = &bytes[..bytes.len().min(4 * MAX_EXCERPT + 4)];
    let text = printable(seen.trim_ascii());
    match text.char_indices().nth(MAX_EXCERPT) {
        None => text,
        Some(_) => text.chars().take(MAX_EXCERPT - 1).chain(['…']).collect(),
    }
}

fn push_printable(text: &mut String, c: char) {
    match c {
        '"' | '\'' => text.push(c),
        _ => text.extend(c.escape_debug()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn control_and_direction_characters_are_escaped_and_bytes_that_are_no_text_replaced() {
        let hostile = b"a\r\n\x1b[31m\0\xff\"'\\ \xe2\x80\xae";
        assert_eq!(printable(hostile), "a\\r\\n\\u{1b}[31m\\0\u{fffd}\"'\\\\ \\u{202e}");
    }

    #[test]
    fn every_control_byte_is_escaped() {
        for byte in (0..0x20).chain(0x7f..=0x7f) {
            assert!(printable(&[byte]).starts_with('\\'), "{byte:#x}");
        }
        for c in '\u{80}'..='\u{9f}' {
            assert!(printable(c.to_string().as_bytes()).starts_with('\\'), "{c:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let text = excerpt(&[b'x'; 4096]);
        assert_eq!(text.chars().count(), MAX_EXCERPT);
        assert!(text.ends_with('…'));
    }

    #[test]
    fn a_text_of_just_the_limit_stays_whole() {
        assert_eq!(excerpt(&[b'x'; MAX_EXCERPT]), "x".repeat(MAX_EXCERPT));
    }

    proptest! {
        #[test]
        fn an_excerpt_is_short_and_has_no_control_characters(bytes: Vec<u8>) {
            let text = excerpt(&bytes);
            prop_assert!(text.chars().count() <= MAX_EXCERPT);
            prop_assert!(!text.chars().any(char::is_control));
        }
    }
}
