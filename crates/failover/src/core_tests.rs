//! The core from evidence and sights of HAProxy to wishes, events and status: the seed's scene without its sockets.

use super::*;
use crate::status::{Context, Level, Status};
use crate::{
    Admin, Ask, Balance, Cause, Failure, Haproxy, ObservedServer, Operational, Outcome, Owner, ProbeOutcome,
    Process, Stage, Writes,
};

const NAMES: [&str; 3] = ["wg1", "wg2", "cloudflare_warp"];

#[test]
fn every_server_with_an_address_is_probed_from_the_first_sight_on() {
    let mut scene = Scene::new();
    let changes = scene.look();
    assert_eq!(changes.start.len(), 3);
    assert!(changes.start.iter().all(|first| first.next.ask == Ask::All && first.next.at == Time::ZERO));
    assert_eq!(scene.look(), ProbeChanges::default(), "nothing is new the second time");
    assert_eq!(scene.texts(), ["socks_back_7891 is on wg1"]);
}

#[test]
fn a_dead_tunnel_is_wanted_out_and_told_in_words() {
    let mut scene = Scene::online();
    scene.fail("wg1", Stage::Connect, "connect to 1.1.1.1:443: no reply in 2 s");
    assert_eq!(scene.want("wg1"), Want::Ready, "one failed round is only a suspicion");
    scene.fail("wg1", Stage::Connect, "connect to 1.1.1.1:443: no reply in 2 s");
    assert_eq!(scene.want("wg1"), Want::Maint);
    scene.set("wg1", Admin::Maint);
    scene.look();
    assert_eq!(
        scene.texts(),
        [
            "socks_back_7891/wg1 is degraded: connect to 1.1.1.1:443: no reply in 2 s",
            "socks_back_7891 now on wg2",
        ]
    );
}

#[test]
fn a_blackout_is_told_once_with_its_length_and_keeps_what_was_wanted_out_out() {
    let mut scene = Scene::online();
    scene.condemn("wg1");
    scene.condemn("wg2");
    scene.at(60_000);
    scene.condemn("cloudflare_warp");
    assert_eq!(
        [scene.want("wg1"), scene.want("wg2"), scene.want("cloudflare_warp")],
        [Want::Maint, Want::Maint, Want::AsIs]
    );
    scene.texts();
    scene.at(72_000);
    scene.pass("wg2");
    scene.pass("wg2");
    assert_eq!(
        scene.texts(),
        ["socks_back_7891/wg2 is online (48 ms)", "socks_back_7891: wg2 carries traffic again after 12 s",]
    );
    assert_eq!(scene.want("cloudflare_warp"), Want::Maint);
}

#[test]
fn a_server_with_a_new_address_is_a_new_server_and_one_that_is_gone_is_probed_no_more() {
    let mut scene = Scene::online();
    scene.server("wg1").address = Some("127.0.0.1:28181".parse().unwrap());
    let gone = scene.servers().remove(1);
    let changes = scene.look();
    assert_eq!(changes.start.len(), 1);
    assert_eq!(changes.start[0].server, ServerId::new("socks_back_7891", "wg1"));
    assert_eq!(changes.stop, [ServerId::new("socks_back_7891", gone.name)]);
    assert_eq!(scene.status().backends[0].servers[0].health, Some(Verdict::Unknown));
    assert_eq!(scene.status().backends[0].servers[1].health, Some(Verdict::Online), "its history is kept");
    assert!(scene.core.on_round(&scene.round("wg2", Outcome::Void(String::new()))).is_none());
}

#[test]
fn a_server_without_an_address_is_not_probed() {
    let mut scene = Scene::new();
    scene.server("wg2").address = None;
    let started = scene.look().start;
    assert_eq!(started.len(), 2);
    scene.server("wg2").address = Some("127.0.0.1:1".parse().unwrap());
    assert_eq!(scene.look().start.len(), 1);
    scene.server("wg2").address = None;
    assert_eq!(scene.look().stop, [ServerId::new("socks_back_7891", "wg2")]);
}

#[test]
fn the_status_level_follows_what_clients_get() {
    let mut scene = Scene::new();
    scene.look();
    assert_eq!(scene.level(), (Level::Unknown, 3), "no verdict yet");
    for name in NAMES {
        scene.pass(name);
    }
    assert_eq!(scene.level(), (Level::Ok, 0));
    scene.condemn("wg2");
    assert_eq!(scene.level(), (Level::Degraded, 1), "wg1 serves, but wg2 is dead");
    scene.condemn("wg1");
    scene.set("wg1", Admin::Maint);
    scene.set("wg2", Admin::Maint);
    scene.look();
    let status = scene.status();
    let backend = &status.backends[0];
    assert!(backend.on_backup);
    assert_eq!(backend.active_server.as_deref(), Some("cloudflare_warp"));
    assert_eq!(status.exit_code, 1);
    scene.condemn("cloudflare_warp");
    assert_eq!(scene.level(), (Level::Down, 2));
}

