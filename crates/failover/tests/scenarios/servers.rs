//! Servers that come, go, move and have no address; and what the status says of all of it.

use failover::status::{Level, Status};
use failover::{Admin, Haproxy, Owner, Time, Verdict, Want, Writes};

use crate::world::*;

#[test]
fn a_server_with_a_new_address_is_a_new_server_and_one_that_is_gone_is_probed_no_more() {
    let mut world = World::warm();
    world.server("wg1").address = Some("127.0.0.1:28181".parse().unwrap());
    world.servers().remove(1);
    world.look();
    assert_eq!(world.verdict("wg1"), Verdict::Unknown);
    assert_eq!(world.want("wg1"), Want::Unknown);
    assert_eq!(world.verdict("cloudflare_warp"), Verdict::Online, "its history is kept");
    let before = world.probes.len();
    world.run(20_000);
    assert!(world.probes[before..].iter().all(|(_, probe)| probed(probe) != "wg2"));
    assert_eq!(world.verdict("wg1"), Verdict::Online);
}

#[test]
fn a_server_without_an_address_is_not_probed_and_stays_unknown() {
    let mut world = World::warm();
    world.server("wg2").address = None;
    world.look();
    let before = world.probes.len();
    world.run(20_000);
    assert!(world.probes[before..].iter().all(|(_, probe)| probed(probe) != "wg2"));
    assert_eq!(world.verdict("wg2"), Verdict::Unknown);
    world.server("wg2").address = Some("127.0.0.1:18182".parse().unwrap());
    world.look();
    world.run(1000);
    assert_eq!(world.verdict("wg2"), Verdict::Online);
}

#[test]
fn a_backend_that_is_gone_is_forgotten_with_everything_under_way() {
    let mut world = World::warm();
    world.break_("wg1", Fault::BlackHole);
    world.run(300);
    let backends = std::mem::take(&mut world.observed.backends);
    world.look();
    assert!(world.core.desired().is_empty());
    assert_eq!(world.core.next_deadline(), None);
    world.observed.backends = backends;
    world.look();
    world.break_("wg1", Fault::None);
    world.run(1000);
    assert_eq!(world.verdict("wg1"), Verdict::Online);
}

#[test]
fn the_status_level_follows_what_clients_get() {
    let mut world = World::new();
    assert_eq!(level(&world), (Level::Unknown, 3), "no verdict yet");
    world.run(1000);
    assert_eq!(level(&world), (Level::Ok, 0));
    world.break_("wg2", Fault::Refused);
    world.run(1000);
    assert_eq!(level(&world), (Level::Degraded, 1), "wg1 serves, but wg2 is dead");
    world.break_("wg1", Fault::Refused);
    world.run(1000);
    let status = world.status();
    let backend = &status.backends[0];
    assert!(backend.on_backup);
    assert_eq!(backend.active_server.as_deref(), Some("cloudflare_warp"));
    assert_eq!(status.exit_code, 1);
    world.break_("cloudflare_warp", Fault::Refused);
    world.run(1000);
    assert_eq!(level(&world), (Level::Down, 2));
}

#[test]
fn a_blackout_is_told_with_its_length_and_keeps_out_what_was_out() {
    let mut world = World::warm();
    for name in NAMES {
        world.break_(name, Fault::Refused);
        world.run(1000);
    }
    assert_eq!(
        [world.want("wg1"), world.want("wg2"), world.want("cloudflare_warp")],
        [Want::Maint, Want::Maint, Want::AsIs]
    );
    world.told.clear();
    world.run(11_000);
    world.break_("wg2", Fault::None);
    world.run(1000);
    let (online, over) = (&world.told[0], &world.told[1]);
    assert_eq!(online, "socks_back_7891/wg2 is online (50 ms)");
    assert_eq!(over, "socks_back_7891: wg2 carries traffic again after 12 s");
    assert_eq!(world.want("cloudflare_warp"), Want::Maint);
}

#[test]
fn a_haproxy_that_is_away_or_refuses_is_a_problem_with_code_2() {
    let mut world = World::warm();
    world.observed.writes = Writes::Denied { why: "level operator".to_owned() };
    let status = world.status();
    assert_eq!((status.exit_code, status.applying), (2, false));
    assert_eq!(status.problems, ["nothing can be changed in HAProxy: level operator"]);
    world.observed.writes = Writes::Applied;
    world.observed.haproxy = Haproxy::Away { why: "connection refused".to_owned(), since: Time::ZERO };
    let status = world.status();
    assert_eq!((status.exit_code, status.haproxy.answering, status.haproxy.pid), (2, false, None));
    assert_eq!(status.backends.len(), 1, "as it was last seen");
}

#[test]
fn a_difference_that_stands_is_shown_with_its_reason() {
    let mut world = World::warm();
    world.server("wg1").admin = Admin::Drain;
    world.server("wg1").owner = Owner::Theirs;
    world.look();
    let status = world.status();
    let wg1 = &status.backends[0].servers[0];
    assert_eq!((wg1.drift, wg1.desired), (true, Some(Admin::Ready)));
    assert_eq!(wg1.held.as_deref(), Some("somebody else put it into drain"));
    assert_eq!(wg1.haproxy.owner, Some(Owner::Theirs));
}

#[test]
fn a_status_survives_json() {
    let mut world = World::warm();
    world.break_("wg1", Fault::Refused);
    world.run(1000);
    let status = world.status();
    let json = serde_json::to_string(&status).unwrap();
    assert_eq!(serde_json::from_str::<Status>(&json).unwrap(), status);
    assert!(json.contains(r#""apiVersion":"hactl/v1","kind":"Status""#));
    assert!(json.contains(r#""override":null"#));
}

fn level(world: &World) -> (Level, u8) {
    let status = world.status();
    (status.backends[0].verdict, status.exit_code)
}
