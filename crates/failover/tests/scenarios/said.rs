//! What is said of states in which it is easily untrue: orders that contradict each other or leave nothing, a hold that
//! runs, a HAProxy that is away.

use failover::status::Level;
use failover::{
    Admin, Failback, Haproxy, Name, Outcome, OverrideChange, Owner, Rules, Verdict, Want, Writes,
};
use insta::assert_snapshot;

use super::explain::told::{backend, explained, headline, id, section, under};
use super::overrides::{end, forced, given, set};
use crate::world::*;

#[test]
fn an_order_whose_turn_has_not_come_is_not_done() {
    let mut world = World::warm();
    world.order(set(&["wg1", "wg2"], Admin::Maint, given(Some(3600))));
    world.run(1000);
    world.observed.writes = Writes::Withheld { would: Vec::new() };
    world.steered_elsewhere = true;
    world.look();
    world.order(end("wg1"));
    world.order(set(&["cloudflare_warp"], Admin::Maint, given(Some(3600))));
    let Outcome::Stuck(why) = world.outcome("cloudflare_warp") else { panic!("wg1 comes first") };
    assert!(why.starts_with("nothing is changed in HAProxy while hactl is paused or observes"), "{why}");
    world.observed.writes = Writes::Applied;
    assert_eq!(world.outcome("cloudflare_warp"), Outcome::Pending);
    world.steered_elsewhere = false;
    world.look();
    world.run(1000);
    assert_eq!(world.outcome("cloudflare_warp"), Outcome::Confirmed);
    assert_eq!((world.serving().as_str(), world.outcome("wg1")), ("wg1", Outcome::Confirmed));
}

#[test]
fn maint_of_the_pinned_server_is_done_and_the_pin_rests() {
    let mut world = World::warm();
    world.order(OverrideChange::Pin(id("cloudflare_warp"), given(Some(600))));
    world.run(1000);
    world.order(set(&["cloudflare_warp"], Admin::Maint, given(Some(60))));
    world.run(1000);
    assert_eq!((world.serving().as_str(), world.outcome("cloudflare_warp")), ("wg1", Outcome::Confirmed));
    world.run(60_000);
    assert_eq!(world.serving(), "cloudflare_warp", "it holds again once the maint is over");
}

#[test]
fn a_pin_is_stronger_than_ready_of_another_server_and_that_is_said() {
    let mut world = World::warm();
    world.break_("wg2", Fault::BlackHole);
    world.run(5000);
    world.order(OverrideChange::Pin(id("cloudflare_warp"), given(Some(600))));
    world.run(1000);
    world.order(set(&["wg2"], Admin::Ready, given(Some(600))));
    world.run(1000);
    assert_eq!((world.serving().as_str(), world.want("wg2")), ("cloudflare_warp", Want::Drain));
    assert_eq!(
        world.outcome("wg2"),
        Outcome::Stuck(
            "socks_back_7891 is pinned to cloudflare_warp, for which it makes room; `hactl auto \
             socks_back_7891/cloudflare_warp` ends that"
                .to_owned()
        )
    );
    world.order(end("cloudflare_warp"));
    world.run(1000);
    assert_eq!((world.server("wg2").admin, world.outcome("wg2")), (Admin::Ready, Outcome::Confirmed));
}

