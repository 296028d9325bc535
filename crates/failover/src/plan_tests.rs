//! Plans against a model of HAProxy: what they do, that they settle, and that they never empty a backend.

use super::*;
use crate::{Balance, Haproxy, Operational, Process, Time, Writes};
use proptest::prelude::*;

#[test]
fn a_condemned_server_is_closed_while_its_successor_is_usable() {
    let observed = seen([server("wg1"), server("wg2"), server("warp")]);
    let plan = plan(&wanted([Want::Maint, Want::Maint, Want::Ready]), &observed);
    assert_eq!(texts(&plan), ["b/wg2 maint", "b/wg1 maint"], "the least preferred first");
    assert!(plan.held.is_empty());
}

#[test]
fn the_successor_is_opened_and_read_back_before_anything_is_closed() {
    let mut observed = seen([server("wg1"), ours(server("wg2")), ours(server("warp"))]);
    let desired = wanted([Want::Maint, Want::Ready, Want::Maint]);
    assert_eq!(texts(&plan(&desired, &observed)), ["b/wg2 ready"]);
    run(&plan(&desired, &observed), &mut observed);
    assert_eq!(texts(&plan(&desired, &observed)), ["b/wg1 maint"]);
    run(&plan(&desired, &observed), &mut observed);
    assert_eq!(plan(&desired, &observed), Plan::default());
}

#[test]
fn a_server_that_cannot_be_opened_does_not_stop_the_closing_of_another() {
    let observed = seen([server("wg1"), ours(server("wg2")), server("warp")]);
    let plan = plan(&wanted([Want::Maint, Want::Ready, Want::Ready]), &observed);
    assert_eq!(texts(&plan), ["b/wg2 ready", "b/wg1 maint"]);
}

#[test]
fn nothing_is_closed_while_haproxy_itself_has_no_successor_up() {
    let down = ObservedServer { operational: Operational::Stopped, ..server("warp") };
    let observed = seen([server("wg1"), server("wg2"), down]);
    let plan = plan(&wanted([Want::Maint, Want::Maint, Want::Ready]), &observed);
    assert!(plan.steps.is_empty());
    assert_eq!(plan.held.len(), 2);
    assert!(plan.held.iter().all(|held| held.because == HeldBecause::NoSuccessor));
}

#[test]
fn an_unproved_server_is_no_successor_while_there_is_a_proved_one() {
    let weightless = ObservedServer { weight: 0, ..server("warp") };
    let observed = seen([server("wg1"), server("wg2"), weightless]);
    let plan = plan(&wanted([Want::Maint, Want::AsIs, Want::Ready]), &observed);
    assert!(plan.steps.is_empty());
}

#[test]
fn what_an_operator_orders_is_done_as_they_say_and_not_lifted_while_it_stands() {
    let ordered = |want: Want, insist: Insist| {
        let mut desired = wanted([want, Want::Ready, Want::Ready]);
        let wishes = desired.get_mut(&Name::from("b")).unwrap();
        wishes.get_mut(&Name::from("wg1")).unwrap().insist = insist;
        desired
    };
    let all = seen([server("wg1"), server("wg2"), server("warp")]);
    let drained = ObservedServer { admin: Admin::Drain, ..server("wg1") };
    let closed = seen([ours(server("wg1")), server("wg2"), server("warp")]);
    let texts_of = |desired: &Desired, observed: &Observed| texts(&plan(desired, observed));
    assert_eq!(texts_of(&ordered(Want::Maint, Insist::Asked), &all), ["b/wg1 maint"]);
    assert_eq!(texts_of(&ordered(Want::Drain, Insist::Asked), &all), ["b/wg1 drain"]);
    // The one is not as good as the other.
    assert_eq!(texts_of(&ordered(Want::Drain, Insist::Asked), &closed), ["b/wg1 drain"]);
    let observed = seen([drained, server("wg2"), server("warp")]);
    assert_eq!(texts_of(&ordered(Want::Maint, Insist::Asked), &observed), ["b/wg1 maint"]);
    // Where nothing else is left it stays, but by force; once out it is not given back.
    let stopped = |name| ObservedServer { operational: Operational::Stopped, ..server(name) };
    let alone = seen([server("wg1"), stopped("wg2"), stopped("warp")]);
    let held = plan(&ordered(Want::Maint, Insist::Asked), &alone);
    assert_eq!((held.steps.len(), held.held[0].because), (0, HeldBecause::NoSuccessor));
    assert_eq!(texts_of(&ordered(Want::Maint, Insist::Forced), &alone), ["b/wg1 maint"]);
    let empty = seen([ours(server("wg1")), stopped("wg2"), stopped("warp")]);
    assert_eq!(plan(&ordered(Want::Maint, Insist::Asked), &empty), Plan::default());
    // An agent-check has one answer for both.
    let by_agent =
        seen(["wg1", "wg2", "warp"].map(|name| ObservedServer { agent: Some(Agent::Up), ..server(name) }));
    assert_eq!(texts_of(&ordered(Want::Drain, Insist::Asked), &by_agent), ["b/wg1 maint"]);
}

