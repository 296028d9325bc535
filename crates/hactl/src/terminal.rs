//! What the output may look like here: colours, symbols, width.

use std::env;
use std::io::IsTerminal;
use std::path::Path;

use failover::status::{LatencyLevel, Level};
use failover::{Severity, Verdict};
use hactld::config::DEFAULT_SOCKET;
use hactld::text::at_socket;
use jiff::Timestamp;

use crate::cli::Color;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    pub(crate) color: bool,
    /// Standard error is often another thing than standard output.
    pub(crate) color_errors: bool,
    pub(crate) unicode: bool,
    /// Columns; `None` where nobody looks at it, and nothing is cut.
    pub(crate) width: Option<usize>,
    /// hactl's own socket, where commands that are shown have to name it; it lasts as long as the process.
    pub(crate) socket: Option<&'static Path>,
}

impl Terminal {
    pub(crate) fn of_this_process(color: Color) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        let colored = |terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => set("CLICOLOR_FORCE") || (terminal && !set("NO_COLOR") && !dumb),
        };
        let width = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        Self {
            color: colored(terminal),
            color_errors: colored(std::io::stderr().is_terminal()),
            unicode: is_utf8(),
            width: width.filter(|_| terminal),
            socket: None,
        }
    }

    /// For a command that asks at this socket: the usual one, and one that the environment names, need not be named again.
    pub(crate) fn asking(self, socket: Option<&Path>) -> Self {
        let usual = |socket: &Path| socket == Path::new(DEFAULT_SOCKET);
        let known = |socket: &Path| env::var_os("HACTL_SOCKET").is_some_and(|known| *known == *socket);
        let named = socket.filter(|socket| !usual(socket) && !known(socket));
        // Once in the life of a command.
        Self { socket: named.map(|socket| &*Box::leak(Box::<Path>::from(socket))), ..self }
    }

    /// The text, with commands that can be copied as they stand.
    pub(crate) fn copyable(&self, text: &str) -> String {
        self.socket.map_or_else(|| text.to_owned(), |socket| at_socket(text, socket))
    }

    /// The same, as wide as it is now.
    pub(crate) fn measured(&self) -> Self {
        let width = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        Self { width: self.width.and(width), ..*self }
    }

    pub(crate) fn paint(&self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// What an error begins with, on standard error.
    pub(crate) fn error_mark(&self) -> String {
        Self { color: self.color_errors, ..*self }.paint("1;31", "error:")
    }

    /// What a warning begins with, on standard error.
    pub(crate) fn warning_mark(&self) -> String {
        Self { color: self.color_errors, ..*self }.paint("1;33", "warning:")
    }

    pub(crate) fn dim(&self, text: &str) -> String {
        self.paint("2", text)
    }

    /// Never by colour alone: each has a symbol of its own.
    pub(crate) fn verdict(&self, verdict: Verdict) -> String {
        let (symbol, ascii, code) = match verdict {
            Verdict::Online => ("●", "OK", "32"),
            Verdict::Degraded => ("▲", "!!", "33"),
            Verdict::Offline => ("✕", "XX", "31"),
            Verdict::Unknown => ("○", "??", "2"),
        };
        self.paint(code, &format!("{} {verdict}", if self.unicode { symbol } else { ascii }))
    }

    pub(crate) fn level(&self, level: Level) -> String {
        let (symbol, ascii, code) = match level {
            Level::Ok => ("✓", "OK", "32"),
            Level::Degraded => ("!", "!", "1;33"),
            Level::Down => ("✗", "XX", "1;31"),
            Level::Unknown => ("?", "?", "2"),
        };
        self.paint(code, if self.unicode { symbol } else { ascii })
    }

    /// A latency, in the colour of its level; the figure says the same.
    pub(crate) fn latency(&self, level: LatencyLevel, text: &str) -> String {
        match level {
            LatencyLevel::Usual => self.paint("32", text),
            LatencyLevel::Raised => self.paint("33", text),
            LatencyLevel::High => self.paint("31", text),
        }
    }

    /// The mark of an event.
    pub(crate) fn severity(&self, severity: Severity, mark: &str) -> String {
        match severity {
            Severity::Info => mark.to_owned(),
            Severity::Warning => self.paint("33", mark),
            Severity::Error => self.paint("1;31", mark),
        }
    }

    pub(crate) const fn dot(&self) -> &'static str {
        if self.unicode { "·" } else { "-" }
    }

    /// Rounds as bars, the slowest shown at full height; a failed one is a cross.
    pub(crate) fn bars(&self, history: &[Option<f64>]) -> String {
        const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let most = history.iter().flatten().copied().fold(0.0, f64::max);
        let bar = |entry: &Option<f64>| match (entry, self.unicode) {
            (None, true) => '✕',
            (None, false) => 'x',
            (Some(_), false) => '.',
            (Some(millis), true) => {
                // Half of the slowest is half height. Times this small are all one to a reader.
                let share = millis / most.max(100.0);
                let index = (0..BARS.len() - 1).find(|index| share * 8.0 <= f64::from(*index as u32 + 1));
                BARS[index.unwrap_or(BARS.len() - 1)]
            }
        };
        history.iter().map(bar).collect()
    }
}

