//! A sequence of bytes as a sequence of events for the core, with its promises checked after each.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use failover::*;

const BACKENDS: [&str; 2] = ["one", "two"];
const SERVERS: [&str; 3] = ["wg1", "wg2", "warp"];
const TARGETS: [&str; 3] = ["https://1.1.1.1/", "http://8.8.8.8/", "tcp://9.9.9.9:53"];

/// The beginnings of steps in which probes are answered and time passes.
#[allow(dead_code, reason = "the fuzzer chooses its bytes itself")]
pub(crate) const PLAUSIBLE: [u8; 24] =
    [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23, 32, 33, 48, 49, 64, 80, 96, 200];

/// Probes and kept connections that one server may have under way: waves, recovery at its quickest, challenges of every
/// other server, a canary, and what is late and not given up yet.
const UNDER_WAY_MAX: usize = 80;

/// Events that one call may tell.
const EVENTS_MAX: usize = 64;

/// Runs the sequence; panics where a promise is broken.
pub(crate) fn run(bytes: &[u8]) {
    let mut harness = Harness::new(bytes.first().copied().unwrap_or(0));
    let mut bytes = bytes.iter().copied();
    bytes.next();
    while let Some(what) = bytes.next() {
        harness.step(what, bytes.next().unwrap_or(0));
        harness.check();
    }
}

struct Harness {
    core: Core,
    observed: Observed,
    rules: BTreeMap<Name, Rules>,
    now: Time,
    /// What was ordered and has not ended or been dropped, oldest first.
    under_way: BTreeMap<ProbeId, Probe>,
    /// Servers that were told to be degraded or offline, and not online since.
    accused: BTreeSet<ServerId>,
    /// Complete answers and probes ordered, per server, since the last answer.
    unanswered: BTreeMap<ServerId, usize>,
}

impl Harness {
    fn new(flavour: u8) -> Self {
        let settings = settings(flavour);
        let mut harness = Self {
            rules: settings.rules.clone(),
            core: Core::new(settings),
            observed: observed(),
            now: Time::from_millis(10),
            under_way: BTreeMap::new(),
            accused: BTreeSet::new(),
            unanswered: BTreeMap::new(),
        };
        harness.look();
        harness
    }

    fn step(&mut self, what: u8, argument: u8) {
        let number = u64::from(argument);
        match what >> 4 {
            0..=4 => self.tell(what, argument),
            5..=8 => self.pass(Duration::from_millis(number)),
            9 => self.pass(Duration::from_millis(number * 20)),
            10 => self.change_server(what, argument),
            11 => self.apply(),
            12 if argument == 0 => {
                self.core.on_fail_back(&Name::from(BACKENDS[0]), self.now);
                self.obey();
            }
            12 if argument >= 64 => self.order(argument),
            12 => self.look(),
            13 if argument == 0 => {
                self.now = self.now + Duration::from_secs(7);
                self.core.on_gap(Duration::from_secs(7), self.now);
            }
            // Late, so that the core takes itself for starved.
            13 => self.now = self.now + Duration::from_millis(number * 40),
            14 => self.tell_stranger(what, argument),
            _ => {
                // All that is under way stays silent for long.
                self.pass(Duration::from_secs(2));
            }
        }
        self.obey();
    }

