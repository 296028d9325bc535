//! A command as a person types it: the only thing beside [`Command`](crate::Command) that can be sent. What it may begin
//! with is a closed list, and nothing in it can end it or begin another one.

use std::fmt;
use std::str::FromStr;

use crate::{ServerPath, ServerPathError, text};

/// Longer than any command with two names of the longest, and far below what HAProxy stalls on.
const LENGTH_MAX: usize = 1024;

/// What may be sent to change something, for people to read.
const WRITES: &str =
    "`set server`, `set weight`, `enable server`, `disable server` and `shutdown sessions server`";

/// What `set server BACKEND/SERVER` may be followed by. Others change the configuration (`addr`, `fqdn`, `ssl`), which
/// is not what this is for.
const SETTABLE: [&str; 4] = ["state", "weight", "health", "agent"];

/// One command, checked. [`fmt::Display`] is the wire form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawCommand {
    words: String,
    writes: bool,
}

/// Why a text is no command that can be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RawError {
    /// There is nothing.
    #[error("the command is empty")]
    Empty,
    /// Longer than any command.
    #[error("the command has {0} bytes; at most {LENGTH_MAX} are sent")]
    TooLong(usize),
    /// A character that would end the command, or that HAProxy reads as something else than itself.
    #[error("{0:?} in the command: HAProxy would read what follows as something else")]
    Character(char),
    /// Not one of those that may be sent.
    #[error("only `show ...` is sent, and to change something {WRITES}")]
    Verb(String),
    /// The server that it is about is not named as it has to be.
    #[error("`{words}` needs a server")]
    Server {
        /// The words before it.
        words: String,
        /// What is wrong with what stands there.
        #[source]
        source: ServerPathError,
    },
    /// Something of a server that is not changed here.
    #[error("`set server` with `{0}` is not sent: only state, weight, health and agent are")]
    Setting(String),
}

impl RawCommand {
    /// Whether it changes something in HAProxy. Then success has no text: whatever comes back is a refusal.
    #[must_use]
    pub const fn writes(&self) -> bool {
        self.writes
    }
}

impl fmt::Display for RawCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl FromStr for RawCommand {
    type Err = RawError;

    fn from_str(given: &str) -> Result<Self, RawError> {
        // `;` and line feeds end a command, `\` escapes, `<<` begins a payload, and a NUL is one or the other.
        let foreign = |c: &char| !matches!(c, ' '..='~') || matches!(c, ';' | '\\' | '<');
        if given.len() > LENGTH_MAX {
            return Err(RawError::TooLong(given.len()));
        }
        if let Some(found) = given.chars().find(foreign) {
            return Err(RawError::Character(found));
        }
        let words: Vec<&str> = given.split_whitespace().collect();
        let server = |at: usize| {
            let path: Result<ServerPath, _> = words.get(at).copied().unwrap_or_default().parse();
            path.map_err(|source| RawError::Server { words: words[..at].join(" "), source })
        };
        let writes = match words.as_slice() {
            [] => return Err(RawError::Empty),
            ["show", ..] => false,
            ["set", "server", ..] => {
                server(2)?;
                let what = words.get(3).copied().unwrap_or_default();
                if !SETTABLE.contains(&what) {
                    return Err(RawError::Setting(what.to_owned()));
                }
                true
            }
            ["set", "weight", ..] | ["enable" | "disable", "server", ..] => server(2).map(|_| true)?,
            ["shutdown", "sessions", "server", ..] => server(3).map(|_| true)?,
            [..] => return Err(RawError::Verb(text::excerpt(words.join(" ").as_bytes()))),
        };
        Ok(Self { words: words.join(" "), writes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_and_what_changes_something_is_told_apart() {
        for (text, writes) in [
            ("show servers state", false),
            ("  show   stat 3 4 -1 ", false),
            ("show", false),
            ("set server b/s state maint", true),
            ("set server b/s weight 50%", true),
            ("set weight b/s 0", true),
            ("enable server b/s", true),
            ("disable server b/s", true),
            ("shutdown sessions server b/s", true),
        ] {
            let command: RawCommand = text.parse().unwrap();
            assert_eq!(command.writes(), writes, "{text}");
            assert!(!command.to_string().contains("  "), "{command}");
        }
    }

    #[test]
    fn nothing_else_is_sent_and_no_command_hides_in_another_one() {
        let error = |text: &str| text.parse::<RawCommand>().unwrap_err();
        assert_eq!((error(""), error("  ")), (RawError::Empty, RawError::Empty));
        for (text, character) in [
            ("show info; del server b/s", ';'),
            ("show info\ndel server b/s", '\n'),
            ("show info\0quit", '\0'),
            ("show info\r", '\r'),
            ("show info \\; quit", '\\'),
            ("show info \\", '\\'),
            ("show map <<", '<'),
            ("show \u{e4}", '\u{e4}'),
        ] {
            assert_eq!(error(text), RawError::Character(character), "{text:?}");
        }
        for text in [
            "del server b/s",
            "SHOW info",
            "shutdown frontend f",
            "shutdown sessions",
            "disable frontend f",
            "set maxconn global 1",
            "@1 show info",
            "expert-mode on",
            "quit",
        ] {
            let error = error(text);
            assert!(matches!(error, RawError::Verb(_)), "{text}: {error}");
        }
        assert!(matches!(error("set server b state maint"), RawError::Server { .. }));
        assert!(matches!(error("shutdown sessions server"), RawError::Server { .. }));
        assert_eq!(error("set server b/s addr 192.0.2.1"), RawError::Setting("addr".to_owned()));
        assert_eq!(error(&"show ".repeat(300)), RawError::TooLong(1500));
    }
}