#[test]
fn what_somebody_else_took_out_is_left_alone_and_said() {
    for admin in [Admin::Maint, Admin::Drain] {
        let theirs = ObservedServer { admin, owner: Owner::Theirs, ..server("wg1") };
        let observed = seen([theirs, server("wg2"), server("warp")]);
        let healthy = plan(&wanted([Want::Ready; 3]), &observed);
        assert!(healthy.steps.is_empty());
        assert_eq!(healthy.held[0].because, HeldBecause::NotOurs(admin));
        let dead = plan(&wanted([Want::Maint, Want::Ready, Want::Ready]), &observed);
        assert_eq!(dead, Plan::default(), "it is out already");
    }
}

#[test]
fn our_maint_is_given_back_where_haproxy_has_nothing_else_left() {
    let down = ObservedServer { operational: Operational::Stopped, ..server("warp") };
    let observed = seen([ours(server("wg1")), ours(server("wg2")), down]);
    let plan = plan(&wanted([Want::Maint, Want::Maint, Want::AsIs]), &observed);
    assert_eq!(texts(&plan), ["b/wg1 ready"]);
}

#[test]
fn servers_that_are_not_managed_are_never_written_to_but_count_as_successors() {
    let unmanaged = ObservedServer { managed: false, ..server("warp") };
    let mut observed = seen([server("wg1"), server("wg2"), unmanaged]);
    let mut desired = wanted([Want::Maint, Want::Maint, Want::Maint]);
    assert_eq!(texts(&plan(&desired, &observed)), ["b/wg2 maint", "b/wg1 maint"]);
    desired.get_mut(&Name::from("b")).unwrap().remove(&Name::from("warp"));
    run(&plan(&desired, &observed), &mut observed);
    assert!(plan(&desired, &observed).steps.is_empty());
}

#[test]
fn backends_that_are_not_wanted_are_never_touched() {
    let observed = seen([ours(server("wg1")), server("wg2"), server("warp")]);
    assert_eq!(plan(&Desired::new(), &observed), Plan::default());
}

#[test]
fn what_we_know_nothing_of_is_not_opened_even_where_haproxy_has_nothing_else() {
    let observed = seen([ours(server("wg1")), ours(server("wg2")), ours(server("warp"))]);
    assert_eq!(plan(&wanted([Want::Unknown; 3]), &observed), Plan::default());
}

#[test]
fn a_wish_says_nothing_about_a_server_at_another_address() {
    let moved = ObservedServer { address: Some(([127, 0, 0, 1], 18181).into()), ..server("wg1") };
    let observed = seen([moved, server("wg2"), server("warp")]);
    assert_eq!(plan(&wanted([Want::Maint, Want::Ready, Want::Ready]), &observed), Plan::default());
    let moved =
        ObservedServer { admin: Admin::Maint, ..observed.backends[&Name::from("b")].servers[0].clone() };
    let observed = seen([moved, server("wg2"), server("warp")]);
    assert_eq!(plan(&wanted([Want::Ready; 3]), &observed), Plan::default());
}

#[test]
fn a_server_that_tracks_the_one_to_be_closed_is_no_successor() {
    let tracks =
        |name: &str, of: &str| ObservedServer { tracks: Some(ServerId::new("b", of)), ..server(name) };
    let observed = seen([server("wg1"), tracks("wg2", "wg1"), tracks("warp", "wg2")]);
    let held = plan(&wanted([Want::Maint, Want::Ready, Want::Ready]), &observed);
    assert!(held.steps.is_empty());
    assert_eq!(held.held[0].because, HeldBecause::NoSuccessor);
    let observed = seen([server("wg1"), tracks("wg2", "wg1"), server("warp")]);
    assert_eq!(texts(&plan(&wanted([Want::Maint, Want::Ready, Want::Ready]), &observed)), ["b/wg1 maint"]);
}

