//! One value that is wrong.

use insta::assert_snapshot;

use super::*;

#[test]
fn text_that_is_not_toml_is_shown_where_it_stops_making_sense() {
    assert_snapshot!(problems("[probe]\ninterval = 2s\n"), @r"
    hactl.toml:2:13: not TOML: expected newline, `#`
      2 | interval = 2s
        |             ^
      next: put the value in quotes, unless it is a number, true or false
    ");
    assert_snapshot!(problems("[probe\n"), @r"
    hactl.toml:1:7: not TOML: invalid table header; expected `.`, `]`
      1 | [probe
        |       ^
    ");
    assert_snapshot!(problems("[probe]\ntimeout = \"2s\"\ntimeout = \"3s\"\n"), @r#"
    hactl.toml:3:1: not TOML: duplicate key `timeout` in table `probe`
      3 | timeout = "3s"
        | ^
    "#);
    assert_snapshot!(problems("[[instance]]\nname = \"abc\n"), @r#"
    hactl.toml:2:12: not TOML: invalid basic string
      2 | name = "abc
        |            ^
    "#);
}

#[test]
fn an_unknown_key_is_named_with_the_one_that_was_meant() {
    assert_snapshot!(problems(&format!("[probe]\nintervall = \"2s\"\n{INSTANCE}")), @r#"
    hactl.toml:2:1: unknown key `intervall`
      2 | intervall = "2s"
        | ^^^^^^^^^ did you mean `interval`?   known: targets, profile, canary, interval, timeout, false_alarm_every, ride_through, hold, hold_max, control, ca_file
    "#);
    assert_snapshot!(problems(&format!("[prob]\n{INSTANCE}")), @"
    hactl.toml:1:2: unknown key `prob`
      1 | [prob]
        |  ^^^^ did you mean `probe`?   known: probe, admin, web, ui, state, events, hook, exit, instance
    ");
    assert_snapshot!(problems(&format!("{INSTANCE}weight = 3\n")), @"
    hactl.toml:6:1: unknown key `weight`
      6 | weight = 3
        | ^^^^^^ known: name, servers, policy, tiers, failback, allow_exit_change, when_all_down, on_slow, on_fail, on_steer, on_failback, kill_after, on_offline, frontend, username, password_file
    ");
    assert_snapshot!(problems(&format!("zzz = 1\n{INSTANCE}")), @"
    hactl.toml:1:1: unknown key `zzz`
      1 | zzz = 1
        | ^^^ known: probe, admin, web, ui, state, events, hook, exit, instance
    ");
    assert_snapshot!(
        problems(&format!("[probe]\ntargets = [{{ url = \"https://1.1.1.1/\", sny = \"a\" }}]\n{INSTANCE}")),
        @r#"
    hactl.toml:2:40: unknown key `sny`
      2 | targets = [{ url = "https://1.1.1.1/", sny = "a" }]
        |                                        ^^^ did you mean `sni`?   known: url, expect, sni
    "#
    );
}

#[test]
fn a_value_of_the_wrong_type_is_told_from_what_is_expected() {
    assert_snapshot!(problems(&format!("[probe]\ninterval = 2\n{INSTANCE}")), @r#"
    hactl.toml:2:12: 2 has no unit; write "2s"
      2 | interval = 2
        |            ^
    "#);
    assert_snapshot!(problems(&format!("[probe]\ninterval = 1.5\n{INSTANCE}")), @r#"
    hactl.toml:2:12: 1.5 has no unit; write "1.5s"
      2 | interval = 1.5
        |            ^^^
    "#);
    assert_snapshot!(problems(&format!("[probe]\ninterval = true\n{INSTANCE}")), @r#"
    hactl.toml:2:12: found true, expected a duration such as "500ms" or "2s"
      2 | interval = true
        |            ^^^^
    "#);
    assert_snapshot!(problems(&format!("[probe]\ntargets = \"https://1.1.1.1/\"\n{INSTANCE}")), @r#"
    hactl.toml:2:11: found the string "https://1.1.1.1/", expected a list in square brackets
      2 | targets = "https://1.1.1.1/"
        |           ^^^^^^^^^^^^^^^^^^
    "#);
    assert_snapshot!(problems(&format!("[probe]\ntargets = [1]\n{INSTANCE}")), @r#"
    hactl.toml:2:12: found the number 1, expected a target such as "https://1.1.1.1/", or a table { url, expect, sni }
      2 | targets = [1]
        |            ^
    "#);
    assert_snapshot!(problems(&format!("probe = 1\n{INSTANCE}")), @r"
    hactl.toml:1:9: found the number 1, expected a table
      1 | probe = 1
        |         ^
    ");
    assert_snapshot!(problems("[[instance]]\nname = 7891\nhaproxy = \"a.sock\"\n[[instance.backend]]\nname = \"b\"\n"), @r"
    hactl.toml:2:8: found the number 7891, expected a string in quotes
      2 | name = 7891
        |        ^^^^
    ");
    assert_snapshot!(problems("[instance]\nhaproxy = \"a.sock\"\n"), @r"
    hactl.toml:1:1: found a table, expected a list in square brackets
      1 | [instance]
        | ^^^^^^^^^^ write [[instance]]
    ");
    assert_snapshot!(
        problems(&format!("[probe]\ntargets = [{{ url = \"https://1.1.1.1/\", expect = [70000] }}]\n{INSTANCE}")),
        @r#"
    hactl.toml:2:50: found the number 70000, expected a number from 0 to 65535
      2 | targets = [{ url = "https://1.1.1.1/", expect = [70000] }]
        |                                                  ^^^^^
    "#
    );
}

#[test]
fn a_duration_is_refused_outside_what_works() {
    assert_snapshot!(problems(&format!("[probe]\ninterval = \"0s\"\n{INSTANCE}")), @r#"
    hactl.toml:2:12: `0s` is out of range; from 500ms to 1h is allowed
      2 | interval = "0s"
        |            ^^^^
    "#);
    assert_snapshot!(problems(&format!("[probe]\ninterval = 0\n{INSTANCE}")), @r"
    hactl.toml:2:12: `0` is out of range; from 500ms to 1h is allowed
      2 | interval = 0
        |            ^
    ");
    assert_snapshot!(problems(&format!("[probe]\ninterval = \"-2s\"\n{INSTANCE}")), @r#"
    hactl.toml:2:12: `-2s` is out of range; from 500ms to 1h is allowed
      2 | interval = "-2s"
        |            ^^^^^
    "#);
    assert_snapshot!(problems(&format!("[probe]\ninterval = \"2h\"\n{INSTANCE}")), @r#"
    hactl.toml:2:12: `2h` is out of range; from 500ms to 1h is allowed
      2 | interval = "2h"
        |            ^^^^
    "#);
    assert_snapshot!(problems(&format!("[probe]\ninterval = \"soon\"\n{INSTANCE}")), @r#"
    hactl.toml:2:12: `soon` is not a duration; write one such as "500ms" or "2s"
      2 | interval = "soon"
        |            ^^^^^^
    "#);
    assert_snapshot!(problems(&format!("[probe]\ninterval = 500\n{INSTANCE}")), @r#"
    hactl.toml:2:12: 500 has no unit; write "500s" or "500ms"
      2 | interval = 500
        |            ^^^
    "#);
    assert_snapshot!(problems(&format!("[probe]\ninterval = 5000\n{INSTANCE}")), @r#"
    hactl.toml:2:12: 5000 has no unit; write "5000ms"
      2 | interval = 5000
        |            ^^^^
    "#);
    assert_snapshot!(problems(&format!("[probe]\ntimeout = \"1ms\"\n{INSTANCE}")), @r#"
    hactl.toml:2:11: `1ms` is out of range; from 100ms to 30s is allowed
      2 | timeout = "1ms"
        |           ^^^^^
    "#);
    assert_snapshot!(problems(&format!("[probe]\ntimeout = nan\n{INSTANCE}")), @r"
    hactl.toml:2:11: `NaN` is out of range; from 100ms to 30s is allowed
      2 | timeout = nan
        |           ^^^
    ");
    assert_snapshot!(problems(&format!("[probe]\ntimeout = 1e300\n{INSTANCE}")), @r"
    hactl.toml:2:11: `1e300` is out of range; from 100ms to 30s is allowed
      2 | timeout = 1e300
        |           ^^^^^
    ");
    assert_snapshot!(problems(&format!("[probe]\ntimeout = \"1e300s\"\n{INSTANCE}")), @r#"
    hactl.toml:2:11: `1e300s` is not a duration; write one such as "500ms" or "2s"
      2 | timeout = "1e300s"
        |           ^^^^^^^^
    "#);
}

#[test]
fn a_target_that_cannot_be_probed_says_what_to_write() {
    assert_snapshot!(problems(&format!("[probe]\ntargets = [\"https://8.8.8.8/\", \"1.1.1.1\"]\n{INSTANCE}")), @r#"
    hactl.toml:2:32: target `1.1.1.1`: no scheme; write https://1.1.1.1/
      2 | targets = ["https://8.8.8.8/", "1.1.1.1"]
        |                                ^^^^^^^^^
    "#);
    assert_snapshot!(problems(&format!("[probe]\ntargets = []\n{INSTANCE}")), @r#"
    hactl.toml:2:11: no target to probe
      2 | targets = []
        |           ^^
      next: name at least one, such as "https://1.1.1.1/", or leave `targets` out
    "#);
    assert_snapshot!(
        problems(&format!("[probe]\ntargets = [\n  \"https://8.8.8.8/\",\n  \"https://8.8.8.8/\",\n]\n{INSTANCE}")),
        @r#"
    hactl.toml:4:3: target https://8.8.8.8/ is named twice
      4 |   "https://8.8.8.8/",
        |   ^^^^^^^^^^^^^^^^^^
      next: remove one of them
    "#
    );
    assert_snapshot!(problems(&format!("[probe]\ntargets = [{{ sni = \"a.test\" }}]\n{INSTANCE}")), @r#"
    hactl.toml:2:12: `url` is missing
      2 | targets = [{ sni = "a.test" }]
        |            ^^^^^^^^^^^^^^^^^^
    "#);
}