    /// Time goes by as the core asks for it, with nothing coming in.
    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(due) = self.core.next_deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.core.on_time(self.now);
            let next = self.core.next_deadline();
            assert!(next.is_none_or(|next| next > self.now), "{next:?} is due at {:?} again", self.now);
            self.obey();
        }
        self.now = end;
    }

    /// Something is seen of one of the probes under way.
    fn tell(&mut self, what: u8, argument: u8) {
        let count = self.under_way.len();
        if count == 0 {
            return;
        }
        // The newest are the likeliest.
        let index = count - 1 - usize::from(argument) % count;
        let Some(probe) = self.under_way.values().nth(index).cloned() else { return };
        let took = Duration::from_millis(u64::from(argument & 0x3f) * 5);
        let saw = match what & 0x0f {
            0 => Saw::Began,
            1..=5 => Saw::Passed(StageTime { stage: stage(what & 0x0f), took }),
            6..=9 => Saw::Ended(success(&probe, what, took)),
            10 => Saw::Ended(failure(Stage::Tcp, Cause::Refused)),
            11 => Saw::Ended(failure(Stage::Connect, Cause::Reply(argument))),
            12 => Saw::Ended(failure(Stage::Tls, Cause::Certificate)),
            13 => Saw::Ended(failure(Stage::Http, Cause::Timeout)),
            14 => Saw::Ended(Ending::Void("no descriptors".to_owned())),
            _ => Saw::Closed,
        };
        self.evidence(probe.id, saw);
    }

    fn evidence(&mut self, probe: ProbeId, saw: Saw) {
        let ordered = self.under_way.get(&probe).cloned();
        let (route, kind) = ordered.map(|probe| (probe.route, probe.kind)).unzip();
        if let (Some(Route::Server { id, .. }), Saw::Ended(Ending::Success(_))) = (&route, &saw) {
            self.unanswered.insert(id.clone(), 0);
        }
        let over = match &saw {
            Saw::Began | Saw::Passed(_) => false,
            Saw::Ended(Ending::Success(success)) => !(success.kept && kind == Some(Kind::Open)),
            Saw::Ended(Ending::Failed(_) | Ending::Void(_)) | Saw::Closed => true,
        };
        self.core.on_evidence(&Evidence { probe, at: self.now, saw }, self.now);
        if over {
            self.under_way.remove(&probe);
        }
    }

    /// Evidence of what was never ordered, from the future or the past.
    fn tell_stranger(&mut self, what: u8, argument: u8) {
        let at = if what & 1 == 0 { Time::ZERO } else { self.now + Duration::from_secs(3600) };
        let saw = Saw::Passed(StageTime { stage: stage(argument), took: Duration::MAX });
        let probe = ProbeId(u64::from(argument) << (what & 0x0f));
        self.core.on_evidence(&Evidence { probe, at, saw }, self.now);
    }

    fn change_server(&mut self, what: u8, argument: u8) {
        let name = BACKENDS[usize::from(what & 1)];
        let Some(backend) = self.observed.backends.get_mut(&Name::from(name)) else { return };
        let index = usize::from(argument) % SERVERS.len();
        match (what >> 1) & 7 {
            0 => backend.servers.retain(|server| server.name.as_str() != SERVERS[index]),
            1 => backend.servers = servers(name),
            number => {
                let Some(server) = backend.servers.get_mut(index) else { return };
                match number {
                    2 => server.busy = !server.busy,
                    3 => server.address = Some(address(u16::from(argument) + 1)),
                    4 => server.address = None,
                    5 => server.managed = !server.managed,
                    6 => server.operational = Operational::Stopped,
                    _ => (server.admin, server.owner) = (Admin::Drain, Owner::Theirs),
                }
            }
        }
        self.look();
    }

    /// An operator orders what is not refused; some of it whatever is left.
    fn order(&mut self, argument: u8) {
        let wall = jiff::Timestamp::UNIX_EPOCH + self.now.since_origin();
        let change = order(argument, wall);
        if self.core.may_override(&change, &self.observed).is_ok() {
            self.core.on_override(&OverrideInput { wall, change }, self.now);
            // Nothing that is over is in force, as far as the core knows what time it is.
            let overrides = self.core.overrides();
            let mut given = overrides.servers.values().map(|one| &one.given);
            assert!(given.all(|given| !given.is_over(wall)));
        }
        self.obey();
    }

    fn look(&mut self) {
        self.core.on_observed(&self.observed, self.now);
        self.obey();
    }

    /// What is planned is carried out, step by step: none of it takes the last usable server away.
    fn apply(&mut self) {
        let plan = plan(self.core.desired(), &self.observed);
        assert!(
            plan.kills.is_empty() || self.core.frozen_since().is_none() || self.is_forced(),
            "nothing is cut while nothing answers"
        );
        for step in plan.steps {
            let Some(backend) = self.observed.backends.get_mut(&step.server.backend) else { continue };
            let before = backend.servers.iter().any(ObservedServer::is_usable);
            for server in backend.servers.iter_mut().filter(|server| server.name == step.server.server) {
                assert_eq!(server.owner, Owner::Ours, "only ours is changed");
                assert!(server.managed, "only what is managed is changed");
                server.admin = step.set;
            }
            let after = backend.servers.iter().any(ObservedServer::is_usable);
            let wish = &self.core.desired()[&step.server.backend][&step.server.server];
            let by_force = wish.want == Want::Shut || wish.insist == Insist::Forced;
            assert!(after || !before || by_force, "{step} leaves nothing");
        }
        self.look();
    }

    /// Something was ordered whatever is left.
    fn is_forced(&self) -> bool {
        self.core.overrides().servers.values().any(|ordered| ordered.given.force)
    }

    fn obey(&mut self) {
        for order in self.core.take_orders() {
            match order {
                Order::Probe(probe) => {
                    if let Route::Server { id, .. } = &probe.route {
                        *self.unanswered.entry(id.clone()).or_default() += 1;
                    }
                    assert!(usize::from(probe.target.0) < TARGETS.len());
                    let known = self.under_way.insert(probe.id, probe);
                    assert!(known.is_none(), "a number is used once");
                }
                Order::Drop(id) => {
                    self.under_way.remove(&id);
                }
            }
        }
        let events = self.core.take_events();
        assert!(events.len() <= EVENTS_MAX, "{} events at once", events.len());
        for event in events {
            assert!(!event.to_string().is_empty());
            self.on_event(event);
        }
    }

    /// Nobody is accused without having been asked, and failed to answer, several times.
    fn on_event(&mut self, event: Event) {
        let Event::Health { server, from, to, reason, .. } = event else { return };
        assert_ne!(from, to);
        assert_eq!(reason.is_some(), to.is_condemned());
        if to.is_condemned() {
            if !from.is_condemned() {
                let asked = self.unanswered.get(&server).copied().unwrap_or(0);
                assert!(asked >= 6, "{server} is {to} after {asked} unanswered probes");
            }
            self.accused.insert(server);
        } else {
            self.accused.remove(&server);
        }
    }

    fn check(&mut self) {
        let mut per_server: BTreeMap<&ServerId, usize> = BTreeMap::new();
        for probe in self.under_way.values() {
            if let Route::Server { id, .. } = &probe.route {
                *per_server.entry(id).or_default() += 1;
            }
        }
        for (server, count) in per_server {
            assert!(count <= UNDER_WAY_MAX, "{count} probes of {server} are under way");
        }
        for (backend, wishes) in self.core.desired() {
            for (server, wish) in wishes {
                let id = ServerId { backend: backend.clone(), server: server.clone() };
                let out = wish.want == Want::Maint && self.core.frozen_since().is_none();
                let slow = backend.as_str() == BACKENDS[0];
                let by_rule = self.rules.get(backend).is_some_and(|rules| {
                    !rules.allow_exit_change || rules.when_all_down == WhenAllDown::FailClosed
                });
                assert!(wish.want != Want::Shut || by_rule, "{id} is shut without a rule");
                let by_force = wish.insist == Insist::Forced;
                let (out, kill) = (out && !wish.insist.is_ordered(), wish.kill && !by_force);
                assert!(
                    !kill || self.core.frozen_since().is_none(),
                    "{id}: nothing is cut while nothing answers"
                );
                let others = wishes.iter().filter(|(other, _)| *other != server);
                let heir = others.clone().any(|(_, wish)| wish.want == Want::Ready);
                assert!(!kill || heir, "{id}: nothing is cut while nothing else works");
                assert!(!out || slow || self.accused.contains(&id), "{id} is wanted out without a cause");
            }
        }
        let context = status::Context {
            version: "0",
            node: "n",
            instance: "i",
            socket: "s",
            now: self.now,
            unix_now: 0,
            unkept: None,
            unwritten: None,
            wall: &|time| format!("{time:?}"),
        };
        let status = self.core.status(&self.observed, &context);
        let servers = status.backends.iter().flat_map(|backend| &backend.servers);
        for server in servers {
            let condemned = server.health.is_some_and(Verdict::is_condemned);
            assert_eq!(server.reason.is_some(), condemned);
        }
    }
}

