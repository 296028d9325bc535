//! HAProxy is not as the configuration says: hactl runs on, says so once with what to do, and acts when it can.

use std::os::unix::fs::MetadataExt;

use e2e::haproxy::BACKEND;
use e2e::{Daemon, Fault, Lab, Layout};

use super::scene::{Nobody, patient, said, start, status};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_haproxy_is_told_once_and_steered_as_soon_as_it_is_there() {
    let mut lab = Lab::start(Layout::AllBackup).await;
    let socket = lab.haproxy.admin_socket();
    lab.haproxy.kill();
    std::fs::remove_file(&socket).unwrap();
    lab.wg1.set(Fault::Reject(5)).await;

    let mut hactl = start(&lab, &patient(&lab));
    let away = format!(
        "HAProxy does not answer: {} does not exist: is haproxy running, and does its `stats socket` line name this \
         path?",
        socket.display()
    );
    assert_eq!(said(&mut hactl, "HAProxy does not answer").await, away);
    let ran = status(&lab).await;
    assert_eq!(ran.code, Some(2));
    assert!(ran.stdout.starts_with(&format!("✗ {away}\n")), "{}", ran.stdout);
    assert!(ran.stdout.contains(" · HAProxy away for "), "{}", ran.stdout);
    // Twenty retries later it has been said once.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(times(&hactl, "HAProxy does not answer"), 1);

    lab.haproxy.restart().await;
    let answers = said(&mut hactl, "HAProxy 2").await;
    assert!(
        answers.contains(" answers") && answers.ends_with(&format!("(pid {})", lab.haproxy.pid())),
        "{answers}"
    );
    said(&mut hactl, "socks_back_7891/wg1 set to maint, read back").await;
    assert_eq!(lab.get().await.as_deref(), Ok("wg2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_without_permission_is_told_with_its_owner_and_tried_on() {
    let lab = Lab::start(Layout::AllBackup).await;
    let nobody = Nobody::new();
    let socket = lab.haproxy.admin_socket();
    nobody.lock_out(&socket);
    let mut command = nobody.hactl();
    command.args(["run", "--backend", BACKEND, "--haproxy"]).arg(&socket);
    command.arg("--socket").arg(nobody.path("h.sock")).arg("--state-dir").arg(nobody.path("state"));
    command.env("HACTL_PROBE__TARGETS", format!("[\"{}\"]", lab.http.url()));
    let mut hactl = Daemon::start_command(&mut command);

    let there = std::fs::metadata(&socket).unwrap();
    let denied = format!(
        "HAProxy does not answer: permission denied on {} (uid {} gid {} mode {:03o}): run as its owner or in its \
         group, or give it `mode 660 group GROUP` on the `stats socket` line of haproxy.cfg",
        socket.display(),
        there.uid(),
        there.gid(),
        there.mode() & 0o777
    );
    assert_eq!(said(&mut hactl, "HAProxy does not answer").await, denied);
    assert!(hactl.terminate().await.0.success());
    assert_eq!(times(&hactl, "permission denied"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_level_operator_it_watches_changes_nothing_and_says_the_line_to_add() {
    let lab = Lab::start(Layout::AllBackup).await;
    lab.wg1.set(Fault::Reject(5)).await;
    let socket = lab.haproxy.operator_socket();
    let admin = lab.haproxy.admin_socket().display().to_string();
    let config = patient(&lab).replace(&admin, &socket.display().to_string());
    let mut hactl = start(&lab, &config);

    let denied = format!(
        "nothing can be changed in HAProxy: the socket {0} has level operator; write `stats socket {0} mode 660 level \
         admin` into the global section of haproxy.cfg and reload HAProxy",
        socket.display()
    );
    assert_eq!(said(&mut hactl, "nothing can be changed").await, denied);
    said(&mut hactl, "socks_back_7891/wg1 is degraded").await;
    said(&mut hactl, "socks_back_7891/wg2 is online").await;
    let ran = status(&lab).await;
    assert_eq!(ran.code, Some(2));
    assert!(ran.stdout.starts_with(&format!("✗ {denied}\n")), "{}", ran.stdout);
    assert!(ran.stdout.contains(" · not applying · "), "{}", ran.stdout);
    let wg1 = ran.stdout.lines().find(|line| line.starts_with("> wg1 ")).unwrap();
    assert!(wg1.contains("▲ degraded  up (maint wanted)"), "{wg1}");
    assert_eq!(lab.haproxy.server("wg1").await.administrative, 0);
    assert!(!lab.haproxy.log().contains("maintenance"), "{}", lab.haproxy.log());
    assert_eq!(times(&hactl, "nothing can be changed"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_backend_is_told_with_those_that_there_are() {
    let lab = Lab::start(Layout::AllBackup).await;
    let config = patient(&lab).replace(&format!("\"{BACKEND}\""), "\"socks_back_7981\"");
    let mut hactl = start(&lab, &config);
    let missing = "HAProxy has no backend socks_back_7981 (it has socks_back_7891); correct its name in the \
                   configuration";
    assert_eq!(said(&mut hactl, "has no backend").await, missing);
    let ran = status(&lab).await;
    assert_eq!(ran.code, Some(2));
    assert!(ran.stdout.starts_with(&format!("✗ {missing}\n")), "{}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_server_is_told_and_the_others_are_steered() {
    let lab = Lab::start(Layout::AllBackup).await;
    lab.wg1.set(Fault::Reject(5)).await;
    let mut hactl = start(&lab, &format!("{}servers = [\"wg1\", \"wg2\", \"wg9\"]\n", patient(&lab)));
    let missing = "HAProxy has no server socks_back_7891/wg9 (it has cloudflare_warp, wg1, wg2); correct its name in \
                   the configuration";
    assert_eq!(said(&mut hactl, "has no server").await, missing);
    said(&mut hactl, "socks_back_7891/wg1 set to maint, read back").await;
    let ran = status(&lab).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.stdout.starts_with(&format!("! {missing}\n")), "{}", ran.stdout);
    let warp = ran.stdout.lines().find(|line| line.contains(" cloudflare_warp ")).unwrap();
    assert!(warp.ends_with("left alone by configuration"), "{warp}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_no_socket_is_told_as_that() {
    let lab = Lab::start(Layout::AllBackup).await;
    let admin = lab.haproxy.admin_socket().display().to_string();
    let file = lab.haproxy.config_file().display().to_string();
    let mut hactl = start(&lab, &patient(&lab).replace(&admin, &file));
    assert_eq!(
        said(&mut hactl, "HAProxy does not answer").await,
        format!(
            "HAProxy does not answer: {file} is not a socket: name the path of a `stats socket` line of haproxy.cfg"
        )
    );
}

fn times(hactl: &Daemon, text: &str) -> usize {
    hactl.lines().iter().filter(|line| line.contains(text)).count()
}
