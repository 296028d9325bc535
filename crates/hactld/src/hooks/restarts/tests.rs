//! When a server is restarted, on a clock of the tests.

use failover::Severity;
use jiff::Timestamp;

use super::*;
use crate::config::Command;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn it_is_restarted_after_a_while_again_after_the_cooldown_and_so_often_in_an_hour() {
    let (mut restarts, start) = (Restarts::default(), Instant::now());
    restarts.take(&health("offline"), start);
    let at = run_until(&mut restarts, start, 7200);
    assert_eq!(at, [30, 150, 270, 3630, 3750, 3870]);
}

#[test]
fn one_that_is_well_again_before_is_left_alone() {
    let (mut restarts, start) = (Restarts::default(), Instant::now());
    restarts.take(&health("degraded"), start);
    restarts.take(&health("offline"), start + 20 * SECOND);
    assert_eq!(restarts.due(&rules()), Some(start + 30 * SECOND), "the time runs on");
    restarts.take(&health("online"), start + 29 * SECOND);
    assert_eq!(restarts.due(&rules()), None);
    restarts.take(&health("offline"), start + 40 * SECOND);
    restarts.take(&entry("gone", None), start + 41 * SECOND);
    assert_eq!(restarts.due(&rules()), None, "HAProxy has it no more");
}

#[test]
fn where_nothing_answers_nobody_is_restarted() {
    let (mut restarts, start) = (Restarts::default(), Instant::now());
    restarts.take(&health("degraded"), start);
    restarts.take(&entry("frozen", None), start);
    assert_eq!(restarts.due(&rules()), None);
    restarts.take(&entry("thawed", None), start + 90 * SECOND);
    assert_eq!(restarts.due(&rules()), Some(start + 30 * SECOND));
}

#[test]
fn what_was_done_before_this_life_counts() {
    let (mut restarts, start) = (Restarts::default(), Instant::now() + 4000 * SECOND);
    restarts.was_run(&entry("restart", None), start - 10 * SECOND);
    restarts.take(&health("degraded"), start);
    assert_eq!(restarts.due(&rules()), Some(start + 110 * SECOND));
}

#[test]
fn one_that_is_under_way_is_waited_for_and_who_has_no_rule_is_left_alone() {
    let (mut restarts, start) = (Restarts::default(), Instant::now());
    restarts.take(&health("degraded"), start);
    assert!(restarts.take_due(&BTreeMap::new(), start + 900 * SECOND, 9).is_empty());
    assert_eq!(restarts.take_due(&rules(), start + 900 * SECOND, 9).len(), 1);
    assert_eq!(restarts.due(&rules()), None);
    restarts.ended(&key());
    assert_eq!(restarts.due(&rules()), Some(start + 1020 * SECOND));
}

#[test]
fn of_many_that_fail_together_a_few_are_restarted_at_a_time_the_longest_due_first() {
    let (mut restarts, start) = (Restarts::default(), Instant::now());
    let key = |number: u32| Key { server: format!("wg{number}"), ..key() };
    let rules: BTreeMap<Key, Restart> =
        (0..20).map(|number| (key(number), rules().into_values().next().unwrap())).collect();
    for number in (0..20).rev() {
        let failed = Entry { server: Some(key(number).server), ..(*health("degraded")).clone() };
        restarts.take(&Arc::new(failed), start + (20 - number) * SECOND);
    }
    let due = restarts.take_due(&rules, start + 900 * SECOND, 3);
    let names: Vec<&str> = due.iter().map(|(key, _)| key.server.as_str()).collect();
    assert_eq!((names, restarts.under_way()), (vec!["wg19", "wg18", "wg17"], 3));
}

#[test]
fn who_works_on_a_server_is_not_disturbed_and_has_a_while_after() {
    let (mut restarts, start) = (Restarts::default(), Instant::now());
    restarts.take(&health("offline"), start);
    for (kind, from, to) in [
        ("override", None, Some("maint")),
        ("override", None, Some("ready")),
        ("override_kept", None, Some("drain")),
    ] {
        restarts.take(&ordered(kind, from, to), start + SECOND);
        assert_eq!(restarts.due(&rules()), None, "{kind} {to:?}");
        let (end, was) = if to == Some("maint") { ("auto", None) } else { ("override_expired", to) };
        restarts.take(&ordered(end, was, None), start + 900 * SECOND);
        assert_eq!(restarts.due(&rules()), Some(start + 930 * SECOND), "{kind} {to:?}");
    }
    restarts.take(&health("online"), start + 910 * SECOND);
    restarts.take(&health("offline"), start + 920 * SECOND);
    assert_eq!(restarts.due(&rules()), Some(start + 950 * SECOND));
}

#[test]
fn after_a_pause_it_has_a_while_too_and_a_pin_holds_nothing() {
    let (mut restarts, start) = (Restarts::default(), Instant::now());
    restarts.take(&health("offline"), start);
    restarts.take(&entry("resumed", None), start + 300 * SECOND);
    assert_eq!(restarts.due(&rules()), Some(start + 330 * SECOND));
    restarts.take(&ordered("override_kept", None, Some("pin")), start + 301 * SECOND);
    restarts.take(&ordered("pin", None, Some("pin")), start + 301 * SECOND);
    assert_eq!(restarts.due(&rules()), Some(start + 330 * SECOND));
}

/// The seconds at which it is restarted, where nothing else happens.
fn run_until(restarts: &mut Restarts, start: Instant, end: u64) -> Vec<u64> {
    let mut at = Vec::new();
    while let Some(due) = restarts.due(&rules()).filter(|due| *due < start + Duration::from_secs(end)) {
        assert_eq!(restarts.take_due(&rules(), due, 9).len(), 1);
        restarts.ended(&key());
        at.push((due - start).as_secs());
    }
    at
}

fn key() -> Key {
    Key { instance: "7891".to_owned(), backend: "b".to_owned(), server: "wg1".to_owned() }
}

fn rules() -> BTreeMap<Key, Restart> {
    let command = Command { program: "/bin/true".into(), arguments: Vec::new(), timeout: SECOND };
    let rule = Restart { command, after: 30 * SECOND, cooldown: 120 * SECOND, per_hour: 3 };
    BTreeMap::from([(key(), rule)])
}

fn health(to: &str) -> Arc<Entry> {
    entry("health", Some(to))
}

fn ordered(kind: &str, from: Option<&str>, to: Option<&str>) -> Arc<Entry> {
    let entry = Entry::clone(&entry(kind, to));
    Arc::new(Entry { from: from.map(str::to_owned), ..entry })
}

fn entry(kind: &str, to: Option<&str>) -> Arc<Entry> {
    Arc::new(Entry {
        seq: 1,
        at: Timestamp::UNIX_EPOCH,
        instance: Some("7891".to_owned()),
        kind: kind.to_owned(),
        severity: Severity::Info,
        backend: Some("b".to_owned()),
        server: Some("wg1".to_owned()),
        from: None,
        to: to.map(str::to_owned),
        text: String::new(),
        why: None,
        by: None,
        began: None,
    })
}
