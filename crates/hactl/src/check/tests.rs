//! What `hactl check` prints, and its exit codes.

use std::time::Duration;

use failover::{Cause, Failure, Stage as At, StageTime};
use insta::assert_snapshot;

use super::*;

#[test]
fn the_table_has_a_line_for_each() {
    assert_snapshot!(table(&all(), false, &piped()), @r"
    UPSTREAM  HEALTH      LATENCY  REASON
    18181     ● online       48ms  -
    18182     ▲ degraded        -  connect to 1.1.1.1: no reply in 2 s
    18183     ✕ offline         -  127.0.0.1:18183: connection refused
    18184     ○ unknown         -  could not be tested
    ");
    let narrow = Terminal { width: Some(40), ..piped() };
    assert_snapshot!(table(&all(), false, &narrow), @r"
    UPSTREAM  HEALTH      LATENCY
    18181     ● online       48ms
    18182     ▲ degraded        -
          connect to 1.1.1.1: no reply in 2
          s
    18183     ✕ offline         -
          127.0.0.1:18183: connection
          refused
    18184     ○ unknown         -
          could not be tested
    ");
}

#[test]
fn verbose_shows_every_stage_of_every_probe() {
    assert_snapshot!(table(&all(), true, &piped()), @r"
    18181 (127.0.0.1:18181)  ● online
      https://1.1.1.1/
        tcp            0.1 ms  ok
        greeting       0.1 ms  ok
        connect       15.2 ms  ok
        tls           20.0 ms  ok
        http          12.6 ms  ok

    18182 (127.0.0.1:18182)  ▲ degraded
      https://1.1.1.1/
        tcp            0.1 ms  ok
        greeting       0.1 ms  ok
        connect        failed  connect to 1.1.1.1: no reply in 2 s
      https://8.8.8.8/
        tcp            0.1 ms  ok
        greeting       0.1 ms  ok
        connect        failed  connect to 8.8.8.8: no reply in 2 s

    18183 (127.0.0.1:18183)  ✕ offline
      https://1.1.1.1/
        tcp            failed  127.0.0.1:18183: connection refused

    18184 (127.0.0.1:18184)  ○ unknown
      https://1.1.1.1/
        -            not made  Too many open files
    ");
}

#[test]
fn csv_is_the_seeds_own_form() {
    assert_snapshot!(csv(&all()), @r"
    18181,online,48
    18182,degraded,N/A
    18183,offline,N/A
    18184,unknown,N/A
    ");
}

#[test]
fn what_was_given_moves_no_cursor_and_no_column() {
    let error = UpstreamError::NoServer { name: "\u{1b}[2J".to_owned(), known: String::new() };
    let hostile = [untested("\u{1b}]0;x\u{7}evil", &UpstreamError::Form), untested("wg1,online,1\n", &error)];
    assert_snapshot!(csv(&hostile), @r"
    \u{1b}]0;x\u{7}evil,unknown,N/A
    wg1\u{2c}online\u{2c}1\n,unknown,N/A
    ");
    let reason = Reason { stage: None, code: "eof".to_owned(), text: "\u{9b}2J".to_owned() };
    let bad = [Checked { reason: Some(reason), ..hostile[0].clone() }];
    for text in [table(&bad, false, &piped()), table(&bad, true, &piped())] {
        assert!(!text.contains(|one: char| one.is_control() && one != '\n'), "{text:?}");
        assert!(text.contains(r"\u{1b}]0;x\u{7}evil") && text.contains(r"\u{9b}2J"), "{text}");
    }
}

#[test]
fn json_has_the_documented_keys() {
    let document: serde_json::Value = serde_json::from_str(&json(&all())).unwrap();
    assert_eq!(keys(&document), ["apiVersion", "exit_code", "kind", "results"]);
    assert_eq!(document["apiVersion"], "hactl/v1");
    assert_eq!(document["kind"], "Check");
    assert_eq!(document["exit_code"], 2);
    let results = document["results"].as_array().unwrap();
    for result in results {
        assert_eq!(
            keys(result),
            ["address", "health", "latency_ms", "passed", "probes", "reason", "rounds", "upstream"]
        );
    }
    assert_snapshot!(results[0], @r#"{"address":"127.0.0.1:18181","health":"online","latency_ms":48.0,"passed":1,"probes":[{"failed_stage":null,"passed":true,"stages":[{"ms":0.1,"stage":"tcp"},{"ms":0.1,"stage":"greeting"},{"ms":15.2,"stage":"connect"},{"ms":20.0,"stage":"tls"},{"ms":12.6,"stage":"http"}],"text":null,"url":"https://1.1.1.1/"}],"reason":null,"rounds":1,"upstream":"18181"}"#);
    assert_snapshot!(results[1], @r#"{"address":"127.0.0.1:18182","health":"degraded","latency_ms":null,"passed":0,"probes":[{"failed_stage":"connect","passed":false,"stages":[{"ms":0.1,"stage":"tcp"},{"ms":0.1,"stage":"greeting"}],"text":"connect to 1.1.1.1: no reply in 2 s","url":"https://1.1.1.1/"},{"failed_stage":"connect","passed":false,"stages":[{"ms":0.1,"stage":"tcp"},{"ms":0.1,"stage":"greeting"}],"text":"connect to 8.8.8.8: no reply in 2 s","url":"https://8.8.8.8/"}],"reason":{"code":"timeout","stage":"connect","text":"connect to 1.1.1.1: no reply in 2 s"},"rounds":1,"upstream":"18182"}"#);
    assert_snapshot!(results[3], @r#"{"address":"127.0.0.1:18184","health":"unknown","latency_ms":null,"passed":0,"probes":[{"failed_stage":null,"passed":false,"stages":[],"text":"Too many open files","url":"https://1.1.1.1/"}],"reason":{"code":"untested","stage":null,"text":"Too many open files"},"rounds":1,"upstream":"18184"}"#);
}

#[test]
fn several_rounds_are_one_result_of_the_worst_with_the_median_of_what_passed() {
    let round = |health: Verdict, millis: Option<f64>| Checked {
        health,
        latency_ms: millis,
        ..untested("18181", &UpstreamError::Form)
    };
    let (good, bad) = (Verdict::Online, Verdict::Degraded);
    let rounds =
        vec![round(good, Some(30.0)), round(bad, None), round(good, Some(10.0)), round(good, Some(20.0))];
    let one = together(rounds).unwrap();
    assert_eq!((one.health, one.latency_ms, one.passed, one.rounds), (bad, Some(20.0), 3, 4));
    assert!(one.why().starts_with("3 of 4 passed; "), "{}", one.why());
    assert_eq!(csv(&[one]), "18181,degraded,N/A\n");
    assert!(together(Vec::new()).is_none());
}

#[test]
fn why_one_could_not_be_tested_is_told_once_with_what_to_do() {
    let error = UpstreamError::Haproxy("/run/haproxy/admin.sock does not exist".to_owned());
    let mut checked =
        vec![untested("wg1", &error), untested("wg2", &error), untested("x:", &UpstreamError::Form)];
    checked.push(checked[0].clone());
    checked.extend(all());
    let reports: Vec<_> =
        untested_reports(&checked).into_iter().map(|report| (report.what, report.why, report.next)).collect();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        reports,
        [
            (
                "wg1, wg2 could not be tested".to_owned(),
                text("/run/haproxy/admin.sock does not exist"),
                text(
                    "name hactl's own socket with --socket PATH or HAProxy's with --haproxy ADDR, or test HOST:PORT, which needs neither"
                ),
            ),
            (
                "x: could not be tested".to_owned(),
                text("it is no upstream"),
                text("write backend/server, server, PORT, HOST:PORT or socks5h://[USER@]HOST:PORT"),
            ),
            ("18184 could not be tested".to_owned(), text("Too many open files"), None),
        ]
    );
}

#[test]
fn the_exit_code_is_the_worst_ones() {
    let code = |verdicts: &[Verdict]| {
        let checked: Vec<Checked> = verdicts
            .iter()
            .map(|verdict| Checked { health: *verdict, ..untested("x", &UpstreamError::Form) })
            .collect();
        exit_code(&checked)
    };
    use Verdict::{Degraded, Offline, Online, Unknown};
    assert_eq!(code(&[Online, Online]), 0);
    assert_eq!(code(&[Online, Degraded]), 1);
    assert_eq!(code(&[Offline, Degraded, Unknown]), 2);
    assert_eq!(code(&[Online, Unknown]), 3);
    assert_eq!(code(&[Unknown, Degraded]), 1);
    assert_eq!(code(&[]), 3);
}

/// One of each kind.
fn all() -> Vec<Checked> {
    let stage = |stage, micros| StageTime { stage, took: Duration::from_micros(micros) };
    let failed = |stage, cause, text: &str| Outcome::Failed(Failure { stage, cause, text: text.to_owned() });
    let passed = ProbeOutcome {
        target: "https://1.1.1.1/".into(),
        stages: vec![
            stage(At::Tcp, 100),
            stage(At::Greeting, 140),
            stage(At::Connect, 15_200),
            stage(At::Tls, 20_000),
            stage(At::Http, 12_560),
        ],
        outcome: Outcome::Passed(Duration::from_micros(48_000)),
    };
    let silent = |target: &str| ProbeOutcome {
        target: target.into(),
        stages: vec![stage(At::Tcp, 100), stage(At::Greeting, 140)],
        outcome: failed(
            At::Connect,
            Cause::Timeout,
            &format!("connect to {}: no reply in 2 s", &target[8..15]),
        ),
    };
    let refused = ProbeOutcome {
        target: "https://1.1.1.1/".into(),
        stages: Vec::new(),
        outcome: failed(At::Tcp, Cause::Refused, "127.0.0.1:18183: connection refused"),
    };
    let void = ProbeOutcome {
        target: "https://1.1.1.1/".into(),
        stages: Vec::new(),
        outcome: Outcome::Void("Too many open files".to_owned()),
    };
    let one =
        |port: &str, probes: Vec<ProbeOutcome>| tested(port.to_owned(), format!("127.0.0.1:{port}"), &probes);
    vec![
        one("18181", vec![passed]),
        one("18182", vec![silent("https://1.1.1.1/"), silent("https://8.8.8.8/")]),
        one("18183", vec![refused]),
        one("18184", vec![void]),
    ]
}

fn piped() -> Terminal {
    Terminal { color: false, color_errors: false, unicode: true, width: None, socket: None }
}

fn keys(object: &serde_json::Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}
