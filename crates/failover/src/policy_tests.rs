//! Tables of what is wanted, rule by rule.

use super::*;
use crate::Policy;

use Verdict::{Degraded, Offline, Online, Unknown};

const NAMES: [&str; 3] = ["wg1", "wg2", "warp"];

#[test]
fn with_a_successor_condemned_servers_go_out_and_unknown_ones_are_left_alone() {
    use Want::{AsIs, Maint, Ready};
    assert_eq!(wants([Degraded, Online, Online], [Ready; 3], false), [Maint, Ready, Ready]);
    assert_eq!(wants([Degraded, Offline, Online], [AsIs; 3], false), [Maint, Maint, Ready]);
    assert_eq!(wants([Unknown, Degraded, Online], [AsIs; 3], false), [Want::Unknown, Maint, Ready]);
    assert_eq!(wants([Degraded, Degraded, Degraded], [AsIs; 3], true), [Maint; 3]);
}

#[test]
fn with_everything_down_the_last_good_state_of_affairs_stays() {
    use Want::{AsIs, Maint, Ready};
    assert_eq!(wants([Degraded, Offline, Degraded], [Maint, Maint, Ready], false), [Maint, Maint, AsIs]);
    assert_eq!(wants([Degraded; 3], [Ready; 3], false), [AsIs; 3]);
    assert_eq!(
        wants([Unknown, Degraded, Unknown], [Want::Unknown; 3], false),
        [Want::Unknown, AsIs, Want::Unknown]
    );
}

/// Every combination of verdicts and of what was wanted before: the defaults never drain, shut or open by rule, and take
/// nothing out that carries traffic.
#[test]
fn by_default_no_rule_touches_what_carries_traffic() {
    let verdicts = [Unknown, Online, Degraded, Offline];
    let before = [Want::Ready, Want::Drain, Want::Maint, Want::Shut, Want::AsIs, Want::Unknown];
    for of in all([0, 1, 2], verdicts) {
        for previous in before {
            for balance in [Balance::First, Balance::Spread] {
                let mut view = view(of);
                view.balance = balance;
                for server in &mut view.servers {
                    server.previous = previous;
                }
                for (server, choice) in view.servers.iter().zip(decide(&Rules::DEFAULT, &view)) {
                    let plain = matches!(choice.want, Want::Ready | Want::Maint | Want::AsIs | Want::Unknown);
                    assert!(plain && !choice.cause.is_rule(), "{of:?}: {choice:?}");
                    assert_eq!(server.verdict == Online, choice.want == Want::Ready, "{of:?}");
                }
            }
        }
    }
}

#[test]
fn without_configured_tiers_they_are_those_of_haproxy() {
    let (a, b, c) = (Name::from("a"), Name::from("b"), Name::from("c"));
    let of =
        |backups: [bool; 3]| tiers(&Rules::DEFAULT, &[(&a, backups[0]), (&b, backups[1]), (&c, backups[2])]);
    assert_eq!(of([true, true, true]), [0, 1, 2]);
    assert_eq!(of([false, false, true]), [0, 0, 1]);
    assert_eq!(of([false, true, true]), [0, 1, 2]);
    let rules = tiered(&[&["c"], &["a"]]);
    assert_eq!(
        tiers(&rules, &[(&a, false), (&b, false), (&c, true)]),
        [1, 2, 0],
        "who is left out comes last"
    );
}

#[test]
fn where_the_tiers_contradict_haproxy_what_it_prefers_is_drained_while_something_better_works() {
    let rules = tiered(&[&["warp"], &["wg1", "wg2"]]);
    let mut view = view([Online; 3]);
    assert_eq!(of(&rules, &view), [Want::Drain, Want::Drain, Want::Ready]);
    assert_eq!(chosen(&rules, &view)[0].cause, Cause::Tier("warp".into()));
    view.servers[2].verified = false;
    assert_eq!(of(&rules, &view), [Want::Ready; 3], "nothing is moved to a server in doubt");
    view.servers[0].previous = Want::Drain;
    assert_eq!(of(&rules, &view)[0], Want::Drain, "what was moved stays");
    view.servers[2].available = false;
    assert_eq!(of(&rules, &view), [Want::Ready; 3], "HAProxy would not use it");
    view.servers[2] = ServerView { verdict: Degraded, ..view.servers[2].clone() };
    assert_eq!(of(&rules, &view), [Want::Ready, Want::Ready, Want::Maint]);
}

