//! What is printed, for people and for programs.

use failover::replay::Decided;
use failover::{Cause, Event, Failure, ServerId, Stage, Verdict, Want};
use insta::assert_snapshot;
use serde_json::Value;

use super::super::*;
use super::scene::header;

#[test]
fn the_table_says_when_what_and_why() {
    assert_snapshot!(render::table(&simulated(false), &piped()), @r"
    7891, recorded by hactl 0.1.0 from 2026-11-25T17:00:00.000Z on: 12345 inputs in 1m42s

         TIME  DECISION                                 WHY
     +1.000 s  socks_back_7891/wg1 is online            -
     +1.000 s  wants socks_back_7891/wg1 ready          -
    +12.345 s  socks_back_7891/wg1 is degraded          connect to 1.1.1.1:443: no reply in 210 ms (6 probes)
    +12.345 s  wants socks_back_7891/wg1 maint          connect to 1.1.1.1:443: no reply
    +19.000 s  socks_back_7891/wg1 is online            -
    +19.000 s  wants socks_back_7891/wg1 ready          -
    +61.000 s  socks_back_7891/wg2\u{1b}[2J is offline  connect to 1.1.1.1:443: no reply in 210 ms (6 probes)

    1 wanted out, 1 wanted back, 1 suspected false alarm
    ");
    let narrow = Terminal { width: Some(48), ..piped() };
    assert_snapshot!(render::table(&simulated(false), &narrow), @r"
    7891, recorded by hactl 0.1.0 from
    2026-11-25T17:00:00.000Z on: 12345 inputs in
    1m42s

         TIME  DECISION
     +1.000 s  socks_back_7891/wg1 is online
     +1.000 s  wants socks_back_7891/wg1 ready
    +12.345 s  socks_back_7891/wg1 is degraded
          connect to 1.1.1.1:443: no reply in 210 ms
          (6 probes)
    +12.345 s  wants socks_back_7891/wg1 maint
          connect to 1.1.1.1:443: no reply
    +19.000 s  socks_back_7891/wg1 is online
    +19.000 s  wants socks_back_7891/wg1 ready
    +61.000 s  socks_back_7891/wg2\u{1b}[2J is offline
          connect to 1.1.1.1:443: no reply in 210 ms
          (6 probes)

    1 wanted out, 1 wanted back, 1 suspected false
    alarm
    ");
}

#[test]
fn two_settings_stand_side_by_side() {
    assert_snapshot!(render::table(&simulated(true), &piped()), @r"
    7891, recorded by hactl 0.1.0 from 2026-11-25T17:00:00.000Z on: 12345 inputs in 1m42s
    changed: probe.ride_through=10s, on_slow=move; what comes of it is an estimate

     RECORDED    CHANGED  LATER BY  DECISION                                     WHY
     +1.000 s   +1.002 s  +0.002 s  socks_back_7891/wg1 is online                -
     +1.000 s   +1.002 s  +0.002 s  wants socks_back_7891/wg1 ready              -
    +12.345 s          -         -  socks_back_7891/wg1 is degraded              connect to 1.1.1.1:443: no reply in 210 ms (6 probes)
    +12.345 s          -         -  wants socks_back_7891/wg1 maint              connect to 1.1.1.1:443: no reply
    +19.000 s          -         -  socks_back_7891/wg1 is online                -
    +19.000 s          -         -  wants socks_back_7891/wg1 ready              -
    +61.000 s  +60.500 s  -0.500 s  socks_back_7891/wg2\u{1b}[2J is offline      connect to 1.1.1.1:443: no reply in 210 ms (6 probes)
            -  +60.500 s         -  wants socks_back_7891/wg2\u{1b}[2J as it is  connect to 1.1.1.1:443: no reply

    as recorded: 1 wanted out, 1 wanted back, 1 suspected false alarm
    as changed:  0 wanted out, 0 wanted back, 0 suspected false alarms; of 3 of 1000 probes nothing is known
    ");
    let narrow = Terminal { width: Some(60), ..piped() };
    assert_snapshot!(render::table(&simulated(true), &narrow), @r"
    7891, recorded by hactl 0.1.0 from 2026-11-25T17:00:00.000Z
    on: 12345 inputs in 1m42s
    changed: probe.ride_through=10s, on_slow=move; what comes of
    it is an estimate

     RECORDED    CHANGED  DECISION
     +1.000 s   +1.002 s  socks_back_7891/wg1 is online
     +1.000 s   +1.002 s  wants socks_back_7891/wg1 ready
    +12.345 s          -  socks_back_7891/wg1 is degraded
          connect to 1.1.1.1:443: no reply in 210 ms (6 probes)
    +12.345 s          -  wants socks_back_7891/wg1 maint
          connect to 1.1.1.1:443: no reply
    +19.000 s          -  socks_back_7891/wg1 is online
    +19.000 s          -  wants socks_back_7891/wg1 ready
    +61.000 s  +60.500 s  socks_back_7891/wg2\u{1b}[2J is offline
          connect to 1.1.1.1:443: no reply in 210 ms (6 probes)
            -  +60.500 s  wants socks_back_7891/wg2\u{1b}[2J as it is
          connect to 1.1.1.1:443: no reply

    as recorded: 1 wanted out, 1 wanted back, 1 suspected false
    alarm
    as changed:  0 wanted out, 0 wanted back, 0 suspected false
    alarms; of 3 of 1000 probes nothing is known
    ");
}

#[test]
fn a_recording_in_which_nothing_was_decided_says_so() {
    let nothing = Simulated { recorded: Side::default(), ..simulated(false) };
    assert_snapshot!(render::table(&nothing, &piped()), @"
    7891, recorded by hactl 0.1.0 from 2026-11-25T17:00:00.000Z on: 12345 inputs in 1m42s

    nothing was decided

    0 wanted out, 0 wanted back, 0 suspected false alarms
    ");
}

#[test]
fn json_has_units_in_its_names_and_null_for_what_is_not() {
    let mut simulated = simulated(false);
    simulated.recorded.decisions.drain(..3);
    simulated.recorded.decisions.truncate(1);
    assert_snapshot!(pretty(&render::json(&simulated, &["w".to_owned()])), @r#"
    {
      "apiVersion": "hactl/v1",
      "changed": null,
      "compared": null,
      "exit_code": 0,
      "inputs": 12345,
      "instance": "7891",
      "kind": "Simulation",
      "recorded": {
        "decisions": [
          {
            "at_seconds": 12.345,
            "backend": "socks_back_7891",
            "kind": "wish",
            "server": "wg1",
            "text": "wants socks_back_7891/wg1 maint",
            "why": "connect to 1.1.1.1:443: no reply"
          }
        ],
        "summary": {
          "suspected_false_alarms": 0,
          "wanted_back": 0,
          "wanted_out": 1
        }
      },
      "seconds": 102.0,
      "started": "2026-11-25T17:00:00.000Z",
      "version": "0.1.0",
      "warnings": [
        "w"
      ]
    }
    "#);
}

#[test]
fn json_has_the_two_beside_each_other() {
    let both: Value = serde_json::from_str(&render::json(&simulated(true), &[])).unwrap();
    assert_snapshot!(format!("{:#}", both["compared"][0]), @r#"
    {
      "backend": "socks_back_7891",
      "changed_at_seconds": 1.002,
      "kind": "health",
      "recorded_at_seconds": 1.0,
      "server": "wg1",
      "text": "socks_back_7891/wg1 is online",
      "why": null
    }
    "#);
    assert_snapshot!(format!("{:#}", both["changed"]["summary"]), @r#"
    {
      "suspected_false_alarms": 0,
      "wanted_back": 0,
      "wanted_out": 0
    }
    "#);
    assert_eq!((&both["changed"]["probes"], &both["changed"]["probes_unknown"]), (&1000.into(), &3.into()));
}

#[test]
fn json_says_why_there_is_nothing_too() {
    let report = Report::new("what".to_owned()).because("why");
    assert_snapshot!(pretty(&document(Exit::Unusable, &report)), @r#"
    {
      "apiVersion": "hactl/v1",
      "error": {
        "message": "what",
        "next": null,
        "why": "why"
      },
      "exit_code": 1,
      "kind": "Error"
    }
    "#);
}

fn pretty(text: &str) -> String {
    let document: Value = serde_json::from_str(text).unwrap();
    format!("{document:#}")
}

#[test]
fn nothing_in_a_recording_moves_the_cursor() {
    let hostile = Header { started: "\u{1b}[2J\n".to_owned(), ..header() };
    let text = render::table(&Simulated { header: hostile, ..simulated(false) }, &piped());
    assert!(text.starts_with("7891, recorded by hactl 0.1.0 from \\u{1b}[2J\\n on: "), "{text}");
    assert!(!text.contains('\u{1b}'));
}

fn simulated(with_change: bool) -> Simulated {
    let recorded = vec![
        health(1_000, "wg1", Verdict::Unknown, Verdict::Online),
        wants(1_000, "wg1", Want::Ready),
        health(12_345, "wg1", Verdict::Online, Verdict::Degraded),
        wants(12_345, "wg1", Want::Maint),
        health(19_000, "wg1", Verdict::Degraded, Verdict::Online),
        wants(19_000, "wg1", Want::Ready),
        health(61_000, "wg2\u{1b}[2J", Verdict::Online, Verdict::Offline),
    ];
    let changed = vec![
        health(1_002, "wg1", Verdict::Unknown, Verdict::Online),
        wants(1_002, "wg1", Want::Ready),
        health(60_500, "wg2\u{1b}[2J", Verdict::Online, Verdict::Offline),
        wants(60_500, "wg2\u{1b}[2J", Want::AsIs),
    ];
    let side = |decisions| Side { decisions, unlisted: 0 };
    let sets = ["probe.ride_through=10s", "on_slow=move"].map(str::to_owned).to_vec();
    Simulated {
        header: header(),
        inputs: 12_345,
        until: Time::from_millis(102_000),
        recorded: side(recorded),
        changed: with_change.then(|| Changed { sets, side: side(changed), asked: (1000, 3) }),
        cut: false,
        lost: None,
        strangers: None,
    }
}

fn health(millis: u64, server: &str, from: Verdict, to: Verdict) -> Decision {
    let text = "connect to 1.1.1.1:443: no reply in 210 ms (6 probes)".to_owned();
    let failure = Failure { stage: Stage::Connect, cause: Cause::Timeout, text };
    let server = ServerId::new("socks_back_7891", server);
    let reason = to.is_condemned().then_some(failure);
    let event = Event::Health { server, from, to, reason, latency: None, silent: None };
    Decision { at: Time::from_millis(millis), what: Decided::Told(event) }
}

fn wants(millis: u64, server: &str, want: Want) -> Decision {
    let because = (want != Want::Ready).then(|| "connect to 1.1.1.1:443: no reply".to_owned());
    let server = ServerId::new("socks_back_7891", server);
    Decision { at: Time::from_millis(millis), what: Decided::Wants { server, want, because } }
}

fn piped() -> Terminal {
    Terminal { color: false, color_errors: false, unicode: true, width: None, socket: None }
}
