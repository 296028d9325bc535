//! `hactl status`: table, JSON, exit codes.

use e2e::Fault;
use e2e::command;
use serde_json::Value;

use super::beside::{Beside, HACTL};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_begins_with_the_verdict_and_has_a_line_for_each_server() {
    let beside = Beside::start().await;
    let all_online =
        |status: &Value| status["exit_code"] == 0 && status["backends"][0]["in_service"][0] == "wg1";
    beside.status_when(all_online).await;
    let ran = beside.status(&[]).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));

    let lines: Vec<&str> = ran.stdout.lines().collect();
    let [verdict, about, "", heading, wg1, wg2, warp] = lines.as_slice() else { panic!("{}", ran.stdout) };
    assert!(verdict.starts_with("✓ socks_back_7891 ok: 3 of 3 online, on wg1 for "), "{verdict}");
    let socket = beside.lab.haproxy.admin_socket();
    let version = env!("CARGO_PKG_VERSION");
    assert!(about.starts_with(&format!("  hactl {version} ")), "{about}");
    for part in [format!("pid {} up ", beside.lab.haproxy.pid()), socket.display().to_string()] {
        assert!(about.contains(&part), "{about}");
    }
    assert!(about.contains(" · applying · data "), "{about}");
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        words(heading),
        ["SERVER", "ADDRESS", "HEALTH", "HAPROXY", "OVERRIDE", "LATENCY", "LAST", "20", "SINCE", "REASON"]
    );
    for (line, mark, name, exit) in [
        (wg1, "> ", "wg1", &beside.lab.wg1),
        (wg2, "  ", "wg2", &beside.lab.wg2),
        (warp, "  ", "cloudflare_warp", &beside.lab.warp),
    ] {
        assert!(line.starts_with(&format!("{mark}{name} ")), "{line}");
        let [address, dot, health, haproxy, over, latency, history, since, reason] =
            &words(&line[mark.len() + name.len()..])[..]
        else {
            panic!("{line}")
        };
        assert_eq!(*address, exit.addr().to_string());
        assert_eq!([dot, health, haproxy, over, reason], ["●", "online", "up", "-", "-"]);
        assert!(latency.strip_suffix("ms").is_some_and(|ms| ms.parse::<u32>().is_ok()), "{line}");
        assert!(history.chars().all(|bar| ('▁'..='█').contains(&bar)), "{line}");
        assert!(since.ends_with('s'), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_exit_code_goes_from_ok_to_degraded_to_down_and_back() {
    let beside = Beside::start().await;
    beside.lab.wg1.set(Fault::Reject(5)).await;
    let status = beside.status_when(|status| status["backends"][0]["active_server"] == "wg2").await;
    assert_eq!(status["exit_code"], 1);
    let ran = beside.status(&[]).await;
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stdout.starts_with("! socks_back_7891 DEGRADED: 2 of 3 online, on backup wg2 for "),
        "{}",
        ran.stdout
    );
    let wg1 = ran.stdout.lines().find(|line| line.starts_with("  wg1 ")).unwrap();
    assert!(wg1.contains("▲ degraded  maint ") && wg1.contains("connection refused (reply 5)"), "{wg1}");
    let socket = beside.lab.hactl_socket().display().to_string();
    let next = format!("\nnext: hactl explain --socket {socket} socks_back_7891/wg1\n");
    assert!(ran.stdout.contains(&next), "{}", ran.stdout);
    // It is to be copied: what it says to type explains, and what that says to type can be typed, too.
    let explained = command::run(HACTL, &["explain", "--socket", &socket, "socks_back_7891/wg1"]).await;
    assert!(
        explained.stdout.contains(&format!("hactl wait --socket {socket} socks_back_7891/wg1 --for online"))
    );
    assert_eq!(beside.status(&["--exit-zero"]).await.code, Some(0));

    beside.lab.wg2.set(Fault::Reject(5)).await;
    beside.lab.warp.set(Fault::Refuse).await;
    beside
        .status_when(|status| status["exit_code"] == 2 && status["backends"][0]["blackout_since"].is_string())
        .await;
    let ran = beside.status(&[]).await;
    assert_eq!(ran.code, Some(2));
    assert!(ran.stdout.starts_with("✗ no server answers: "), "{}", ran.stdout);
    assert!(ran.stdout.contains("\n✗ socks_back_7891 DOWN: "), "{}", ran.stdout);
    assert_eq!(beside.status(&["--exit-zero"]).await.code, Some(0));

    for exit in [&beside.lab.wg1, &beside.lab.wg2, &beside.lab.warp] {
        exit.set(Fault::None).await;
    }
    beside.status_when(|status| status["exit_code"] == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_is_the_hactl_v1_contract() {
    let beside = Beside::start().await;
    beside.lab.wg1.set(Fault::Reject(5)).await;
    let status = beside.status_when(|status| status["backends"][0]["active_server"] == "wg2").await;
    assert_eq!(
        keys(&status),
        [
            "apiVersion",
            "applying",
            "backends",
            "config_stale",
            "exit_code",
            "frozen_since",
            "generatedAt",
            "haproxy",
            "instance",
            "instances",
            "kind",
            "latency_bounds_ms",
            "node",
            "paused",
            "problems",
            "version"
        ]
    );
    assert_eq!((status["apiVersion"].as_str(), status["kind"].as_str()), (Some("hactl/v1"), Some("Status")));
    assert_eq!((&status["instance"], &status["applying"]), (&"7891".into(), &true.into()));
    assert_eq!(status["problems"].as_array().map(Vec::len), Some(0));

    let instance = &status["instances"][0];
    assert_eq!(
        keys(instance),
        ["applying", "frozen_since", "haproxy", "mode", "name", "problems", "verdict", "would"]
    );
    assert_eq!((&instance["mode"], &instance["name"]), (&"active".into(), &"7891".into()));

    let haproxy = &status["haproxy"];
    assert_eq!(
        keys(haproxy),
        ["age_seconds", "answering", "level", "pid", "socket", "uptime_seconds", "version"]
    );
    assert_eq!((&haproxy["answering"], &haproxy["level"]), (&true.into(), &"admin".into()));
    assert_eq!(haproxy["pid"], beside.lab.haproxy.pid());

    let backend = &status["backends"][0];
    assert_eq!(
        keys(backend),
        [
            "active_server",
            "blackout_since",
            "in_service",
            "in_service_seconds",
            "in_service_since",
            "instance",
            "name",
            "on_backup",
            "pinned",
            "servers",
            "verdict",
            "waits_for"
        ]
    );
    assert_eq!((&backend["verdict"], &backend["on_backup"]), (&"degraded".into(), &true.into()));
    assert_eq!(backend["blackout_since"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_has_of_each_server_what_is_known_and_what_is_wanted() {
    let beside = Beside::start().await;
    beside.lab.wg1.set(Fault::Reject(5)).await;
    let status = beside.status_when(|status| status["backends"][0]["active_server"] == "wg2").await;
    let backend = &status["backends"][0];
    for server in backend["servers"].as_array().unwrap() {
        assert_eq!(
            keys(server),
            [
                "address",
                "desired",
                "drift",
                "exit",
                "haproxy",
                "health",
                "health_seconds",
                "health_since",
                "held",
                "history",
                "latency_ms",
                "managed",
                "name",
                "override",
                "reason",
                "returning",
                "role",
                "slow"
            ]
        );
        assert_eq!(keys(&server["latency_ms"]), ["last", "p50", "p95"]);
        assert_eq!(keys(&server["haproxy"]), ["admin", "agent", "operational", "owner", "state", "weight"]);
    }
    let wg1 = &backend["servers"][0];
    assert_eq!((&wg1["health"], &wg1["desired"]), (&"degraded".into(), &"maint".into()));
    assert_eq!((&wg1["haproxy"]["state"], &wg1["haproxy"]["owner"]), (&"maint".into(), &"ours".into()));
    assert_eq!((&wg1["reason"]["stage"], &wg1["reason"]["code"]), (&"connect".into(), &"reply".into()));
    assert_eq!(keys(&wg1["reason"]), ["code", "stage", "text"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_daemon_the_code_is_3_and_json_says_why_too() {
    let ran = command::run(HACTL, &["status", "--socket", "/nonexistent/h.sock"]).await;
    assert_eq!(ran.code, Some(3));
    assert_eq!(ran.stdout, "");
    assert_eq!(
        ran.stderr,
        "error: cannot get the status from hactl at /nonexistent/h.sock\n\
         \x20 why:  no connection: No such file or directory (os error 2)\n\
         \x20 next: start it with `hactl run`, or name its socket with --socket PATH\n"
    );
    let ran =
        command::run(HACTL, &["status", "--socket", "/nonexistent/h.sock", "-o", "json", "--exit-zero"])
            .await;
    assert_eq!(ran.code, Some(3), "--exit-zero hides findings, not that there is none");
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&document["kind"], &document["exit_code"]), (&"Error".into(), &3.into()));
    assert_eq!(keys(&document["error"]), ["message", "next", "why"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hactl_alone_is_status_and_haproxys_socket_is_not_hactls() {
    let beside = Beside::start().await;
    let alone = |socket: std::path::PathBuf| async move {
        command::run_command(command::plain(HACTL.as_ref()).env("HACTL_SOCKET", socket), "").await
    };
    let ran = alone(beside.lab.hactl_socket()).await;
    assert!(ran.stdout.contains("socks_back_7891"), "{ran:?}");

    let haproxy = beside.lab.haproxy.admin_socket();
    let ran = alone(haproxy.clone()).await;
    assert_eq!(ran.code, Some(3));
    assert_eq!(
        ran.stderr,
        format!(
            "error: cannot get the status from hactl at {}\n  why:  what answers there is not hactl\n  \
             next: name hactl's socket with --socket PATH; HAProxy's is another one\n",
            haproxy.display()
        )
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slips_of_the_fingers_are_usage_errors_and_asking_for_help_is_none() {
    for args in [
        &["statsu"][..],
        &["status", "--soket"],
        &["check"],
        &["status", "-o", "yaml"],
        &["check", "--timeout", "0s", "1"],
    ] {
        let ran = command::run(HACTL, args).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(64), ""), "{args:?}");
        assert!(ran.stderr.starts_with("error: "), "{ran:?}");
    }
    for args in [&["--help"][..], &["-V"], &["run", "--help"], &["status", "-h"]] {
        let ran = command::run(HACTL, args).await;
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{args:?}");
        assert!(ran.stdout.contains("hactl"), "{ran:?}");
    }
}

/// In the order of the alphabet.
fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = object.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}
