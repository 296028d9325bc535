//! What operators order of servers, over what is known of them.

use std::time::Duration;

use failover::{
    Admin, Balance, Failback, Given, Name, ObservedBackend, ObservedServer, Operational, Outcome, Override,
    OverrideChange, OverrideRefusal, Overrides, Owner, Pin, Rules, ServerId, Sessions, Want,
};
use jiff::Timestamp;

use crate::world::*;

#[test]
fn maint_takes_a_server_out_that_works_and_ends_by_itself() {
    let mut world = World::warm();
    world.order(set(&["wg1"], Admin::Maint, given(Some(3600))));
    world.run(1000);
    assert_eq!((world.serving().as_str(), world.server("wg1").admin), ("wg2", Admin::Maint));
    assert_eq!(world.outcome("wg1"), Outcome::Confirmed);
    let status = world.status();
    let shown = status.backends[0].servers[0].override_.clone().unwrap();
    assert_eq!((shown.state, shown.by.as_str(), shown.by_uid), (Admin::Maint, "alice", Some(1000)));
    assert_eq!(shown.until.as_deref(), Some("1970-01-01T01:01:41.000Z"));
    assert_eq!(status.exit_code, 0, "it was planned");
    assert_eq!(world.held("wg1").as_deref(), Some("\"work\" by alice"));
    world.run(3_590_000);
    assert_eq!(world.server("wg1").admin, Admin::Maint);
    world.run(15_000);
    assert_eq!((world.serving().as_str(), world.server("wg1").admin), ("wg1", Admin::Ready));
    let told = |text: &str| assert!(world.told.iter().any(|told| told == text), "{:#?}", world.told);
    told("socks_back_7891/wg1 is to be in maint until 1970-01-01T01:01:41Z, alice wants that: work");
    told("socks_back_7891/wg1 is left to its probes again: the time of the maint by alice is over");
}

#[test]
fn one_without_an_end_is_worth_a_look_until_somebody_ends_it() {
    let mut world = World::warm();
    world.order(set(&["cloudflare_warp"], Admin::Drain, given(None)));
    world.run(10_000_000);
    assert_eq!(world.server("cloudflare_warp").admin, Admin::Drain);
    assert_eq!(world.status().exit_code, 1);
    world.order(end("cloudflare_warp"));
    world.run(1000);
    assert_eq!(world.server("cloudflare_warp").admin, Admin::Ready);
    assert_eq!(world.status().exit_code, 0);
    assert!(world.core.overrides().is_empty());
}

#[test]
fn the_last_server_that_works_is_not_taken_and_other_orders_count() {
    let mut world = World::warm();
    world.break_("wg1", Fault::BlackHole);
    world.run(5000);
    assert_eq!(world.may(&set(&["wg2"], Admin::Maint, given(None))), Ok(()));
    world.order(set(&["wg2"], Admin::Drain, given(Some(60))));
    world.run(1000);
    let last = world.may(&set(&["cloudflare_warp"], Admin::Maint, given(None))).unwrap_err();
    assert_eq!(
        last.to_string(),
        "it is the only usable server of socks_back_7891 (wg1 degraded, wg2 in drain by alice)"
    );
    assert!(last.yields_to_force());
    let both = world.may(&set(&["cloudflare_warp", "wg2"], Admin::Maint, given(None))).unwrap_err();
    assert_eq!(
        both.to_string(),
        "without cloudflare_warp, wg2 socks_back_7891 has no usable server (wg1 degraded)"
    );
    // What takes no traffic takes none away.
    assert_eq!(world.may(&set(&["wg1"], Admin::Maint, given(None))), Ok(()));
    assert_eq!(world.may(&set(&["cloudflare_warp"], Admin::Maint, forced(None))), Ok(()));
    let unknown = world.may(&set(&["wg3"], Admin::Maint, given(None))).unwrap_err();
    assert_eq!(unknown.to_string(), "socks_back_7891 has no server called wg3");
    world.server("wg2").managed = false;
    world.look();
    let left_alone = world.may(&set(&["wg2"], Admin::Maint, given(None))).unwrap_err();
    assert!(matches!(left_alone, OverrideRefusal::NotManaged(_)));
}

