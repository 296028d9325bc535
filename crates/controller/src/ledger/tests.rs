//! Claims against sights, one by one.

use super::*;

const HERE: Identity = Identity { srv_id: 1 };
/// When the commands of these tests are written down.
const SENT: Timestamp = Timestamp::constant(7, 0);
pub(super) const READY: Seen =
    Seen { identity: HERE, set: Admin::Ready, disabled: false, ready: true, changed: -1, changed_at: SENT };
pub(super) const MAINT: Seen = Seen { set: Admin::Maint, ready: false, changed: 60, ..READY };
const DRAIN: Seen = Seen { set: Admin::Drain, ready: false, changed: 70, ..READY };

#[test]
fn a_claim_lasts_from_the_command_as_long_as_its_effect_is_seen() {
    for (seen, set) in [(MAINT, Admin::Maint), (DRAIN, Admin::Drain)] {
        let mut ledger = ledger_with(&[step("wg1", set)]);
        assert_eq!(settle(&mut ledger, seen), News::default());
        assert!(ledger.is_ours(&wg1(), set));
        ledger.intend(&step("wg1", Admin::Ready), Timestamp::UNIX_EPOCH);
        ledger.accepted(&wg1());
        assert_eq!(settle(&mut ledger, READY), News::default(), "it was us");
        assert!(!ledger.is_ours(&wg1(), set) && ledger.is_reopened(&wg1()));
        ledger.intend(&step("wg1", set), Timestamp::UNIX_EPOCH);
        assert!(!ledger.is_reopened(&wg1()));
    }
}

#[test]
fn our_drain_can_become_our_maint_and_is_ours_until_then_and_if_that_is_lost() {
    let drained = || {
        let mut ledger = ledger_with(&[step("wg1", Admin::Drain)]);
        settle(&mut ledger, DRAIN);
        ledger.intend(&maint("wg1"), Timestamp::UNIX_EPOCH);
        ledger
    };
    let mut ledger = drained();
    assert!(ledger.is_ours(&wg1(), Admin::Drain));
    assert_eq!(settle(&mut ledger, MAINT), News::default());
    assert!(ledger.is_ours(&wg1(), Admin::Maint) && !ledger.is_ours(&wg1(), Admin::Drain));
    let mut ledger = drained();
    for _ in 0..10 {
        assert_eq!(settle(&mut ledger, DRAIN), News::default());
        assert!(ledger.is_ours(&wg1(), Admin::Drain));
    }
    assert_eq!(ledger.claims[&wg1()].next, None);
    let mut ledger = drained();
    ledger.withdraw(&wg1());
    settle(&mut ledger, DRAIN);
    assert!(ledger.is_ours(&wg1(), Admin::Drain));
}

#[test]
fn what_another_does_over_ours_ends_the_claim_and_a_ready_is_told_once() {
    let mut ledger = confirmed();
    assert_eq!(settle(&mut ledger, DRAIN), foreign());
    settle(&mut ledger, MAINT);
    assert!(!ledger.is_ours(&wg1(), Admin::Maint), "the maint after the drain is theirs");

    let mut ledger = confirmed();
    assert_eq!(settle(&mut ledger, READY), overridden());
    assert_eq!(settle(&mut ledger, READY), News::default());
    assert!(ledger.is_reopened(&wg1()) && !ledger.is_ours(&wg1(), Admin::Maint));
    settle_in(&mut ledger, READY, 500);
    assert!(!ledger.is_reopened(&wg1()), "another process knows nothing of it");
}

#[test]
fn what_was_undone_and_done_again_between_two_looks_is_theirs() {
    let mut ledger = confirmed();
    settle(&mut ledger, Seen { changed: MAINT.changed + CHANGED_TOLERANCE, ..MAINT });
    assert!(ledger.is_ours(&wg1(), Admin::Maint), "HAProxy tells whole seconds");
    settle(&mut ledger, Seen { changed: MAINT.changed + CHANGED_TOLERANCE + 1, ..MAINT });
    assert!(!ledger.is_ours(&wg1(), Admin::Maint));
}

#[test]
fn our_drain_stays_ours_whatever_haproxys_own_check_says_meanwhile() {
    let mut ledger = ledger_with(&[step("wg1", Admin::Drain)]);
    settle(&mut ledger, DRAIN);
    for flip in 1..5 {
        let news = settle(&mut ledger, Seen { changed: DRAIN.changed + 10 * flip, ..DRAIN });
        assert_eq!(news, News::default());
        assert!(ledger.is_ours(&wg1(), Admin::Drain));
    }
}

