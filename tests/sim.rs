//! The failure detector on virtual time, in small: what no real network shows on demand, day after day of it.
//! `make sim` is the same in large.

use std::process::{Command, Output};

fn sim(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sim")).args(arguments).output().expect("the simulator begins")
}

#[test]
fn every_figure_is_as_wanted() {
    let output = sim(&["--quick"]);
    let table = String::from_utf8_lossy(&output.stdout);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{told}\n{table}", output.status);
    let judged = table.lines().filter(|line| line.ends_with(" ok")).count();
    assert!(judged >= 15, "only {judged} figures were judged\n{table}");
}

#[test]
fn what_it_is_not_asked_right_it_does_not_simulate() {
    for arguments in [&["--qick"][..], &["--only", "no-such"], &["--only"], &["--seed", "many"]] {
        let output = sim(arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("usage: sim"), "{arguments:?}");
    }
}
