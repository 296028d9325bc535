//! The exposition as Prometheus gets it.

use failover::status::Status;
use failover::{ServerId, Stage};
use serde_json::json;

use super::*;
use crate::VERSION;

#[test]
fn of_one_instance_the_names_of_haproxys_own_exporter_are_all_the_labels() {
    let text = classic_of(scrape_of(&["7891"]));
    let shown: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.contains("_transitions_") && !line.contains("apply_"))
        .collect();
    insta::assert_snapshot!(shown.join("\n").replace(VERSION, "VERSION"), @r#"
    hactl_build_info{version="VERSION"} 1
    hactl_paused 1
    hactl_config_last_reload_success 1
    hactl_config_last_reload_timestamp_seconds 1500000000.0
    hactl_servers_unexported 0
    hactl_haproxy_up 1
    hactl_applying 1
    hactl_observing 0
    hactl_frozen 0
    hactl_problems 0
    hactl_haproxy_info{version="2.6.12",pid="412"} 1
    hactl_haproxy_reloads_total 0
    hactl_backend_servers{proxy="back",state="unknown"} 0
    hactl_backend_servers{proxy="back",state="online"} 1
    hactl_backend_servers{proxy="back",state="degraded"} 0
    hactl_backend_servers{proxy="back",state="offline"} 0
    hactl_backend_in_service{proxy="back"} 1
    hactl_backend_on_backup{proxy="back"} 0
    hactl_backend_blackout{proxy="back"} 0
    hactl_backend_switches_total{proxy="back"} 0
    hactl_backend_blackouts_total{proxy="back"} 0
    hactl_backend_blackout_seconds_total{proxy="back"} 0.0
    hactl_server_health{proxy="back",server="wg1",state="online"} 1
    hactl_server_health{proxy="back",server="wg1",state="degraded"} 0
    hactl_server_health{proxy="back",server="wg1",state="offline"} 0
    hactl_server_health{proxy="back",server="wg1",state="unknown"} 0
    hactl_server_desired{proxy="back",server="wg1",state="ready"} 1
    hactl_server_desired{proxy="back",server="wg1",state="drain"} 0
    hactl_server_desired{proxy="back",server="wg1",state="maint"} 0
    hactl_server_active{proxy="back",server="wg1"} 1
    hactl_server_is_backup{proxy="back",server="wg1"} 0
    hactl_server_drift{proxy="back",server="wg1"} 0
    hactl_server_slow{proxy="back",server="wg1"} 0
    hactl_override_active{proxy="back",server="wg1",state="ready"} 0
    hactl_override_active{proxy="back",server="wg1",state="drain"} 0
    hactl_override_active{proxy="back",server="wg1",state="maint"} 0
    hactl_override_active{proxy="back",server="wg1",state="pin"} 0
    "#);
}

#[test]
fn of_several_instances_each_series_says_whose_it_is() {
    let mut scrape = scrape_of(&["a", "b"]);
    scrape.samples[1].status.instances[0].problems =
        vec!["HAProxy has no backend gone".to_owned(), "the ledger cannot be read".to_owned()];
    let text = classic_of(scrape);
    for line in [
        r#"hactl_problems{haproxy="a"} 0"#,
        r#"hactl_problems{haproxy="b"} 2"#,
        r#"hactl_haproxy_up{haproxy="a"} 1"#,
        r#"hactl_haproxy_up{haproxy="b"} 1"#,
        r#"hactl_server_active{haproxy="b",proxy="back",server="wg1"} 1"#,
        "hactl_paused 1",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line}\n{text}");
    }
}

#[test]
fn every_histogram_ends_with_a_bucket_for_all() {
    let mut scrape = scrape_of(&["7891"]);
    let mut counted = tally::OfServer::default();
    let mut took = histogram::Histogram::default();
    took.add(Duration::from_secs(11));
    counted.stages.insert((tally::How::Canary, Stage::Http), took);
    scrape.samples[0].counts.servers.insert(ServerId::new("back", "wg1"), counted);
    let exposed = render(scrape).unwrap();
    for text in [exposed.classic, exposed.open] {
        let text = std::str::from_utf8(&text).unwrap();
        for bucket in [
            r#"hactl_apply_duration_seconds_bucket{le="+Inf"} 0"#,
            r#"hactl_probe_duration_seconds_bucket{le="+Inf",proxy="back",server="wg1",kind="canary",stage="http"} 1"#,
        ] {
            assert!(text.lines().any(|line| line == bucket), "{bucket}\n{text}");
        }
    }
}

