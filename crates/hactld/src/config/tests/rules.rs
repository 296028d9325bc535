//! Rules of one backend that cannot be used.

use insta::assert_snapshot;

use super::*;

#[test]
fn a_word_that_is_not_known_is_told_from_those_that_are() {
    assert_snapshot!(problems(&format!("{INSTANCE}failback = \"later\"\n")), @"");
    assert_snapshot!(problems(&format!("{INSTANCE}when_all_down = \"last_good\"\n")), @"");
    assert_snapshot!(problems(&format!("{INSTANCE}on_fail = \"cut\"\n")), @"");
    assert_snapshot!(problems(&format!("{INSTANCE}policy = \"fastest\"\n")), @"");
    assert_snapshot!(problems(&format!("{INSTANCE}allow_exit_change = \"no\"\n")), @"");
    assert_snapshot!(problems(&format!("{INSTANCE}kill_after = \"2h\"\n")), @"");
}

#[test]
fn each_server_is_in_one_tier_once_and_only_where_it_is_steered() {
    assert_snapshot!(problems(&format!("{INSTANCE}tiers = [[\"wg1\", \"wg2\"], [\"wg1\"]]\n")), @"");
    assert_snapshot!(problems(&format!("{INSTANCE}tiers = [[\"wg1\"], []]\n")), @"");
    assert_snapshot!(problems(&format!("{INSTANCE}servers = [\"wg1\"]\ntiers = [[\"wg1\"], [\"wg2\"]]\n")), @"");
    assert_snapshot!(problems(&format!("{INSTANCE}tiers = [[\"wg1;\"]]\n")), @"");
    assert_snapshot!(problems(&format!("{INSTANCE}tiers = [\"wg1\"]\n")), @"");
}