#[test]
fn another_server_of_the_same_name_is_not_ours() {
    let other = Seen { identity: Identity { srv_id: 4 }, ..MAINT };
    let mut ledger = confirmed();
    assert_eq!(settle(&mut ledger, other), News::default(), "nobody changed this one");
    assert!(!ledger.is_ours(&wg1(), Admin::Maint));
    let mut ledger = ledger_with(&[maint("wg1")]);
    settle(&mut ledger, other);
    assert!(!ledger.is_ours(&wg1(), Admin::Maint), "it was the former one that was meant");
    let mut ledger = confirmed();
    ledger.settle(BTreeMap::new(), &process());
    settle(&mut ledger, MAINT);
    assert!(!ledger.is_ours(&wg1(), Admin::Maint));
}

#[test]
fn another_process_may_hand_ours_on_but_not_what_is_younger_than_it_or_disabled() {
    let handed_on = Seen { identity: Identity { srv_id: 4 }, changed: -20, ..MAINT };
    for (seen, is_ours) in [
        (handed_on, true),
        (Seen { changed: CHANGED_TOLERANCE, ..handed_on }, true),
        (Seen { changed: CHANGED_TOLERANCE + 1, ..handed_on }, false),
        (Seen { disabled: true, ..handed_on }, false),
        (Seen { changed: -20, ..DRAIN }, false),
        (READY, false),
    ] {
        let mut ledger = confirmed();
        assert_eq!(settle_in(&mut ledger, seen, 500), News::default(), "nobody overrode, {seen:?}");
        assert_eq!(ledger.is_ours(&wg1(), seen.set), is_ours, "{seen:?}");
    }
}

#[test]
fn a_command_whose_outcome_is_unknown_is_ours_for_a_while() {
    let mut ledger = ledger_with(&[maint("wg1")]);
    assert_eq!(settle(&mut ledger, READY), News::default());
    assert_eq!(settle(&mut ledger, MAINT), News::default());
    assert!(ledger.is_ours(&wg1(), Admin::Maint));
    let mut ledger = ledger_with(&[maint("wg1")]);
    assert_eq!(settle(&mut ledger, DRAIN), foreign());
    settle(&mut ledger, MAINT);
    assert!(!ledger.is_ours(&wg1(), Admin::Maint), "somebody else drained it before it was read back");
    let mut ledger = ledger_with(&[maint("wg1")]);
    for _ in 0..=SIGHTS_UNSEEN_MAX {
        assert!(ledger.is_ours(&wg1(), Admin::Maint));
        assert_eq!(settle(&mut ledger, READY), News::default());
    }
    assert!(!ledger.is_ours(&wg1(), Admin::Maint));
}

#[test]
fn what_haproxy_took_and_does_not_show_was_undone_by_another_at_once() {
    let mut ledger = ledger_with(&[maint("wg1")]);
    ledger.accepted(&wg1());
    assert_eq!(settle(&mut ledger, READY), overridden());
    let mut ledger = confirmed();
    ledger.intend(&step("wg1", Admin::Ready), Timestamp::UNIX_EPOCH);
    ledger.accepted(&wg1());
    assert_eq!(settle(&mut ledger, MAINT), foreign());
    assert_eq!(settle(&mut ledger, MAINT), News::default(), "it counts once");
}

#[test]
fn what_was_refused_or_not_sent_is_no_claim() {
    let mut ledger = ledger_with(&[maint("wg1")]);
    ledger.withdraw(&wg1());
    settle(&mut ledger, MAINT);
    assert!(!ledger.is_ours(&wg1(), Admin::Maint));
}

#[test]
fn what_others_do_to_a_server_that_is_not_ours_is_seen_too() {
    let mut ledger = ledger_with(&[]);
    for seen in [DRAIN, MAINT, READY] {
        assert_eq!(settle(&mut ledger, seen), foreign());
        assert_eq!(settle(&mut ledger, seen), News::default());
    }
    assert_eq!(settle_in(&mut ledger, MAINT, 500), News::default(), "another process is nobody's doing");
}

