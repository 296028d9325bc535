//! How what is known is shown.

use failover::status::LatencyBounds;
use insta::assert_snapshot;

use super::*;

#[test]
fn bounds_of_latency_are_two_numbers_that_rise() {
    let with = |list: &str| format!("[ui]\nlatency_ms = {list}\n{INSTANCE}");
    let latency = |text: &str| resolved(text, &[], &Flags::default()).unwrap().latency;
    assert_eq!(latency(INSTANCE), LatencyBounds { raised: 200, high: 500 });
    assert_eq!(latency(&with("[50, 60000]")), LatencyBounds { raised: 50, high: 60000 });
    assert_snapshot!(problems(&with("[500, 200]")), @"
    hactl.toml:2:14: 200 is not more than 500, so that nothing would be raised
      2 | latency_ms = [500, 200]
        |              ^^^^^^^^^^
      next: write two numbers, the smaller one first, such as [200, 500]
    ");
    assert_snapshot!(problems(&with("[0, 200]")), @"
    hactl.toml:2:14: 0 is no bound: every latency would be raised
      2 | latency_ms = [0, 200]
        |              ^^^^^^^^
      next: write two numbers, the smaller one first, such as [200, 500]
    ");
    assert_snapshot!(problems(&with("[200, 60001]")), @"
    hactl.toml:2:14: 60001 is more than a minute (60000)
      2 | latency_ms = [200, 60001]
        |              ^^^^^^^^^^^^
      next: write two numbers, the smaller one first, such as [200, 500]
    ");
    assert_snapshot!(problems(&with("[200]")), @"
    hactl.toml:2:14: it has 1 of the two numbers
      2 | latency_ms = [200]
        |              ^^^^^
      next: write two numbers, the smaller one first, such as [200, 500]
    ");
    assert_snapshot!(problems(&with("[200, -1]")), @"
    hactl.toml:2:20: found the number -1, expected a whole number
      2 | latency_ms = [200, -1]
        |                    ^^
    ");
    assert_snapshot!(problems(&with("[\"200ms\", \"500ms\"]")), @r#"
    hactl.toml:2:15: found the string "200ms", expected a whole number
      2 | latency_ms = ["200ms", "500ms"]
        |               ^^^^^^^
    "#);
    assert_snapshot!(problems(&format!("[ui]\nlatency = [1, 2]\n{INSTANCE}")), @"
    hactl.toml:2:1: unknown key `latency`
      2 | latency = [1, 2]
        | ^^^^^^^ did you mean `latency_ms`?   known: latency_ms
    ");
}
