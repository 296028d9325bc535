//! The two pictures of a server: a line of what its last probes took, and a bar for each of them. They are drawn with
//! attributes alone, since the page allows no styles but its own.

use std::fmt::{Display, Write as _};

use super::super::html::Html;
use super::words::millis;

/// As many as the status has.
const PROBES: usize = 20;

/// Below this, what differs is noise, and is not drawn as if it were more.
const FLOOR_MS: f64 = 100.0;

const LINE: (f64, f64) = (92.0, 28.0);
/// Room for the line's own width.
const EDGE: f64 = 3.0;

/// The line, with gaps where probes failed.
pub(super) fn line(html: &mut Html, history: &[Option<f64>]) {
    let (width, height) = LINE;
    let view = format!("0 0 {width} {height}");
    let passed: Vec<f64> = history.iter().flatten().copied().collect();
    let most = passed.iter().copied().fold(0.0, f64::max);
    let least = passed.iter().copied().fold(f64::INFINITY, f64::min);
    let label = if passed.is_empty() {
        "no latency".to_owned()
    } else {
        format!("latency from {} to {} ms", millis(least), millis(most))
    };
    let attributes: [(&str, &dyn Display); 4] =
        [("class", &"spark"), ("viewBox", &view), ("role", &"img"), ("aria-label", &label)];
    let step = (width - 2.0 * EDGE) / (PROBES - 1) as f64;
    let top = (most * 1.1).max(FLOOR_MS);
    let first = PROBES.saturating_sub(history.len());
    let at = |index: usize, took: f64| {
        let y = height - EDGE - (height - 2.0 * EDGE) * (took / top);
        (EDGE + step * (first + index) as f64, y)
    };
    let (mut path, mut area, mut last) = (String::new(), String::new(), None);
    for (index, took) in history.iter().enumerate().skip(history.len().saturating_sub(PROBES)) {
        let Some(took) = took else {
            close(&mut area, last.take());
            continue;
        };
        let (x, y) = at(index, *took);
        // Writing to a String does not fail.
        let _ = if last.is_none() {
            write!(path, "M{x:.1} {y:.1}h.01").and(write!(area, "M{x:.1} {height}V{y:.1}"))
        } else {
            write!(path, "L{x:.1} {y:.1}").and(write!(area, "L{x:.1} {y:.1}"))
        };
        last = Some((x, y));
    }
    close(&mut area, last);
    html.element("svg", &attributes, |html| {
        if passed.is_empty() {
            let middle = height / 2.0;
            html.element(
                "path",
                &[("class", &"none"), ("d", &format_args!("M{EDGE} {middle}H{}", width - EDGE))],
                |_| {},
            );
            return;
        }
        html.element("path", &[("class", &"area"), ("d", &area)], |_| {});
        html.element("path", &[("class", &"line"), ("d", &path)], |_| {});
        if let Some((x, y)) = last {
            let (x, y) = (format!("{x:.1}"), format!("{y:.1}"));
            html.element("circle", &[("class", &"now"), ("cx", &x), ("cy", &y), ("r", &2.4)], |_| {});
        }
    });
}

fn close(area: &mut String, last: Option<(f64, f64)>) {
    if let Some((x, _)) = last {
        let _ = write!(area, "L{x:.1} {}Z", LINE.1);
    }
}

/// A bar for each probe, the latest to the right: tall where it was answered, short and crossed where not.
pub(super) fn bars(html: &mut Html, history: &[Option<f64>]) {
    let shown = &history[history.len().saturating_sub(PROBES)..];
    let passed = shown.iter().flatten().count();
    let label = format!("{passed} of the last {} probes were answered", shown.len());
    let attributes: [(&str, &dyn Display); 5] = [
        ("class", &"bars"),
        ("viewBox", &"0 0 138 24"),
        ("preserveAspectRatio", &"xMinYMid meet"),
        ("role", &"img"),
        ("aria-label", &label),
    ];
    html.element("svg", &attributes, |html| {
        for slot in 0..PROBES {
            let probe = (slot + shown.len()).checked_sub(PROBES).and_then(|index| shown.get(index));
            let x = slot * 7;
            let (class, y, tall) = match probe {
                None => ("gone", 10, 4),
                Some(Some(_)) => ("pass", 0, 24),
                Some(None) => ("fail", 14, 10),
            };
            let attributes: [(&str, &dyn Display); 6] = [
                ("class", &class),
                ("x", &x),
                ("y", &y),
                ("width", &5),
                ("height", &tall),
                ("rx", &if class == "fail" { 0.5 } else { 2.0 }),
            ];
            html.element("rect", &attributes, |_| {});
            if class == "fail" {
                let cross = format!("M{x}.6 4.6l3.8 3.8m0-3.8l-3.8 3.8");
                html.element("path", &[("class", &"cross"), ("d", &cross)], |_| {});
            }
        }
    });
}