/// As locale(7) has it: the first that is set decides.
fn is_utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()));
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// `8s`, `4m12s`, `3h20m`, `2d4h`: two units are enough.
pub(crate) fn span(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    let (days, hours, minutes) = (whole / 86400, whole / 3600 % 24, whole / 60 % 60);
    match whole {
        0..60 => format!("{whole}s"),
        60..3600 => format!("{minutes}m{}s", whole % 60),
        3600..86400 => format!("{hours}h{minutes}m"),
        86400.. => format!("{days}d{hours}h"),
    }
}

/// How long it is from `now` to `then`, in whole units where it is that: `2h`, `41m`, `3h20m`.
pub(crate) fn rest(then: Timestamp, now: Timestamp) -> String {
    let left = then.duration_since(now).as_secs_f64().ceil();
    let text = span(left);
    let first = text.find(|letter: char| letter.is_ascii_alphabetic()).map_or(text.len(), |end| end + 1);
    let is_nothing = text[first..].trim_end_matches(|letter: char| letter.is_ascii_alphabetic()) == "0";
    if is_nothing { text[..first].to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_time_is_in_whole_units_where_it_can_be() {
        let left = |millis: i64| {
            rest(Timestamp::from_millisecond(millis).unwrap(), Timestamp::from_millisecond(0).unwrap())
        };
        let lefts = [7_199_995, 2_460_000, 12_000_000, 3_000, 172_800_000, -5_000].map(left);
        assert_eq!(lefts, ["2h", "41m", "3h20m", "3s", "2d", "0s"]);
    }

    #[test]
    fn spans_have_two_units() {
        let spans = [0.4, 59.9, 252.0, 12_000.0, 187_200.0].map(span);
        assert_eq!(spans, ["0s", "59s", "4m12s", "3h20m", "2d4h"]);
    }

    #[test]
    fn each_stream_has_colours_of_its_own() {
        let terminal =
            Terminal { color: true, color_errors: false, unicode: true, width: None, socket: None };
        assert_eq!(
            (terminal.error_mark().as_str(), terminal.dim("a").as_str()),
            ("error:", "\x1b[2ma\x1b[0m")
        );
        let piped = Terminal { color: false, color_errors: true, ..terminal };
        assert_eq!((piped.error_mark().as_str(), piped.dim("a").as_str()), ("\x1b[1;31merror:\x1b[0m", "a"));
    }

    #[test]
    fn bars_show_failures_and_tell_slow_from_quick() {
        let plain = Terminal { color: false, color_errors: false, unicode: true, width: None, socket: None };
        assert_eq!(plain.bars(&[Some(1.0), None, Some(400.0), Some(200.0)]), "▁✕█▄");
        let ascii = Terminal { unicode: false, ..plain };
        assert_eq!(ascii.bars(&[Some(1.0), None]), ".x");
    }
}
