//! What was found, for people, for chats and for programs. Quiet where nothing is wrong.

use hactld::text::Shown;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::{Finding, Group, Mark, exit_code};
use crate::config::counted;
use crate::table::wrap;
use crate::terminal::Terminal;

/// Before what was found, and before what to do about it.
const INDENT: &str = "    ";
const DEEPER: &str = "        ";

pub(super) fn table(groups: &[Group], terminal: &Terminal) -> String {
    let widest = groups.iter().map(|group| group.name.width()).max().unwrap_or_default();
    let mut text = String::new();
    for group in groups {
        let padding = " ".repeat(widest - group.name.width());
        let line = format!("{}{padding}  {}", group.name, Shown(&group.text));
        text.push_str(&format!("{} {}\n", terminal.mark(group.worst()), line.trim_end()));
        for finding in group.findings.iter().filter(|finding| finding.mark != Mark::Ok) {
            text.push_str(&of_finding(finding, terminal));
        }
    }
    text.push_str(&format!("\n{}\n", counts(groups)));
    text
}

fn of_finding(finding: &Finding, terminal: &Terminal) -> String {
    let mut lines = finding.text.lines();
    let first = format!("{} {}", finding.id, Shown(lines.next().unwrap_or_default()));
    let mark = terminal.mark(finding.mark);
    let mut text = wrap(DEEPER, &first, terminal.width);
    // The mark stands in the indent of the first line.
    text.replace_range(..DEEPER.len(), &format!("{INDENT}  {mark} "));
    // A mistake in the configuration has lines of its own.
    for line in lines {
        text.push_str(&format!("{DEEPER}{}\n", Shown(line)));
    }
    if !finding.fix.is_empty() {
        // Not wrapped: what stands in it to be copied stays in one piece.
        let fix = terminal.copyable(&format!("fix: {}", Shown(&finding.fix)));
        text.push_str(&format!("{DEEPER}{}\n", terminal.dim(&fix)));
    }
    text
}

fn count(groups: &[Group], mark: Mark) -> usize {
    groups.iter().flat_map(|group| &group.findings).filter(|finding| finding.mark == mark).count()
}

fn counts(groups: &[Group]) -> String {
    let found: Vec<String> = [(Mark::Error, "error"), (Mark::Warning, "warning"), (Mark::Note, "note")]
        .into_iter()
        .filter_map(|(mark, what)| {
            Some(count(groups, mark)).filter(|count| *count > 0).map(|count| counted(count, what))
        })
        .chain([format!("{} ok", count(groups, Mark::Ok))])
        .collect();
    found.join(", ")
}

/// `2 errors (D03 D05), 1 warning (D07), 11 ok`.
pub(super) fn short(groups: &[Group]) -> String {
    let mut parts = Vec::new();
    for (mark, what) in [(Mark::Error, "error"), (Mark::Warning, "warning"), (Mark::Note, "note")] {
        let found = groups.iter().flat_map(|group| &group.findings).filter(|finding| finding.mark == mark);
        let mut ids: Vec<&str> = found.map(|finding| finding.id).collect();
        if ids.is_empty() {
            continue;
        }
        let count = counted(ids.len(), what);
        ids.sort_unstable();
        ids.dedup();
        parts.push(format!("{count} ({})", ids.join(" ")));
    }
    parts.push(format!("{} ok", count(groups, Mark::Ok)));
    format!("hactl doctor: {}\n", parts.join(", "))
}

pub(super) fn json(groups: &[Group]) -> String {
    let finding = |finding: &Finding| {
        let or_null = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
        json!({ "id": finding.id, "verdict": word(finding.mark), "text": or_null(&finding.text), "fix": or_null(&finding.fix) })
    };
    let group = |group: &Group| {
        json!({
            "name": group.name,
            "verdict": word(group.worst()),
            "text": group.text,
            "findings": group.findings.iter().map(finding).collect::<Vec<_>>(),
        })
    };
    let document = json!({
        "apiVersion": failover::status::API_VERSION,
        "kind": "Doctor",
        "exit_code": exit_code(groups),
        "groups": groups.iter().map(group).collect::<Vec<_>>(),
    });
    format!("{document}\n")
}

const fn word(mark: Mark) -> &'static str {
    match mark {
        Mark::Ok => "ok",
        Mark::Note => "note",
        Mark::Warning => "warning",
        Mark::Error => "error",
    }
}

impl Terminal {
    fn mark(&self, mark: Mark) -> String {
        let (symbol, ascii, code) = match mark {
            Mark::Ok => ("✓", "OK", "32"),
            Mark::Note => ("·", "--", "2"),
            Mark::Warning => ("!", "! ", "1;33"),
            Mark::Error => ("✗", "XX", "1;31"),
        };
        self.paint(code, if self.unicode { symbol } else { ascii })
    }
}
