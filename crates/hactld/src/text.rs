//! Text from outside made fit for a terminal or a line of a log, and commands in texts made fit to be copied.

mod commands;

use std::fmt::{self, Display, Formatter, Write as _};

pub use self::commands::{ASKING, at_socket, word};

/// A text on one line: a tab is a space, and what is not seen or would move the cursor is escaped.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a>(pub &'a str);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '\t' => f.write_char(' ')?,
                // These are escaped only where Rust reads them again.
                '"' | '\'' | '\\' => f.write_char(character)?,
                _ => write!(f, "{}", character.escape_debug())?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_escaped_and_the_rest_is_left_alone() {
        let shown = Shown("a\tb\r\n\u{1b}[2J\u{9b}\u{202e}\u{feff} \"日本\" é \\").to_string();
        assert_eq!(shown, "a b\\r\\n\\u{1b}[2J\\u{9b}\\u{202e}\\u{feff} \"日本\" é \\");
    }
}
