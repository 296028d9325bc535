//! `hactl raw`: one command to HAProxy, as it was typed.

use e2e::command;
use e2e::haproxy::BACKEND;

use super::beside::{Beside, HACTL};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_finds_the_haproxy_reads_at_will_and_changes_something_only_when_told_to() {
    let beside = Beside::start().await;
    let socket = beside.lab.hactl_socket().display().to_string();
    let raw =
        async |args: &[&str]| command::run(HACTL, &[&["raw", "--socket", &socket], args].concat()).await;

    let ran = raw(&["show", "servers", "state"]).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert!(ran.stdout.starts_with("1\n# be_id ") && ran.stdout.contains(" wg1 127.0.0.1 "), "{ran:?}");
    assert!(ran.stdout.ends_with('\n') && !ran.stdout.ends_with("\n\n"), "{ran:?}");
    let ran = raw(&["show stat 3 4 -1"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");

    let maint = format!("set server {BACKEND}/cloudflare_warp state maint");
    let ran = raw(&[&maint]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(64), ""));
    assert_eq!(
        ran.stderr,
        format!(
            "error: `{maint}` is not sent\n  why:  it changes something in HAProxy\n  next: hactl raw --socket {socket} --write {maint}\n"
        )
    );
    let ran = raw(&["--write", &maint]).await;
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""));
    beside.status_when(|status| status["backends"][0]["servers"][2]["haproxy"]["state"] == "maint").await;

    let events = ["events", "--socket", &socket, "--type", "raw", "-o", "json"];
    let told = command::run(HACTL, &events).await.stdout;
    let event: serde_json::Value = serde_json::from_str(&told).unwrap_or_else(|_| panic!("{told}"));
    assert!(event["text"].as_str().is_some_and(|text| text.contains(&maint)), "{event}");
    assert!(event["by"].is_string() && event["instance"] == "7891", "{event}");

    let ran = raw(&["--write", &format!("set server {BACKEND}/wg9 state maint")]).await;
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("  why:  No such server."), "{ran:?}");
    for typed in
        ["show info; quit", "show info\nquit", "quit", "del server b/s", "set server b/s addr 192.0.2.1"]
    {
        let ran = raw(&["--write", typed]).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(64), ""), "{ran:?}");
        assert!(ran.stderr.contains(" is not sent\n  why:  "), "{ran:?}");
    }
    let operator = beside.lab.haproxy.operator_socket().display().to_string();
    let ran = raw(&["--write", "--haproxy", &operator, &maint]).await;
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.stderr.contains("  why:  Permission denied\n  next: use a stats socket of level admin"),
        "{ran:?}"
    );
    let ran = raw(&["--haproxy", "/nonexistent/admin.sock", "show info"]).await;
    assert_eq!(ran.code, Some(3));
}