/// What an operator may think of.
pub(crate) fn order(argument: u8, wall: jiff::Timestamp) -> OverrideChange {
    let number = usize::from(argument);
    let server = ServerId::new(BACKENDS[number / 3 % 2], SERVERS[number % 3]);
    let given = Given {
        by: "alice".to_owned(),
        by_uid: None,
        since: wall,
        until: [None, Some(wall + Duration::from_secs(1)), Some(wall + Duration::from_millis(10)), None]
            [number / 4 % 4],
        reason: "work".to_owned(),
        force: argument & 0x80 != 0,
    };
    let state = [Admin::Maint, Admin::Drain, Admin::Ready][number / 2 % 3];
    match number / 8 % 8 {
        0 => OverrideChange::End { servers: vec![server], by: "bob".to_owned() },
        1 | 2 => OverrideChange::Pin(server, given),
        3 => OverrideChange::Clock,
        _ => OverrideChange::Set(vec![server], Override { state, kill_sessions: argument & 1 != 0, given }),
    }
}

/// Rules that are not the defaults, of which the backend with the first name has some.
fn rules(flavour: u8) -> Rules {
    let number = usize::from(flavour);
    let names = SERVERS.map(Name::from);
    Rules {
        policy: if flavour & 32 != 0 { Policy::Latency } else { Policy::Order },
        tiers: match number % 4 {
            0 => Vec::new(),
            1 => vec![names[..2].to_vec(), names[2..].to_vec()],
            2 => vec![names[2..].to_vec(), vec![Name::from("nobody")]],
            _ => vec![names.to_vec()],
        },
        failback: [Failback::Auto, Failback::Manual, Failback::Never][number % 3],
        allow_exit_change: flavour & 64 == 0,
        when_all_down: [WhenAllDown::LastGood, WhenAllDown::FailClosed, WhenAllDown::AllOpen]
            [number / 32 % 3],
        on_slow: if flavour & 16 != 0 { OnSlow::Move } else { OnSlow::Show },
        on_fail: Sessions::Kill,
        on_steer: Sessions::Kill,
        on_failback: Sessions::Kill,
        kill_after: Duration::from_millis(if flavour & 128 != 0 { 500 } else { 0 }),
    }
}

