//! `hactl check`: without the daemon, through exits in every condition.

use std::net::Ipv4Addr;
use std::process::Stdio;

use e2e::command;
use e2e::{Exit, ExitOptions, Fault, Lab, Layout, Ran, Target};
use serde_json::Value;

use super::beside::{Beside, HACTL};

/// Longer than an exit takes that answers at all.
const TIMEOUT: &str = "10s";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn csv_is_the_line_that_the_seeds_script_printed() {
    let (target, well) = (target(), exit().await);
    let (degraded, offline) = (exit().await, exit().await);
    degraded.set(Fault::Reject(5)).await;
    offline.set(Fault::Refuse).await;
    let ports = [&well, &degraded, &offline].map(|exit| exit.addr().port().to_string());
    let ran = check(&target, &["-o", "csv", &ports[1], &ports[0], &ports[2], &ports[1]]).await;

    let lines: Vec<&str> = ran.stdout.lines().collect();
    let [first, second, third, again] = lines.as_slice() else { panic!("{ran:?}") };
    assert_eq!(*first, format!("{},degraded,N/A", ports[1]));
    let millis = second.strip_prefix(&format!("{},online,", ports[0]));
    assert!(millis.is_some_and(|millis| millis.parse::<u32>().is_ok()), "{second}");
    assert_eq!(*third, format!("{},offline,N/A", ports[2]));
    assert_eq!(again, first, "asked for twice, answered twice");
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(2), ""), "offline is the worst of them");

    for (index, code) in [(0, 0), (1, 1), (2, 2)] {
        assert_eq!(check(&target, &["-o", "csv", &ports[index]]).await.code, Some(code));
        assert_eq!(check(&target, &["-o", "csv", "--exit-zero", &ports[index]]).await.code, Some(0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tunnel_that_swallows_everything_is_degraded_and_says_where_it_stopped() {
    let (target, exit) = (target(), exit().await);
    exit.set(Fault::BlackHole).await;
    let (port, url) = (exit.addr().port().to_string(), target.url());
    let ran = command::run(HACTL, &["check", "-v", "--timeout", "300ms", "--url", &url, &port]).await;
    assert_eq!(ran.code, Some(1));
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let [head, asked, tcp, greeting, connect] = lines.as_slice() else { panic!("{}", ran.stdout) };
    assert_eq!(*head, format!("{port} ({})  ▲ degraded", exit.addr()));
    assert_eq!(*asked, format!("  {url}"));
    assert!(tcp.starts_with("    tcp ") && tcp.ends_with(" ms  ok"), "{tcp}");
    assert!(greeting.starts_with("    greeting ") && greeting.ends_with(" ms  ok"), "{greeting}");
    assert!(
        connect.starts_with("    connect        failed  ") && connect.contains("no reply in"),
        "{connect}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_has_every_stage_and_the_exit_code() {
    let (target, exit) = (target(), exit().await);
    let port = exit.addr().port().to_string();
    let ran = check(&target, &["-o", "json", &port, "0"]).await;
    assert_eq!(ran.code, Some(3));
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&document["kind"], &document["exit_code"]), (&"Check".into(), &3.into()));
    let well = &document["results"][0];
    assert_eq!((&well["health"], &well["reason"]), (&"online".into(), &Value::Null));
    assert_eq!(well["address"], exit.addr().to_string());
    let stages: Vec<&str> = well["probes"][0]["stages"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["stage"].as_str())
        .collect();
    assert_eq!(stages, ["tcp", "greeting", "connect", "http"]);
    let untested = &document["results"][1];
    assert_eq!(
        (&untested["health"], &untested["reason"]["text"]),
        (&"unknown".into(), &"0 is not a port".into())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_servers_name_is_looked_up_in_haproxy() {
    let lab = Lab::start(Layout::AllBackup).await;
    lab.wg2.set(Fault::Reject(1)).await;
    let haproxy = lab.haproxy.admin_socket().display().to_string();
    let args = ["-o", "csv", "--haproxy", &haproxy, "wg1", "socks_back_7891/wg2", "wg3", "socks_back/wg1"];
    let ran = check(&lab.http, &args).await;
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].starts_with("wg1,online,"), "{ran:?}");
    assert_eq!(
        lines[1..],
        ["socks_back_7891/wg2,degraded,N/A", "wg3,unknown,N/A", "socks_back/wg1,unknown,N/A"]
    );
    let known = "(it has socks_back_7891/wg1, socks_back_7891/wg2, socks_back_7891/cloudflare_warp)";
    assert_eq!(
        ran.stderr,
        format!(
            "error: wg3 could not be tested\n  why:  HAProxy has no server wg3 {known}\n  \
             next: correct the name, or test HOST:PORT\n\
             error: socks_back/wg1 could not be tested\n  why:  HAProxy has no server socks_back/wg1 {known}\n  \
             next: correct the name, or test HOST:PORT\n"
        )
    );
    assert_eq!(ran.code, Some(1), "degraded is worse than what could not be tested");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_runs_says_where_a_server_is() {
    let beside = Beside::start().await;
    beside.status_when(|status| status["backends"][0]["servers"][0]["health"] == "online").await;
    let socket = beside.lab.hactl_socket().display().to_string();
    let upstreams =
        ["wg1", "socks_back_7891/wg1", "7891:socks_back_7891/wg1", "7892:socks_back_7891/wg1", "wg9"];
    let ran = check(&beside.lab.http, &[&["-o", "json", "--socket", &socket], &upstreams[..]].concat()).await;
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let addresses: Vec<&Value> = (0..5).map(|index| &document["results"][index]["address"]).collect();
    let wg1 = Value::from(beside.lab.wg1.addr().to_string());
    assert_eq!(addresses, [&wg1, &wg1, &wg1, &Value::Null, &Value::Null], "{ran:?}");
    assert!(ran.stderr.contains("HAProxy has no server wg9 (it has socks_back_7891/wg1, "), "{ran:?}");

    // What to ask for it says as well, and by which authority.
    let ran =
        command::run(HACTL, &["check", "-o", "json", "--timeout", TIMEOUT, "--socket", &socket, "wg1"]).await;
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let probes = document["results"][0]["probes"].as_array().unwrap();
    let asked: Vec<&str> = probes.iter().filter_map(|probe| probe["url"].as_str()).collect();
    assert!(!asked.is_empty() && asked.iter().all(|url| beside.lab.config().contains(url)), "{ran:?}");
    assert_eq!(ran.code, Some(0), "{ran:?}");

    // What is named is asked, whatever the daemon knows.
    let ran =
        check(&beside.lab.http, &["--socket", &socket, "--haproxy", "/nonexistent/a.sock", "wg1"]).await;
    assert!(ran.stderr.contains("/nonexistent/a.sock does not exist"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_without_haproxy_says_how_to_do_without() {
    let target = target();
    let ran = check(&target, &["-o", "csv", "--haproxy", "/nonexistent/admin.sock", "wg1", "wg2"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), "wg1,unknown,N/A\nwg2,unknown,N/A\n"));
    assert_eq!(
        ran.stderr,
        "error: wg1, wg2 could not be tested\n  \
         why:  /nonexistent/admin.sock does not exist: is haproxy running, and does its `stats socket` line name this \
         path?\n  next: name hactl's own socket with --socket PATH or HAProxy's with --haproxy ADDR, or test \
         HOST:PORT, which needs neither\n"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dash_reads_upstreams_from_standard_input() {
    let (target, exit) = (target(), exit().await);
    let port = exit.addr().port().to_string();
    let url = target.url();
    let args = ["check", "-o", "csv", "--timeout", TIMEOUT, "--url", &url, "-"];
    let input = format!("{port}\n\n  {}  \r\n", exit.addr());
    let ran = command::run_command(command::plain(HACTL.as_ref()).args(args), &input).await;
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!((ran.code, lines.len()), (Some(0), 2), "{ran:?}");
    assert!(lines[0].starts_with(&format!("{port},online,")), "{ran:?}");
    assert!(lines[1].starts_with(&format!("{},online,", exit.addr())), "{ran:?}");

    let ran = command::run_command(command::plain(HACTL.as_ref()).args(args), "\n").await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), ""));
    assert_eq!(
        ran.stderr,
        "error: nothing to test\n  why:  standard input named no upstream\n  next: write one upstream on each line\n"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_is_escaped_on_both_streams() {
    let url = target().url();
    let args = ["check", "-o", "csv", "--url", &url, "-"];
    let ran =
        command::run_command(command::plain(HACTL.as_ref()).args(args), "\x1b]0;x\x07evil\na,b\n").await;
    let stdout = "\\u{1b}]0;x\\u{7}evil,unknown,N/A\na\\u{2c}b,unknown,N/A\n";
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), stdout));
    let stderr = "error: \\u{1b}]0;x\\u{7}evil, a,b could not be tested\n  why:  it is no upstream\n";
    assert!(ran.stderr.starts_with(stderr), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_is_given_in_the_url_and_the_password_in_the_environment() {
    let target = target();
    let options =
        ExitOptions { credentials: Some(("alice".into(), "secret".into())), ..ExitOptions::default() };
    let exit = Exit::start_with(Ipv4Addr::LOCALHOST, options);
    let upstream = format!("socks5h://alice@{}", exit.addr());
    let with = |password: Option<&'static str>, upstream: String| {
        let url = target.url();
        async move {
            let mut command = command::plain(HACTL.as_ref());
            command.args(["check", "-o", "csv", "--timeout", TIMEOUT, "--url", &url, &upstream]);
            command::run_command(
                command.envs(password.map(|password| ("HACTL_SOCKS_PASSWORD", password))),
                "",
            )
            .await
        }
    };
    assert_eq!(with(Some("secret"), upstream.clone()).await.code, Some(0));
    assert_eq!(with(Some("wrong"), upstream.clone()).await.code, Some(1));
    let ran = with(None, upstream.clone()).await;
    let expected = format!(
        "error: {upstream} could not be tested\n  why:  its user has no password\n  next: set HACTL_SOCKS_PASSWORD\n"
    );
    assert_eq!((ran.code, ran.stderr), (Some(3), expected));
    let ran = with(None, format!("socks5h://alice:secret@{}", exit.addr())).await;
    assert_eq!(ran.code, Some(3));
    assert!(ran.stderr.ends_with("  next: leave it out and set HACTL_SOCKS_PASSWORD\n"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_or_authority_that_cannot_be_used_is_a_usage_error() {
    let ran = command::run(HACTL, &["check", "--url", "1.1.1.1", "18181"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(64), ""));
    assert_eq!(
        ran.stderr,
        "error: --url cannot be used\n  why:  target `1.1.1.1`: no scheme; write https://1.1.1.1/\n  \
         next: correct it; see hactl check --help\n"
    );
    let ran = command::run(HACTL, &["check", "--ca-file", "/nonexistent/ca.pem", "18181"]).await;
    assert_eq!(ran.code, Some(64));
    assert_eq!(
        ran.stderr,
        "error: --ca-file cannot be used\n  why:  cannot read the CA file /nonexistent/ca.pem: No such file or \
         directory (os error 2)\n  next: correct it; see hactl check --help\n"
    );
}

/// As `hactl --help | head -1`: whoever has read enough closes the pipe.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_has_gone_is_no_error() {
    let (target, exit) = (target(), exit().await);
    let (port, url) = (exit.addr().port().to_string(), target.url());
    let checked = ["check", "-v", "--timeout", TIMEOUT, "--url", url.as_str(), port.as_str()];
    for args in [&["--help"][..], &checked] {
        let mut child = command::plain(HACTL.as_ref())
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()), "{args:?}");
    }
}

async fn check(target: &Target, args: &[&str]) -> Ran {
    let url = target.url();
    command::run(HACTL, &[&["check", "--timeout", TIMEOUT, "--url", &url], args].concat()).await
}

fn target() -> Target {
    Target::http(std::collections::HashMap::new())
}

async fn exit() -> Exit {
    Exit::start(Ipv4Addr::LOCALHOST)
}
