//! The state directory cannot be had.

use e2e::command::run_command;
use e2e::haproxy::BACKEND;
use e2e::{Lab, Layout};

use super::scene::{HACTL, Nobody, patient, said, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_it_may_not_be_made_that_is_said_with_what_to_do() {
    let nobody = Nobody::new();
    let mut command = nobody.hactl();
    command.args([
        "run",
        "--haproxy",
        "/nonexistent.sock",
        "--backend",
        BACKEND,
        "--state-dir",
        "/usr/hactl",
    ]);
    command.arg("--socket").arg(nobody.path("h.sock"));
    let ran = run_command(&mut command, "").await;
    assert_eq!(ran.code, Some(77), "{ran:?}");
    assert_eq!(
        ran.stderr,
        "error: cannot make the state directory /usr/hactl\n  why:  Permission denied (os error 13)\n  \
         next: run as a user that may write there, or name another place with --state-dir DIR\n"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_last_directory_is_made_and_a_file_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let next = "run as a user that may write there, or name another place with --state-dir DIR";
    let first = format!("make the directory {}/a first, or name another place", dir.path().display());
    for (path, why, next) in
        [(dir.path().join("a/b"), "No such file or directory", first.as_str()), (file, "File exists", next)]
    {
        let mut command = e2e::command::plain(HACTL.as_ref());
        command.args(["run", "--haproxy", "/nonexistent.sock", "--backend", BACKEND, "--socket"]);
        command.arg(dir.path().join("h.sock")).arg("--state-dir").arg(&path);
        let ran = run_command(&mut command, "").await;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let what = format!("error: cannot make the state directory {}\n  why:  {why}", path.display());
        assert!(ran.stderr.starts_with(&what) && ran.stderr.contains(next), "{}", ran.stderr);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hactl_do_not_share_one() {
    let lab = Lab::start(Layout::AllBackup).await;
    let mut first = start(&lab, &patient(&lab));
    said(&mut first, "socks_back_7891/wg1 is online").await;
    let mut command = e2e::command::plain(HACTL.as_ref());
    command.args(["run", "--haproxy", "/nonexistent.sock", "--backend", BACKEND, "--socket"]);
    command.arg(lab.haproxy.dir().join("second.sock")).arg("--state-dir").arg(lab.hactl_state());
    let ran = run_command(&mut command, "").await;
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.stderr,
        format!(
            "error: another hactl uses the state directory {}\n  \
             next: give each hactl a directory of its own: --state-dir DIR\n",
            lab.hactl_state().display()
        )
    );
}
