//! What a backend's rules make of the same events.

use failover::{
    Admin, FailBackError, Failback, Input, Name, Owner, Rules, Verdict, Want, WhenAllDown, Writes,
};

use crate::world::*;

#[test]
fn with_failback_manual_a_server_that_is_good_again_waits_until_it_is_let_back() {
    let mut world = under(|rules| rules.failback = Failback::Manual);
    out_and_good_again(&mut world, "wg1");
    world.run(60_000);
    assert_eq!((world.serving().as_str(), world.want("wg1")), ("wg2", Want::Maint));
    let held = world.held("wg1").unwrap();
    assert_eq!(
        held,
        "failback = manual: it is used again when wg2 fails, or after `hactl failback socks_back_7891`"
    );
    assert!(world.told.iter().any(|told| told.contains("wg1 is not used: failback = manual")));
    assert_eq!(world.core.waiting(&Name::from(BACKEND)), Ok(vec![Name::from("wg1")]));
    world.take(Input::FailBack(Name::from(BACKEND)));
    world.run(1000);
    assert_eq!((world.serving().as_str(), world.held("wg1")), ("wg1", None));
    let nothing = FailBackError::NothingWaits(Name::from(BACKEND));
    assert_eq!(world.core.waiting(&Name::from(BACKEND)), Err(nothing));
}

#[test]
fn with_failback_never_it_waits_until_the_one_in_use_fails_and_is_used_at_once() {
    let mut world = under(|rules| rules.failback = Failback::Never);
    out_and_good_again(&mut world, "wg1");
    world.run(10_000);
    assert_eq!(world.serving(), "wg2");
    world.take(Input::FailBack(Name::from(BACKEND)));
    world.run(1000);
    assert_eq!(world.serving(), "wg2");
    assert!(matches!(world.core.waiting(&Name::from(BACKEND)), Err(FailBackError::Never(_))));
    world.break_("wg2", Fault::Refused);
    world.run(1000);
    assert_eq!((world.serving().as_str(), world.want("wg2")), ("wg1", Want::Maint));
}

#[test]
fn what_an_earlier_run_took_out_waits_as_well_and_a_spare_does_not() {
    // As it is found at start: the first server is out because of us.
    let rules = Rules { failback: Failback::Manual, ..Rules::DEFAULT };
    let mut observed = observed();
    let wg1 = &mut observed.backends.get_mut(&Name::from(BACKEND)).unwrap().servers[0];
    (wg1.admin, wg1.owner) = (Admin::Maint, Owner::Ours);
    let mut world = World::seeing(observed, |settings| {
        settings.rules.insert(Name::from(BACKEND), rules);
    });
    world.run(100_000);
    assert_eq!((world.serving().as_str(), world.verdict("wg1")), ("wg2", Verdict::Online));
    out_and_good_again(&mut world, "cloudflare_warp");
    assert_eq!(world.want("cloudflare_warp"), Want::Ready);
}

#[test]
fn where_the_exit_may_not_change_an_outage_is_preferred() {
    let mut world = under(|rules| {
        rules.allow_exit_change = false;
        rules.tiers = tiers();
    });
    assert_eq!(world.serving(), "wg1");
    assert_eq!(
        world.held("cloudflare_warp").unwrap(),
        "allow_exit_change = false: only the first tier is used"
    );
    world.break_("wg1", Fault::Refused);
    world.run(1000);
    assert_eq!(world.serving(), "wg2");
    world.break_("wg2", Fault::Refused);
    world.run(10_000);
    assert!(world.told.iter().any(|told| told.contains("no server is known to carry traffic")));
    assert_eq!(world.serving(), "wg2", "the last good one stays");
    assert_eq!(world.want("cloudflare_warp"), Want::Shut);
    // HAProxy takes the last one down by itself: the other one of the tier is given back, and no other.
    world.server("wg2").operational = failover::Operational::Stopped;
    world.look();
    world.run(1000);
    assert_eq!(world.serving(), "wg1");
    world.break_("wg2", Fault::None);
    world.server("wg2").operational = failover::Operational::Running;
    world.look();
    world.run(10_000);
    assert_eq!(world.serving(), "wg2");
}