#[test]
fn what_another_backend_needs_is_not_closed_unless_somebody_insists() {
    let mut observed = seen([server("wg1"), server("wg2"), server("warp")]);
    let follower = ObservedServer { tracks: Some(ServerId::new("b", "wg1")), ..server("x1") };
    let other = |servers| ObservedBackend { balance: Balance::First, servers };
    observed.backends.insert(Name::from("t"), other(vec![follower.clone()]));
    let mut desired = wanted([Want::Drain, Want::Ready, Want::Ready]);
    desired.insert(Name::from("t"), wishes(&["x1"], &[Want::Ready]));
    let held = plan(&desired, &observed);
    assert!(held.steps.is_empty() && held.held[0].server == ServerId::new("b", "wg1"), "{held:?}");

    let closes = |desired: &Desired, observed: &Observed| texts(&plan(desired, observed)) == ["b/wg1 drain"];
    let failed = Desired::from([(Name::from("t"), wishes(&["x1"], &[Want::AsIs]))]);
    let failed = failed.into_iter().chain(wanted([Want::Drain, Want::Ready, Want::Ready])).collect();
    assert!(closes(&failed, &observed), "nothing is lost with a server that carries no traffic");
    observed.backends.insert(Name::from("t"), other(vec![follower, server("x2")]));
    assert!(closes(&desired, &observed), "there is another one");
    observed.backends.get_mut(&Name::from("t")).unwrap().servers.truncate(1);
    desired.get_mut(&Name::from("b")).unwrap().get_mut(&Name::from("wg1")).unwrap().insist = Insist::Asked;
    assert!(closes(&desired, &observed), "whether it may be ordered was asked before");
}

#[test]
fn in_a_blackout_what_was_opened_again_stays_open_and_otherwise_it_is_put_right() {
    let opened = ObservedServer { reopened: true, ..server("wg1") };
    let observed = seen([opened, ours(server("wg2")), server("warp")]);
    assert_eq!(plan(&wanted([Want::Maint, Want::Maint, Want::AsIs]), &observed), Plan::default());
    assert_eq!(texts(&plan(&wanted([Want::Maint, Want::Maint, Want::Ready]), &observed)), ["b/wg1 maint"]);
}

#[test]
fn a_command_says_why_a_server_is_taken_out() {
    let observed = seen([server("wg1"), server("wg2"), ours(server("warp"))]);
    let mut desired = wanted([Want::Maint, Want::Ready, Want::Ready]);
    desired.get_mut(&Name::from("b")).unwrap().get_mut(&Name::from("wg1")).unwrap().why =
        Some("connect: silence".into());
    let whys: Vec<_> = plan(&desired, &observed).steps.into_iter().map(|step| (step.set, step.why)).collect();
    assert_eq!(whys, [(Admin::Ready, None), (Admin::Maint, Some("connect: silence".into()))]);
}

#[test]
fn nothing_is_written_to_a_contended_backend_while_haproxy_has_a_server_in_it() {
    let mut observed = seen([server("wg1"), ours(server("wg2")), server("warp")]);
    observed.contended.insert("b".into(), Time::ZERO);
    let held = plan(&wanted([Want::Maint, Want::Ready, Want::Ready]), &observed);
    assert!(held.steps.is_empty());
    let held: Vec<_> = held.held.iter().map(|held| (held.server.server.as_str(), held.because)).collect();
    assert_eq!(held, [("wg2", HeldBecause::Contended), ("wg1", HeldBecause::Contended)]);
}

#[test]
fn a_contended_backend_that_is_empty_because_of_us_gets_one_server_back() {
    let theirs = ObservedServer { admin: Admin::Maint, owner: Owner::Theirs, ..server("warp") };
    let mut observed = seen([ours(server("wg1")), ours(server("wg2")), theirs]);
    observed.contended.insert("b".into(), Time::ZERO);
    let wants = [Want::Ready, Want::Ready, Want::Ready];
    assert_eq!(texts(&plan(&wanted(wants), &observed)), ["b/wg1 ready"]);
    let judged = [Want::Maint, Want::Maint, Want::AsIs];
    assert_eq!(texts(&plan(&wanted(judged), &observed)), ["b/wg1 ready"]);
}

