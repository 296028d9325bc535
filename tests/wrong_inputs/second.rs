//! Two hactl that would work on one thing.

use e2e::command::run_command;
use e2e::haproxy::BACKEND;
use e2e::{Lab, Layout};

use super::scene::{HACTL, patient, said, start, status};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_hactl_on_one_haproxy_is_told_who_steers_it_however_it_names_haproxy() {
    let lab = Lab::start(Layout::AllBackup).await;
    let mut first = start(&lab, &patient(&lab));
    said(&mut first, "socks_back_7891/wg1 is online").await;
    let link = lab.haproxy.dir().join("link");
    std::os::unix::fs::symlink(lab.haproxy.dir(), &link).unwrap();
    let admin = lab.haproxy.admin_socket();
    let names = [
        admin.display().to_string(),
        format!("unix:{}/admin.sock", link.display()),
        "admin.sock".to_owned(),
        "./../admin.sock".to_owned(),
    ];
    let inner = lab.haproxy.dir().join("inner");
    std::fs::create_dir(&inner).unwrap();
    for name in names {
        let mut command = e2e::command::plain(HACTL.as_ref());
        let dir = if name.contains("..") { inner.as_path() } else { lab.haproxy.dir() };
        command.current_dir(dir).args(["run", "--haproxy", &name, "--backend", BACKEND, "--socket"]);
        command.arg(lab.haproxy.dir().join("second.sock")).arg("--state-dir").arg(link.join("second"));
        let ran = run_command(&mut command, "").await;
        assert_eq!(ran.code, Some(1), "{name}");
        let who = format!("error: another hactl (pid {}, user ", first.pid());
        assert!(ran.stderr.starts_with(&who), "{name}: {}", ran.stderr);
        let real = admin.canonicalize().unwrap();
        assert!(ran.stderr.contains(&format!(") steers HAProxy at {}\n", real.display())), "{}", ran.stderr);
        let next = format!("  next: see `hactl status --socket {}`, or stop", lab.hactl_socket().display());
        assert!(ran.stderr.contains(&next), "{}", ran.stderr);
    }
    assert!(status(&lab).await.stdout.contains("socks_back_7891"), "the first one serves on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_tcp_a_name_and_its_address_are_one_haproxy() {
    let lab = Lab::start_with(Layout::AllBackup, e2e::haproxy::Builder::tcp_stats).await;
    let port = lab.haproxy.tcp_stats().unwrap().port();
    let unix = lab.haproxy.admin_socket().display().to_string();
    let mut first = start(&lab, &patient(&lab).replace(&unix, &format!("tcp:127.0.0.1:{port}")));
    said(&mut first, "socks_back_7891/wg1 is online").await;
    let mut command = e2e::command::plain(HACTL.as_ref());
    command.args(["run", "--haproxy", &format!("tcp:localhost:{port}"), "--backend", BACKEND, "--socket"]);
    command.arg(lab.haproxy.dir().join("second.sock"));
    command.arg("--state-dir").arg(lab.haproxy.dir().join("second"));
    let ran = run_command(&mut command, "").await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains(&format!(") steers HAProxy at tcp:127.0.0.1:{port}\n")), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lock_ends_with_its_holder_also_when_that_one_is_killed() {
    let lab = Lab::start(Layout::AllBackup).await;
    let mut first = start(&lab, &patient(&lab));
    said(&mut first, "socks_back_7891/wg1 is online").await;
    first.kill();
    let mut next = start(&lab, &patient(&lab));
    said(&mut next, "socks_back_7891/wg1 is online").await;
    assert!(next.terminate().await.0.success());
    let mut last = start(&lab, &patient(&lab));
    said(&mut last, "socks_back_7891/wg1 is online").await;
}
