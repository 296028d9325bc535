//! What the screen's words and signs look like: each state has a sign and a word of its own, and colour only repeats them.

use failover::Verdict;
use failover::status::{LatencyLevel, Level};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;
use ratatui::text::Span;

use crate::terminal::Terminal;

/// Behind the row that is chosen, where there are colours: a grey that leaves all of them readable.
const CHOSEN: Color = Color::Indexed(238);

/// Corners and edges that every terminal has.
const PLAIN_BORDER: border::Set<'_> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

/// A terminal's ways of showing things.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Its words and signs without escape sequences: the screen has styles of its own.
    plain: Terminal,
    color: bool,
}

impl Look {
    pub(super) const fn of(terminal: &Terminal) -> Self {
        let color = terminal.color;
        Self { plain: Terminal { color: false, color_errors: false, width: None, ..*terminal }, color }
    }

    fn colored(&self, color: Color) -> Style {
        if self.color { Style::new().fg(color) } else { Style::new() }
    }

    pub(super) fn good(&self) -> Style {
        self.colored(Color::Green)
    }

    pub(super) fn warning(&self) -> Style {
        self.colored(Color::Yellow).add_modifier(Modifier::BOLD)
    }

    pub(super) fn bad(&self) -> Style {
        self.colored(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Everything else.
    pub(super) fn usual(&self) -> Style {
        Style::new()
    }

    pub(super) fn dim(&self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub(super) fn strong(&self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What must not be overlooked.
    pub(super) fn banner(&self) -> Style {
        if self.color {
            Style::new().fg(Color::White).bg(Color::Red).add_modifier(Modifier::BOLD)
        } else {
            Style::new().add_modifier(Modifier::REVERSED.union(Modifier::BOLD))
        }
    }

    /// What the person has done to the screen, and should know of.
    pub(super) fn notice(&self) -> Style {
        if self.color {
            Style::new().fg(Color::Black).bg(Color::Cyan)
        } else {
            Style::new().add_modifier(Modifier::REVERSED)
        }
    }

    /// The row that keys are about. Laid over what stands there.
    pub(super) fn chosen(&self) -> Style {
        if self.color { Style::new().bg(CHOSEN) } else { Style::new().add_modifier(Modifier::BOLD) }
    }

    pub(super) fn verdict(&self, verdict: Verdict) -> Span<'static> {
        let style = match verdict {
            Verdict::Online => self.good(),
            Verdict::Degraded => self.warning(),
            Verdict::Offline => self.bad(),
            Verdict::Unknown => self.dim(),
        };
        Span::styled(self.plain.verdict(verdict), style)
    }

    pub(super) fn of_level(&self, level: Level) -> Style {
        match level {
            Level::Ok => self.good(),
            Level::Degraded => self.warning(),
            Level::Down => self.bad(),
            Level::Unknown => self.dim(),
        }
    }

    pub(super) fn level(&self, level: Level) -> Span<'static> {
        Span::styled(self.plain.level(level), self.of_level(level))
    }

    pub(super) fn latency(&self, level: LatencyLevel) -> Style {
        match level {
            LatencyLevel::Usual => self.good(),
            LatencyLevel::Raised => self.colored(Color::Yellow),
            LatencyLevel::High => self.colored(Color::Red),
        }
    }

    /// One sign for each of the last probes.
    pub(super) fn bars(&self, history: &[Option<f64>]) -> Vec<Span<'static>> {
        let signs = self.plain.bars(history);
        let style = |entry: &Option<f64>| {
            if entry.is_some() { self.colored(Color::Cyan) } else { self.bad() }
        };
        signs.chars().zip(history).map(|(sign, entry)| Span::styled(sign.to_string(), style(entry))).collect()
    }

    pub(super) const fn is_unicode(&self) -> bool {
        self.plain.unicode
    }

    /// Between the parts of a line.
    pub(super) const fn dot(&self) -> &'static str {
        self.plain.dot()
    }

    /// Where a text was cut.
    pub(super) const fn cut(&self) -> &'static str {
        if self.plain.unicode { "…" } else { "~" }
    }

    /// What a rule across the screen is made of.
    pub(super) const fn rule(&self) -> &'static str {
        if self.plain.unicode { "─" } else { "-" }
    }

    /// Before the row that keys are about.
    pub(super) const fn pointer(&self) -> &'static str {
        if self.plain.unicode { "▌" } else { "*" }
    }

    /// At the end of what is being typed.
    pub(super) const fn caret(&self) -> &'static str {
        if self.plain.unicode { "▏" } else { "_" }
    }

    pub(super) const fn border(&self) -> border::Set<'static> {
        if self.plain.unicode { border::PLAIN } else { PLAIN_BORDER }
    }

    /// Up and down, as keys.
    pub(super) const fn arrows(&self) -> &'static str {
        if self.plain.unicode { "↑↓" } else { "up/down" }
    }
}
