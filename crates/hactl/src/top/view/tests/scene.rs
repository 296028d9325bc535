//! What the screens of the tests show, and how they are drawn.

use failover::status::{PauseStatus, Status};
use ratatui::Terminal as Screen;
use ratatui::backend::TestBackend;

use super::*;
use crate::top::model::{EventLine, Explanation, Input, News, Section};

/// With colours, where they are not what is looked at.
pub(super) fn look(unicode: bool) -> Look {
    Look::of(&Terminal { color: true, color_errors: false, unicode, width: None, socket: None })
}

pub(super) fn shown(model: &Model, width: u16, height: u16) -> String {
    text_of(&buffer(model, look(true), width, height, at(41)))
}

pub(super) fn buffer(model: &Model, look: Look, width: u16, height: u16, now: Duration) -> Buffer {
    let mut screen = Screen::new(TestBackend::new(width, height)).unwrap();
    screen
        .draw(|frame| {
            draw(model, look, now, frame.buffer_mut());
        })
        .unwrap();
    screen.backend().buffer().clone()
}

/// The screen's lines without what trails.
pub(super) fn text_of(buffer: &Buffer) -> String {
    let rows = buffer.content.chunks(usize::from(buffer.area.width).max(1));
    let rows = rows
        .map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>().trim_end().to_owned());
    rows.collect::<Vec<String>>().join("\n")
}

/// A model that knows events and why its chosen server is where it is, with data of the 40th second.
pub(super) fn told(status: Status) -> Model {
    let mut model = model(status.clone());
    let event = |(seq, time, severity, text): (u64, &str, &str, &str)| EventLine {
        seq,
        at: time.to_owned(),
        severity: severity.to_owned(),
        text: text.to_owned(),
        by: None,
    };
    let events = [
        (1, "2025-12-31T23:00:00.000Z", "info", "hactl 0.1.0 runs, HAProxy 2.6.12 pid 412"),
        (
            2,
            "2026-01-01T00:00:01.120Z",
            "warning",
            "socks_back_7891/wg1 is degraded: connect to 1.1.1.1:443: no reply in 2 s",
        ),
        (3, "2026-01-01T00:00:01.180Z", "info", "socks_back_7891/wg1 set to maint, read back"),
        (
            4,
            "2026-01-01T00:00:02.310Z",
            "warning",
            "socks_back_7891/wg2 is offline: 127.0.0.1:18182: connection refused",
        ),
        (5, "2026-01-01T00:00:02.350Z", "info", "socks_back_7891/wg2 set to maint, read back"),
        (
            6,
            "2026-01-01T00:00:02.360Z",
            "warning",
            "socks_back_7891: new connections go to cloudflare_warp instead of wg1",
        ),
    ];
    model.take(Input::Events(News { afresh: true, events: events.map(event).to_vec() }), at(40));
    let section = |label: &str, lines: &[&str]| Section {
        label: label.to_owned(),
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
    };
    let explanation = Explanation {
        headline: "wg2 is OFFLINE for 4m12s, so HAProxy holds it in maint".to_owned(),
        sections: vec![
            section(
                "evidence",
                &["tcp to 127.0.0.1:18182: connection refused, 14 times", "control 1.1.1.1:443: ok, 9 ms"],
            ),
            section("rule", &["[probe] hold = 10s, hactl.toml:14"]),
            section("effect", &["maint, applied and read back 23:11:42"]),
            section("returns", &["after good answers over 10 s"]),
        ],
    };
    model.take(Input::Explained(target("wg2"), Ok(explanation)), at(40));
    model.take(Input::Status(Ok(Box::new(status))), at(40));
    model
}

pub(super) fn in_all_trouble() -> Status {
    let mut status = blackout();
    status.paused = Some(PauseStatus {
        by: "root (uid 0)".to_owned(),
        reason: "moving wg1".to_owned(),
        since: "2026-01-01T00:00:00Z".to_owned(),
        until: Some("2026-01-01T00:30:00Z".to_owned()),
    });
    status.frozen_since = Some("2026-01-01T00:00:03.000Z".to_owned());
    status.problems = vec!["no server answers: this host's network may be at fault".to_owned()];
    status.config_stale = true;
    status.applying = false;
    status
}
