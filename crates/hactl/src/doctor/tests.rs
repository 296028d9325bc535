//! What was found, as it is printed.

use insta::assert_snapshot;

use super::*;

#[test]
fn a_right_set_up_is_a_line_for_each_group() {
    let mut group = Group::new("config", "1 instance, 1 backend");
    group.settle("D01");
    let mut haproxy = Group::new("haproxy", "HAProxy 2.6.12 at /run/haproxy/admin.sock, level admin");
    haproxy.ok("D02");
    haproxy.ok("D03");
    let groups = [group, haproxy];
    assert_snapshot!(render::table(&groups, &terminal(None)), @r"
    ✓ config   1 instance, 1 backend
    ✓ haproxy  HAProxy 2.6.12 at /run/haproxy/admin.sock, level admin

    3 ok
    ");
    assert_snapshot!(render::short(&groups), @"hactl doctor: 3 ok");
    assert_eq!(exit_code(&groups), 0);
}

#[test]
fn each_mistake_has_a_line_and_one_that_says_what_to_do() {
    let groups = mistakes();
    assert_snapshot!(render::table(&groups, &terminal(None)), @r#"
    ✗ config   it cannot be used
          ✗ D01 hactl.toml:6:1: unknown key `weigth`
              6 | weigth = 3
                | ^^^^^^
    ✗ haproxy  at /run/haproxy/admin.sock
          ✗ D03 its socket is of level operator; to steer, hactl needs admin
            fix: write `level admin`
          ! D07 backend b: wg1, wg2 share the traffic\u{1b}[2J
            fix: `balance first`
          · D07 all are backup

    2 errors, 1 warning, 1 note, 1 ok
    "#);
    assert_snapshot!(render::short(&groups), @"hactl doctor: 2 errors (D01 D03), 1 warning (D07), 1 note (D07), 1 ok");
    assert_eq!(exit_code(&groups), 2);
    assert_eq!(exit_code(&groups[..0]), 0);
}

#[test]
fn in_a_narrow_terminal_and_without_utf_8_it_can_still_be_read() {
    let ascii = Terminal { unicode: false, ..terminal(Some(40)) };
    assert_snapshot!(render::table(&mistakes()[1..], &ascii), @r"
    XX haproxy  at /run/haproxy/admin.sock
          XX D03 its socket is of level
            operator; to steer, hactl needs
            admin
            fix: write `level admin`
          !  D07 backend b: wg1, wg2 share
            the traffic\u{1b}[2J
            fix: `balance first`
          -- D07 all are backup

    1 error, 1 warning, 1 note, 1 ok
    ");
}

#[test]
fn programs_get_all_of_it() {
    let document: serde_json::Value = serde_json::from_str(&render::json(&mistakes())).unwrap();
    assert_eq!((&document["kind"], &document["exit_code"]), (&"Doctor".into(), &2.into()));
    let finding = &document["groups"][1]["findings"][0];
    assert_eq!((&finding["id"], &finding["verdict"]), (&"D02".into(), &"ok".into()));
    assert_eq!((&finding["text"], &finding["fix"]), (&serde_json::Value::Null, &serde_json::Value::Null));
    assert_eq!(document["groups"][1]["findings"][1]["fix"], "write `level admin`");
}

fn mistakes() -> [Group; 2] {
    let mut config = Group::new("config", "it cannot be used");
    config.error("D01", "hactl.toml:6:1: unknown key `weigth`\n  6 | weigth = 3\n    | ^^^^^^", "");
    let mut haproxy = Group::new("haproxy", "at /run/haproxy/admin.sock");
    haproxy.ok("D02");
    haproxy.error(
        "D03",
        "its socket is of level operator; to steer, hactl needs admin",
        "write `level admin`",
    );
    haproxy.warn("D07", "backend b: wg1, wg2 share the traffic\u{1b}[2J", "`balance first`");
    haproxy.note("D07", "all are backup", "");
    [config, haproxy]
}

fn terminal(width: Option<usize>) -> Terminal {
    Terminal { color: false, color_errors: false, unicode: true, width, socket: None }
}
