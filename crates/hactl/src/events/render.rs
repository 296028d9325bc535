//! Events and incidents as lines for people.

use failover::Severity;
use hactld::incident::Incident;
use hactld::journal::Entry;
use hactld::text::Shown;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::table::{Column, render, wrap};
use crate::terminal::Terminal;

/// Kinds are padded to this: the longest, `haproxy_replaced`.
const KIND_WIDTH: usize = 16;

/// Below a line that does not fit.
const INDENT: &str = "      ";

const INCIDENTS: [Column; 7] = [
    Column { heading: "BEGAN", right: false, dispensable: None },
    Column { heading: "SERVER", right: false, dispensable: None },
    Column { heading: "FOUND", right: true, dispensable: Some(3) },
    Column { heading: "SWITCHED", right: true, dispensable: Some(2) },
    Column { heading: "BLACKOUT", right: true, dispensable: Some(4) },
    Column { heading: "OVER", right: true, dispensable: Some(1) },
    Column { heading: "INCIDENT", right: false, dispensable: None },
];

/// A line for each; the text is wrapped where there is no room.
pub(super) fn lines(events: &[Entry], zone: &TimeZone, terminal: &Terminal) -> String {
    events.iter().map(|entry| line(entry, zone, terminal)).collect()
}

fn line(entry: &Entry, zone: &TimeZone, terminal: &Terminal) -> String {
    let (mark, ascii) = match entry.severity {
        Severity::Info => (" ", " "),
        Severity::Warning => ("▲", "!"),
        Severity::Error => ("✗", "X"),
    };
    let mark = terminal.severity(entry.severity, if terminal.unicode { mark } else { ascii });
    let text = Shown(&entry.text).to_string();
    // Where there are several, the text does not say which one is meant.
    let at = terminal.dim(&moment(entry.at, zone));
    let head = format!("{at} {mark} {:<KIND_WIDTH$}", Shown(&entry.kind).to_string());
    let whole = format!("{head} {text}");
    match terminal.width {
        Some(width) if crate::table::visible(&whole) > width => {
            format!("{}\n{}", head.trim_end(), wrap(INDENT, &text, terminal.width))
        }
        Some(_) | None => format!("{whole}\n"),
    }
}

pub(super) fn incidents(incidents: &[Incident], zone: &TimeZone, terminal: &Terminal) -> String {
    if incidents.is_empty() {
        return "no incident is known\n".to_owned();
    }
    let seconds =
        |seconds: Option<f64>| seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.1}s"));
    let row = |incident: &Incident| {
        let Incident { backend, server, began, ended, .. } = incident;
        let over = ended.map(|ended| ended.duration_since(*began).as_secs_f64());
        vec![
            moment(*began, zone),
            Shown(&server.as_ref().map_or_else(|| backend.clone(), |server| format!("{backend}/{server}")))
                .to_string(),
            seconds(incident.detection_seconds),
            seconds(incident.switch_seconds),
            seconds(incident.blackout_seconds.filter(|blackout| *blackout > 0.0)),
            over.map_or_else(|| "goes on".to_owned(), |over| seconds(Some(over))),
            Shown(&incident.text).to_string(),
        ]
    };
    render(&INCIDENTS, &incidents.iter().map(row).collect::<Vec<_>>(), terminal)
}

/// With the day, because events may be of any; to the millisecond, because their order matters; by the reader's clock.
fn moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%m-%d %H:%M:%S%.3f %Z").to_string()
}
