//! The two lines of HAProxy's agent-check: what HAProxy asks with (`agent-send`), and what it is answered. Nothing is
//! sent here, and nothing decided.
//!
//! Of the words that HAProxy takes only `up` and `down` can be said: `ready`, `drain` and `maint` would undo what an
//! operator has set, and a weight is not what a health check knows.

use std::fmt::{self, Write};

use crate::{MAX_NAME, ServerPath};

/// The longest question: two names with a slash between them, and LF.
pub const MAX_QUESTION: usize = 2 * MAX_NAME + 2;

/// Characters of a reason. HAProxy keeps 128 bytes of an answer, its own `via agent : down ` among them (2.6).
const MAX_REASON: usize = 90;

/// The server that a line asks for, without its LF: `BACKEND/SERVER`, in HAProxy's own names.
#[must_use]
pub fn asked_for(line: &[u8]) -> Option<ServerPath> {
    std::str::from_utf8(line).ok()?.parse().ok()
}

/// An answer. [`fmt::Display`] is the whole line with its LF: one without is ignored by HAProxy (measured).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentAnswer {
    /// The server may take traffic, if HAProxy's own health check agrees and no operator has taken it out.
    Up,
    /// The server may not: it becomes `DOWN (agent)`.
    Down {
        /// Why, for HAProxy's log and page; shortened, and made fit for one line.
        reason: String,
    },
}

impl fmt::Display for AgentAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up => f.write_str("up\n"),
            Self::Down { reason } => {
                f.write_str("down # ")?;
                for character in reason.chars().take(MAX_REASON) {
                    // HAProxy hands it on byte by byte, to terminals too.
                    f.write_char(if matches!(character, ' '..='~') { character } else { '?' })?;
                }
                f.write_char('\n')
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_question_is_a_servers_name_and_nothing_else() {
        assert_eq!(asked_for(b"socks_back_7891/wg1"), "socks_back_7891/wg1".parse().ok());
        for other in [&b""[..], b"wg1", b"b/s ", b"b/s\r", b"b/s/t", b"GET / HTTP/1.1", b"b/\xff", b"b/s\0"] {
            assert_eq!(asked_for(other), None, "{other:?}");
        }
        let longest = format!("{0}/{0}\n", "x".repeat(MAX_NAME));
        assert_eq!(longest.len(), MAX_QUESTION);
    }

    #[test]
    fn an_answer_is_a_line_with_the_reason_behind_a_hash() {
        assert_eq!(AgentAnswer::Up.to_string(), "up\n");
        let down = AgentAnswer::Down { reason: "connect: no reply in 157 ms (6 probes)".to_owned() };
        assert_eq!(down.to_string(), "down # connect: no reply in 157 ms (6 probes)\n");
    }

    proptest! {
        #[test]
        fn whatever_the_reason_the_only_word_is_down(reason in "[ -~\\n\\r\\x00é]{0,300}|.{0,300}") {
            let line = AgentAnswer::Down { reason }.to_string();
            prop_assert!(line.len() <= "down # \n".len() + MAX_REASON);
            prop_assert_eq!(line.split('#').next(), Some("down "));
            prop_assert_eq!(line.find('\n'), Some(line.len() - 1));
            prop_assert!(line.trim_end_matches('\n').bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        }
    }
}
