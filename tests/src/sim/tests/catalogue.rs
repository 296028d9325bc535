//! The scenarios as data: nothing in them is meant twice.

use std::collections::BTreeSet;

use crate::sim::catalogue::SECTIONS;
use crate::sim::column::COLUMNS;
use crate::sim::scene::Scene;

#[test]
fn every_scenario_has_a_name_of_its_own_and_something_to_show() {
    let scenarios: Vec<_> = SECTIONS.iter().flat_map(|section| section.scenarios).collect();
    let keys: BTreeSet<&str> = scenarios.iter().map(|scenario| scenario.key).collect();
    assert_eq!(keys.len(), scenarios.len());
    for scenario in scenarios {
        assert!(!scenario.rows.is_empty(), "{}", scenario.key);
        let sizes = [scenario.size.ours, scenario.size.rivals, scenario.size.quick];
        assert!(sizes.iter().all(|runs| runs.number > 0), "{}", scenario.key);
    }
}

#[test]
fn the_last_column_is_the_one_that_every_figure_is_wanted_of() {
    let last = COLUMNS.last().unwrap();
    assert!(last.is_fast());
}

#[test]
fn what_happens_is_the_same_for_all_and_another_thing_in_each_run() {
    for scenario in SECTIONS.iter().flat_map(|section| section.scenarios) {
        let scene = |seed, run| Scene::new(scenario, scenario.size.quick.span, seed, run);
        assert_eq!(scene(1, 0).begins, scene(1, 0).begins, "{}", scenario.key);
        assert_ne!(scene(1, 0).begins, scene(1, 1).begins, "{}", scenario.key);
        assert_ne!(scene(1, 0).begins, scene(2, 0).begins, "{}", scenario.key);
        assert_eq!(scene(1, 0).times > 0, scenario.happens.is_some(), "{}", scenario.key);
    }
}
