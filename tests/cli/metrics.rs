//! `/metrics` of a daemon in trouble, and what is shipped to be used with it: all of it as Prometheus' own promtool
//! reads it.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use e2e::command;
use e2e::{Fault, Port, Ran};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::beside::{Beside, HACTL, PATIENCE, POLL};

const DASHBOARD: &str = include_str!("../../deploy/grafana/hactl.json");
const RULES: &str = include_str!("../../deploy/prometheus/hactl.rules.yml");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_in_trouble_are_what_promtool_the_rules_and_the_dashboard_expect() {
    let exporter = Port::free();
    let section = format!(
        "frontend exporter\n    mode http\n    bind {}\n    http-request use-service prometheus-exporter",
        exporter.addr()
    );
    let beside = Beside::start_as(
        |haproxy| haproxy.sections(&section),
        |config, _| config + "\n[[instance.backend]]\nname = \"gone\"\n",
    )
    .await;
    beside.lab.wg1.set(Fault::Reject(5)).await;
    beside
        .status_when(|status| {
            let backend = &status["backends"][0];
            backend["active_server"] == "wg2" && backend["servers"][0]["haproxy"]["state"] == "maint"
        })
        .await;
    let socket = beside.lab.hactl_socket().display().to_string();
    let order =
        ["ready", "--socket", &socket, "socks_back_7891/cloudflare_warp", "--for", "1h", "-m", "test"];
    let ordered = command::run(HACTL, &order).await;
    assert_eq!(ordered.code, Some(0), "{ordered:?}");

    let text = scrape(&beside, "*/*");
    let checked = promtool(&["check", "metrics"], &text).await;
    assert_eq!((checked.code, &*checked.stdout, &*checked.stderr), (Some(0), "", ""), "{text}");
    let of_wg1 = r#"{proxy="socks_back_7891",server="wg1""#;
    for line in [
        "hactl_haproxy_up 1".to_owned(),
        "hactl_applying 1".to_owned(),
        "hactl_paused 0".to_owned(),
        "hactl_problems 1".to_owned(),
        r#"hactl_backend_servers{proxy="socks_back_7891",state="online"} 2"#.to_owned(),
        r#"hactl_backend_on_backup{proxy="socks_back_7891"} 1"#.to_owned(),
        format!(r#"hactl_server_health{of_wg1},state="degraded"}} 1"#),
        format!(r#"hactl_server_health{of_wg1},state="online"}} 0"#),
        format!(r#"hactl_server_desired{of_wg1},state="maint"}} 1"#),
        format!("hactl_server_active{of_wg1}}} 0"),
        format!(r#"hactl_server_transitions_total{of_wg1},from="online",to="degraded"}} 1"#),
        r#"hactl_server_active{proxy="socks_back_7891",server="wg2"} 1"#.to_owned(),
        r#"hactl_override_active{proxy="socks_back_7891",server="cloudflare_warp",state="ready"} 1"#
            .to_owned(),
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line}\n{text}");
    }
    for begin in [
        r#"hactl_apply_total{result="applied"} "#.to_owned(),
        "hactl_apply_duration_seconds_count ".to_owned(),
        r#"hactl_backend_switches_total{proxy="socks_back_7891"} "#.to_owned(),
        format!(r#"hactl_probe_total{of_wg1},kind="full",result="failure",stage="connect"}} "#),
        format!(r#"hactl_probe_duration_seconds_count{of_wg1},kind="full",stage="tls"}} "#),
        format!("hactl_probe_last_timestamp_seconds{of_wg1}}} "),
    ] {
        let value = text.lines().find_map(|line| line.strip_prefix(begin.as_str()));
        assert!(value.is_some_and(|value| value != "0"), "{begin}{value:?}\n{text}");
    }

    let haproxys = get(exporter.addr()).await;
    let there: BTreeSet<&str> = samples(&text).chain(samples(&haproxys)).collect();
    for used in names(DASHBOARD).into_iter().chain(names(RULES)) {
        assert!(there.contains(used), "{used} is not exported");
    }
    assert!(scrape(&beside, "application/openmetrics-text").ends_with("# EOF\n"));
    quantiles_are_numbers(&text).await;

    let reloaded = command::run(HACTL, &["reload", "--socket", &socket]).await;
    assert_eq!(reloaded.code, Some(0), "{reloaded:?}");
    let after = scrape(&beside, "*/*");
    let kept = format!(r#"hactl_server_transitions_total{of_wg1},from="online",to="degraded"}} 1"#);
    assert!(
        after.lines().any(|line| line == kept),
        "counters outlive a reload of the configuration\n{after}"
    );

    // Through a silent tunnel no probe ends by itself.
    beside.lab.wg2.set(Fault::Silence).await;
    let (silent_since, sent) = (Instant::now(), sent_last(&beside, "wg2"));
    while sent_last(&beside, "wg2") < sent + 1.0 {
        assert!(silent_since.elapsed() < PATIENCE, "a silent tunnel is probed, and does not look so");
        sleep(POLL).await;
    }
}

#[tokio::test]
async fn the_alert_rules_fire_when_they_are_meant_to() {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy/prometheus");
    for args in [
        ["check", "rules", "hactl.rules.yml"],
        ["test", "rules", "hactl.rules.test.yml"],
        ["test", "rules", "hactl.rules.days.test.yml"],
    ] {
        let ran = command::run_command(promtool_command().args(args).current_dir(&dir), "").await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    let tests = ["hactl.rules.test.yml", "hactl.rules.days.test.yml"]
        .map(|file| std::fs::read_to_string(dir.join(file)).unwrap())
        .concat();
    for alert in RULES.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(tests.contains(alert), "{alert} has no test");
    }
}

#[tokio::test]
async fn every_expression_of_the_dashboard_is_one() {
    let mut expressions = Vec::new();
    collect(&dashboard(), &mut expressions);
    assert!(expressions.len() > 20, "{expressions:?}");
    // JSON is YAML.
    let rules = expressions.iter().enumerate().map(|(index, expression)| {
        json!({"record": format!("dashboard:expression{index}:now"), "expr": chosen(expression, ".*")})
    });
    let file = json!({"groups": [{"name": "dashboard", "rules": rules.collect::<Vec<_>>()}]});
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dashboard.rules.yml");
    std::fs::write(&path, file.to_string()).unwrap();
    let ran = promtool(&["check", "rules", &path.display().to_string()], "").await;
    assert_eq!(ran.code, Some(0), "{ran:?}\n{file:#}");
}

/// On gw1 wg1 is dead and taken out, wg2 has just died, and hactl steers; on gw2 all is well, and hactl observes.
#[tokio::test]
async fn of_two_gateways_the_dashboard_shows_which_one_it_is() {
    let mut series = Vec::new();
    let mut put = |series_of: &str, value: u8| {
        series.push(json!({"series": series_of, "values": format!("{value}x20")}));
    };
    for (host, wg1, wg2, steers) in [("gw1", 0, 0, 1), ("gw2", 1, 1, 0)] {
        put(&format!("hactl_build_info{{instance='{host}:9778'}}"), 1);
        put(&format!("hactl_haproxy_up{{instance='{host}:9778'}}"), 1);
        put(&format!("hactl_applying{{instance='{host}:9778'}}"), steers);
        put(&format!("hactl_observing{{instance='{host}:9778'}}"), 1 - steers);
        for (server, online, up) in [("wg1", wg1, wg1), ("wg2", wg2, 1)] {
            let health = format!("hactl_server_health{{instance='{host}:9778',proxy='b',server='{server}'");
            put(&format!("{health},state='online'}}"), online);
            put(&format!("{health},state='degraded'}}"), 1 - online);
            let haproxys = format!("instance='{host}:8405',proxy='b',server='{server}'");
            put(&format!("haproxy_server_status{{{haproxys},state='UP'}}"), up);
            put(&format!("haproxy_server_current_sessions{{{haproxys}}}"), if host == "gw1" { 7 } else { 3 });
        }
    }
    let is = |title: &str, instance: &str, samples: &[(&str, u8)]| {
        let samples: Vec<Value> =
            samples.iter().map(|(labels, value)| json!({"labels": labels, "value": value})).collect();
        let expr = chosen(&panel(title), instance);
        json!({"expr": expr, "eval_time": "3m", "exp_samples": samples})
    };
    let [wg1_1, wg2_1] = ["wg1", "wg2"].map(|server| format!("{{host='gw1',proxy='b',server='{server}'}}"));
    let [wg1_2, wg2_2] = ["wg1", "wg2"].map(|server| format!("{{host='gw2',proxy='b',server='{server}'}}"));
    let health = |host: &str, server: &str| format!("{{instance='{host}:9778',proxy='b',server='{server}'}}");
    promtool_agrees(json!({
        "input_series": series,
        "promql_expr_test": [
            is("UP for HAProxy, dead for hactl", ".*", &[(&wg2_1, 1)]),
            is("UP for HAProxy, dead for hactl", "gw2:9778", &[]),
            is("Sessions on servers that carry nothing", ".*", &[(&wg1_1, 7), (&wg2_1, 7)]),
            is("Sessions", "gw2:9778", &[(&wg1_2, 3), (&wg2_2, 3)]),
            is("Sessions", ".*", &[(&wg1_1, 7), (&wg2_1, 7), (&wg1_2, 3), (&wg2_2, 3)]),
            is("HAProxy", ".*", &[("{}", 2)]),
            is("Health", ".*", &[
                (&health("gw1", "wg1"), 2), (&health("gw1", "wg2"), 2),
                (&health("gw2", "wg1"), 1), (&health("gw2", "wg2"), 1),
            ]),
        ],
    }))
    .await;
}

/// The dashboard's quantiles, of histograms that grow as these have grown.
async fn quantiles_are_numbers(text: &str) {
    let buckets = text.lines().filter_map(|line| line.rsplit_once(' ')).filter(|(series, _)| {
        series.split_once('{').is_some_and(|(name, _)| name.ends_with("_duration_seconds_bucket"))
    });
    let series: Vec<Value> =
        buckets.map(|(series, count)| json!({"series": series, "values": format!("0+{count}x20")})).collect();
    let mut expressions = Vec::new();
    collect(&dashboard(), &mut expressions);
    let quantiles = expressions.iter().filter(|expression| expression.starts_with("histogram_quantile"));
    let tests: Vec<Value> = quantiles
        .map(|expression| {
            let expr = format!("count(({}) >= 0) > bool 0", chosen(expression, ".*"));
            json!({"expr": expr, "eval_time": "4m", "exp_samples": [{"labels": "{}", "value": 1}]})
        })
        .collect();
    assert!(tests.len() >= 2, "{expressions:?}");
    promtool_agrees(json!({"input_series": series, "promql_expr_test": tests})).await;
}

/// Runs one of promtool's unit tests.
async fn promtool_agrees(mut test: Value) {
    test["interval"] = "15s".into();
    let dir = tempfile::tempdir().expect("the directory for temporary files is writable");
    let path = dir.path().join("dashboard.test.yml");
    std::fs::write(&path, json!({"evaluation_interval": "15s", "tests": [test]}).to_string())
        .expect("it is ours");
    let ran = promtool(&["test", "rules", &path.display().to_string()], "").await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
}

fn dashboard() -> Value {
    serde_json::from_str(DASHBOARD).expect("the dashboard is JSON")
}

/// The first expression of the panel with this title.
fn panel(title: &str) -> String {
    let dashboard = dashboard();
    let panel = dashboard["panels"].as_array().into_iter().flatten().find(|panel| panel["title"] == title);
    let expression = panel.and_then(|panel| panel["targets"][0]["expr"].as_str());
    expression.unwrap_or_else(|| panic!("there is no panel {title}")).to_owned()
}

/// An expression with everything chosen, of these hactl alone.
fn chosen(expression: &str, instances: &str) -> String {
    let ranges = expression.replace("$__rate_interval", "1m").replace("$__range", "6h");
    let all = ["$job", "$proxy", "$server", "$stage"];
    let expression = all.into_iter().fold(ranges, |expression, name| expression.replace(name, ".*"));
    expression.replace("$instance", instances)
}

/// What hactl answers to whoever accepts this.
fn scrape(beside: &Beside, accepts: &str) -> String {
    let mut stream = UnixStream::connect(beside.lab.hactl_socket()).expect("hactl runs");
    write!(stream, "GET /metrics HTTP/1.1\r\nhost: hactl\r\naccept: {accepts}\r\n\r\n").expect("hactl reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer is text");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
    body.to_owned()
}

/// When the last probe through the server was sent.
fn sent_last(beside: &Beside, server: &str) -> f64 {
    let begin =
        format!(r#"hactl_probe_last_timestamp_seconds{{proxy="socks_back_7891",server="{server}"}} "#);
    let text = scrape(beside, "*/*");
    let sent = text.lines().find_map(|line| line.strip_prefix(begin.as_str())).expect("it is probed");
    sent.parse().expect("a number")
}

/// What HAProxy's own exporter answers.
async fn get(addr: std::net::SocketAddr) -> String {
    let asked = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(addr).expect("HAProxy runs");
        write!(stream, "GET /metrics HTTP/1.0\r\nhost: haproxy\r\n\r\n").expect("HAProxy reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer is text");
        answer
    });
    asked.await.expect("it has not panicked")
}

async fn promtool(args: &[&str], input: &str) -> Ran {
    command::run_command(promtool_command().args(args), input).await
}

fn promtool_command() -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = std::env::split_paths(&path).any(|dir| dir.join("promtool").exists());
    assert!(there, "promtool is not there; tests/prepare installs it (Debian's package prometheus)");
    Command::new("promtool")
}

/// What the samples of an exposition are called.
fn samples(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(['{', ' ']).next())
}

/// The metrics that are named in a file.
fn names(text: &str) -> BTreeSet<&str> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let words = text.split(|character| !is_part(character));
    let names = words.filter(|word| word.starts_with("hactl_") || word.starts_with("haproxy_"));
    names.collect()
}

fn collect(value: &Value, expressions: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match value.as_str() {
                    Some(text) if key == "expr" => expressions.push(text.to_owned()),
                    Some(_) | None => collect(value, expressions),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, expressions)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
