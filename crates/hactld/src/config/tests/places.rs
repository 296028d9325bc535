//! Where a mistake is shown, and files that cannot be read.

use insta::assert_snapshot;

use super::*;

#[test]
fn the_caret_stands_under_what_is_meant() {
    // Wide and combined characters, a tab, CRLF, a key in quotes, what moves the cursor.
    assert_snapshot!(problems("# é\r\n[probe]\r\n\tinterval = 2 # 二\r\n"), @r#"
    hactl.toml:3:13: 2 has no unit; write "2s"
      3 |  interval = 2 # 二
        |             ^
    "#);
    assert_snapshot!(problems("probe = { ca_file = \"日本/é\", interval = 2 }\n"), @r#"
    hactl.toml:1:40: 2 has no unit; write "2s"
      1 | probe = { ca_file = "日本/é", interval = 2 }
        |                                          ^
    "#);
    assert_snapshot!(problems("[probe]\n\"in\\u001bterval\" = \"\u{9b}2J\u{202e}\"\n"), @r#"
    hactl.toml:2:1: unknown key `in\u{1b}terval`
      2 | "in\u001bterval" = "\u{9b}2J\u{202e}"
        | ^^^^^^^^^^^^^^^^ did you mean `interval`?   known: targets, profile, canary, interval, timeout, false_alarm_every, ride_through, hold, hold_max, control, ca_file
    "#);
    assert_snapshot!(problems("[probe]\ntargets = [\"\u{202e}\"]\n"), @r#"
    hactl.toml:2:12: target `\u{202e}`: no scheme; write https://\u{202e}/
      2 | targets = ["\u{202e}"]
        |            ^^^^^^^^^^
    "#);
    assert_snapshot!(problems("[probe]\nx = \u{7}\n"), @r#"
    hactl.toml:2:5: not TOML: invalid string; expected `"`, `'`
      2 | x = \u{7}
        |     ^^^^^
    "#);
    assert_snapshot!(problems("probe.interval = 2"), @r#"
    hactl.toml:1:18: 2 has no unit; write "2s"
      1 | probe.interval = 2
        |                  ^
    "#);
    assert_snapshot!(problems("[[instance]]\n[[instance]]\n\n[[instance.backend]]\n[[instance.backend]]\nnam = 1\n"), @r"
    hactl.toml:6:1: unknown key `nam`
      6 | nam = 1
        | ^^^ did you mean `name`?   known: name, servers, policy, tiers, failback, allow_exit_change, when_all_down, on_slow, on_fail, on_steer, on_failback, kill_after, on_offline, frontend, username, password_file
    ");
    assert_snapshot!(problems("[probe]\ntargets = [{ url = \"https://1.1.1.1/\" }, { url = \"ftp://a/\" }]\n"), @r#"
    hactl.toml:2:50: target `ftp://a/`: scheme `ftp` is not known; use http, https or tcp
      2 | targets = [{ url = "https://1.1.1.1/" }, { url = "ftp://a/" }]
        |                                                  ^^^^^^^^^^
    "#);
    assert_snapshot!(problems(&format!("x = \"{}\"\n", "a".repeat(1000))), @"hactl.toml:1:1: unknown key `x`; did you mean `exit`?   known: probe, admin, web, ui, state, events, hook, exit, instance");
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_what_else_to_do() {
    let asked_for = |path: &Path| load_error(Some(path.to_owned()));
    assert_snapshot!(asked_for(Path::new("/nonexistent/hactl.toml")), @r"
    cannot read /nonexistent/hactl.toml
      why:  No such file or directory (os error 2)
      next: name a file that you may read, or say `--haproxy ADDR --backend NAME`, which needs none
    ");
    assert_snapshot!(asked_for(Path::new("/")), @r"
    cannot read /
      why:  Is a directory (os error 21)
      next: name a file that you may read, or say `--haproxy ADDR --backend NAME`, which needs none
    ");
    assert_snapshot!(asked_for(Path::new("/dev/zero")), @r"
    cannot read /dev/zero
      why:  it has more than 4194304 bytes
      next: name a file that you may read, or say `--haproxy ADDR --backend NAME`, which needs none
    ");
    let one_flag = Flags { haproxy: Some("/run/a.sock".to_owned()), ..Flags::default() };
    let error = read(Path::new("/nonexistent/hactl.toml"), &one_flag).unwrap_err().to_string();
    assert!(error.contains("next: say which backend with --backend NAME"), "{error}");
    assert_snapshot!(read(Path::new("/nonexistent/hactl.toml"), &Flags::default()).unwrap_err(), @r"
    cannot read /nonexistent/hactl.toml
      why:  No such file or directory (os error 2)
      next: write /etc/hactl/hactl.toml, or say `--config FILE`, or `--haproxy ADDR --backend NAME`
    ");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), b"[probe]\nca_file = \"\xff\"\n").unwrap();
    let name = file.path().display().to_string();
    assert_snapshot!(asked_for(file.path()).replace(&name, "FILE"), @r#"
    FILE:2:12: not UTF-8
      2 | ca_file = "
        |            ^
      next: save the file as UTF-8
    "#);
}
