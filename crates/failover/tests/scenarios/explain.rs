//! Why a server is as it is, in every state that an operator meets.

pub(super) mod told;

use std::collections::BTreeMap;
use std::time::Duration;

use failover::explain::Effects;
use failover::status::PauseStatus;
use failover::{
    Admin, Agent, Event, Failback, Haproxy, Name, Operational, Owner, Policy, WhenAllDown, Writes,
};
use insta::assert_snapshot;

use self::told::*;
use crate::world::*;

#[test]
fn a_server_in_service_and_one_in_reserve() {
    let mut world = World::warm();
    world.server("wg1").busy = true;
    world.look();
    assert_snapshot!(explained(&world, "wg1"), @"
    socks_back_7891/wg1 is ONLINE since T+1.2 (99 s), and takes all new connections.
    evidence  the last probe passed in 50 ms at T+101.0; 0 of 60 failed, median 50 ms, 95 % within 50 ms
    rule      what carries traffic is wanted in rotation; HAProxy's order decides which is used
    effect    HAProxy has it in ready; it has sessions
    returns   it is asked every 150ms; taken out once 2 waves of probes stay without an answer
    override  none
    try       hactl check -v socks_back_7891/wg1
    ");
    assert_snapshot!(explained(&world, "wg2"), @"
    socks_back_7891/wg2 is ONLINE since T+1.2 (99 s), and in reserve: HAProxy prefers wg1.
    evidence  the last probe passed in 50 ms at T+101.0; 0 of 60 failed, median 50 ms, 95 % within 50 ms
    rule      what carries traffic is wanted in rotation; HAProxy's order decides which is used
    effect    HAProxy has it in ready
    returns   it is asked every 150ms; taken out once 2 waves of probes stay without an answer
    override  none
    try       hactl check -v socks_back_7891/wg2
    ");
}

#[test]
fn a_dead_tunnel() {
    let mut world = World::warm();
    world.break_("wg1", Fault::BlackHole);
    world.run_until(|world| world.serving() == "wg2");
    world.run(20_000);
    assert_snapshot!(explained(&world, "wg1"), @r#"
    socks_back_7891/wg1 is DEGRADED since T+101.3 (20 s), so HAProxy holds it in MAINT.
    evidence  the last 42 probes of 60 failed at stage connect
              last complete answer T+101.0 (20 s ago)
              found at T+101.3, after 0.2 s of silence: connect to 1.1.1.1:443: no reply in 150 ms (6 probes)
              socks_back_7891/wg2 answered what was asked meanwhile: this host is online, the tunnel is not
              38 probes still hang in its SOCKS server, which limits new ones
    rule      a silence condemns it once it lasted through as many probes as so few mistakes ask for  [probe] false_alarm_every = "30d"
    effect    set server socks_back_7891/wg1 state maint: done, and read back at T+121.3 (0.0 s ago)
              HAProxy has it in maint, set by hactl
    returns   after 3 good probes over 1.5s; it is probed every 1s  [probe] hold = "1.5s"
              at once where no other server works
    override  none
    try       hactl check -v socks_back_7891/wg1
              hactl wait socks_back_7891/wg1 --for online
    "#);
    world.break_("wg1", Fault::None);
    world.run_until(|world| text(world, "wg1").contains("it answers since"));
    assert_snapshot!(section(&world, "wg1", "returns"), @r#"
    returns   it answers since T+122.1: used again at T+123.6 (in 1.5 s) and after 2 more good probes, if it goes on  [probe] hold = "1.5s"
              at once where no other server works
    "#);
}

#[test]
fn a_closed_port_and_one_that_rejects() {
    let mut world = World::warm();
    world.break_("wg1", Fault::Refused);
    world.break_("wg2", Fault::Rejects(1));
    world.run(5000);
    assert_snapshot!(explained(&world, "wg1"), @r#"
    socks_back_7891/wg1 is OFFLINE since T+101.0 (5.0 s), so HAProxy holds it in MAINT.
    evidence  the last 15 probes of 60 failed at stage tcp
              last complete answer T+101.0 (5.0 s ago)
              found at T+101.0: tcp: refused
              that is the SOCKS server's own answer: no network or target can be to blame
    rule      what the SOCKS server itself refuses twice, with a pause, condemns it  [probe] false_alarm_every = "30d"
    effect    set server socks_back_7891/wg1 state maint: done, and read back at T+106.0 (0.0 s ago)
              HAProxy has it in maint, set by hactl
    returns   after 3 good probes over 1.5s; it is probed every 500ms  [probe] hold = "1.5s"
              at once where no other server works
    override  none
    try       hactl check -v socks_back_7891/wg1
              hactl wait socks_back_7891/wg1 --for online
    "#);
    assert_snapshot!(section(&world, "wg2", "evidence"), @"
    evidence  the last 9 probes of 60 failed at stage connect
              last complete answer T+104.4 (1.6 s ago)
              found at T+104.5, after 0.1 s of silence and 6 probes more: connect: reply
              socks_back_7891/cloudflare_warp answered what was asked meanwhile: this host is online, the tunnel is not
    ");
}

#[test]
fn a_server_that_flaps_is_suppressed() {
    let mut world = World::warm();
    for _ in 0..6 {
        world.break_("wg1", Fault::Refused);
        world.run(3000);
        world.break_("wg1", Fault::None);
        world.run(30_000);
    }
    world.break_("wg1", Fault::Refused);
    world.run(2000);
    assert_snapshot!(section(&world, "wg1", "returns"), @r#"
    returns   after 3 good probes over 56.4s, longer than usual because it has failed before or was good only briefly; it is probed every 1s  [probe] hold = "1.5s"
              at once where no other server works
    "#);
}

#[test]
fn nothing_answers_and_nobody_is_blamed() {
    let mut world = World::warm();
    world.uplink = false;
    world.run(10_000);
    assert_snapshot!(explained(&world, "wg1"), @r#"
    socks_back_7891/wg1 is DEGRADED since T+101.4 (9.6 s), together with everything else, so that nobody can be blamed and nothing is changed.
    evidence  the last 26 probes of 60 failed at stage connect
              last complete answer T+101.0 (10 s ago)
              found at T+101.4, after 0.3 s of silence: connect to 1.1.1.1:443: no reply in 150 ms (6 probes)
              nothing else answers either, so nobody can be blamed: no server answers: this host's network or all tunnels have failed, nothing is changed until one does
              18 probes still hang in its SOCKS server, which limits new ones
    rule      no server of the backend carries traffic, so what was usable stays usable  [[instance.backend]] when_all_down = "last-good"
              where nothing at all answers, nobody is to blame  [probe] control = not set
    effect    HAProxy has it in ready
    returns   with its first answer, at once
    override  none
    try       hactl check -v socks_back_7891/wg1
    "#);
    assert_snapshot!(backend(&world), @r#"
    socks_back_7891 is left as it is: nothing answers, so nobody can be blamed; 0 of 3 servers online, and HAProxy uses wg1.
    evidence  wg1 is degraded: connect to 1.1.1.1:443: no reply in 150 ms (6 probes)
              wg2 is degraded: connect to 1.1.1.1:443: no reply in 150 ms (6 probes)
              cloudflare_warp is degraded: connect to 1.1.1.1:443: no reply in 150 ms (6 probes)
              no server answers: this host's network or all tunnels have failed, nothing is changed until one does
    rule      unhealthy servers go out and healthy ones in; HAProxy's order does the rest  [[instance.backend]] policy = "order"
    effect    new connections go to wg1 since T+1.0 (110 s ago)
    returns   all that fell silent are used again with their first answer
    override  none
    try       hactl explain socks_back_7891/wg1
              hactl status socks_back_7891
    "#);
}

#[test]
fn a_server_in_doubt_a_resting_target_and_one_that_is_slow() {
    let mut world = World::warm();
    world.trouble(0, Trouble::Status(429));
    world.run(20_000);
    world.break_("wg1", Fault::BlackHole);
    world.run_until(|world| text(world, "wg1").contains("in doubt"));
    assert_snapshot!(section(&world, "wg1", "evidence"), @"
    evidence  the last probe passed in 50 ms at T+120.9; 0 of 60 failed, median 50 ms, 95 % within 50 ms
              in doubt since T+121.0: wave 1 of 2 is out
              https://1.1.1.1/ rests through it until T+131.1: it answers 429 to this exit
    ");
    world.break_("wg1", Fault::None);
    world.break_("wg2", Fault::Slower(12));
    world.run_until(|world| text(world, "wg2").contains("slower"));
    assert_snapshot!(section(&world, "wg2", "evidence"), @"
    evidence  the last probe passed in 600 ms at T+121.7; 7 of 60 failed, median 50 ms, 95 % within 50 ms
              much slower than usual since T+121.7 (600 ms an exchange), while a faster server is at hand
              https://1.1.1.1/ rests through it until T+131.2: it answers 429 to this exit
    ");
}

#[test]
fn the_last_server_is_held() {
    let mut world = World::warm();
    for name in NAMES {
        world.break_(name, Fault::Refused);
    }
    world.run(5000);
    assert_snapshot!(explained(&world, "cloudflare_warp"), @r#"
    socks_back_7891/cloudflare_warp is OFFLINE since T+101.0 (5.0 s), and stays as it is: HAProxy does not use it.
    evidence  the last 15 probes of 60 failed at stage tcp
              last complete answer T+101.0 (5.0 s ago)
              found at T+101.0: tcp: refused
              that is the SOCKS server's own answer: no network or target can be to blame
    rule      no server of the backend carries traffic, so what was usable stays usable  [[instance.backend]] when_all_down = "last-good"
              what the SOCKS server itself refuses twice, with a pause, condemns it  [probe] false_alarm_every = "30d"
    effect    HAProxy has it in ready
    returns   after 3 good probes over 1.5s; it is probed every 500ms  [probe] hold = "1.5s"
              at once where no other server works
    override  none
    try       hactl check -v socks_back_7891/cloudflare_warp
              hactl wait socks_back_7891/cloudflare_warp --for online
    "#);
    assert_snapshot!(backend(&world), @r#"
    socks_back_7891 is DOWN since T+101.0 (5.0 s): none of its 3 servers carries traffic, and HAProxy uses wg1.
    evidence  wg1 is offline: tcp: refused
              wg2 is offline: tcp: refused
              cloudflare_warp is offline: tcp: refused
    rule      unhealthy servers go out and healthy ones in; HAProxy's order does the rest  [[instance.backend]] policy = "order"
    effect    new connections go to wg1 since T+1.0 (105 s ago)
    returns   3 servers come back once they were good for long enough
    override  none
    try       hactl explain socks_back_7891/wg1
              hactl status socks_back_7891
    "#);
}

#[test]
fn what_others_did_is_left_alone() {
    let mut world = World::warm();
    world.steered_elsewhere = true;
    let wg1 = world.server("wg1");
    (wg1.admin, wg1.owner, wg1.flags) = (Admin::Maint, Owner::Theirs, vec!["fmaint"]);
    world.look();
    assert_snapshot!(explained(&world, "wg1"), @"
    socks_back_7891/wg1 is ONLINE since T+1.2 (99 s), but somebody else put it into maint, and that is left alone.
    evidence  the last probe passed in 50 ms at T+101.0; 0 of 60 failed, median 50 ms, 95 % within 50 ms
    rule      what carries traffic is wanted in rotation; HAProxy's order decides which is used
    effect    HAProxy has it in maint (fmaint), not set by hactl
    returns   it is asked every 150ms; taken out once 2 waves of probes stay without an answer
              whoever put it into maint has to lift that; hactl undoes only its own
    override  none
    try       hactl check -v socks_back_7891/wg1
              hactl events --server socks_back_7891/wg1, for when that began
    ");
    world.break_("wg2", Fault::Refused);
    world.observed.contended = BTreeMap::from([(Name::from(BACKEND), world.now + Duration::from_secs(200))]);
    world.run(2000);
    assert_snapshot!(explained(&world, "wg2"), @r#"
    socks_back_7891/wg2 is OFFLINE since T+101.0 (2.0 s), and left as it is for now: somebody else keeps changing this backend.
    evidence  the last 10 probes of 60 failed at stage tcp
              last complete answer T+101.0 (2.0 s ago)
              found at T+101.0: tcp: refused
              that is the SOCKS server's own answer: no network or target can be to blame
    rule      what the SOCKS server itself refuses twice, with a pause, condemns it  [probe] false_alarm_every = "30d"
    effect    HAProxy has it in ready
    returns   after 3 good probes over 1.5s; it is probed every 500ms  [probe] hold = "1.5s"
              at once where no other server works
              nothing is written to socks_back_7891 before T+301.0
    override  none
    try       hactl check -v socks_back_7891/wg2
              hactl wait socks_back_7891/wg2 --for online
    "#);
}

#[test]
fn paused_observed_denied_refused_and_away() {
    let mut world = World::warm();
    world.steered_elsewhere = true;
    world.observed.writes = Writes::Withheld { would: Vec::new() };
    world.look();
    world.break_("wg1", Fault::Refused);
    world.run(2000);
    assert_snapshot!(headline(&world, "wg1"), @"socks_back_7891/wg1 is OFFLINE since T+101.0 (2.0 s), and wanted in MAINT, but hactl only observes.");
    assert_snapshot!(section(&world, "wg1", "returns"), @r#"
    returns   after 3 good probes over 1.5s; it is probed every 500ms  [probe] hold = "1.5s"
              at once where no other server works
              hactl acts where the mode is "active"  [[instance]] mode = "observe"
    "#);
    let until = Some("2026-11-25T23:30:00.000Z".to_owned());
    let (by, reason) = ("root (uid 0)".to_owned(), "moving wg1".to_owned());
    let paused = PauseStatus { by, reason, since: String::new(), until };
    assert_snapshot!(render(&explain(&world, Some("wg1"), &Effects::default(), Some(&paused))), @r#"
    socks_back_7891/wg1 is OFFLINE since T+101.0 (2.0 s), and wanted in MAINT, but hactl is paused.
    evidence  the last 9 probes of 60 failed at stage tcp
              last complete answer T+101.0 (2.0 s ago)
              found at T+101.0: tcp: refused
              that is the SOCKS server's own answer: no network or target can be to blame
    rule      what the SOCKS server itself refuses twice, with a pause, condemns it  [probe] false_alarm_every = "30d"
    effect    set server socks_back_7891/wg1 state maint is to be sent
              HAProxy has it in ready
              hactl is paused by root (uid 0): moving wg1; nothing is changed, one command would be sent
    returns   after 3 good probes over 1.5s; it is probed every 500ms  [probe] hold = "1.5s"
              at once where no other server works
              the pause lasts until 2026-11-25T23:30:00.000Z
    override  none
    try       hactl check -v socks_back_7891/wg1
              hactl resume
              hactl wait socks_back_7891/wg1 --for online
    "#);
    world.observed.writes = Writes::Denied { why: "the socket has level operator".to_owned() };
    assert_snapshot!(headline(&world, "wg1"), @"socks_back_7891/wg1 is OFFLINE since T+101.0 (2.0 s), and wanted in MAINT, but HAProxy lets nothing be changed.");
    world.observed.writes = Writes::Refused { why: "b/wg1: No such server.".to_owned() };
    assert_snapshot!(headline(&world, "wg1"), @"socks_back_7891/wg1 is OFFLINE since T+101.0 (2.0 s), and wanted in MAINT, but HAProxy refuses it.");
    world.observed.haproxy = Haproxy::Away { why: "connection refused".to_owned(), since: world.now };
    assert_snapshot!(headline(&world, "wg1"), @"socks_back_7891/wg1 is OFFLINE since T+101.0 (2.0 s), and wanted in MAINT, but HAProxy does not answer.");
    assert_snapshot!(section(&world, "wg1", "effect"), @"
    effect    set server socks_back_7891/wg1 state maint is to be sent
              HAProxy last had it in ready
              HAProxy does not answer since T+103.0: connection refused
              HAProxy refuses a command: b/wg1: No such server.
    ");
}

#[test]
fn not_managed_without_an_address_not_there_and_not_known_yet() {
    let mut world = World::warm();
    world.server("cloudflare_warp").managed = false;
    world.server("wg2").address = None;
    world.observed.missing = vec![format!(
        "HAProxy has no server {BACKEND}/wg3 (it has wg1, wg2); correct its name in the configuration"
    )];
    world.look();
    assert_snapshot!(explained(&world, "cloudflare_warp"), @"
    socks_back_7891/cloudflare_warp is left alone by hactl, and HAProxy has it in ready.
    evidence  it is not probed
    rule      hactl leaves servers alone that the configuration does not name  [[instance.backend]] servers = without it
    effect    HAProxy has it in ready
    returns   never by hactl: whoever put it into its state has to change that
    override  none
    try       hactl check -v socks_back_7891/cloudflare_warp
    ");
    assert_snapshot!(explained(&world, "wg2"), @"
    socks_back_7891/wg2 is UNKNOWN since T+101.0 (0.0 s), and stays as it is until something is known.
    evidence  HAProxy has no address for it (DNS, or none that TCP can reach), so it cannot be probed
    effect    HAProxy has it in ready
    returns   once HAProxy has an address for it
    override  none
    ");
    assert_snapshot!(explained(&world, "wg3"), @"
    socks_back_7891/wg3 is in the configuration, and HAProxy does not have it.
    evidence  HAProxy has no server socks_back_7891/wg3 (it has wg1, wg2); correct its name in the configuration
    effect    nothing is probed and nothing is written to it
    returns   once HAProxy has it, or the configuration does not name it any more
    try       hactl reload, once the configuration is corrected
    ");
    assert!(try_explain(&world, Some("wg4"), &Effects::default(), None).is_none());
    let mut world = World::new();
    world.uplink = false;
    assert_snapshot!(explained(&world, "wg1"), @"
    socks_back_7891/wg1 is UNKNOWN since T+1.0 (0.0 s), and stays in service until something is known.
    evidence  no probe has ended yet
              in doubt since T+1.0: wave 1 of 2 is out
    rule      what nothing is known of is left as it is
    effect    HAProxy has it in ready
    returns   with its first answer, or once its silence is confirmed
    override  none
    try       hactl check -v socks_back_7891/wg1
    ");
}

#[test]
fn steered_by_the_agent_check() {
    let mut world = World::warm();
    world.steered_elsewhere = true;
    world.break_("wg1", Fault::Refused);
    for name in NAMES {
        world.server(name).agent = Some(Agent::Up);
    }
    world.run(2000);
    assert_snapshot!(headline(&world, "wg1"), @"socks_back_7891/wg1 is OFFLINE since T+101.0 (2.0 s), so it is just being put into DOWN.");
    let wg1 = world.server("wg1");
    (wg1.agent, wg1.operational) = (Some(Agent::Down), Operational::Stopped);
    world.look();
    let mut effects = Effects::default();
    effects.note(&Event::Answered { server: id("wg1"), up: false }, world.now);
    assert_snapshot!(render(&explain(&world, Some("wg1"), &effects, None)), @r#"
    socks_back_7891/wg1 is OFFLINE since T+101.0 (2.0 s), so HAProxy holds it in DOWN by its agent-check.
    evidence  the last 9 probes of 60 failed at stage tcp
              last complete answer T+101.0 (2.0 s ago)
              found at T+101.0: tcp: refused
              that is the SOCKS server's own answer: no network or target can be to blame
    rule      what the SOCKS server itself refuses twice, with a pause, condemns it  [probe] false_alarm_every = "30d"
    effect    its agent-check was answered down: HAProxy has taken it, as was read back at T+103.0 (0.0 s ago)
              HAProxy has it in down by its agent-check, set by hactl
    returns   after 3 good probes over 1.5s; it is probed every 500ms  [probe] hold = "1.5s"
              at once where no other server works
    override  none
    try       hactl check -v socks_back_7891/wg1
              hactl wait socks_back_7891/wg1 --for online
    "#);
    world.server("wg1").agent = Some(Agent::Absent);
    world.look();
    assert_snapshot!(headline(&world, "wg1"), @"socks_back_7891/wg1 is OFFLINE since T+101.0 (2.0 s), but cannot be taken out: it has no agent-check that asks hactl.");
    assert_snapshot!(section(&world, "wg1", "returns"), @r#"
    returns   after 3 good probes over 1.5s; it is probed every 500ms  [probe] hold = "1.5s"
              at once where no other server works
              write `agent-check` with hactl's port into its line of haproxy.cfg, and reload HAProxy
    "#);
}

#[test]
fn rules_keep_servers_out() {
    let mut world = under(|rules| rules.failback = Failback::Manual);
    world.break_("wg1", Fault::Refused);
    world.run(5000);
    world.break_("wg1", Fault::None);
    world.run(20_000);
    assert_snapshot!(explained(&world, "wg1"), @r#"
    socks_back_7891/wg1 is ONLINE since T+107.9 (18 s), but HAProxy holds it in MAINT by a rule: it is good again, and waits for as long as wg2 works.
    evidence  the last probe passed in 50 ms at T+125.9; 0 of 60 failed, median 50 ms, 95 % within 50 ms
    rule      it is good again, and waits for as long as wg2 works  [[instance.backend]] failback = "manual"
    effect    set server socks_back_7891/wg1 state maint: done, and read back at T+126.0 (0.0 s ago)
              HAProxy has it in maint, set by hactl
    returns   when wg2 fails, or with `hactl failback socks_back_7891`
    override  none
    try       hactl check -v socks_back_7891/wg1
              hactl failback socks_back_7891
    "#);
    assert_snapshot!(backend(&world), @r#"
    socks_back_7891 has 3 of 3 servers online, and HAProxy uses wg2.
    evidence  wg1 is online: failback = manual: it is used again when wg2 fails, or after `hactl failback socks_back_7891`
              wg2 is online
              cloudflare_warp is online
    rule      unhealthy servers go out and healthy ones in; HAProxy's order does the rest  [[instance.backend]] policy = "order"
              a preferred server that is back waits for an operator  [[instance.backend]] failback = "manual"
    effect    new connections go to wg2 since T+101.0 (24 s ago)
    returns   preferred servers are used again when wg2 fails, or with `hactl failback socks_back_7891`
    override  none
    try       hactl status socks_back_7891
    "#);
    let world = under(|rules| rules.allow_exit_change = false);
    assert_snapshot!(headline(&world, "wg2"), @"socks_back_7891/wg2 is ONLINE since T+1.2 (99 s), but HAProxy holds it in MAINT by a rule: only the first tier is used.");
    let tiers = vec![vec![Name::from("wg2")], vec![Name::from("wg1")]];
    let world = under(|rules| rules.tiers = tiers);
    assert_snapshot!(headline(&world, "wg1"), @"socks_back_7891/wg1 is ONLINE since T+1.2 (99 s), but HAProxy holds it in DRAIN by a rule: wg2, of a better tier, is used instead.");
    let mut world = under(|rules| rules.when_all_down = WhenAllDown::FailClosed);
    for name in NAMES {
        world.break_(name, Fault::Refused);
    }
    world.run(5000);
    assert_snapshot!(headline(&world, "wg1"), @"socks_back_7891/wg1 is OFFLINE since T+101.0 (5.0 s), but HAProxy holds it in MAINT by a rule: no server of the backend carries traffic.");
    assert_snapshot!(section(&world, "wg1", "rule"), @r#"
    rule      no server of the backend carries traffic  [[instance.backend]] when_all_down = "fail-closed"
              what the SOCKS server itself refuses twice, with a pause, condemns it  [probe] false_alarm_every = "30d"
    "#);
    let world = under(|rules| rules.policy = Policy::Latency);
    assert_snapshot!(backend(&world), @r#"
    socks_back_7891 has 3 of 3 servers online, and HAProxy uses wg1.
    evidence  wg1 is online
              wg2 is online
              cloudflare_warp is online
    rule      inside a tier the clearly fastest is used  [[instance.backend]] policy = "latency"
    effect    new connections go to wg1 since T+1.0 (100 s ago)
    returns   nothing is waited for
    override  none
    try       hactl status socks_back_7891
    "#);
}

#[test]
fn every_text_says_more_than_that_it_failed() {
    let mut world = World::warm();
    for fault in [Fault::BlackHole, Fault::Mtu, Fault::Mute, Fault::Refused, Fault::Rejects(5)] {
        world.break_("wg1", fault);
        world.run(10_000);
        let explanation = explain(&world, Some("wg1"), &Effects::default(), None);
        let evidence = &explanation.sections[0];
        let reason = evidence.lines.iter().find(|line| line.text.starts_with("found at"));
        let words = ["no reply", "no answer", "refused", "closed", "reply", "timeout"];
        let said = reason.is_some_and(|line| words.iter().any(|word| line.text.contains(word)));
        assert!(said, "{explanation:?}");
        let labels: Vec<&str> = explanation.sections.iter().map(|section| section.label.as_str()).collect();
        assert_eq!(labels, ["evidence", "rule", "effect", "returns", "override", "try"], "{fault:?}");
        world.break_("wg1", Fault::None);
        world.run(400_000);
    }
}
