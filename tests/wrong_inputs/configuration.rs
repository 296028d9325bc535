//! A configuration that cannot be used: hactl does not start, and says where it is wrong. The texts of all mistakes
//! are asserted beside the code that makes them; here the way to the terminal is.

use e2e::Ran;
use e2e::command::{self, run_command};
use e2e::haproxy::BACKEND;

use super::scene::{HACTL, refused};

const INSTANCE: &str =
    "[[instance]]\nhaproxy = \"/run/haproxy/admin.sock\"\n[[instance.backend]]\nname = \"b\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mistake_is_shown_at_its_place_and_ends_it_with_64() {
    let cases = [
        (
            "[probe]\ninterval = 2s\n",
            "error: hactl.toml:2:13: not TOML: expected newline, `#`\n  2 | interval = 2s\n    |             ^\n  \
             next: put the value in quotes, unless it is a number, true or false\n",
        ),
        (
            "[probe]\nintervall = \"2s\"\n",
            "error: hactl.toml:2:1: unknown key `intervall`\n  2 | intervall = \"2s\"\n    | ^^^^^^^^^ did you mean \
             `interval`?   known: targets, profile, canary, interval, timeout, false_alarm_every, \
             ride_through, hold, hold_max, control, ca_file\n",
        ),
        (
            "[probe]\ninterval = \"0s\"\n",
            "error: hactl.toml:2:12: `0s` is out of range; from 500ms to 1h is allowed\n  2 | interval = \"0s\"\n    \
             |            ^^^^\n",
        ),
        (
            "[probe]\ntargets = [\"1.1.1.1\"]\n",
            "error: hactl.toml:2:12: target `1.1.1.1`: no scheme; write https://1.1.1.1/\n  2 | targets = \
             [\"1.1.1.1\"]\n    |            ^^^^^^^^^\n",
        ),
    ];
    for (section, expected) in cases {
        let ran = refused(&format!("{section}{INSTANCE}"), &[]).await;
        assert_eq!(ran, Ran { code: Some(64), stdout: String::new(), stderr: expected.to_owned() });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_mistakes_are_all_shown_each_as_an_error() {
    let config = format!("[probe]\ninterval = 2\ntimeout = \"2h\"\n{INSTANCE}");
    let ran = refused(&config, &[("HACTL_PROBE__TARGETS", "x"), ("HACTL_LOGS", "debug")]).await;
    assert_eq!(ran.code, Some(64));
    assert_eq!(
        ran.stderr,
        "error: unknown environment variable HACTL_LOGS\n  next: correct it to HACTL_LOG, or unset it\n\
         error: environment variable HACTL_PROBE__TARGETS: found the string \"x\", expected a list in square brackets\n\
         error: hactl.toml:2:12: 2 has no unit; write \"2s\"\n  2 | interval = 2\n    |            ^\n\
         error: hactl.toml:3:11: `2h` is out of range; from 100ms to 30s is allowed\n  3 | timeout = \"2h\"\n    \
         |           ^^^^\n"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_level_that_is_none_is_not_passed_over() {
    let ran = refused(INSTANCE, &[("HACTL_LOG", "debg")]).await;
    assert_eq!(ran.code, Some(64));
    assert_eq!(
        ran.stderr,
        "error: environment variable HACTL_LOG: `debg` is no log level\n  \
         next: write error, warn, info, debug or trace, for one part such as controller=debug,info\n"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_not_there_is_told_with_how_to_do_without() {
    let ran = command::run(HACTL, &["run", "--config", "/nonexistent/hactl.toml"]).await;
    assert_eq!(ran.code, Some(64));
    assert_eq!(
        ran.stderr,
        "error: cannot read /nonexistent/hactl.toml\n  why:  No such file or directory (os error 2)\n  \
         next: name a file that you may read, or say `--haproxy ADDR --backend NAME`, which needs none\n"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_authority_that_is_not_there_ends_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.pem");
    let mut command = command::plain(HACTL.as_ref());
    command.args(["run", "--haproxy", "/nonexistent.sock", "--backend", BACKEND, "--state-dir"]);
    command.arg(dir.path().join("state")).arg("--socket").arg(dir.path().join("h.sock"));
    command.env("HACTL_PROBE__CA_FILE", &file);
    let ran = run_command(&mut command, "").await;
    assert_eq!(ran.code, Some(64));
    assert_eq!(
        ran.stderr,
        format!(
            "error: cannot read the CA file {}\n  why:  No such file or directory (os error 2)\n  \
             next: correct ca_file in [probe], or HACTL_PROBE__CA_FILE\n",
            file.display()
        )
    );
}