#[test]
fn a_hostile_haproxy_adds_no_series() {
    let mut scrape = scrape_of(&["7891"]);
    for sample in &mut scrape.samples {
        sample.status.instances[0].haproxy.version = Some("2\"} 1\nevil{x=\"\\".to_owned());
    }
    let text = classic_of(scrape);
    let shown = r#"hactl_haproxy_info{version="2\"} 1\nevil{x=\"\\",pid="412"} 1"#;
    assert!(text.lines().any(|line| line == shown), "{text}");
}

#[test]
fn servers_beyond_the_bound_have_no_series_and_are_counted() {
    let mut scrape = scrape_of(&["7891"]);
    let backend = &mut scrape.samples[0].status.backends[0];
    let server = backend.servers[0].clone();
    backend.servers = (0..tally::SERVERS_MAX + 3)
        .map(|number| {
            let mut server = server.clone();
            server.name = format!("s{number}");
            server
        })
        .collect();
    let text = classic_of(scrape);
    let exported = text.lines().filter(|line| line.starts_with("hactl_server_active{")).count();
    assert_eq!(exported, tally::SERVERS_MAX);
    assert!(text.contains("\nhactl_servers_unexported 3\n"));
    let online =
        format!("\nhactl_backend_servers{{proxy=\"back\",state=\"online\"}} {}\n", tally::SERVERS_MAX + 3);
    assert!(text.contains(&online), "of a backend all are counted");
}

#[test]
fn a_pin_is_an_override_and_forgotten_where_one_of_two_orders_has_no_end() {
    let ordered = |until: serde_json::Value| {
        json!({
            "server": "wg1", "state": "ready", "until": until, "since": "2026-01-01T00:00:00.000Z", "reason": "x",
            "by": "alice", "by_uid": 1000
        })
    };
    let of = |pin: serde_json::Value, state: serde_json::Value| {
        let mut scrape = scrape_of(&["7891"]);
        let backend = &mut scrape.samples[0].status.backends[0];
        backend.pinned = serde_json::from_value(pin).unwrap();
        backend.servers[0].override_ = serde_json::from_value(state).unwrap();
        classic_of(scrape)
    };
    let end = |at: &str| ordered(at.into());
    let text = of(end("2026-01-01T00:00:10.000Z"), json!(null));
    assert!(text.contains(r#"override_active{proxy="back",server="wg1",state="pin"} 1"#), "{text}");
    let ends = r#"hactl_override_expiry_timestamp_seconds{proxy="back",server="wg1"} "#;
    assert!(text.contains(ends), "{text}");
    assert!(!of(ordered(json!(null)), json!(null)).contains(ends));
    assert!(!of(ordered(json!(null)), end("2026-01-01T00:00:10.000Z")).contains(ends));
}

/// Paused, with a server that is used, and one that is not managed.
fn classic_of(scrape: Scrape) -> String {
    String::from_utf8(render(scrape).unwrap().classic.to_vec()).unwrap()
}

fn scrape_of(instances: &[&str]) -> Scrape {
    let samples = instances.iter().map(|name| Sample { unix_now: 1.5e9, ..Sample::uncounted(status(name)) });
    Scrape {
        daemon: OfDaemon { paused: true, config_stale: false, loaded_at: 1.5e9 },
        samples: samples.collect(),
    }
}

fn status(instance: &str) -> Status {
    let haproxy = json!({
        "answering": true, "version": "2.6.12", "pid": 412, "uptime_seconds": 7, "socket": "/run/haproxy/admin.sock",
        "level": "admin", "age_seconds": 0.1,
    });
    let server = |name: &str, managed: bool| {
        json!({
            "name": name, "address": "127.0.0.1:18181", "role": "primary", "managed": managed,
            "health": managed.then_some("online"), "health_since": null, "health_seconds": null, "reason": null,
            "slow": false, "latency_ms": {"last": null, "p50": null, "p95": null}, "history": [],
            "haproxy": {"operational": "running", "state": "ready", "agent": null, "admin": [], "owner": null, "weight": 1},
            "override": null, "desired": managed.then_some("ready"), "drift": false, "held": null,
        })
    };
    let status = json!({
        "apiVersion": "hactl/v1", "kind": "Status", "generatedAt": "2026-01-01T00:00:00.000Z", "exit_code": 0,
        "version": "0", "node": "gw1", "instance": instance, "haproxy": haproxy, "applying": true, "problems": [],
        "frozen_since": null, "paused": null, "config_stale": false,
        "instances": [{
            "name": instance, "verdict": "ok", "haproxy": haproxy, "applying": true, "problems": [],
            "frozen_since": null, "mode": "active", "would": [],
        }],
        "backends": [{
            "instance": instance, "name": "back", "verdict": "ok", "active_server": "wg1", "in_service": ["wg1"],
            "in_service_since": null, "in_service_seconds": null, "on_backup": false, "blackout_since": null,
            "servers": [server("wg1", true), server("other", false)],
        }],
    });
    serde_json::from_value(status).unwrap()
}