#[test]
fn a_server_goes_with_the_one_that_it_tracks_and_its_backend_counts_as_well() {
    let mut world = World::warm();
    let follower = ObservedServer {
        name: "x1".into(),
        tracks: Some(ServerId::new("socks_back_7891", "wg1")),
        ..world.server("wg1").clone()
    };
    let other = ObservedBackend { balance: Balance::First, servers: vec![follower] };
    world.observed.backends.insert(Name::from("t"), other);
    let refused = world.may(&set(&["wg1"], Admin::Maint, given(None))).unwrap_err();
    assert_eq!(refused.to_string(), "t/x1 tracks it, and t has no other usable server");
    assert!(refused.yields_to_force());
    assert_eq!(world.may(&set(&["wg1"], Admin::Maint, forced(None))), Ok(()));
    assert_eq!(world.may(&set(&["wg2"], Admin::Maint, given(None))), Ok(()));
}

#[test]
fn by_force_the_last_one_goes_and_what_was_ordered_out_stays_out_whatever_happens() {
    let mut world = World::warm();
    world.order(set(&["wg1", "wg2"], Admin::Maint, given(Some(600))));
    world.run(1000);
    world.server("cloudflare_warp").operational = Operational::Stopped;
    world.look();
    world.run(1000);
    assert_eq!(world.serving(), "", "an operator's word holds in an outage, too");
    world.server("cloudflare_warp").operational = Operational::Running;
    world.look();
    world.order(set(&["cloudflare_warp"], Admin::Maint, forced(Some(600))));
    world.run(1000);
    assert_eq!((world.serving().as_str(), world.outcome("cloudflare_warp")), ("", Outcome::Confirmed));
    assert_eq!(world.status().exit_code, 2);
    world.order(end("wg2"));
    world.run(1000);
    assert_eq!(world.serving(), "wg2");
}

#[test]
fn not_by_force_the_last_one_stays_where_the_others_failed_meanwhile() {
    let mut world = World::warm();
    world.order(set(&["wg1"], Admin::Maint, given(Some(600))));
    world.run(1000);
    // A new process of HAProxy has forgotten it, and has nothing else.
    for name in ["wg2", "cloudflare_warp"] {
        world.server(name).operational = Operational::Stopped;
    }
    world.server("wg1").admin = Admin::Ready;
    world.look();
    world.run(1000);
    assert_eq!(world.serving(), "wg1");
    let Outcome::Stuck(why) = world.outcome("wg1") else { panic!("it is held") };
    assert_eq!(why, "socks_back_7891/wg1 is not taken out: no other server could take over");
}

#[test]
fn ready_keeps_a_failing_server_in_rotation() {
    let mut world = World::warm();
    world.break_("wg1", Fault::BlackHole);
    world.run(5000);
    assert_eq!(world.serving(), "wg2");
    world.order(set(&["wg1"], Admin::Ready, given(Some(60))));
    world.run(1000);
    assert_eq!((world.serving().as_str(), world.want("wg1")), ("wg1", Want::Open));
    assert_eq!(world.want("wg2"), Want::Ready);
    assert_eq!(world.status().exit_code, 1, "clients feel it");
    world.run(60_000);
    assert_eq!((world.serving().as_str(), world.want("wg1")), ("wg2", Want::Maint));
}

#[test]
fn what_somebody_else_has_taken_out_is_said() {
    let mut world = World::warm();
    (world.server("wg1").admin, world.server("wg1").owner) = (Admin::Maint, Owner::Theirs);
    world.look();
    world.order(set(&["wg1"], Admin::Ready, given(Some(60))));
    world.run(1000);
    let Outcome::Stuck(why) = world.outcome("wg1") else { panic!("it is not ours to lift") };
    assert_eq!(why, "socks_back_7891/wg1 stays in maint: somebody else put it there");
    world.order(set(&["wg1"], Admin::Maint, given(Some(60))));
    assert_eq!(world.outcome("wg1"), Outcome::Confirmed, "it is out");
    world.order(end("wg1"));
    world.run(1000);
    assert_eq!(world.server("wg1").admin, Admin::Maint, "and stays so when the order ends");
    let pin = world.may(&OverrideChange::Pin(id("wg1"), forced(None))).unwrap_err();
    assert_eq!(pin.to_string(), "somebody else put it into maint, and what others set is not undone");
}

