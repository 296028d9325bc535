//! The page's lower part: what was out and for how long, and what has happened.

use std::fmt::Display;

use super::super::html::Html;
use super::super::past::{Incident, Past, Told};

pub(super) fn past(html: &mut Html, past: &Past) {
    if past.events.is_empty() && past.incidents.is_empty() {
        return;
    }
    html.element("div", &[("class", &"past")], |html| {
        list(html, "Incidents", "none since hactl runs", |html| {
            for incident in &past.incidents {
                let (severity, what) =
                    (if incident.ended.is_some() { "info" } else { "error" }, durations(incident));
                item(html, severity, &incident.began, &incident.text, &what);
            }
        });
        list(html, "Events", "none yet", |html| {
            for Told { at, severity, text, by, .. } in past.events.iter().rev() {
                let by = by.as_ref().map(|by| format!("by {by}")).unwrap_or_default();
                item(html, severity, at, text, &by);
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

fn durations(incident: &Incident) -> String {
    let mut parts = Vec::new();
    for (what, seconds) in [
        ("noticed within", incident.detection_seconds),
        ("left within", incident.switch_seconds),
        ("no service for", incident.blackout_seconds),
    ] {
        parts.extend(seconds.map(|seconds| format!("{what} {seconds:.2} s")));
    }
    if incident.ended.is_none() {
        parts.push("goes on".to_owned());
    }
    parts.join(" · ")
}
