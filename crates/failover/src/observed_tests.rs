//! Sights of HAProxy as a recording holds them.

use super::*;

#[test]
fn a_sight_comes_back_out_of_a_recording_as_it_went_in() {
    let spread = ObservedBackend { balance: Balance::Spread, servers: Vec::new() };
    let seen = Observed {
        level: Some("admin".to_owned()),
        backends: BTreeMap::from([(Name::from("b"), backend()), (Name::from("c"), spread)]),
        missing: vec!["HAProxy has no backend d".to_owned()],
        contended: BTreeMap::from([(Name::from("c"), Time::from_millis(300_000))]),
        ledger: Some("no space left".to_owned()),
        ..Observed::nothing()
    };
    let (why, since, at) = ("nobody listens".to_owned(), Time::from_millis(1), Time::from_millis(7));
    let process = Process { pid: 412, start_time: 1_760_000_000, version: "2.6.12".to_owned() };
    let haproxy =
        [Haproxy::Unseen, Haproxy::Away { why: why.clone(), since }, Haproxy::Present { process, at }];
    let writes = [
        Writes::Applied,
        Writes::Denied { why: why.clone() },
        Writes::Refused { why },
        Writes::Withheld { would: Vec::new() },
    ];
    for (haproxy, writes) in haproxy.into_iter().zip(writes) {
        let seen = Observed { haproxy, writes, ..seen.clone() };
        let recorded = serde_json::to_string(&seen).unwrap();
        assert_eq!(serde_json::from_str::<Observed>(&recorded).unwrap(), seen, "{recorded}");
    }
}

#[test]
fn the_flags_for_display_are_not_recorded() {
    let mut server = backend().servers.remove(0);
    server.flags = vec!["fmaint"];
    let recorded = serde_json::to_value(&server).unwrap();
    assert_eq!(recorded.get("flags"), None);
    let read: ObservedServer = serde_json::from_value(recorded).unwrap();
    assert_eq!(read, ObservedServer { flags: Vec::new(), ..server });
}

#[test]
fn a_sight_recorded_before_there_were_two_levers_is_read() {
    let server = backend().servers.remove(0);
    let mut recorded = serde_json::to_value(&server).unwrap();
    assert!(recorded.as_object_mut().unwrap().remove("agent").is_some());
    assert_eq!(serde_json::from_value::<ObservedServer>(recorded).unwrap(), server);
}

#[test]
fn by_its_agent_check_a_server_is_out_because_of_us_and_by_its_state_because_of_others() {
    let server = |admin, agent| ObservedServer { admin, agent, ..backend().servers.remove(1) }.position();
    for agent in [Agent::Up, Agent::Absent] {
        assert_eq!(server(Admin::Ready, Some(agent)).0, Admin::Ready);
    }
    assert_eq!(server(Admin::Ready, Some(Agent::Down)), (Admin::Maint, Owner::Ours));
    assert_eq!(server(Admin::Maint, Some(Agent::Down)), (Admin::Maint, Owner::Theirs));
    assert_eq!(server(Admin::Drain, Some(Agent::Up)), (Admin::Drain, Owner::Theirs));
    assert_eq!(server(Admin::Maint, None), (Admin::Maint, Owner::Ours));
}

fn backend() -> ObservedBackend {
    let closed = ObservedServer {
        name: Name::from("wg1"),
        address: Some(([127, 0, 0, 1], 18181).into()),
        backup: false,
        admin: Admin::Maint,
        owner: Owner::Theirs,
        reopened: true,
        agent: None,
        tracks: Some(ServerId::new("c", "wg1")),
        flags: Vec::new(),
        operational: Operational::Stopped,
        weight: 256,
        busy: true,
        managed: false,
    };
    let open = ObservedServer {
        name: Name::from("wg2"),
        address: None,
        backup: true,
        admin: Admin::Ready,
        owner: Owner::Ours,
        reopened: false,
        agent: Some(Agent::Down),
        tracks: None,
        operational: Operational::Starting,
        weight: 0,
        busy: false,
        managed: true,
        ..closed.clone()
    };
    ObservedBackend { balance: Balance::First, servers: vec![closed, open] }
}