#[test]
fn a_pinned_server_carries_the_traffic_while_it_can() {
    let mut world = World::warm();
    world.order(OverrideChange::Pin(id("wg2"), given(Some(600))));
    world.run(1000);
    assert_eq!((world.serving().as_str(), world.server("wg1").admin), ("wg2", Admin::Drain));
    assert_eq!(world.server("cloudflare_warp").admin, Admin::Ready, "it is in nobody's way");
    assert_eq!(world.outcome("wg2"), Outcome::Confirmed);
    let status = world.status();
    assert_eq!(status.backends[0].pinned.as_ref().unwrap().server, "wg2");
    assert_eq!(status.exit_code, 0);
    world.break_("wg2", Fault::BlackHole);
    world.run(5000);
    assert_eq!(world.serving(), "wg1", "it gives way while it fails");
    world.break_("wg2", Fault::None);
    world.run(20_000);
    assert_eq!(world.serving(), "wg2");
    world.run(600_000);
    assert_eq!(world.serving(), "wg1");
    assert!(world.told.iter().any(|told| told.ends_with("the time of the pin by alice is over")));
}

#[test]
fn a_pin_to_a_dead_server_takes_force_and_holds_then() {
    let mut world = World::warm();
    world.break_("wg2", Fault::BlackHole);
    world.run(5000);
    let dead = world.may(&OverrideChange::Pin(id("wg2"), given(None))).unwrap_err();
    assert!(dead.to_string().starts_with("it is degraded: "), "{dead}");
    world.order(OverrideChange::Pin(id("wg2"), forced(Some(600))));
    world.run(1000);
    assert_eq!((world.serving().as_str(), world.want("wg2")), ("wg2", Want::Open));
    assert_eq!(world.outcome("wg2"), Outcome::Confirmed);
    world.server("wg2").operational = Operational::Stopped;
    world.look();
    world.run(1000);
    assert_eq!(world.serving(), "wg1", "HAProxy itself would not use it");
    world.order(end("wg2"));
    world.run(1000);
    assert_eq!(world.server("wg1").admin, Admin::Ready);
}

#[test]
fn a_pin_and_an_order_to_be_out_contradict_each_other() {
    let mut world = World::warm();
    world.order(set(&["wg2"], Admin::Maint, given(Some(600))));
    world.run(1000);
    let out = world.may(&OverrideChange::Pin(id("wg2"), forced(None))).unwrap_err();
    assert_eq!(out.to_string(), "it is in maint by alice");
    world.order(OverrideChange::Pin(id("cloudflare_warp"), given(Some(600))));
    world.order(set(&["cloudflare_warp"], Admin::Maint, given(Some(600))));
    world.run(1000);
    assert_eq!(world.serving(), "wg1", "the pin gives way");
}

#[test]
fn an_order_ends_by_the_wall_clock_whoever_sets_it() {
    let mut world = World::warm();
    world.order(set(&["wg1"], Admin::Maint, given(Some(3600))));
    world.wall_off = -3000;
    assert!(world.core.is_wall_off(world.now, world.wall()));
    world.order(OverrideChange::Clock);
    assert!(!world.core.is_wall_off(world.now, world.wall()));
    world.run(3_700_000);
    assert_eq!(world.server("wg1").admin, Admin::Maint, "the clock shows less than an hour more");
    world.wall_off = 0;
    world.order(OverrideChange::Clock);
    world.run(1000);
    assert_eq!(world.server("wg1").admin, Admin::Ready);
}