/// Settings of one of 256 flavours.
pub(crate) fn settings(flavour: u8) -> Settings {
    let mut settings = Settings::new(TARGETS.map(Name::from).to_vec());
    settings.profile = [Profile::Fast, Profile::Eco, Profile::Adaptive][usize::from(flavour) % 3];
    settings.control = flavour & 4 != 0;
    settings.ride_through = Duration::from_millis(if flavour & 8 != 0 { 700 } else { 0 });
    if flavour & 16 != 0 {
        settings.rules.insert(BACKENDS[0].into(), Rules { on_slow: OnSlow::Move, ..Rules::DEFAULT });
    }
    if flavour & 0xe0 != 0 {
        settings.rules.insert(BACKENDS[0].into(), rules(flavour));
    }
    settings.seed = u64::from(flavour);
    settings
}

pub(crate) fn stage(number: u8) -> Stage {
    [Stage::Tcp, Stage::Greeting, Stage::Connect, Stage::Tls, Stage::Http, Stage::Banner]
        [usize::from(number.wrapping_sub(1)) % 6]
}

fn success(probe: &Probe, what: u8, took: Duration) -> Ending {
    let last = StageTime { stage: Stage::Http, took };
    let kept = matches!(probe.kind, Kind::Open | Kind::Canary) && what & 1 == 0;
    let status = if what & 0x0f == 9 { Some(429) } else { Some(200) };
    Ending::Success(Success { last, status, received: 4000, kept })
}

pub(crate) fn failure(stage: Stage, cause: Cause) -> Ending {
    Ending::Failed(Failure { stage, cause, text: format!("{stage}: {}", cause.as_str()) })
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn servers(backend: &str) -> Vec<ObservedServer> {
    let first = if backend == BACKENDS[0] { 18181 } else { 28181 };
    let servers = SERVERS.iter().zip(first..).enumerate().map(|(index, (name, port))| ObservedServer {
        name: Name::from(*name),
        address: Some(address(port)),
        backup: index == 2,
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
    });
    servers.collect()
}

pub(crate) fn observed() -> Observed {
    let backends = BACKENDS
        .map(|name| (Name::from(name), ObservedBackend { balance: Balance::First, servers: servers(name) }));
    Observed { backends: backends.into(), ..Observed::nothing() }
}
