//! hactl's own socket cannot be had.

use e2e::command::{self, run_command};
use e2e::haproxy::{BACKEND, ask};
use e2e::{Lab, Layout};

use super::scene::{HACTL, Nobody, patient, said, start, status};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_hactl_is_told_who_was_first_and_disturbs_nobody() {
    let lab = Lab::start(Layout::AllBackup).await;
    let mut first = start(&lab, &patient(&lab));
    said(&mut first, "socks_back_7891/wg1 is online").await;
    let file = lab.write_config(&patient(&lab));
    let ran = command::run(HACTL, &["run", "--config", file.to_str().unwrap()]).await;
    assert_eq!(ran.code, Some(1));
    let socket = lab.hactl_socket();
    let socket = socket.display();
    let expected = format!(
        "error: another hactl (pid {}) already serves {socket}\n  \
         next: see `hactl status --socket {socket}`; a second hactl needs a socket of its own: --socket PATH\n",
        first.pid()
    );
    assert!(ran.stderr.ends_with(&expected), "{}", ran.stderr);
    assert!(status(&lab).await.stdout.contains("socks_back_7891"), "the first one serves on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn haproxys_socket_given_as_hactls_own_is_left_to_haproxy() {
    let lab = Lab::start(Layout::AllBackup).await;
    let haproxy = lab.haproxy.admin_socket();
    let path = haproxy.to_str().unwrap();
    let ran = command::run(HACTL, &["run", "--haproxy", path, "--backend", BACKEND, "--socket", path]).await;
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.stderr,
        format!(
            "error: something that is not hactl listens on {path}\n  \
             next: --socket is hactl's own socket; HAProxy's is named with --haproxy\n"
        )
    );
    assert!(ask(&haproxy, "show info").await.unwrap().contains("Name: HAProxy"), "it is still HAProxy's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_in_the_way_is_left_there() {
    let lab = Lab::start(Layout::AllBackup).await;
    let file = lab.haproxy.config_file();
    let (haproxy, path) = (lab.haproxy.admin_socket(), file.to_str().unwrap());
    let args = ["run", "--haproxy", haproxy.to_str().unwrap(), "--backend", BACKEND, "--socket", path];
    let ran = command::run(HACTL, &args).await;
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.stderr,
        format!(
            "error: {path} is there already and is not a socket\n  \
             next: move it away, or name another place with --socket PATH\n"
        )
    );
    assert!(std::fs::read_to_string(file).unwrap().contains(BACKEND));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_it_may_not_be_made_the_exit_code_says_permission() {
    let nobody = Nobody::new();
    let mut command = nobody.hactl();
    command.args([
        "run",
        "--haproxy",
        "/nonexistent.sock",
        "--backend",
        BACKEND,
        "--socket",
        "/usr/hactl/h.sock",
    ]);
    let ran = run_command(&mut command, "").await;
    assert_eq!(ran.code, Some(77), "{ran:?}");
    assert_eq!(
        ran.stderr,
        "error: cannot make the socket /usr/hactl/h.sock\n  why:  Permission denied (os error 13)\n  \
         next: run as a user that may write there, or name another place with --socket PATH\n"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_may_not_ask_is_told_whose_socket_it_is() {
    let lab = Lab::start(Layout::AllBackup).await;
    let mut hactl = start(&lab, &patient(&lab));
    said(&mut hactl, "socks_back_7891/wg1 is online").await;
    let (nobody, socket) = (Nobody::new(), lab.hactl_socket());
    nobody.lock_out(&socket);
    let ran = run_command(nobody.hactl().args(["status", "--socket"]).arg(&socket), "").await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(77), ""));
    let lines: Vec<&str> = ran.stderr.lines().collect();
    let [what, why, next] = lines.as_slice() else { panic!("{}", ran.stderr) };
    assert_eq!(*what, format!("error: cannot get the status from hactl at {}", socket.display()));
    assert!(why.starts_with("  why:  permission denied; the socket has uid "), "{why}");
    assert_eq!(
        *next,
        "  next: join the socket's group (usermod -aG GROUP USER, then log in again), or repeat with sudo"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_look_may_not_change_anything() {
    let lab = Lab::start(Layout::AllBackup).await;
    let mut hactl = start(&lab, &patient(&lab));
    said(&mut hactl, "socks_back_7891/wg1 is online").await;
    let (nobody, socket) = (Nobody::new(), lab.hactl_socket());
    nobody.let_in(&socket);
    let run = |args: &'static [&'static str]| {
        let mut command = nobody.hactl();
        command.args(args).arg("--socket").arg(&socket);
        async move { run_command(&mut command, "").await }
    };
    let status = run(&["status"]).await;
    assert!(status.stdout.contains("socks_back_7891"), "{status:?}");
    if !nobody.is_other() {
        // An ordinary user cannot become another one; hactl is theirs, and so they may.
        assert_eq!(run(&["resume"]).await.code, Some(0));
        return;
    }
    for (args, what) in [
        (&["reload"][..], "reload the configuration"),
        (&["pause", "-m", "mischief"], "pause"),
        (&["resume"], "resume"),
        (&["failback", BACKEND], "fail back socks_back_7891"),
    ] {
        let ran = run(args).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(77), ""), "{ran:?}");
        let expected = format!(
            "error: hactl at {} did not {what}\n  \
             why:  permission denied: uid 65534 has role reader, needs operator\n  \
             next: repeat with sudo, or be named in [admin] operators\n",
            socket.display()
        );
        assert_eq!(ran.stderr, expected);
    }
    assert!(!hactl.lines().iter().any(|line| line.contains("paused")));
}
