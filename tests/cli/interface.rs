//! Errors as a person meets them: what, why and what to do next, on standard error, each with its exit code.

use e2e::{Lab, Layout, command};

use super::beside::HACTL;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_error_says_what_why_and_what_to_do_and_has_its_code() {
    let lab = Lab::start(Layout::AllBackup).await;
    let path = |path: std::path::PathBuf| path.display().to_string();
    let (haproxy, operator) = (path(lab.haproxy.admin_socket()), path(lab.haproxy.operator_socket()));
    let bad = path(lab.write_config("[probe]\nweigth = 3\n"));
    let cfg = path(lab.haproxy.config_file());
    let away = "/nonexistent/h.sock";
    let maint = "set server socks_back_7891/wg1 state maint";
    let cases: [(i32, &str, &[&str]); 21] = [
        (3, "no connection: No such file", &["status", "--socket", away]),
        (3, "what answers there is not hactl", &["status", "--socket", &haproxy]),
        (3, "no connection", &["reload", "--socket", away]),
        (3, "no connection", &["pause", "-m", "x", "--socket", away]),
        (3, "no connection", &["resume", "--socket", away]),
        (3, "no connection", &["failback", "b", "--socket", away]),
        (3, "does not exist", &["check", "wg1", "--haproxy", away]),
        (3, "it is no upstream", &["check", "a:b:c"]),
        (64, "no scheme", &["check", "--url", "nonsense", "1"]),
        (64, "No such file", &["check", "--ca-file", "/nonexistent/ca.pem", "1"]),
        (64, "did you mean", &["run", "--config", &bad]),
        (64, "did you mean", &["config", "check", &bad]),
        (64, "No such file", &["config", "show", "/nonexistent/hactl.toml"]),
        (64, "No such file", &["run", "--config", "/nonexistent/hactl.toml"]),
        (1, "", &["run", "--haproxy", &haproxy, "--backend", "b", "--socket", &cfg]),
        (3, "does not exist", &["init", "--haproxy", away]),
        (64, "it has socks_back_7891", &["init", "--haproxy", &haproxy, "--backend", "x"]),
        (3, "does not exist", &["raw", "show info", "--haproxy", away]),
        (64, "it changes something", &["raw", maint, "--haproxy", &haproxy]),
        (2, "Permission denied", &["raw", "--write", maint, "--haproxy", &operator]),
        (1, "", &["simulate", &cfg]),
    ];
    for (code, why, args) in cases {
        let ran = command::run(HACTL, args).await;
        assert_eq!(ran.code, Some(code), "{args:?}: {ran:?}");
        let lines: Vec<&str> = ran.stderr.lines().collect();
        assert!(lines[0].starts_with("error: ") && !lines[0].ends_with("failed"), "{args:?}: {ran:?}");
        if why.is_empty() {
            assert!(lines.iter().any(|line| line.starts_with("  next: ")), "{args:?}: {ran:?}");
        } else if why == "did you mean" {
            assert!(
                lines[2].contains("^^^^^^ did you mean `") || ran.stderr.contains("known: "),
                "{args:?}: {ran:?}"
            );
        } else {
            assert!(ran.stderr.contains(why), "{args:?}: {ran:?}");
            assert!(lines.iter().any(|line| line.starts_with("  next: ")), "{args:?}: {ran:?}");
        }
        assert!(!ran.stderr.contains("panicked"), "{args:?}: {ran:?}");
    }
}