#[test]
fn a_claim_of_an_earlier_run_holds_only_where_haproxy_still_shows_it_so() {
    let kept = News { kept: vec![(wg1(), Admin::Maint)], ..News::default() };
    let overridden = News { foreign: Vec::new(), ..overridden() };
    let unknown = News { unknown: vec![(wg1(), Admin::Maint)], ..News::default() };
    let later = Seen { changed: MAINT.changed + 100, ..MAINT };
    for (seen, process, expected, is_ours) in [
        (Some(MAINT), 412, &kept, true),
        (Some(later), 412, &News::default(), false),
        (Some(READY), 412, &overridden, false),
        (Some(READY), 500, &News::default(), false),
        (Some(later), 500, &News::default(), false),
        (None, 412, &unknown, false),
    ] {
        let mut ledger = reread(confirmed());
        let seen = seen.map(|seen| (wg1(), seen)).into_iter().collect();
        let news = ledger.settle(seen, &Process { pid: process, ..self::process() });
        assert_eq!((&news, ledger.is_ours(&wg1(), Admin::Maint)), (expected, is_ours));
    }
}

#[test]
fn killed_between_the_ledger_and_the_command_or_before_its_reply_the_next_run_finds_out_which() {
    let mut ledger = reread(ledger_with(&[maint("wg1")]));
    assert_eq!(settle(&mut ledger, MAINT).kept, [(wg1(), Admin::Maint)], "it was carried out");
    assert!(ledger.is_ours(&wg1(), Admin::Maint));
    let mut ledger = reread(ledger_with(&[maint("wg1")]));
    for _ in 0..=SIGHTS_UNSEEN_MAX {
        assert_eq!(settle(&mut ledger, READY), News::default(), "it was not, and nobody overrode it");
    }
    assert!(!ledger.is_ours(&wg1(), Admin::Maint));
    let mut opening = confirmed();
    opening.intend(&step("wg1", Admin::Ready), Timestamp::UNIX_EPOCH);
    assert_eq!(settle(&mut reread(opening), READY), News::default(), "it was us");
}

#[test]
fn an_operators_maint_long_after_the_kill_is_theirs_although_ours_was_to_be_sent() {
    for (after, is_ours) in [(-60, false), (0, true), (SENT_WITHIN, true), (SENT_WITHIN + 1, false)] {
        let mut ledger = reread(ledger_with(&[maint("wg1")]));
        let changed_at = Timestamp::from_second(SENT.as_second() + after).unwrap();
        settle(&mut ledger, Seen { changed_at, ..MAINT });
        assert_eq!(ledger.is_ours(&wg1(), Admin::Maint), is_ours, "{after} s");
    }
}

pub(super) fn wg1() -> ServerId {
    ServerId::new("b", "wg1")
}

pub(crate) fn maint(server: &str) -> Step {
    step(server, Admin::Maint)
}

fn step(server: &str, set: Admin) -> Step {
    Step { server: ServerId::new("b", server), set, why: Some(Name::from("silence")) }
}

pub(super) fn process() -> Process {
    Process { pid: 412, start_time: 1_760_000_000, version: "2.6.12".to_owned() }
}

/// A ledger that saw `wg1` ready and was told of these steps.
pub(crate) fn ledger_with(steps: &[Step]) -> Ledger {
    let mut ledger = Ledger::default();
    settle(&mut ledger, READY);
    for step in steps {
        ledger.intend(step, SENT);
    }
    ledger
}

fn confirmed() -> Ledger {
    let mut ledger = ledger_with(&[maint("wg1")]);
    ledger.accepted(&wg1());
    assert_eq!(settle(&mut ledger, MAINT), News::default());
    assert!(ledger.is_ours(&wg1(), Admin::Maint));
    ledger
}

/// As the next run has it from the file.
fn reread(ledger: Ledger) -> Ledger {
    let text = serde_json::to_string(&ledger.claims).unwrap();
    let claims = serde_json::from_str(&text).unwrap();
    let mut next = Ledger::default();
    next.adopt(ledger.process, claims);
    next
}

pub(super) fn settle(ledger: &mut Ledger, seen: Seen) -> News {
    settle_in(ledger, seen, 412)
}

fn settle_in(ledger: &mut Ledger, seen: Seen, pid: u32) -> News {
    ledger.settle(BTreeMap::from([(wg1(), seen)]), &Process { pid, ..process() })
}

fn foreign() -> News {
    News { foreign: vec![wg1()], ..News::default() }
}

fn overridden() -> News {
    News { overridden: vec![(wg1(), Admin::Maint)], ..foreign() }
}