#[test]
fn what_is_preferred_is_read_back_before_anything_is_drained_and_drains_are_lifted_at_once() {
    let mut observed = seen([server("wg1"), ours(server("wg2")), server("warp")]);
    let desired = wanted([Want::Drain, Want::Ready, Want::Ready]);
    assert_eq!(texts(&plan(&desired, &observed)), ["b/wg2 ready"]);
    run(&plan(&desired, &observed), &mut observed);
    assert_eq!(texts(&plan(&desired, &observed)), ["b/wg1 drain"]);
    run(&plan(&desired, &observed), &mut observed);
    assert_eq!(plan(&desired, &observed), Plan::default());
    assert_eq!(texts(&plan(&wanted([Want::Ready; 3]), &observed)), ["b/wg1 ready"]);
    assert_eq!(
        plan(&wanted([Want::Maint, Want::Ready, Want::Ready]), &observed),
        Plan::default(),
        "it is out"
    );
}

#[test]
fn what_is_wanted_shut_is_closed_whatever_is_left_and_given_back_by_nobody() {
    let mut observed = seen([server("wg1"), ours(server("wg2")), server("warp")]);
    let shut = wanted([Want::Shut; 3]);
    run(&plan(&shut, &observed), &mut observed);
    assert!(!usable(&observed));
    assert_eq!(plan(&shut, &observed), Plan::default());
    let exit = wanted([Want::Maint, Want::AsIs, Want::Shut]);
    assert_eq!(texts(&plan(&exit, &observed)), ["b/wg1 ready"], "but what is only dead is");
    let open = wanted([Want::Open; 3]);
    assert_eq!(texts(&plan(&open, &observed)), ["b/wg1 ready", "b/wg2 ready", "b/warp ready"]);
}