#[test]
fn when_all_are_down_they_are_closed_or_opened_as_the_rule_says_but_never_while_frozen() {
    for (rule, wanted) in [(WhenAllDown::FailClosed, Want::Shut), (WhenAllDown::AllOpen, Want::Open)] {
        let mut world = under(|rules| rules.when_all_down = rule);
        for name in NAMES {
            world.break_(name, Fault::Refused);
            world.run(1000);
        }
        assert_eq!(NAMES.map(|name| world.want(name)), [wanted; 3]);
        assert_eq!(world.serving().is_empty(), rule == WhenAllDown::FailClosed);
        world.break_("wg2", Fault::None);
        world.run(3000);
        assert_eq!(world.serving(), "wg2", "{rule:?}");
        world.uplink = false;
        world.run(30_000);
        assert!(world.core.frozen_since().is_some());
        assert_eq!(world.serving(), "wg2", "{rule:?}");
    }
}

#[test]
fn tiers_that_contradict_haproxy_are_followed_by_drains_and_names_it_does_not_have_are_told() {
    let name = |text: &str| Name::from(text);
    let mut world = under(|rules| {
        rules.tiers = vec![vec![name("cloudflare_warp"), name("wg9")], vec![name("wg1"), name("wg2")]];
    });
    assert_eq!(world.serving(), "cloudflare_warp");
    assert_eq!(world.held("wg1").unwrap(), "cloudflare_warp, of a better tier, is used instead");
    let problems = world.status().problems;
    assert!(problems.len() == 1 && problems[0].contains("`tiers` names socks_back_7891/wg9"), "{problems:?}");
    assert_eq!(world.status().exit_code, 1);
    world.break_("cloudflare_warp", Fault::BlackHole);
    world.run(3000);
    assert_eq!((world.serving().as_str(), world.want("cloudflare_warp")), ("wg1", Want::Maint));
    world.break_("cloudflare_warp", Fault::None);
    world.run(10_000);
    assert_eq!(world.serving(), "cloudflare_warp");
}

/// A world that has been well for a while under these rules.
fn under(adapt: impl FnOnce(&mut Rules)) -> World {
    let mut rules = Rules::DEFAULT;
    adapt(&mut rules);
    let mut world = World::with(|settings| {
        settings.rules.insert(Name::from(BACKEND), rules);
    });
    world.run(100_000);
    world
}

fn tiers() -> Vec<Vec<Name>> {
    vec![vec![Name::from("wg1"), Name::from("wg2")], vec![Name::from("cloudflare_warp")]]
}

fn out_and_good_again(world: &mut World, server: &str) {
    world.break_(server, Fault::BlackHole);
    world.run(5000);
    assert_eq!(world.want(server), Want::Maint);
    world.break_(server, Fault::None);
    world.run(10_000);
    assert_eq!(world.verdict(server), Verdict::Online);
}

#[test]
fn what_was_wanted_while_nothing_was_done_closes_no_server_afterwards() {
    let mut world = under(|rules| rules.failback = Failback::Manual);
    world.steered_elsewhere = true;
    world.observed.writes = Writes::Withheld { would: Vec::new() };
    world.look();
    world.break_("wg1", Fault::BlackHole);
    world.run(10_000);
    assert_eq!(world.want("wg1"), Want::Maint);
    world.break_("wg1", Fault::None);
    world.run(30_000);
    world.observed.writes = Writes::Applied;
    world.steered_elsewhere = false;
    world.look();
    world.run(10_000);
    assert_eq!((world.want("wg1"), world.serving().as_str()), (Want::Ready, "wg1"));
}