#[test]
fn what_healthy_servers_that_are_all_ordered_out_have_done_is_not_said_to_be_an_outage() {
    let mut world = World::warm();
    world.order(set(&["wg2"], Admin::Maint, given(Some(3600))));
    world.order(set(&["wg1"], Admin::Drain, given(Some(3600))));
    world.run(1000);
    world.order(set(&["cloudflare_warp"], Admin::Drain, forced(Some(3600))));
    world.run(1000);
    assert_eq!(world.serving(), "");
    let outage = |told: &&String| told.contains("known to carry traffic");
    assert_eq!(world.told.iter().find(outage), None);
    let status = world.status();
    assert_eq!((status.exit_code, &status.backends[0].blackout_since), (2, &None));
    assert_snapshot!(backend(&world), @r#"
    socks_back_7891 is DOWN since T+102.0 (1.0 s): HAProxy has no server to use; 3 of 3 are online.
    evidence  wg1 is online: "work" by alice
              wg2 is online: "work" by alice
              cloudflare_warp is online: "work" by alice
    rule      unhealthy servers go out and healthy ones in; HAProxy's order does the rest  [[instance.backend]] policy = "order"
    effect    HAProxy has no usable server, so it closes every new connection since T+102.0 (1.0 s ago)
    returns   an operator has ordered cloudflare_warp, wg1, wg2 out: used again when that ends
    override  cloudflare_warp: drain until 1970-01-01T01:01:41Z, by alice since 1970-01-01T00:01:41Z: work
              wg1: drain until 1970-01-01T01:01:41Z, by alice since 1970-01-01T00:01:41Z: work
              wg2: maint until 1970-01-01T01:01:41Z, by alice since 1970-01-01T00:01:41Z: work
    try       hactl auto socks_back_7891/cloudflare_warp socks_back_7891/wg1 socks_back_7891/wg2
              hactl status socks_back_7891
    "#);
    assert_eq!(section(&world, "wg1", "rule"), "rule      an operator wants it so");
    world.break_("wg1", Fault::Refused);
    world.order(end("cloudflare_warp"));
    world.break_("cloudflare_warp", Fault::Refused);
    world.run(5000);
    assert_snapshot!(headlined(&backend(&world)), @"socks_back_7891 is DOWN since T+103.0 (5.0 s): none of those that it may use carries traffic, and HAProxy uses cloudflare_warp.");
    assert!(!section(&world, "wg1", "rule").contains("stays usable"), "it is out");
}

#[test]
fn servers_that_somebody_else_has_taken_out_are_said_to_be_waited_for() {
    let mut world = World::warm();
    world.steered_elsewhere = true;
    for name in NAMES {
        let server = world.server(name);
        (server.admin, server.owner) = (Admin::Maint, Owner::Theirs);
    }
    world.look();
    let text = backend(&world);
    assert_snapshot!(headlined(&text), @"socks_back_7891 is DOWN since T+101.0 (0.0 s): HAProxy has no server to use; 3 of 3 are online.");
    assert!(
        text.contains("whoever took out wg1, wg2, cloudflare_warp in HAProxy has to lift that"),
        "{text}"
    );
}

#[test]
fn nothing_is_said_of_haproxys_checks_where_they_pause() {
    let mut world = World::warm();
    world.order(set(&["wg1"], Admin::Maint, given(Some(60))));
    world.run(1000);
    let wg1 = world.server("wg1");
    (wg1.operational, wg1.flags) = (failover::Operational::Stopped, vec!["fmaint"]);
    world.look();
    let effect = |world: &World| section(world, "wg1", "effect").lines().last().unwrap().trim().to_owned();
    assert_eq!(effect(&world), "HAProxy has it in maint (fmaint), set by hactl");
    world.server("wg1").admin = Admin::Drain;
    world.look();
    assert_eq!(effect(&world), "HAProxy has it in drain (fmaint), set by hactl; its own checks say down");
}

#[test]
fn a_server_that_answers_again_and_is_held_says_until_when() {
    let mut world = World::warm();
    world.break_("wg1", Fault::BlackHole);
    world.run_until(|world| world.serving() == "wg2");
    world.run(20_000);
    let returning = |world: &World| world.status().backends[0].servers[0].returning.clone();
    assert_eq!(returning(&world), None);
    world.break_("wg1", Fault::None);
    world.run_until(|world| returning(world).is_some());
    world.run(700);
    let shown = returning(&world).unwrap();
    assert_eq!((shown.answers_seconds, shown.used_in_seconds), (0.7, 0.8));
    let status = world.status();
    assert!(status.backends[0].servers[0].reason.is_some(), "what it was out for is still said");
    world.run(1000);
    assert_eq!((world.verdict("wg1"), returning(&world)), (Verdict::Online, None));
    // Good only briefly: twice as long as that.
    world.run(20_000);
    world.break_("wg1", Fault::BlackHole);
    world.run(5000);
    world.break_("wg1", Fault::None);
    world.run_until(|world| returning(world).is_some());
    let shown = returning(&world).unwrap();
    assert!((35.0..45.0).contains(&shown.used_in_seconds), "{shown:?}");
}

#[test]
fn one_verdict_has_one_reason_wherever_it_is_told() {
    let mut world = World::warm();
    world.break_("wg1", Fault::BlackHole);
    world.run_until(|world| world.serving() == "wg2");
    let reason = |world: &World| world.status().backends[0].servers[0].reason.clone().unwrap().text;
    let told = world.told.iter().find(|told| told.contains("wg1 is degraded")).unwrap().clone();
    for _ in 0..10 {
        world.run(700);
        assert!(told.ends_with(&reason(&world)), "{told} {}", reason(&world));
    }
    assert!(section(&world, "wg1", "evidence").contains(&reason(&world)));
    world.break_("wg1", Fault::Rejects(1));
    world.run(60_000);
    assert_eq!(reason(&world), "connect: reply", "it fails in another way now");
}

#[test]
fn while_haproxy_is_away_what_it_does_is_not_known() {
    let mut world = World::warm();
    world.break_("wg2", Fault::BlackHole);
    world.run(5000);
    world.observed.haproxy = Haproxy::Away { why: "connection refused".to_owned(), since: world.now };
    world.steered_elsewhere = true;
    world.look();
    let status = world.status();
    assert_eq!((status.backends[0].verdict, status.exit_code), (Level::Unknown, 2));
    assert_snapshot!(backend(&world), @r#"
    socks_back_7891 has 2 of 3 servers online, and HAProxy, which does not answer, last used wg1.
    evidence  wg1 is online
              wg2 is degraded: connect to 1.1.1.1:443: no reply in 150 ms (6 probes)
              cloudflare_warp is online
    rule      unhealthy servers go out and healthy ones in; HAProxy's order does the rest  [[instance.backend]] policy = "order"
    effect    new connections went to wg1 when HAProxy was last seen
              HAProxy does not answer since T+106.0: connection refused
    returns   one server comes back once it was good for long enough: see `hactl explain` of it
    override  none
    try       hactl explain socks_back_7891/wg2
              hactl status socks_back_7891
    "#);
    assert_snapshot!(headline(&world, "wg1"), @"socks_back_7891/wg1 is ONLINE since T+1.2 (104 s), and HAProxy, which does not answer, last had it in ready.");
    assert_snapshot!(headline(&world, "wg2"), @"socks_back_7891/wg2 is DEGRADED since T+101.4 (4.6 s), and HAProxy, which does not answer, last had it in maint.");
    for name in NAMES {
        world.server(name).admin = Admin::Maint;
    }
    world.look();
    assert_snapshot!(headlined(&backend(&world)), @"socks_back_7891 has 2 of 3 servers online, and HAProxy, which does not answer, last had none to use.");
}

#[test]
fn with_tiers_the_second_one_is_a_backup_and_who_waits_for_failback_is_said() {
    let tiers = vec![vec![Name::from("wg1")], vec![Name::from("wg2"), Name::from("cloudflare_warp")]];
    let mut world = under(|rules: &mut Rules| {
        rules.tiers = tiers;
        rules.failback = Failback::Manual;
    });
    let backend = |world: &World| world.status().backends[0].clone();
    assert_eq!((backend(&world).on_backup, backend(&world).verdict), (false, Level::Ok));
    let roles: Vec<String> = backend(&world).servers.iter().map(|server| server.role.clone()).collect();
    assert_eq!(roles, ["primary", "backup", "backup"]);
    world.break_("wg1", Fault::Refused);
    world.run(5000);
    assert_eq!((backend(&world).on_backup, backend(&world).waits_for), (true, None));
    world.break_("wg1", Fault::None);
    world.run(20_000);
    let seen = backend(&world);
    assert_eq!(
        (seen.verdict, seen.on_backup, seen.waits_for.as_deref()),
        (Level::Degraded, true, Some("wg2"))
    );
}

#[test]
fn what_a_tier_has_drained_and_what_failed_there_is_told_apart() {
    let tiers = vec![vec![Name::from("wg2")], vec![Name::from("wg1")]];
    let mut world = under(|rules| rules.tiers = tiers);
    world.break_("wg1", Fault::Refused);
    world.run(2000);
    assert_eq!(world.server("wg1").admin, Admin::Drain);
    assert_snapshot!(headline(&world, "wg1"), @"socks_back_7891/wg1 is OFFLINE since T+101.0 (2.0 s), and stays in DRAIN, where it gets no new connections either.");
}

#[test]
fn what_is_only_on_its_way_is_held_by_nothing() {
    let mut world = World::warm();
    world.steered_elsewhere = true;
    world.observed.writes = Writes::Withheld { would: Vec::new() };
    world.order(set(&["wg2"], Admin::Maint, given(Some(60))));
    world.look();
    let wg2 = world.status().backends[0].servers[1].clone();
    assert_eq!((wg2.drift, wg2.held, wg2.desired), (true, None, Some(Admin::Maint)));
    assert!(explained(&world, "wg2").contains("and wanted in MAINT, but hactl only observes"));
}

fn headlined(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