#[test]
fn latency_drains_what_haproxy_would_use_in_place_of_the_chosen_one_and_no_other_tier() {
    let rules = Rules { policy: Policy::Latency, ..tiered(&[&["wg1", "wg2"], &["warp"]]) };
    let mut view = view([Online; 3]);
    for (steered, first, spread) in [
        (None, [Want::Ready; 3], [Want::Ready; 3]),
        (Some("wg1"), [Want::Ready; 3], [Want::Ready, Want::Drain, Want::Ready]),
        (Some("wg2"), [Want::Drain, Want::Ready, Want::Ready], [Want::Drain, Want::Ready, Want::Ready]),
        (Some("warp"), [Want::Ready; 3], [Want::Ready; 3]),
    ] {
        view.steered = steered.map(Name::from);
        for server in &mut view.servers {
            server.backup = true;
        }
        assert_eq!(of(&rules, &view), first, "{steered:?}");
        for server in &mut view.servers[..2] {
            server.backup = false;
        }
        assert_eq!(of(&rules, &view), first, "{steered:?}");
        view.balance = Balance::Spread;
        assert_eq!(of(&rules, &view), spread, "{steered:?}");
        view.balance = Balance::First;
    }
    let order = Rules { policy: Policy::Order, ..rules };
    view.steered = Some("wg2".into());
    assert_eq!(of(&order, &view), [Want::Ready; 3]);
}

#[test]
fn who_was_out_waits_while_a_less_preferred_one_works_unless_failback_is_auto() {
    use Failback::{Auto, Manual, Never};
    // wg1 was out and is good again.
    for (failback, wg2, warp, expected) in [
        (Auto, Online, Online, Want::Ready),
        (Manual, Online, Online, Want::Maint),
        (Never, Online, Online, Want::Maint),
        (Manual, Degraded, Online, Want::Maint),
        (Manual, Degraded, Degraded, Want::Ready),
        (Manual, Unknown, Unknown, Want::Ready),
    ] {
        let rules = Rules { failback, ..Rules::DEFAULT };
        let mut view = view([Online, wg2, warp]);
        view.servers[0].out = true;
        assert_eq!(of(&rules, &view)[0], expected, "{failback:?} {wg2:?} {warp:?}");
    }
    let rules = Rules { failback: Manual, ..Rules::DEFAULT };
    let mut starting = view([Online, Unknown, Unknown]);
    (starting.servers[0].out, starting.servers[1].unsettled) = (true, true);
    assert_eq!(of(&rules, &starting)[0], Want::Maint, "the one in use may well work");
    let mut view = view([Online; 3]);
    view.servers[1].out = true;
    assert_eq!(of(&rules, &view), [Want::Ready; 3], "a spare takes nothing away from anybody");
    view.servers[0].out = true;
    view.servers[1].out = false;
    assert_eq!(chosen(&rules, &view)[0].cause, Cause::FailBack("wg2".into()));
    view.servers[1].available = false;
    assert_eq!(chosen(&rules, &view)[0].cause, Cause::FailBack("warp".into()));
    view.servers[1].available = true;
    view.balance = Balance::Spread;
    for server in &mut view.servers[..2] {
        server.backup = false;
    }
    assert_eq!(of(&rules, &view), [Want::Ready; 3], "who shares does not take away");
    view.servers[1].too_slow = true;
    assert_eq!(chosen(&rules, &view)[0].cause, Cause::FailBack("warp".into()));
}

