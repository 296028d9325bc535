//! The first line, how it all is, and the last one, what can be done.

use failover::status::{HaproxyStatus, Level, Status};
use hactld::text::Shown;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::Scene;
use crate::terminal::span;
use crate::top::text::cut;

pub(super) fn line(scene: Scene<'_>, width: usize) -> Line<'static> {
    let (look, status) = (scene.look, &scene.model.shown().status);
    let level = level(status);
    let word = match level {
        Level::Ok => "ok",
        Level::Unknown => "UNKNOWN",
        Level::Degraded => "DEGRADED",
        Level::Down => "DOWN",
    };
    let verdict = vec![
        Span::raw(" "),
        look.level(level),
        Span::raw(" "),
        Span::styled(word, look.of_level(level)),
        Span::raw("  "),
    ];
    let used: usize = verdict.iter().map(|span| span.content.width()).sum();
    let dot = format!(" {} ", look.dot());
    let about = joined(&parts(scene), &dot, width.saturating_sub(used));
    let about = cut(&about, width.saturating_sub(used), look.cut());
    Line::from_iter(verdict.into_iter().chain([Span::styled(about, look.dim())]))
}

/// The exit code of `hactl status`, which is that of the worst.
pub(super) fn level(status: &Status) -> Level {
    let levels = [Level::Ok, Level::Degraded, Level::Down];
    levels.into_iter().find(|level| level.exit_code() == status.exit_code).unwrap_or(Level::Unknown)
}

/// The most important first.
fn parts(scene: Scene<'_>) -> Vec<String> {
    let status = &scene.model.shown().status;
    let observes = status.instances.iter().any(|instance| instance.mode == "observe");
    let doing = match (status.paused.is_some(), observes, status.applying) {
        (true, ..) => "paused",
        (false, true, _) => "observing",
        (false, false, true) => "applying",
        (false, false, false) => "not applying",
    };
    let haproxy = match status.instances.len() {
        0 | 1 => process(&status.haproxy),
        several => {
            let answering = status.instances.iter().filter(|one| one.haproxy.answering).count();
            format!("{answering} of {several} HAProxies answer")
        }
    };
    let data = status.haproxy.age_seconds.filter(|_| status.haproxy.answering).map(|age| {
        let age = age + scene.model.age(scene.now).as_secs_f64();
        format!("data {age:.0}s old")
    });
    let mut parts = vec![Shown(&status.node).to_string(), doing.to_owned(), haproxy];
    parts.extend(data);
    parts.push(format!("hactl {}", Shown(&status.version)));
    if status.instances.len() <= 1 {
        parts.push(Shown(&status.haproxy.socket).to_string());
    }
    parts
}

fn process(haproxy: &HaproxyStatus) -> String {
    match (&haproxy.version, haproxy.pid, haproxy.uptime_seconds) {
        (Some(version), Some(pid), Some(uptime)) => {
            // Debian's suffix says nothing that is needed here.
            let version = version.split('-').next().unwrap_or_default();
            format!("HAProxy {} pid {pid} up {}", Shown(version), span(uptime as f64))
        }
        _ => match haproxy.age_seconds {
            Some(age) => format!("HAProxy away for {}", span(age)),
            None => "HAProxy not seen yet".to_owned(),
        },
    }
}

/// As many of `parts` as have room; of the first, what has.
fn joined(parts: &[String], between: &str, room: usize) -> String {
    let mut text = String::new();
    for part in parts {
        let gap = if text.is_empty() { "" } else { between };
        if !text.is_empty() && text.width() + gap.width() + part.width() > room {
            break;
        }
        text.push_str(gap);
        text.push_str(part);
    }
    text
}

pub(super) fn footer(scene: Scene<'_>, width: usize) -> Line<'static> {
    let (look, model) = (scene.look, scene.model);
    if model.filtering {
        let typed = format!(" /{}{}", Shown(&model.filter), look.caret());
        return Line::from(vec![
            Span::styled(typed, look.strong()),
            Span::styled("  Enter keep  Esc clear", look.dim()),
        ]);
    }
    if let Some(note) = model.note(scene.now) {
        let style = if note.good { look.good() } else { look.warning() };
        let text = format!(" {}", Shown(&note.text));
        return Line::styled(cut(&text, width, look.cut()), style);
    }
    let mut hints = vec![("?", "help"), ("q", "quit"), ("Enter", "detail"), ("Tab", "view")];
    let paused = model.shown().status.paused.is_some();
    if model.read_only.is_none() {
        hints.push(("m d r a", "override"));
        hints.push(("p", if paused { "resume" } else { "pause" }));
    }
    hints.extend([("/", "filter"), ("s", "sort")]);
    hints.push(("space", if model.still_since().is_some() { "go on" } else { "freeze" }));
    let end = if model.read_only.is_some() { "read-only " } else { "" };
    let mut spans = Vec::new();
    let mut used = end.width();
    for (key, does) in hints {
        let wide = key.width() + does.width() + 3;
        if used + wide > width {
            break;
        }
        used += wide;
        spans.push(Span::styled(format!(" {key}"), look.strong()));
        spans.push(Span::styled(format!(" {does} "), look.dim()));
    }
    spans.push(Span::raw(" ".repeat(width.saturating_sub(used))));
    spans.push(Span::styled(end, look.dim()));
    Line::from(spans)
}
