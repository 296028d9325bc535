//! How the demo speaks: plain lines of at most 80 columns, coloured only on a terminal.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

/// A usual terminal's width; a wider one is not used either, so that the lines stay readable.
const WIDTH: usize = 80;

/// Who speaks in a told line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Whoever breaks and heals.
    Demo,
    /// HAProxy.
    Haproxy,
    /// hactl, in its own words.
    Hactl,
    /// Those who ask through HAProxy.
    Clients,
}

impl Who {
    const fn name(self) -> &'static str {
        match self {
            Self::Demo => "demo",
            Self::Haproxy => "HAProxy",
            Self::Hactl => "hactl",
            Self::Clients => "clients",
        }
    }

    const fn color(self) -> &'static str {
        match self {
            Self::Demo => "35",
            Self::Haproxy => "2",
            Self::Hactl => "36",
            Self::Clients => "33",
        }
    }
}

/// Standard output.
pub(crate) struct Voice {
    color: bool,
}

impl Voice {
    pub(crate) fn of_this_process() -> Self {
        let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self { color: io::stdout().is_terminal() && !set("NO_COLOR") && !dumb }
    }

    /// The title of what follows.
    pub(crate) fn heading(&self, text: &str) -> io::Result<()> {
        self.say(&format!("\n{}", self.paint("1", text)))
    }

    /// Plain lines.
    pub(crate) fn say(&self, text: &str) -> io::Result<()> {
        writeln!(io::stdout(), "{text}")
    }

    /// A good end.
    pub(crate) fn good(&self, text: &str) -> io::Result<()> {
        self.say(&format!("  {}", self.paint("1;32", text)))
    }

    /// What somebody did or said, and how long after the change that this is about.
    pub(crate) fn told(&self, after: Duration, who: Who, text: &str) -> io::Result<()> {
        let time = format!("+{:.2} s", after.as_secs_f64());
        let name = self.paint(who.color(), &format!("{:<7}", who.name()));
        let indent = 20;
        for (index, line) in wrapped(text, WIDTH - indent).iter().enumerate() {
            match index {
                0 => self.say(&format!("  {time:>7}  {name}  {line}"))?,
                _ => self.say(&format!("{:indent$}{line}", ""))?,
            }
        }
        Ok(())
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Lines of at most `width` characters, broken between words; a longer word keeps its line to itself.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("unbreakable is", 5), ["unbreakable", "is"]);
        assert_eq!(wrapped("", 5), [""]);
    }
}
