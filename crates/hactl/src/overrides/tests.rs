//! What is missing is said with what to type, and what came of an order is told.

use insta::assert_snapshot;
use jiff::Zoned;
use serde_json::json;

use super::*;

#[test]
fn what_is_missing_is_said_with_what_to_type() {
    let told = |given: &Given| given.body("hactl maint b/wg1").unwrap_err().to_string();
    let none = Given { lasts: None, until: None, no_expiry: false, reason: None, force: false };
    assert_snapshot!(told(&none), @r#"
    `hactl maint b/wg1` does not say when it ends, and why
      why:  whoever finds a server overridden has to know how long, and why
      next: hactl maint b/wg1 --for 2h -m "..."   (with what you gave already)   or --until 18:00, or --no-expiry
    "#);
    let why = Given { reason: Some(" x ".to_owned()), ..none };
    assert!(told(&why).contains("does not say when it ends\n"));
    let blank = Given { reason: Some(" ".to_owned()), no_expiry: true, ..why };
    assert!(told(&blank).contains("next: hactl maint b/wg1 -m \"...\"   (with what you gave already)"));
    let whole = Given { reason: Some("x".to_owned()), force: true, ..blank };
    let body = json!({ "for_seconds": null, "until": null, "reason": "x", "force": true });
    assert_eq!(whole.body("").unwrap(), body);
}

#[test]
fn what_came_of_it_is_a_line_for_each_server_and_what_is_left() {
    let ordered = json!({
        "state": "maint", "until": "2026-11-23T17:00:00Z", "since": "2026-11-23T16:19:00Z",
        "reason": "provider work", "by": "alice", "by_uid": 1000
    });
    let line = json!({
        "instance": "7891", "backend": "b", "server": "wg2", "was": server("ready", "running", &json!(null)),
        "is": server("maint", "stopped", &ordered), "pinned": null, "in_service": ["wg1"],
        "staying": ["wg1"], "confirmed": true, "why": null
    });
    let answer = |exit: u8, line: Value| -> hactld::admin::Changed {
        let answer = json!({
            "apiVersion": "hactl/v1", "kind": "Changed", "generatedAt": "2026-11-23T16:19:00Z",
            "exit_code": exit, "action": "maint", "servers": [line], "kept": true, "unkept_why": null,
            "paused": null, "was_paused": null
        });
        serde_json::from_value(answer).unwrap()
    };
    let now: Zoned = "2026-11-23T17:19:00+01:00[Europe/Berlin]".parse().unwrap();
    let terminal = Terminal { color: false, color_errors: false, unicode: true, width: None, socket: None };
    assert_snapshot!(told::text(&answer(0, line.clone()), &now, &terminal), @"
    b/wg2  online,up  ->  online,maint   until 2026-11-23 18:00 CET (41m), by alice (uid 1000)
    1 other server stays in service (wg1). Undo: hactl auto b/wg2
    ");
    let mut waits = line;
    (waits["confirmed"], waits["why"]) = (json!(false), json!("HAProxy does not answer: \u{1b}"));
    assert_snapshot!(told::warnings(&answer(1, waits))[0], @r"
    b/wg2 is not as ordered yet; it is done as soon as it can be
      why:  HAProxy does not answer: \u{1b}
      next: see `hactl status`
    ");
}

#[test]
fn a_pin_that_meets_another_order_is_told() {
    let pin = json!({
        "server": "wg2", "until": "2026-11-23T17:00:00Z", "since": "2026-11-23T16:19:00Z",
        "reason": "demo", "by": "bob", "by_uid": 1001
    });
    let ordered = |state: &str| {
        json!({
            "state": state, "until": "2026-11-23T17:00:00Z", "since": "2026-11-23T16:19:00Z",
            "reason": "provider work", "by": "alice", "by_uid": 1000
        })
    };
    let text = |server_name: &str, order: &str, staying: Value| {
        let line = json!({
            "instance": "7891", "backend": "b", "server": server_name, "was": server("ready", "running", &json!(null)),
            "is": server(if order == "ready" { "ready" } else { "maint" }, "running", &ordered(order)),
            "pinned": pin, "in_service": ["wg1"], "staying": staying, "confirmed": true, "why": null
        });
        let answer = json!({
            "apiVersion": "hactl/v1", "kind": "Changed", "generatedAt": "2026-11-23T16:19:00Z",
            "exit_code": 0, "action": order, "servers": [line], "kept": true, "unkept_why": null,
            "paused": null, "was_paused": null
        });
        let now = "2026-11-23T17:19:00+01:00[Europe/Berlin]".parse().unwrap();
        let terminal =
            Terminal { color: false, color_errors: false, unicode: true, width: None, socket: None };
        told::text(&serde_json::from_value(answer).unwrap(), &now, &terminal)
    };
    assert_snapshot!(text("wg2", "maint", json!(["wg1"])), @"
    b/wg2  online,up  ->  online,maint   until 2026-11-23 18:00 CET (41m), by alice (uid 1000)
      the pin of b to it, by bob, rests until this ends; `hactl auto b/wg2` ends both
    1 other server stays in service (wg1). Undo: hactl auto b/wg2
    ");
    assert_snapshot!(text("wg1", "ready", json!(["wg2"])), @"
    b/wg1  online,up  ->  online,up   until 2026-11-23 18:00 CET (41m), by alice (uid 1000)
      b is pinned to wg2 by bob, so the traffic stays there as long as that one works
    Undo: hactl auto b/wg1
    ");
    assert_snapshot!(text("wg1", "maint", json!(null)), @"
    b/wg1  online,up  ->  online,maint   until 2026-11-23 18:00 CET (41m), by alice (uid 1000)
    Undo: hactl auto b/wg1
    ");
}

fn server(state: &str, operational: &str, ordered: &Value) -> Value {
    json!({
        "name": "wg2", "address": "127.0.0.1:18182", "role": "primary", "managed": true, "health": "online",
        "health_since": null, "health_seconds": null, "reason": null, "slow": false,
        "latency_ms": { "last": null, "p50": null, "p95": null }, "history": [],
        "haproxy": { "operational": operational, "state": state, "agent": null, "admin": [], "owner": null, "weight": 1 },
        "override": ordered, "desired": null, "drift": false, "held": null
    })
}
