//! Rules of one backend, and those that cannot be used.

use insta::assert_snapshot;

use super::*;

#[test]
fn every_rule_is_read() {
    let text = format!(
        r#"{INSTANCE}
policy = "latency"
tiers = [["b"], ["a"]]
failback = "manual"
allow_exit_change = false
when_all_down = "fail-closed"
on_slow = "move"
on_fail = "keep"
on_steer = "kill"
on_failback = "kill"
kill_after = "0s"
"#
    );
    let rules = Rules {
        policy: Policy::Latency,
        tiers: vec![vec![Name::from("b")], vec![Name::from("a")]],
        failback: Failback::Manual,
        allow_exit_change: false,
        when_all_down: WhenAllDown::FailClosed,
        on_slow: OnSlow::Move,
        on_fail: Sessions::Keep,
        on_steer: Sessions::Kill,
        on_failback: Sessions::Kill,
        kill_after: Duration::ZERO,
    };
    assert_eq!(resolved(&text, &[], &Flags::default()).unwrap().instances[0].backends[0].rules, rules);
}

#[test]
fn a_word_that_is_not_known_is_told_from_those_that_are() {
    assert_snapshot!(problems(&format!("{INSTANCE}failback = \"later\"\n")), @r#"
    hactl.toml:6:12: unknown failback `later`; known: auto, manual, never
      6 | failback = "later"
        |            ^^^^^^^
    "#);
    assert_snapshot!(problems(&format!("{INSTANCE}when_all_down = \"last_good\"\n")), @r#"
    hactl.toml:6:17: unknown when_all_down `last_good`; known: last-good, fail-closed, all-open
      6 | when_all_down = "last_good"
        |                 ^^^^^^^^^^^
    "#);
    assert_snapshot!(problems(&format!("{INSTANCE}on_fail = \"cut\"\n")), @r#"
    hactl.toml:6:11: unknown way with sessions `cut`; known: keep, kill
      6 | on_fail = "cut"
        |           ^^^^^
    "#);
    assert_snapshot!(problems(&format!("{INSTANCE}policy = \"fastest\"\n")), @r#"
    hactl.toml:6:10: unknown policy `fastest`; known: order, latency
      6 | policy = "fastest"
        |          ^^^^^^^^^
    "#);
    assert_snapshot!(problems(&format!("{INSTANCE}allow_exit_change = \"no\"\n")), @r#"
    hactl.toml:6:21: found the string "no", expected true or false
      6 | allow_exit_change = "no"
        |                     ^^^^
    "#);
    assert_snapshot!(problems(&format!("{INSTANCE}kill_after = \"2h\"\n")), @r#"
    hactl.toml:6:14: `2h` is out of range; from 0s to 1h is allowed
      6 | kill_after = "2h"
        |              ^^^^
    "#);
}

#[test]
fn each_server_is_in_one_tier_once_and_only_where_it_is_steered() {
    assert_snapshot!(problems(&format!("{INSTANCE}tiers = [[\"wg1\", \"wg2\"], [\"wg1\"]]\n")), @r#"
    hactl.toml:6:27: server wg1 is named twice in `tiers`
      6 | tiers = [["wg1", "wg2"], ["wg1"]]
        |                           ^^^^^
      next: remove one of them
    "#);
    assert_snapshot!(problems(&format!("{INSTANCE}tiers = [[\"wg1\"], []]\n")), @r#"
    hactl.toml:6:19: a tier without servers
      6 | tiers = [["wg1"], []]
        |                   ^^
      next: name one, or remove the tier
    "#);
    let left_out = format!("{INSTANCE}servers = [\"wg1\"]\ntiers = [[\"wg1\"], [\"wg2\"]]\n");
    assert_snapshot!(problems(&left_out), @r#"
    hactl.toml:7:20: `tiers` names wg2, which `servers` leaves out
      7 | tiers = [["wg1"], ["wg2"]]
        |                    ^^^^^
      next: add it to `servers`, or remove it here
    "#);
    assert_snapshot!(problems(&format!("{INSTANCE}tiers = [\"wg1\"]\n")), @r#"
    hactl.toml:6:10: found the string "wg1", expected a list in square brackets
      6 | tiers = ["wg1"]
        |          ^^^^^
    "#);
    let hostile = problems(&format!("{INSTANCE}tiers = [[\"wg1;\"]]\n"));
    assert!(hostile.starts_with("hactl.toml:6:11: "), "{hostile}");
}