#[test]
fn what_an_earlier_run_was_told_holds_from_the_first_sight_on() {
    let mut overrides = Overrides::default();
    let maint = Override { state: Admin::Maint, kill_sessions: false, given: given(Some(600)) };
    let over = Given { until: Some(Timestamp::UNIX_EPOCH), ..given(None) };
    let gone = Override { given: given(None), ..maint.clone() };
    overrides.servers = [
        (id("wg1"), maint.clone()),
        (id("wg2"), Override { given: over, ..maint }),
        (ServerId::new(BACKEND, "gone"), gone),
    ]
    .into();
    overrides.pins =
        [(Name::from(BACKEND), Pin { server: "cloudflare_warp".into(), given: given(Some(600)) })].into();
    let mut world = World::new();
    world.order(OverrideChange::Inherit(overrides));
    world.run(20);
    assert_eq!(world.server("wg1").admin, Admin::Maint, "nothing has to be known of it");
    world.run(2000);
    assert_eq!((world.serving().as_str(), world.server("wg2").admin), ("cloudflare_warp", Admin::Drain));
    let status = world.status();
    assert_eq!(
        status.problems,
        [
            "an operator's order is about socks_back_7891/gone, which hactl does not steer now; it waits for that server, \
             or end it with `hactl auto socks_back_7891/gone`"
        ]
    );
    assert_eq!(world.may(&OverrideChange::End { servers: vec![id("gone")], by: "bob".to_owned() }), Ok(()));
    world.order(end("gone"));
    assert_eq!(world.status().problems, Vec::<String>::new());
}

#[test]
fn where_failback_is_manual_an_end_by_itself_moves_nobody_and_one_by_hand_does() {
    for by_hand in [true, false] {
        let mut world = under(|rules| rules.failback = Failback::Manual);
        world.order(set(&["wg1"], Admin::Drain, given(Some(60))));
        world.run(5000);
        if by_hand {
            world.order(end("wg1"));
        }
        world.run(70_000);
        assert_eq!(world.serving(), if by_hand { "wg1" } else { "wg2" });
    }
}

#[test]
fn an_exit_that_may_not_change_takes_force() {
    let mut world = under(|rules| rules.allow_exit_change = false);
    let by_rule = "allow_exit_change = false, and it is not of the first tier of socks_back_7891";
    for change in [set(&["wg2"], Admin::Ready, given(None)), OverrideChange::Pin(id("wg2"), given(None))] {
        assert_eq!(world.may(&change).unwrap_err().to_string(), by_rule);
    }
    let last = world.may(&set(&["wg1"], Admin::Maint, given(None))).unwrap_err();
    assert!(last.to_string().contains("wg2 not of the first tier"), "{last}");
    world.order(OverrideChange::Pin(id("wg2"), forced(Some(60))));
    world.run(1000);
    assert_eq!(world.serving(), "wg2");
    world.run(60_000);
    assert_eq!((world.serving().as_str(), world.want("wg2")), ("wg1", Want::Shut));
}

#[test]
fn sessions_are_cut_once_others_serve_and_only_where_that_was_asked_for() {
    for kill in [false, true] {
        let mut world = under(|rules| rules.on_fail = Sessions::Keep);
        let wg1 = Override { state: Admin::Maint, kill_sessions: kill, given: given(Some(60)) };
        world.order(OverrideChange::Set(vec![id("wg1")], wg1));
        world.run(1000);
        assert_eq!(world.wishes()[0], (Want::Maint, kill));
        world.server("wg1").busy = true;
        let plan = failover::plan(world.core.desired(), &world.observed);
        assert_eq!(plan.kills, if kill { vec![id("wg1")] } else { Vec::new() });
    }
}

fn under(adapt: impl FnOnce(&mut Rules)) -> World {
    let mut rules = Rules::DEFAULT;
    adapt(&mut rules);
    let mut world = World::with(|settings| {
        settings.rules.insert(Name::from(BACKEND), rules);
    });
    world.run(100_000);
    world
}

fn id(server: &str) -> ServerId {
    ServerId::new(BACKEND, server)
}

/// Given when the world was warm, for so many seconds.
pub(super) fn given(seconds: Option<u64>) -> Given {
    let since = Timestamp::UNIX_EPOCH + Duration::from_secs(101);
    let until = seconds.map(|seconds| since + Duration::from_secs(seconds));
    Given {
        by: "alice".to_owned(),
        by_uid: Some(1000),
        since,
        until,
        reason: "work".to_owned(),
        force: false,
    }
}

pub(super) fn forced(seconds: Option<u64>) -> Given {
    Given { force: true, ..given(seconds) }
}

pub(super) fn set(servers: &[&str], state: Admin, given: Given) -> OverrideChange {
    let servers = servers.iter().map(|server| id(server)).collect();
    OverrideChange::Set(servers, Override { state, kill_sessions: false, given })
}

pub(super) fn end(server: &str) -> OverrideChange {
    OverrideChange::End { servers: vec![id(server)], by: "bob".to_owned() }
}
