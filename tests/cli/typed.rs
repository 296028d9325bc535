//! What people type, as they type it, and what they are told.

use std::process::Command;

use e2e::command;
use e2e::haproxy::BACKEND;
use serde_json::Value;

use super::beside::{Beside, HACTL, patient};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn options_stand_where_people_put_them_and_mistakes_say_what_to_type() {
    let beside = Beside::start().await;
    let socket = beside.lab.hactl_socket().display().to_string();
    let run = |typed: &'static str| {
        let words = typed.replace("SOCKET", &socket);
        async move { command::run(HACTL, &words.split(' ').collect::<Vec<_>>()).await }
    };
    for typed in [
        "--socket SOCKET -o json",
        "-ojson --socket SOCKET status",
        "--timeout 30s status --socket SOCKET -o json",
    ] {
        let ran = run(typed).await;
        let status: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{typed}: {ran:?}"));
        assert_eq!((&status["kind"], ran.code), (&"Status".into(), Some(0)), "{typed}");
    }
    let next = format!("name it with its backend: {BACKEND}/wg1");
    for typed in [
        "status wg1 -o json --socket SOCKET",
        "explain wg1 -o json --socket SOCKET",
        "maint wg1 --for 1h -m x -o json --socket SOCKET",
    ] {
        let ran = run(typed).await;
        let error: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{typed}: {ran:?}"));
        assert_eq!((&error["error"]["next"], ran.code), (&next.as_str().into(), Some(64)), "{typed}");
    }
    let ran = run("-o json --soket SOCKET").await;
    let error: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    assert_eq!(error["error"]["message"], "unexpected argument '--soket' found", "{ran:?}");
    let ran = run("wait --for online --timeout 1s --socket SOCKET.not").await;
    assert!(ran.code == Some(124) && ran.stderr.starts_with("warning: cannot get the status"), "{ran:?}");
    assert!(ran.stderr.contains("hactl.sock.not: no connection: No such file"), "{ran:?}");

    // A disk that is full, and a person in another zone.
    let mut full = Command::new("sh");
    full.args(["-c", "exec \"$0\" status -o json --socket \"$1\" > /dev/full", HACTL, &socket]);
    let ran = command::run_command(&mut full, "").await;
    assert!(ran.code == Some(74) && ran.stderr.contains("No space left on device"), "{ran:?}");
    let mut elsewhere = command::plain(HACTL.as_ref());
    elsewhere.args(["events", "-n", "1", "--socket", &socket]).env("TZ", "EST5");
    let ran = command::run_command(&mut elsewhere, "").await;
    assert!(ran.code == Some(0) && ran.stdout.contains(" EST "), "{ran:?}");

    // A slip of the fingers in the configuration is told before its HAProxy is left without hactl for long.
    beside.lab.write_config(&patient(&beside.lab).replace(BACKEND, "socks_back_7892"));
    let ran = run("reload --socket SOCKET").await;
    let told = format!("HAProxy has no backend socks_back_7892; did you mean `{BACKEND}`?");
    assert!(ran.code == Some(1) && ran.stderr.contains(&told), "{ran:?}");
}