#[test]
fn a_haproxy_that_is_away_or_refuses_is_a_problem_with_code_2() {
    let mut scene = Scene::online();
    scene.observed.writes = Writes::Denied { why: "level operator".to_owned() };
    let status = scene.status();
    assert_eq!((status.exit_code, status.applying), (2, false));
    assert_eq!(status.problems, ["nothing can be changed in HAProxy: level operator"]);
    scene.observed.writes = Writes::Applied;
    scene.observed.haproxy = Haproxy::Away { why: "connection refused".to_owned(), since: Time::ZERO };
    let status = scene.status();
    assert_eq!((status.exit_code, status.haproxy.answering, status.haproxy.pid), (2, false, None));
    assert_eq!(status.backends.len(), 1, "as it was last seen");
}

#[test]
fn a_difference_that_stands_is_shown_with_its_reason() {
    let mut scene = Scene::online();
    scene.set("wg1", Admin::Drain);
    scene.server("wg1").owner = Owner::Theirs;
    scene.look();
    let status = scene.status();
    let wg1 = &status.backends[0].servers[0];
    assert_eq!((wg1.drift, wg1.desired), (true, Some(Admin::Ready)));
    assert_eq!(wg1.held.as_deref(), Some("somebody else put it into drain"));
    assert_eq!(wg1.haproxy.owner, Some(Owner::Theirs));
}

#[test]
fn a_status_survives_json() {
    let mut scene = Scene::online();
    scene.condemn("wg1");
    let status = scene.status();
    let json = serde_json::to_string(&status).unwrap();
    assert_eq!(serde_json::from_str::<Status>(&json).unwrap(), status);
    assert!(json.contains(r#""apiVersion":"hactl/v1","kind":"Status""#));
    assert!(json.contains(r#""override":null"#));
}

struct Scene {
    core: Core,
    observed: Observed,
    now: Time,
}

impl Scene {
    fn new() -> Self {
        let servers = NAMES.iter().zip([18181, 18182, 8111]).map(|(name, port)| ObservedServer {
            name: Name::from(*name),
            address: Some(([127, 0, 0, 1], port).into()),
            backup: true,
            admin: Admin::Ready,
            owner: Owner::Ours,
            reopened: false,
            tracks: None,
            flags: Vec::new(),
            operational: Operational::Running,
            weight: 1,
            busy: false,
            managed: true,
        });
        let backend = ObservedBackend { balance: Balance::First, servers: servers.collect() };
        let process = Process { pid: 412, start_time: 0, version: "2.6.12".to_owned() };
        let observed = Observed {
            haproxy: Haproxy::Present { process, at: Time::ZERO },
            level: Some("admin".to_owned()),
            backends: BTreeMap::from([(Name::from("socks_back_7891"), backend)]),
            ..Observed::nothing()
        };
        Self { core: Core::new(Thresholds::with_interval(Duration::from_secs(1))), observed, now: Time::ZERO }
    }

    fn online() -> Self {
        let mut scene = Self::new();
        scene.look();
        for name in NAMES {
            scene.pass(name);
        }
        scene.texts();
        scene
    }

    fn at(&mut self, millis: u64) {
        self.now = Time::from_millis(millis);
    }

    fn look(&mut self) -> ProbeChanges {
        self.core.on_observed(&self.observed, self.now)
    }

    fn servers(&mut self) -> &mut Vec<ObservedServer> {
        &mut self.observed.backends.get_mut(&Name::from("socks_back_7891")).unwrap().servers
    }

    fn server(&mut self, name: &str) -> &mut ObservedServer {
        self.servers().iter_mut().find(|server| server.name.as_str() == name).unwrap()
    }

    fn set(&mut self, name: &str, admin: Admin) {
        self.server(name).admin = admin;
    }

    fn round(&self, name: &str, outcome: Outcome) -> Round {
        let probe = ProbeOutcome { target: "https://1.1.1.1/".into(), stages: Vec::new(), outcome };
        let server = ServerId::new("socks_back_7891", name);
        Round { server, started: self.now, finished: self.now, probes: vec![probe] }
    }

    fn pass(&mut self, name: &str) {
        let round = self.round(name, Outcome::Passed(Duration::from_millis(48)));
        self.core.on_round(&round);
    }

    fn fail(&mut self, name: &str, stage: Stage, text: &str) {
        let failure = Failure { stage, cause: Cause::Timeout, text: text.to_owned() };
        let round = self.round(name, Outcome::Failed(failure));
        self.core.on_round(&round);
    }

    fn condemn(&mut self, name: &str) {
        self.fail(name, Stage::Connect, "connect to 1.1.1.1:443: no reply in 2 s");
        self.fail(name, Stage::Connect, "connect to 1.1.1.1:443: no reply in 2 s");
    }

    fn want(&self, name: &str) -> Want {
        self.core.desired()[&Name::from("socks_back_7891")][&Name::from(name)].want
    }

    fn texts(&mut self) -> Vec<String> {
        self.core.take_events().iter().map(ToString::to_string).collect()
    }

    fn status(&self) -> Status {
        let context = Context {
            version: "0.1.0",
            node: "gw1",
            instance: "7891",
            socket: "/run/haproxy/admin.sock",
            now: self.now,
            unix_now: 1000,
            wall: &|time| format!("{:?}", time.since_origin()),
        };
        self.core.status(&self.observed, &context)
    }

    fn level(&self) -> (Level, u8) {
        let status = self.status();
        (status.backends[0].verdict, status.exit_code)
    }
}
