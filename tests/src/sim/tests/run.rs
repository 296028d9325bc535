//! Scenarios from end to end, with whatever is plugged in.

use crate::sim::catalogue::SECTIONS;
use crate::sim::run::{How, simulate};
use crate::sim::scenario::Scenario;
use crate::sim::trace::trace;

#[test]
fn a_seed_shows_the_same_on_however_many_cores() {
    let shown = |seed| {
        let how = How { seed, quick: true };
        format!("{:?}", simulate(&[scenario("brown-out-long")], how))
    };
    assert_eq!(shown(1), shown(1));
    assert_ne!(shown(1), shown(2));
}

#[test]
fn a_trace_ends_with_the_switch() {
    let black_hole = scenario("black-hole");
    let text = trace(black_hole, black_hole.size.quick, 1, 0);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("black-hole, run 0, it happens at 0 d 00:01:"), "{}", lines[0]);
    assert!(lines[0].contains("first switch at 0 d 00:01:"), "{}", lines[0]);
    assert!(lines.iter().any(|line| line.ends_with("haproxy [\"wg2\"]")), "{text}");
}

fn scenario(key: &str) -> &'static Scenario {
    let mut all = SECTIONS.iter().flat_map(|section| section.scenarios);
    all.find(|scenario| scenario.key == key).expect("there is such a scenario")
}
