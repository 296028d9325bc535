//! Options may stand where people put them, and what cannot be read is told like everything else.

use clap::{CommandFactory, Parser};
use insta::assert_snapshot;

use super::*;
use crate::cli::Cli;

#[test]
fn without_a_command_it_is_status_with_all_its_options() {
    for (typed, ordered) in [
        ("", "status"),
        ("-w", "status -w"),
        ("-o json", "status -o json"),
        ("-ojson -w=1s", "status -ojson -w=1s"),
        ("--socket /x --timeout 1s", "status --socket /x --timeout 1s"),
        ("--socket=/x -qw --exit-zero", "status --socket=/x -qw --exit-zero"),
        ("-o json --help", "status -o json --help"),
    ] {
        assert_eq!(as_ordered(typed), ordered, "{typed}");
        let read = Cli::try_parse_from(typed_as(typed));
        assert!(read.is_ok() || typed.contains("--help"), "{typed}: {read:?}");
    }
}

#[test]
fn options_before_a_command_are_its_own() {
    for (typed, ordered) in [
        ("--socket /x status", "status --socket /x"),
        ("-o json --socket /x events -n 3", "events -n 3 -o json --socket /x"),
        ("--haproxy /x check wg1", "check wg1 --haproxy /x"),
        ("--color never config show", "config show --color never"),
        ("-o json raw -- show stat", "raw -o json -- show stat"),
        ("--soket x events", "status --soket x events"),
        ("-h", "-h"),
        ("--version status", "--version status"),
        ("help events", "events --help"),
        ("help", "--help"),
        ("status -w", "status -w"),
    ] {
        assert_eq!(as_ordered(typed), ordered, "{typed}");
    }
    let daemon = ["/usr/sbin/hactld", "--config", "x"].map(OsString::from).into_iter();
    assert_eq!(arguments(daemon, &Cli::command()), ["/usr/sbin/hactld", "run", "--config", "x"]);
}

#[test]
fn a_slip_of_the_fingers_is_met_with_what_was_meant() {
    assert_snapshot!(refused("statsu"), @"
    unrecognized subcommand 'statsu'
      next: a similar subcommand exists: 'status'; see `hactl --help`
    ");
    assert_snapshot!(refused("--socket x statsu"), @"
    unrecognized subcommand 'statsu'
      next: a similar subcommand exists: 'status'; see `hactl --help`
    ");
    assert_snapshot!(refused("status --soket x"), @"
    unexpected argument '--soket' found
      next: a similar argument exists: '--socket'; see `hactl status --help`
    ");
    assert_snapshot!(refused("status -o jsn"), @"
    invalid value 'jsn' for '--output <FORMAT>'
      why:  it takes table, wide, json, csv, name
      next: a similar value exists: 'json'; see `hactl status --help`
    ");
    assert_snapshot!(refused("check"), @"
    the following required arguments were not provided: <UPSTREAM>...
      next: see `hactl check --help`
    ");
    assert_snapshot!(refused("check --timeout 2 18181"), @r#"
    invalid value '2' for '--timeout <DURATION>': 2 has no unit; write "2s"
      next: see `hactl check --help`
    "#);
    assert_snapshot!(refused("check --haproxy 127.0.0.1:9999 wg1"), @"
    invalid value '127.0.0.1:9999' for '--haproxy <ADDR>': `127.0.0.1:9999` looks like a TCP address: write `tcp:127.0.0.1:9999`, or `./127.0.0.1:9999` for a file
      next: see `hactl check --help`
    ");
    assert_snapshot!(refused("run --socket="), @"
    a value is required for '--socket <PATH>' but none was supplied
      next: see `hactl run --help`
    ");
    assert_snapshot!(refused("pin a b"), @"
    unexpected argument 'b' found
      next: see `hactl pin --help`
    ");
    assert_snapshot!(refused("config shwo"), @"
    unrecognized subcommand 'shwo'
      next: a similar subcommand exists: 'show'; see `hactl config --help`
    ");
    assert_snapshot!(refused("maint a/b --for 1h --until 18:00"), @"
    the argument '--for <DURATION>' cannot be used with '--until <TIME>'
      next: see `hactl maint --help`
    ");
    assert_snapshot!(refused("-w 2s"), @"
    unrecognized subcommand '2s'
      next: an interval follows -w without a space: hactl status -w=2s; see `hactl --help`
    ");
}

#[test]
fn that_json_is_wanted_is_known_before_anything_is_read() {
    for json in ["-o json", "-ojson --soket", "--output json", "--output=json"] {
        assert!(wants_json(&typed_as(json)), "{json}");
    }
    for other in ["", "-o table", "json", "-o wide --output csv"] {
        assert!(!wants_json(&typed_as(other)), "{other}");
    }
}

fn refused(typed: &str) -> String {
    let typed = typed_as(typed);
    mistake(&Cli::try_parse_from(&typed).unwrap_err(), &typed, &Cli::command()).to_string()
}

fn as_ordered(typed: &str) -> String {
    let ordered = typed_as(typed);
    ordered[1..].iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
}

fn typed_as(typed: &str) -> Vec<OsString> {
    let words = std::iter::once("hactl").chain(typed.split_whitespace());
    arguments(words.map(OsString::from), &Cli::command())
}
