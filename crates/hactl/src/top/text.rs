//! Texts cut to the room that they have.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// `text` in at most `room` columns; where it does not fit, it ends with `mark`, which is one column wide.
pub(super) fn cut(text: &str, room: usize, mark: &str) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    if room == 0 {
        return String::new();
    }
    let mut kept = String::new();
    let mut used = 0;
    for character in text.chars() {
        used += character.width().unwrap_or_default();
        if used >= room {
            break;
        }
        kept.push(character);
    }
    kept + mark
}

/// `text` in lines of at most `room` columns: broken between words, and within those that are longer than a line.
pub(super) fn wrap(text: &str, room: usize) -> Vec<String> {
    let room = room.max(1);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let wide = word.width();
        let gap = usize::from(used > 0);
        if used > 0 && used + gap + wide > room {
            lines.push(String::new());
            used = 0;
        } else if gap > 0 {
            push(&mut lines, ' ');
            used += 1;
        }
        for character in word.chars() {
            let wide = character.width().unwrap_or_default();
            if used + wide > room {
                lines.push(String::new());
                used = 0;
            }
            push(&mut lines, character);
            used += wide;
        }
    }
    lines
}

fn push(lines: &mut [String], character: char) {
    if let Some(line) = lines.last_mut() {
        line.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_says_so_and_never_takes_more_room_than_it_has() {
        assert_eq!(cut("wg1", 3, "~"), "wg1");
        assert_eq!(cut("cloudflare_warp", 6, "~"), "cloud~");
        assert_eq!(cut("日本日本", 5, "~"), "日本~");
        assert_eq!(cut("日本日本", 4, "~"), "日~");
        assert_eq!((cut("wg1", 1, "~").as_str(), cut("wg1", 0, "~").as_str()), ("~", ""));
    }

    #[test]
    fn long_texts_are_broken_between_words_and_long_words_within() {
        assert_eq!(wrap("no reply in 2 s", 8), ["no reply", "in 2 s"]);
        assert_eq!(wrap("/run/haproxy.sock is away", 6), ["/run/h", "aproxy", ".sock", "is", "away"]);
        assert_eq!(wrap("", 6), [""]);
        assert_eq!(wrap("ab", 0), ["a", "b"]);
    }
}