#[test]
fn behind_the_first_tier_nothing_is_ever_used_where_the_exit_may_not_change() {
    let rules = Rules { allow_exit_change: false, ..tiered(&[&["wg1", "wg2"], &["warp"]]) };
    for verdicts in all([0, 1, 2], [Unknown, Online, Degraded, Offline]) {
        let view = view(verdicts);
        let wanted = of(&rules, &view);
        assert_eq!(wanted[2], Want::Shut, "{verdicts:?}");
        let alone = BackendView { servers: view.servers[..2].to_vec(), ..view };
        assert_eq!(of(&rules, &alone), wanted[..2], "as if it were not there: {verdicts:?}");
    }
}

#[test]
fn when_all_are_down_and_not_frozen_the_rule_decides() {
    for (rule, expected) in [
        (WhenAllDown::LastGood, Want::AsIs),
        (WhenAllDown::FailClosed, Want::Shut),
        (WhenAllDown::AllOpen, Want::Open),
    ] {
        let rules = Rules { when_all_down: rule, ..Rules::DEFAULT };
        let down = view([Degraded, Offline, Degraded]);
        assert_eq!(of(&rules, &down), [expected; 3]);
        let frozen = BackendView { frozen: true, ..down.clone() };
        assert_eq!(of(&rules, &frozen), [Want::AsIs; 3]);
        let mut lost = down.clone();
        lost.servers[1].lost = true;
        assert_eq!(of(&rules, &lost), [Want::AsIs; 3]);
        let other = BackendView { other_usable: true, ..down };
        assert_eq!(of(&rules, &other), [Want::Maint; 3]);
        assert_eq!(
            of(&rules, &view([Degraded, Unknown, Degraded]))[0],
            Want::AsIs,
            "not everything is judged"
        );
        let mut back = view([Degraded, Online, Degraded]);
        for server in &mut back.servers {
            server.previous = expected;
        }
        assert_eq!(of(&rules, &back), [Want::Maint, Want::Ready, Want::Maint]);
    }
}

fn wants(verdicts: [Verdict; 3], previous: [Want; 3], other_usable: bool) -> Vec<Want> {
    let mut view = BackendView { other_usable, ..view(verdicts) };
    for (server, previous) in view.servers.iter_mut().zip(previous) {
        server.previous = previous;
    }
    of(&Rules::DEFAULT, &view)
}

fn of(rules: &Rules, view: &BackendView) -> Vec<Want> {
    chosen(rules, view).into_iter().map(|choice| choice.want).collect()
}

/// With the tiers as they are by these rules.
fn chosen(rules: &Rules, view: &BackendView) -> Vec<Choice> {
    let names: Vec<(&Name, bool)> = view.servers.iter().map(|server| (&server.name, server.backup)).collect();
    let tiers = tiers(rules, &names);
    let mut view = view.clone();
    for (server, tier) in view.servers.iter_mut().zip(tiers) {
        server.tier = tier;
    }
    decide(rules, &view)
}

fn view(verdicts: [Verdict; 3]) -> BackendView {
    let backups = tiers(&Rules::DEFAULT, &NAMES.map(Name::from).each_ref().map(|name| (name, true)));
    let servers = NAMES.iter().zip(verdicts).zip(backups).map(|((name, verdict), tier)| ServerView {
        name: Name::from(*name),
        backup: true,
        tier,
        available: true,
        verdict,
        unsettled: false,
        verified: verdict == Online,
        lost: false,
        too_slow: false,
        out: false,
        previous: Want::Unknown,
        forced: None,
        pinned: None,
    });
    let servers = servers.collect();
    BackendView { servers, balance: Balance::First, other_usable: false, frozen: false, steered: None }
}

fn tiered(of: &[&[&str]]) -> Rules {
    let tiers = of.iter().map(|tier| tier.iter().map(|name| Name::from(*name)).collect()).collect();
    Rules { tiers, ..Rules::DEFAULT }
}

fn all<const N: usize>(places: [usize; 3], values: [Verdict; N]) -> Vec<[Verdict; 3]> {
    let count = N.pow(3);
    (0..count)
        .map(|number| places.map(|place| values[number / N.pow(u32::try_from(place).unwrap()) % N]))
        .collect()
}
