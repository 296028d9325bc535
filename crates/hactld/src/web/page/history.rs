//! The page's lower part: what was out and for how long, and what has happened.

use std::fmt::Display;

use super::super::html::Html;
use super::super::past::{Incident, Past, Told};

pub(super) fn past(html: &mut Html, past: &Past) {
    if past.events.is_empty() && past.incidents.is_empty() {
        return;
    }
    html.element("div", &[("class", &"past")], |html| {
        list(html, "Incidents", "none", |html| {
            for Incident { began, ended, text } in &past.incidents {
                let severity = if ended.is_some() { "info" } else { "error" };
                let (what, rest) = text.split_once("; ").unwrap_or((text, ""));
                item(html, severity, began, what, rest);
            }
        });
        list(html, "Events", "none yet", |html| {
            for Told { at, severity, text, .. } in past.events.iter().rev() {
                item(html, severity, at, text, "");
            }
        });
    });
}

fn list(html: &mut Html, name: &'static str, otherwise: &'static str, items: impl FnOnce(&mut Html)) {
    html.element("section", &[], |html| {
        html.element("h2", &[], |html| html.text(name));
        html.element("div", &[("class", &"card")], |html| {
            let mut inside = Html::default();
            items(&mut inside);
            if inside.is_empty() {
                html.classed("p", "none", otherwise);
            } else {
                html.element("ol", &[], |html| html.append(inside));
            }
        });
    });
}

fn item(html: &mut Html, severity: &str, at: &str, text: &str, below: &str) {
    let (class, shape) = match severity {
        "error" => ("s-error", "offline"),
        "warning" => ("s-warning", "degraded"),
        _ => ("s-info", "unknown"),
    };
    html.element("li", &[("class", &class)], |html| {
        html.icon(shape, 11);
        let attributes: [(&str, &dyn Display); 1] = [("datetime", &at)];
        html.element("time", &attributes, |html| html.text(clock(at)));
        html.element("div", &[("class", &"what")], |html| {
            html.text(text);
            if !below.is_empty() {
                html.text(" ");
                html.classed("small", "", below);
            }
        });
    });
}

/// Of `2026-11-25T23:11:42.123Z` the time, `23:11:42Z`; the browser makes it the reader's own.
fn clock(at: &str) -> String {
    at.get(11..19).map_or_else(|| at.to_owned(), |time| format!("{time}Z"))
}
