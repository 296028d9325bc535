//! How events and incidents are shown, and what can be asked for.

use clap::Parser;
use hactld::incident::Incident;
use insta::assert_snapshot;

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: EventsArgs,
}

#[test]
fn an_event_is_one_line_and_in_a_narrow_terminal_its_text_stands_below() {
    let events = [
        event("health", "warning", "b/wg1 is degraded: connect to 1.1.1.1:443: no reply in 2 s"),
        event("in_service", "info", "b now on wg2"),
        event("blackout", "error", "b: no server is known to carry traffic; \\u001b[2J none is taken out"),
    ];
    assert_snapshot!(render::lines(&events, &TimeZone::UTC, &terminal(None, true)), @r"
    11-25 06:37:03.120 UTC ▲ health           b/wg1 is degraded: connect to 1.1.1.1:443: no reply in 2 s
    11-25 06:37:03.120 UTC   in_service       b now on wg2
    11-25 06:37:03.120 UTC ✗ blackout         b: no server is known to carry traffic; \u{1b}[2J none is taken out
    ");
    assert_snapshot!(render::lines(&events[..2], &TimeZone::UTC, &terminal(Some(48), false)), @"
    11-25 06:37:03.120 UTC ! health
          b/wg1 is degraded: connect to 1.1.1.1:443:
          no reply in 2 s
    11-25 06:37:03.120 UTC   in_service
          b now on wg2
    ");
}

#[test]
fn incidents_are_a_table() {
    let text = r#"{"id":4,"instance":"7891","backend":"b","server":"wg1","began":"2026-11-25T06:37:01.12Z","detected":
        "2026-11-25T06:37:03.12Z","switched":"2026-11-25T06:37:03.2Z","ended":null,"detection_seconds":2.0,
        "switch_seconds":0.08,"blackout_seconds":0.0,"text":"b/wg1 carried no traffic any more"}"#;
    let incident: Incident = serde_json::from_str(text).unwrap();
    let over =
        Incident { ended: Some(incident.began + Duration::from_secs(90)), server: None, ..incident.clone() };
    let shown = render::incidents(&[incident, over], &TimeZone::UTC, &terminal(None, true));
    assert_snapshot!(shown, @"
    BEGAN                   SERVER  FOUND  SWITCHED  BLACKOUT     OVER  INCIDENT
    11-25 06:37:01.120 UTC  b/wg1    2.0s      0.1s         -  goes on  b/wg1 carried no traffic any more
    11-25 06:37:01.120 UTC  b        2.0s      0.1s         -    90.0s  b/wg1 carried no traffic any more
    ");
    assert_eq!(render::incidents(&[], &TimeZone::UTC, &terminal(None, true)), "no incident is known\n");
}

#[test]
fn what_is_asked_for_is_in_the_path_whatever_was_typed() {
    let line = ["events", "--server", "b/w&g*", "--type", "health,blackout", "--since", "2026-11-24T06:00Z"];
    let args = Line::try_parse_from(line).unwrap().args;
    assert_eq!(selection(&args), "&since=2026-11-24T06:00:00Z&kind=health%2Cblackout&server=b%2Fw%26g%2A");
    assert_eq!(args.lines, SHOWN);
    assert!(Line::try_parse_from(["events", "--incidents", "-f"]).is_err());
}

#[test]
fn since_is_a_while_ago_or_a_moment() {
    let ago = Timestamp::now().duration_since(since("1h 30m").unwrap()).as_secs();
    assert!((5390..5500).contains(&ago), "{ago}");
    assert!(since("3d").is_ok() && since("100000000h").is_ok());
    let now: Zoned = "2026-11-23T17:19:00+01:00[Europe/Berlin]".parse().unwrap();
    let last = |text: &str| last_time(text, &now).map(|at| at.to_string());
    assert_eq!(last("01:57").unwrap(), "2026-11-23T00:57:00Z");
    assert_eq!(last("17:20").unwrap(), "2026-11-22T16:20:00Z", "it is not so late yet");
    assert!(last("25:00").is_none() && since("00:00").is_ok());
    for text in ["yesterday", "-1h", "", "5"] {
        let error = since(text).unwrap_err();
        assert!(error.contains("write how long ago, such as 30m, 2h or 3d"), "{error}");
    }
}

fn event(kind: &str, severity: &str, text: &str) -> Entry {
    let json = format!(
        r#"{{"seq":1,"at":"2026-11-25T06:37:03.12Z","instance":null,"kind":"{kind}","severity":"{severity}","backend":null,
        "server":null,"from":null,"to":null,"text":"{text}","why":null,"by":null}}"#
    );
    serde_json::from_str(&json).unwrap()
}

fn terminal(width: Option<usize>, unicode: bool) -> Terminal {
    Terminal { color: false, color_errors: false, unicode, width, socket: None }
}
