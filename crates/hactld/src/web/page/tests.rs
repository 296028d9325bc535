//! Pages as they are written for what may be known.

use serde_json::{Value, json};

use super::*;

#[test]
fn the_page_says_the_verdict_first_and_of_each_server_what_is_known() {
    let page = of_status(&degraded(), &Past::default(), None);
    assert_eq!((page.title.as_str(), page.knows), ("▲ Clients are served, by a backup · gw1", true));
    let text = text_of(&page.main);
    let (failed, _) = text.split_once("cloudflare_warp\nin use\n").expect("the server in use");
    insta::assert_snapshot!(failed, @"
    hactl
    gw1
    Clients are served, by a backup
    1 of 2 servers online · HAProxy 2.6.12 up 3d4h
    socks_back_7891
    degraded
    on backup cloudflare_warp for 4m12s
    Server
    Health
    HAProxy
    Latency
    Last probes
    Since
    wg1
    127.0.0.1:18181
    degraded
    maint
    by hactl
    –
    4m12s
    connect to 1.1.1.1:443: no reply in 157 ms
    Failed at
    connect (late)
    Latency
    half of the last 60 probes within 40 ms, 95 % within 61 ms
    Wanted
    maint
    In HAProxy
    maint (fmaint), running, weight 1, primary
    hactl explain socks_back_7891/wg1
    Copy
    why it is so
    hactl check -v socks_back_7891/wg1
    Copy
    try it now
    hactl maint socks_back_7891/wg1 --for 1h -m REASON
    Copy
    take it out for a while
    ");
}

#[test]
fn the_server_in_use_stands_below_the_one_that_failed_and_the_foot_names_what_programs_read() {
    let text = text_of(&of_status(&degraded(), &Past::default(), None).main);
    let (_, in_use) = text.split_once("cloudflare_warp\nin use\n").expect("the server in use");
    insta::assert_snapshot!(in_use, @"
    127.0.0.1:18181
    online
    up
    40
    ms
    4m12s
    Latency
    half of the last 60 probes within 40 ms, 95 % within 61 ms
    Wanted
    ready
    In HAProxy
    ready, running, weight 1, primary
    hactl explain socks_back_7891/cloudflare_warp
    Copy
    why it is so
    hactl check -v socks_back_7891/cloudflare_warp
    Copy
    try it now
    hactl maint socks_back_7891/cloudflare_warp --for 1h -m REASON
    Copy
    take it out for a while
    Why socks_back_7891 is as it is
    hactl explain socks_back_7891
    Copy
    hactl 0.1.0
    status as JSON
    metrics
    Read only: changes are made by hactl, on this host.
    ");
}

#[test]
fn what_haproxy_did_before_it_fell_silent_and_a_hold_are_said_to_be_that() {
    let mut status = degraded();
    status.instances[0].haproxy.answering = false;
    status.backends[0].verdict = Level::Unknown;
    status.backends[0].servers[0].returning = serde_json::from_value(json!({
        "answers_since": "2026-11-25T22:59:48.000Z", "answers_seconds": 12.0,
        "used_from": "2026-11-25T23:00:27.000Z", "used_in_seconds": 27.0
    }))
    .unwrap();
    let text = text_of(&of_status(&status, &Past::default(), None).main);
    assert!(text.contains("\nunknown\nlast seen on backup cloudflare_warp\n"), "{text}");
    assert!(text.contains("\nmaint\nlast seen\n") && !text.contains("in use"), "{text}");
    let held = "answers again for 12s, held for 27s more; before: connect to 1.1.1.1:443: no reply in 157 ms";
    assert!(text.contains(held), "{text}");
}

#[test]
fn what_others_have_named_stays_text() {
    let mut status = degraded();
    let hostile = "<img src=x onerror=alert(1)>\"'&\u{202e}</main>";
    for backend in &mut status.backends {
        backend.name = hostile.to_owned();
        backend.instance = hostile.to_owned();
        for server in &mut backend.servers {
            server.name = hostile.to_owned();
            server.address = Some(hostile.to_owned());
            server.held = Some(hostile.to_owned());
        }
    }
    status.node = hostile.to_owned();
    status.version = hostile.to_owned();
    for instance in &mut status.instances {
        instance.name = hostile.to_owned();
        instance.problems = vec![hostile.to_owned()];
        instance.would = vec![hostile.to_owned()];
    }
    let page = of_status(&status, &past(hostile), Some(Path::new(hostile)));
    for text in [&page.main, &page.title] {
        assert!(!text.contains("<img") && !text.contains('\u{202e}') && !text.contains('\n'), "{text}");
    }
    assert_eq!(page.main.matches("</main>").count(), 1);
    assert!(page.main.contains("api/v1/explain/%3Cimg%20src%3Dx"), "an address is encoded besides");
    for word in ["hactl check --socket &#39;&lt;img", "&#39; -v &#39;&lt;img"] {
        assert!(page.main.contains(word), "and a shell sees one word: {word}");
    }
}

#[test]
fn of_ten_thousand_servers_those_in_trouble_are_shown_and_the_others_counted() {
    let mut status = well();
    let one = status.backends[0].servers[0].clone();
    status.backends[0].servers = (0..10_000)
        .map(|index| {
            let mut server = one.clone();
            server.name = format!("s{index}");
            if index % 100 == 7 {
                server.health = Some(Verdict::Degraded);
            }
            server
        })
        .collect();
    status.backends[0].in_service = vec!["s0".to_owned()];
    let page = of_status(&status, &Past::default(), None);
    let rows = page.main.matches("<li ").count();
    assert_eq!(rows, ROWS_MAX, "as many as there is room for");
    assert!(page.main.contains("id=\"s-7891:socks_back_7891/s9907\""), "the last one in trouble");
    assert!(page.main.contains("9900 more: 9900 online"), "{}", &page.main[page.main.len() - 3000..]);
    assert!(page.main.len() < 400_000, "{} bytes", page.main.len());
    status.backends = (0..500)
        .map(|index| {
            let mut backend = status.backends[0].clone();
            backend.servers.truncate(20);
            backend.name = format!("b{index}");
            backend.verdict = if index == 499 { Level::Down } else { Level::Ok };
            backend
        })
        .collect();
    let page = of_status(&status, &Past::default(), None);
    assert!(page.main.find("id=\"b-7891:b499\"") < page.main.find("id=\"b-7891:b0\""), "worst first");
    assert!(page.main.contains("and 440 more backends"), "the rest is a number");
    assert!(page.main.matches("<li ").count() <= ROWS_MAX);
}

#[test]
fn another_weight_is_another_state_and_not_another_time() {
    let weight = |change: &dyn Fn(&mut Status)| {
        let mut status = well();
        change(&mut status);
        of_status(&status, &Past::default(), None).weight
    };
    let same = weight(&|_| {});
    assert_eq!(same, weight(&|status| status.backends[0].servers[0].latency_ms.last = Some(1.0)));
    assert_eq!(same, weight(&|status| status.backends[0].in_service_seconds = Some(1.0)));
    for (what, other) in [
        ("health", weight(&|status| status.backends[0].servers[0].health = Some(Verdict::Offline))),
        ("service", weight(&|status| status.backends[0].in_service.clear())),
        ("drift", weight(&|status| status.backends[0].servers[0].drift = true)),
        ("problem", weight(&|status| status.instances[0].problems.push("x".to_owned()))),
    ] {
        assert_ne!(same, other, "{what}");
    }
}

#[test]
fn headlines_say_what_matters_most() {
    let headline = |change: &dyn Fn(&mut Status)| {
        let mut status = down();
        change(&mut status);
        words::headline(&status)
    };
    assert_eq!(headline(&|_| {}), "socks_back_7891 is down: its clients are not served");
    assert_eq!(
        headline(&|status| status.backends[0].in_service = vec!["wg1".to_owned()]),
        "socks_back_7891 is down: no server is known to carry traffic"
    );
    assert_eq!(headline(&|status| status.instances[0].haproxy.answering = false), "HAProxy does not answer");
    let other = |status: &mut Status| status.backends.push(status.backends[0].clone());
    assert_eq!(headline(&other), "2 backends are down");
    assert_eq!(headline(&|status| status.backends.clear()), "Something keeps hactl from its work");
}

#[test]
fn what_has_happened_is_told_the_latest_first() {
    let page = of_status(&well(), &past("socks_back_7891/wg1 is degraded"), None);
    let text = text_of(&page.main);
    let from = text.find("Incidents").unwrap();
    insta::assert_snapshot!(text[from..], @"
    Incidents
    23:11:42Z
    socks_back_7891/wg1 is degraded
    Events
    23:11:42Z
    socks_back_7891/wg1 is degraded
    23:11:42Z
    socks_back_7891/wg1 is degraded
    hactl 0.1.0
    status as JSON
    metrics
    Read only: changes are made by hactl, on this host.
    ");
    assert_eq!(page.weight.1, 8);
}

/// As the API tells it, with this text in all places.
fn past(text: &str) -> Past {
    let event = |seq: u64, severity: &str| {
        json!({
            "seq": seq, "at": "2026-11-25T23:11:42.123Z", "instance": "7891", "kind": "health", "severity": severity,
            "backend": text, "server": text, "from": null, "to": null, "text": text, "why": null, "by": text
        })
    };
    let incident = json!({
        "id": 1, "instance": "7891", "backend": text, "server": text, "began": "2026-11-25T23:11:42.000Z",
        "detected": null, "switched": null, "ended": null, "detection_seconds": 0.16, "switch_seconds": 0.2,
        "blackout_seconds": 12.3, "text": text
    });
    Past {
        events: serde_json::from_value(json!([event(7, "info"), event(8, "error")])).unwrap(),
        incidents: serde_json::from_value(json!([incident])).unwrap(),
    }
}

/// What a reader sees, one line for each piece of text.
fn text_of(html: &str) -> String {
    let pieces = html.split('<').filter_map(|piece| piece.split_once('>')).map(|(_, text)| text.trim());
    pieces.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
}

pub(in crate::web) fn well() -> Status {
    status(
        "ok",
        json!([server("wg1", "online"), server("wg2", "online"), server("cloudflare_warp", "online")]),
    )
}

pub(in crate::web) fn down() -> Status {
    let mut status = status("down", json!([server("wg1", "degraded")]));
    status.backends[0].in_service.clear();
    status
}

fn degraded() -> Status {
    let mut failed = server("wg1", "degraded");
    failed["reason"] =
        json!({ "stage": "connect", "code": "late", "text": "connect to 1.1.1.1:443: no reply in 157 ms" });
    failed["history"] = json!([40.0, 41.5, null, null]);
    failed["latency_ms"]["last"] = Value::Null;
    failed["desired"] = "maint".into();
    failed["haproxy"]["state"] = "maint".into();
    failed["haproxy"]["owner"] = "ours".into();
    failed["haproxy"]["admin"] = json!(["fmaint"]);
    let mut status = status("degraded", json!([failed, server("cloudflare_warp", "online")]));
    status.backends[0].on_backup = true;
    status.backends[0].in_service = vec!["cloudflare_warp".to_owned()];
    status
}

/// Through the contract, as anybody else would read it.
fn status(verdict: &str, servers: Value) -> Status {
    let haproxy = json!({
        "answering": true, "version": "2.6.12", "pid": 412, "uptime_seconds": 273_600,
        "socket": "/run/haproxy/admin.sock", "level": "admin", "age_seconds": 0.4
    });
    let code = match verdict {
        "ok" => 0,
        "degraded" => 1,
        _ => 2,
    };
    let document = json!({
        "apiVersion": "hactl/v1", "kind": "Status", "generatedAt": "2026-11-25T23:00:00.000Z", "exit_code": code,
        "version": "0.1.0", "node": "gw1", "instance": "7891", "haproxy": haproxy, "applying": true, "problems": [],
        "frozen_since": null, "paused": null, "config_stale": false,
        "instances": [{
            "name": "7891", "verdict": verdict, "haproxy": haproxy, "applying": true, "problems": [],
            "frozen_since": null, "mode": "active", "would": []
        }],
        "backends": [{
            "instance": "7891", "name": "socks_back_7891", "verdict": verdict, "active_server": "wg1",
            "in_service": ["wg1"], "in_service_since": "2026-11-25T22:55:48.000Z", "in_service_seconds": 252.0,
            "on_backup": false, "blackout_since": null, "pinned": null, "servers": servers
        }]
    });
    serde_json::from_value(document).unwrap()
}

fn server(name: &str, health: &str) -> Value {
    json!({
        "name": name, "address": "127.0.0.1:18181", "role": "primary", "managed": true, "health": health,
        "health_since": "2026-11-25T22:55:48.000Z", "health_seconds": 252.0, "reason": null, "slow": false,
        "latency_ms": { "last": 40.2, "p50": 40.0, "p95": 61.0 }, "history": [40.0, 41.5, 39.0, 40.2],
        "haproxy": {
            "operational": "running", "state": "ready", "agent": null, "admin": [], "owner": null, "weight": 1
        },
        "override": null, "desired": "ready", "drift": false, "held": null
    })
}
