//! Two lists of decisions side by side.

use super::*;
use crate::{Cause, Failure, Stage};

fn id() -> ServerId {
    ServerId::new("b", "wg1")
}

fn health(millis: u64, from: Verdict, to: Verdict) -> Decision {
    let failure = Failure { stage: Stage::Connect, cause: Cause::Timeout, text: format!("at {millis}") };
    let reason = to.is_condemned().then_some(failure);
    let event = Event::Health { server: id(), from, to, reason, latency: None, silent: None };
    Decision { at: Time::from_millis(millis), what: Decided::Told(event) }
}

fn wants(millis: u64, want: Want) -> Decision {
    let what = Decided::Wants { server: id(), want, because: None };
    Decision { at: Time::from_millis(millis), what }
}

/// Which of the two, and when.
fn shown(first: &[Decision], second: &[Decision]) -> Vec<String> {
    let seconds = |decision: &Decision| decision.at.since_origin().as_secs();
    let text = |compared: &Compared<'_>| match compared {
        Compared::Both(one, other) => format!("both {} {}", seconds(one), seconds(other)),
        Compared::First(only) => format!("first {}", seconds(only)),
        Compared::Second(only) => format!("second {}", seconds(only)),
    };
    compare(first, second).iter().map(text).collect()
}

#[test]
fn the_same_decision_a_while_apart_is_one_and_farther_apart_is_two() {
    let at = |millis| wants(millis, Want::Maint);
    assert_eq!(shown(&[at(1_000)], &[at(61_000)]), ["both 1 61"]);
    assert_eq!(shown(&[at(61_000)], &[at(1_000)]), ["both 61 1"]);
    assert_eq!(shown(&[at(1_000)], &[at(62_000)]), ["first 1", "second 62"]);
    assert_eq!(shown(&[at(90_000)], &[at(1_000), at(80_000)]), ["second 1", "both 90 80"]);
    assert_eq!(shown(&[at(1_000), at(2_000)], &[at(3_000)]), ["both 1 3", "first 2"]);
    assert!(shown(&[], &[]).is_empty());
}

#[test]
fn other_reasons_make_no_other_decision_and_other_verdicts_and_wishes_do() {
    use Verdict::{Degraded, Offline, Online};
    assert_eq!(shown(&[health(1_000, Online, Degraded)], &[health(2_000, Online, Degraded)]), ["both 1 2"]);
    assert_eq!(
        shown(&[health(1_000, Online, Degraded)], &[health(2_000, Online, Offline)]),
        ["first 1", "second 2"]
    );
    assert_eq!(shown(&[wants(1_000, Want::Ready)], &[wants(1_000, Want::Maint)]), ["second 1", "first 1"]);
}

#[test]
fn what_haproxy_showed_was_not_decided() {
    let event = Event::InService { backend: "b".into(), from: None, to: Vec::new() };
    let seen = Decision { at: Time::ZERO, what: Decided::Told(event) };
    assert!(shown(std::slice::from_ref(&seen), &[]).is_empty());
}

#[test]
fn a_server_that_is_back_within_ten_seconds_was_probably_condemned_by_mistake() {
    use Verdict::{Degraded, Offline, Online, Unknown};
    let alarms = |decisions: &[Decision]| Summary::of(decisions).suspected_false_alarms;
    assert_eq!(alarms(&[health(0, Online, Degraded), health(10_000, Degraded, Online)]), 1);
    assert_eq!(alarms(&[health(0, Online, Degraded), health(10_001, Degraded, Online)]), 0);
    let changing =
        [health(0, Online, Degraded), health(9_000, Degraded, Offline), health(11_000, Offline, Online)];
    assert_eq!(alarms(&changing), 0, "it was out for eleven seconds");
    assert_eq!(alarms(&[health(0, Unknown, Degraded), health(1_000, Degraded, Online)]), 0, "at start");
}

#[test]
fn a_way_out_and_back_are_counted_and_the_first_wish_is_not() {
    let decisions =
        [wants(0, Want::Ready), wants(1, Want::Maint), wants(2, Want::Ready), wants(3, Want::AsIs)];
    let Summary { out, back, .. } = Summary::of(&decisions);
    assert_eq!((out, back), (1, 1));
}
