//! What tells how it is: `hactl explain`, `hactl wait`, `hactl status --watch`, and the stream behind them.

use e2e::{Daemon, Fault, Ran, command};
use serde_json::Value;

use super::beside::{Beside, HACTL, PATIENCE};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fallen_server_is_explained_waited_for_and_seen_by_who_watches() {
    let mut beside = Beside::start().await;
    let socket = beside.lab.hactl_socket().display().to_string();
    let mut watch = watching(&socket);
    watch.wait_for_line(r#"{"apiVersion":"hactl/v1","kind":"Status""#, PATIENCE).await;

    let waiting =
        ["wait", "--socket", &socket, "socks_back_7891/wg1", "--for", "degraded", "--timeout", "60s"]
            .map(str::to_owned);
    let waiting =
        tokio::spawn(async move { command::run(HACTL, &waiting.each_ref().map(String::as_str)).await });
    beside.lab.wg1.set(Fault::Reject(5)).await;
    let Ran { code, stdout, .. } = waiting.await.unwrap();
    assert_eq!(code, Some(0), "{stdout}");
    assert!(stdout.starts_with("socks_back_7891/wg1 is degraded (after "), "{stdout}");
    let moved = |line: &str| {
        let status: Value = serde_json::from_str(line).unwrap_or_default();
        status["backends"][0]["active_server"] == "wg2"
    };
    watch.wait_for(0, "a status on wg2", moved, PATIENCE).await;

    beside.status_when(|status| status["backends"][0]["servers"][0]["haproxy"]["state"] == "maint").await;
    assert_explained(&socket).await;

    // Who waits outlasts a daemon that is started again; what does not come has a code of its own.
    let online = ["wait", "--socket", &socket, "socks_back_7891/wg1", "--for", "online"].map(str::to_owned);
    let waiting =
        tokio::spawn(async move { command::run(HACTL, &online.each_ref().map(String::as_str)).await });
    beside.hactl.terminate().await;
    beside.lab.wg1.set(Fault::None).await;
    let file = beside.lab.write_config(&super::beside::patient(&beside.lab));
    let again = ["run", "--config", file.to_str().unwrap()];
    beside.hactl = Daemon::start_command(command::plain(HACTL.as_ref()).args(again));
    let Ran { code, stdout, stderr } = waiting.await.unwrap();
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let late = ["wait", "--socket", &socket, "socks_back_7891", "--for", "offline", "--timeout", "1s"];
    let late = run(&late).await;
    assert_eq!((late.code, late.stdout.as_str()), (Some(124), ""));
    assert!(
        late.stderr.starts_with("error: socks_back_7891 was not offline within 1s\n  why:  "),
        "{late:?}"
    );
    let told = |line: &str| line.contains(r#""kind":"Error""#) && line.contains(r#""next":"#);
    watch.wait_for(0, "the end of the daemon", told, PATIENCE).await;
    let seen = watch.lines().len();
    let again = |line: &str| line.contains(r#""kind":"Status""#);
    watch.wait_for(seen, "the daemon that was started again", again, PATIENCE).await;
}

/// `hactl status -w`: its standard output, as `Daemon` reads the other one.
fn watching(socket: &str) -> Daemon {
    let mut shell = std::process::Command::new("sh");
    shell.args([
        "-c",
        r#"exec "$0" "$@" >&2"#,
        HACTL,
        "status",
        "--socket",
        socket,
        "-w=200ms",
        "-o",
        "json",
    ]);
    Daemon::start_command(&mut shell)
}

/// That wg1 is out because it rejects.
async fn assert_explained(socket: &str) {
    let explained = run(&["explain", "--socket", socket, "socks_back_7891/wg1"]).await;
    assert_eq!((explained.code, explained.stderr.as_str()), (Some(0), ""));
    let text = &explained.stdout;
    assert!(text.starts_with("socks_back_7891/wg1 is DEGRADED since "), "{text}");
    for part in [
        ", so HAProxy holds it in MAINT.\n",
        "\nevidence   ",
        "connection refused (reply 5)",
        " answered what was asked meanwhile: this host is online, the tunnel is not",
        "\neffect     set server socks_back_7891/wg1 state maint: done, and read back at ",
        "HAProxy has it in maint (fmaint), set by hactl",
        "\nreturns    after 3 good probes over ",
        "\ntry        hactl check --socket ",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let whole = run(&["explain", "--socket", socket, "-o", "json", "socks_back_7891"]).await;
    let document: Value = serde_json::from_str(&whole.stdout).expect("it is JSON");
    assert_eq!((&document["kind"], &document["subject"]), (&"Explain".into(), &"socks_back_7891".into()));
    let unknown = run(&["explain", "--socket", socket, "socks_back_7891/wg9"]).await;
    assert_eq!(unknown.code, Some(64));
    assert!(unknown.stderr.contains("socks_back_7891 has no server `wg9`; known: wg1, wg2,"), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_has_a_format_for_everybody() {
    let beside = Beside::start().await;
    beside.status_when(|status| status["exit_code"] == 0).await;
    let names = beside.status(&["-o", "name"]).await;
    assert_eq!(names.stdout, "socks_back_7891/wg1\nsocks_back_7891/wg2\nsocks_back_7891/cloudflare_warp\n");
    let csv = beside.status(&["-o", "csv", "socks_back_7891/wg1"]).await;
    let lines: Vec<&str> = csv.stdout.lines().collect();
    assert!(lines[0].starts_with("instance,backend,server,address,role,health,haproxy,"), "{csv:?}");
    assert!(lines[1].starts_with("7891,socks_back_7891,wg1,127.0.0.1:"), "{csv:?}");
    assert_eq!(
        (lines.len(), beside.status(&["-o", "csv", "--no-header"]).await.stdout.lines().count()),
        (2, 3)
    );
    assert!(beside.status(&["-o", "wide"]).await.stdout.contains("WEIGHT"));
    assert_eq!(
        beside.status(&["-q"]).await,
        Ran { code: Some(0), stdout: String::new(), stderr: String::new() }
    );
    let csv = beside.status(&["-w", "-o", "csv"]).await;
    assert_eq!((csv.code, csv.stdout.as_str()), (Some(64), ""), "{csv:?}");
    let gone = run(&["status", "-w", "--socket", "/nonexistent/h.sock"]).await;
    assert_eq!(gone.code, Some(3));
}

async fn run(args: &[&str]) -> Ran {
    command::run(HACTL, args).await
}
