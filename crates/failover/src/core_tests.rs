//! What the core remembers is bounded by what is under way.

use super::*;
use crate::{
    Admin, Agent, Balance, Haproxy, Kind, Observed, ObservedBackend, ObservedServer, Operational, Owner,
    Process, Profile, Stage, StageTime, Success,
};

#[test]
fn a_canary_that_has_ended_is_remembered_no_longer() {
    let mut settings = Settings::new(vec!["https://1.1.1.1/".into()]);
    settings.profile = Profile::Fast;
    let mut core = Core::new(settings);
    core.on_observed(&observed(), Time::ZERO);
    let mut canaries = 0;
    for step in 1..3000_u64 {
        let now = Time::from_millis(step * 20);
        for order in core.take_orders() {
            let Order::Probe(probe) = order else { continue };
            canaries += u32::from(probe.kind == Kind::Canary);
            core.on_evidence(&Evidence { probe: probe.id, at: now, saw: Saw::Began }, now);
            core.on_evidence(&Evidence { probe: probe.id, at: now, saw: answered(probe.kind) }, now);
        }
        core.on_time(now);
    }
    assert!(canaries > 200, "{canaries}");
    assert!(core.owners.len() < 5, "{}", core.owners.len());
}

#[test]
fn what_an_earlier_run_took_out_still_waits_by_either_lever_and_what_others_did_does_not() {
    for (admin, owner, agent, out) in [
        (Admin::Maint, Owner::Ours, None, true),
        (Admin::Maint, Owner::Theirs, None, false),
        (Admin::Ready, Owner::Ours, None, false),
        (Admin::Ready, Owner::Ours, Some(Agent::Down), true),
        (Admin::Ready, Owner::Ours, Some(Agent::Up), false),
        (Admin::Maint, Owner::Ours, Some(Agent::Down), false),
    ] {
        let mut observed = observed();
        for server in observed.backends.values_mut().flat_map(|backend| &mut backend.servers) {
            (server.admin, server.owner, server.agent) = (admin, owner, agent);
        }
        let mut core = Core::new(Settings::new(vec!["https://1.1.1.1/".into()]));
        core.on_observed(&observed, Time::ZERO);
        let waits: Vec<bool> = core.servers.values().map(|server| server.out).collect();
        assert_eq!(waits, [out], "{admin:?} {owner:?} {agent:?}");
    }
}

fn answered(kind: Kind) -> Saw {
    let last = StageTime { stage: Stage::Http, took: Duration::from_millis(20) };
    let success = Success { last, status: Some(200), received: 4000, kept: kind != Kind::Full };
    Saw::Ended(crate::Ending::Success(success))
}

fn observed() -> Observed {
    let server = ObservedServer {
        name: "wg1".into(),
        address: Some(([127, 0, 0, 1], 18181).into()),
        backup: true,
        admin: Admin::Ready,
        owner: Owner::Ours,
        reopened: false,
        agent: None,
        tracks: None,
        flags: Vec::new(),
        operational: Operational::Running,
        weight: 1,
        managed: true,
        busy: false,
    };
    let process = Process { pid: 412, start_time: 0, version: "2.6.12".to_owned() };
    let backend = ObservedBackend { balance: Balance::First, servers: vec![server] };
    Observed {
        haproxy: Haproxy::Present { process, at: Time::ZERO },
        backends: BTreeMap::from([("b".into(), backend)]),
        ..Observed::nothing()
    }
}