#[test]
fn sessions_are_cut_where_they_are_left_while_who_comes_back_is_served_by_a_proved_one() {
    let busy = |server: ObservedServer| ObservedServer { busy: true, ..server };
    let kills = |observed: &Observed, wants: [Want; 3]| {
        let mut desired = wanted(wants);
        for wish in desired.values_mut().flat_map(BTreeMap::values_mut) {
            wish.kill = true;
        }
        plan(&desired, observed).kills.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    use Want::{AsIs, Drain, Maint, Ready, Shut};
    let observed = seen([busy(ours(server("wg1"))), busy(server("wg2")), busy(server("warp"))]);
    assert_eq!(kills(&observed, [Maint, Ready, Ready]), ["b/wg1", "b/warp"], "not those in service");
    assert_eq!(kills(&observed, [Drain, Ready, Maint]), ["b/wg1"], "not before it is out");
    assert_eq!(kills(&observed, [Maint, AsIs, AsIs]), [""; 0], "nothing is proved");
    assert_eq!(kills(&observed, [Shut, Ready, AsIs]), [""; 0]);
    let theirs = seen([
        busy(ObservedServer { owner: Owner::Theirs, ..ours(server("wg1")) }),
        server("wg2"),
        server("warp"),
    ]);
    assert_eq!(kills(&theirs, [Maint, Ready, Ready]), [""; 0], "an operator's is left alone");
    let down = ObservedServer { operational: Operational::Stopped, ..server("wg2") };
    let observed = seen([busy(ours(server("wg1"))), down.clone(), server("warp")]);
    assert_eq!(kills(&observed, [Maint, Ready, AsIs]), [""; 0], "HAProxy would use an unproved one");
    let observed = seen([busy(ours(server("wg1"))), down, ours(server("warp"))]);
    assert_eq!(kills(&observed, [Maint, Ready, AsIs]), [""; 0], "HAProxy would use none");
    let observed = seen([ours(server("wg1")), server("wg2"), server("warp")]);
    assert_eq!(kills(&observed, [Maint, Ready, Ready]), [""; 0], "there are none");
    assert_eq!(
        plan(
            &wanted([Maint, Ready, Ready]),
            &seen([busy(ours(server("wg1"))), server("wg2"), server("warp")])
        ),
        Plan::default()
    );
}

#[test]
fn by_the_agent_check_the_successor_is_let_up_before_the_failed_one_is_taken_down() {
    let by_agent = |name: &str| ObservedServer { agent: Some(Agent::Up), ..server(name) };
    let mut observed = seen([by_agent("wg1"), by_agent("wg2"), down(by_agent("warp"))]);
    let desired = wanted([Want::Maint, Want::Maint, Want::Ready]);
    let first = plan(&desired, &observed);
    assert_eq!(texts(&first), ["b/warp ready"]);
    run(&first, &mut observed);
    let second = plan(&desired, &observed);
    assert_eq!(texts(&second), ["b/wg2 maint", "b/wg1 maint"]);
    run(&second, &mut observed);
    assert_eq!(plan(&desired, &observed), Plan::default());
}

#[test]
fn where_none_is_left_one_that_was_taken_down_by_its_agent_check_is_let_up() {
    let by_agent = |name: &str| down(ObservedServer { agent: Some(Agent::Up), ..server(name) });
    let observed = seen([by_agent("wg1"), by_agent("wg2"), by_agent("warp")]);
    assert_eq!(texts(&plan(&wanted([Want::Maint, Want::AsIs, Want::AsIs]), &observed)), ["b/wg1 ready"]);
}

#[test]
fn a_server_without_agent_check_is_held_and_an_operators_maint_beside_the_agent_check_stays() {
    let by_agent = |name: &str, agent| ObservedServer { agent: Some(agent), ..server(name) };
    let theirs = ObservedServer { admin: Admin::Maint, ..down(by_agent("wg2", Agent::Down)) };
    let observed = seen([by_agent("wg1", Agent::Absent), theirs, by_agent("warp", Agent::Up)]);
    let plan = plan(&wanted([Want::Maint, Want::Ready, Want::Ready]), &observed);
    assert_eq!(plan.steps, []);
    let because: Vec<HeldBecause> = plan.held.iter().map(|held| held.because).collect();
    assert_eq!(because, [HeldBecause::NotOurs(Admin::Maint), HeldBecause::NoAgent]);
}

proptest! {
    #[test]
    fn plans_settle_never_empty_a_backend_and_never_undo_what_others_did(
        wants in prop::array::uniform4(any_want()),
        servers in prop::array::uniform4(any_server()),
        backups in any::<u8>(),
    ) {
        let names = ["wg1", "wg2", "wg3", "warp"];
        let servers = servers.into_iter().zip(names).enumerate().map(|(index, (server, name))| ObservedServer {
            name: name.into(), backup: backups & (1 << index) != 0, ..server
        });
        let mut observed = seen(servers.collect::<Vec<_>>());
        let desired = Desired::from([(Name::from("b"), wishes(&names, &wants))]);
        let before = observed.clone();
        let mut passes = 0;
        loop {
            let next = plan(&desired, &observed);
            if next.steps.is_empty() {
                break;
            }
            for step in &next.steps {
                let had_usable = usable(&observed);
                let owner = observed.backends[&Name::from("b")].server(&step.server.server).unwrap();
                prop_assert!(owner.managed);
                let (admin, by) = owner.position();
                prop_assert!(admin == Admin::Ready || by == Owner::Ours);
                run(&Plan { steps: vec![step.clone()], ..Plan::default() }, &mut observed);
                let by_rule = desired[&Name::from("b")][&step.server.server].want == Want::Shut;
                prop_assert!(!had_usable || by_rule || usable(&observed), "{step} emptied {before:?}");
            }
            passes += 1;
            // At the worst each server is given back in turn, the last one helps, and then the others are closed.
            prop_assert!(passes <= names.len() + 2, "does not settle: {before:?} {desired:?}");
        }
        let backend = &observed.backends[&Name::from("b")];
        let could_help = |server: &&ObservedServer| {
            let judged = desired[&Name::from("b")]
                .get(&server.name)
                .is_some_and(|wish| !matches!(wish.want, Want::Unknown | Want::Shut));
            let (admin, owner) = server.position();
            let ours = owner == Owner::Ours && admin != Admin::Ready;
            // `ready` after `drain` does not erase HAProxy's own verdict.
            let helps = admin == Admin::Maint;
            server.managed && judged && ours && helps && server.weight > 0
        };
        prop_assert!(usable(&observed) || !backend.servers.iter().any(|server| could_help(&server)),
            "our maint is the reason that it is empty: {observed:?}");
    }
}

proptest! {
    /// HAProxy asks for each server when that one's time has come, and not in the order of a plan.
    #[test]
    fn whichever_steps_of_a_plan_come_first_no_backend_is_emptied(
        wants in prop::array::uniform4(any_want()),
        servers in prop::array::uniform4(any_server()),
        asked in any::<u8>(),
    ) {
        let names = ["wg1", "wg2", "wg3", "warp"];
        let servers = servers.into_iter().zip(names);
        let mut observed =
            seen(servers.map(|(server, name)| ObservedServer { name: name.into(), ..server }).collect::<Vec<_>>());
        let desired = Desired::from([(Name::from("b"), wishes(&names, &wants))]);
        let had_usable = usable(&observed);
        let steps = plan(&desired, &observed).steps.into_iter().enumerate();
        let steps = steps.filter(|(index, _)| asked & (1 << index) != 0).map(|(_, step)| step);
        run(&Plan { steps: steps.collect(), ..Plan::default() }, &mut observed);
        let by_rule = wants.contains(&Want::Shut);
        prop_assert!(!had_usable || by_rule || usable(&observed), "{observed:?}");
    }
}

fn any_want() -> impl Strategy<Value = Want> {
    prop::sample::select(vec![
        Want::Ready,
        Want::Open,
        Want::Drain,
        Want::Maint,
        Want::Shut,
        Want::AsIs,
        Want::Unknown,
    ])
}

fn any_server() -> impl Strategy<Value = ObservedServer> {
    let admin = prop::sample::select(vec![Admin::Ready, Admin::Drain, Admin::Maint]);
    let owner = prop::sample::select(vec![Owner::Ours, Owner::Theirs]);
    let operational = prop::sample::select(vec![
        Operational::Stopped,
        Operational::Starting,
        Operational::Running,
        Operational::Stopping,
    ]);
    let agent =
        prop::sample::select(vec![None, None, None, Some(Agent::Up), Some(Agent::Down), Some(Agent::Absent)]);
    (admin, owner, operational, 0..2_u32, prop::bool::weighted(0.9), agent).prop_map(
        |(admin, owner, operational, weight, managed, agent)| {
            let server = ObservedServer { admin, owner, operational, weight, managed, agent, ..server("x") };
            if agent == Some(Agent::Down) { down(server) } else { server }
        },
    )
}

/// As HAProxy has a server whose agent-check said `down`.
fn down(server: ObservedServer) -> ObservedServer {
    let agent = server.agent.map(|_| Agent::Down);
    ObservedServer { operational: Operational::Stopped, agent, ..server }
}

fn server(name: &str) -> ObservedServer {
    ObservedServer {
        name: name.into(),
        address: None,
        backup: true,
        admin: Admin::Ready,
        owner: Owner::Ours,
        reopened: false,
        agent: None,
        tracks: None,
        flags: Vec::new(),
        operational: Operational::Running,
        weight: 1,
        busy: false,
        managed: true,
    }
}

fn ours(server: ObservedServer) -> ObservedServer {
    ObservedServer { admin: Admin::Maint, ..server }
}

fn seen(servers: impl Into<Vec<ObservedServer>>) -> Observed {
    let process = Process { pid: 412, start_time: 0, version: "2.6.12".to_owned() };
    let backend = ObservedBackend { balance: Balance::First, servers: servers.into() };
    Observed {
        haproxy: Haproxy::Present { process, at: Time::ZERO },
        level: Some("admin".to_owned()),
        writes: Writes::Applied,
        backends: BTreeMap::from([(Name::from("b"), backend)]),
        ..Observed::nothing()
    }
}

fn wanted(wants: [Want; 3]) -> Desired {
    Desired::from([(Name::from("b"), wishes(&["wg1", "wg2", "warp"], &wants))])
}

fn wishes(names: &[&str], wants: &[Want]) -> BTreeMap<Name, Wish> {
    let wish = |(name, want): (&&str, &Want)| {
        (Name::from(*name), Wish { want: *want, why: None, address: None, kill: false, insist: Insist::No })
    };
    names.iter().zip(wants).map(wish).collect()
}

/// What HAProxy does with these commands: `ready` after `maint` makes a server take traffic at once (measured).
fn run(plan: &Plan, observed: &mut Observed) {
    for step in &plan.steps {
        let backend = observed.backends.get_mut(&step.server.backend).unwrap();
        let server = backend.servers.iter_mut().find(|server| server.name == step.server.server).unwrap();
        if server.agent.is_some() {
            // HAProxy's own check, which has to agree, is taken to do so.
            *server = match step.set {
                Admin::Ready => ObservedServer {
                    operational: Operational::Running,
                    agent: Some(Agent::Up),
                    ..server.clone()
                },
                Admin::Drain | Admin::Maint => down(server.clone()),
            };
            continue;
        }
        if step.set == Admin::Ready && server.admin == Admin::Maint {
            server.operational = Operational::Running;
        }
        server.admin = step.set;
        server.owner = Owner::Ours;
    }
}

fn usable(observed: &Observed) -> bool {
    observed.backends.values().all(|backend| backend.servers.iter().any(ObservedServer::is_usable))
}

fn texts(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(ToString::to_string).collect()
}
