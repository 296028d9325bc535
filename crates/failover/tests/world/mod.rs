//! A small world for the core: servers and targets that fail on command, on a virtual clock. No packet is lost here and
//! every exchange takes the same time; the simulator of the package e2e is where it rains.

mod found;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use failover::*;
use jiff::{SignedDuration, Timestamp};

use self::found::failed;
pub(crate) use self::found::observed;

pub(crate) const BACKEND: &str = "socks_back_7891";
pub(crate) const NAMES: [&str; 3] = ["wg1", "wg2", "cloudflare_warp"];
pub(crate) const TARGETS: [&str; 3] = ["https://1.1.1.1/", "https://8.8.8.8/", "https://9.9.9.9/"];

const LOCAL: Duration = Duration::from_micros(100);
const RTT: Duration = Duration::from_millis(50);

/// What is wrong with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    BlackHole,
    /// Big packets vanish.
    Mtu,
    /// It accepts, and says nothing.
    Mute,
    /// The port is closed.
    Refused,
    /// CONNECT is refused at once.
    Rejects(u8),
    /// Every exchange takes this many times as long.
    Slower(u32),
}

/// What is wrong with a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    None,
    Silent,
    Refuses,
    Status(u16),
    /// It answers, and then closes.
    Closes,
}

struct Under {
    probe: Probe,
    stage: Stage,
    since: Time,
}

/// The core in its world.
pub(crate) struct World {
    pub(crate) core: Core,
    pub(crate) now: Time,
    pub(crate) observed: Observed,
    pub(crate) faults: BTreeMap<String, Fault>,
    pub(crate) troubles: BTreeMap<usize, Trouble>,
    /// Troubles of a target with one server's exit, which come before those of the target with all.
    pub(crate) pairs: BTreeMap<(String, usize), Trouble>,
    /// What an exchange through a server takes, where it is not the same for all.
    pub(crate) pace: Option<fn(&str, Time) -> Duration>,
    pub(crate) uplink: bool,
    /// This host cannot ask.
    pub(crate) void: bool,
    /// What is wanted is applied by somebody else, who sets `observed`.
    pub(crate) steered_elsewhere: bool,
    /// Everything that was told.
    pub(crate) told: Vec<String>,
    pub(crate) events: Vec<Event>,
    /// Every probe that was ordered, and when.
    pub(crate) probes: Vec<(Time, Probe)>,
    /// Everything that went into the core.
    pub(crate) recorded: Vec<Recorded>,
    /// By so many seconds somebody has set the wall clock, which began with the world.
    pub(crate) wall_off: i64,
    under: BTreeMap<ProbeId, Under>,
    kept: BTreeMap<ProbeId, Probe>,
    queue: BTreeMap<(Time, u64), ProbeId>,
    turn: u64,
    applied: Option<Time>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(adapt: impl FnOnce(&mut Settings)) -> Self {
        Self::seeing(observed(), adapt)
    }

    /// HAProxy as it is found.
    pub(crate) fn seeing(observed: Observed, adapt: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::new(TARGETS.map(Name::from).to_vec());
        settings.profile = Profile::Fast;
        adapt(&mut settings);
        let mut world = Self {
            core: Core::new(settings),
            now: Time::from_millis(1000),
            observed,
            faults: BTreeMap::new(),
            troubles: BTreeMap::new(),
            pairs: BTreeMap::new(),
            pace: None,
            uplink: true,
            void: false,
            steered_elsewhere: false,
            told: Vec::new(),
            events: Vec::new(),
            probes: Vec::new(),
            recorded: Vec::new(),
            wall_off: 0,
            under: BTreeMap::new(),
            kept: BTreeMap::new(),
            queue: BTreeMap::new(),
            turn: 0,
            applied: None,
        };
        world.look();
        world
    }

    /// Warmed up: everything is known, and nothing has been told since.
    pub(crate) fn warm() -> Self {
        let mut world = Self::new();
        world.run(100_000);
        world.told.clear();
        world.events.clear();
        world
    }

    /// Gives the core other settings: those that it began with, adapted.
    pub(crate) fn configure(&mut self, adapt: impl FnOnce(&mut Settings)) {
        let mut settings = Settings::new(TARGETS.map(Name::from).to_vec());
        settings.profile = Profile::Fast;
        adapt(&mut settings);
        self.take(Input::Settings(Box::new(settings)));
        self.obey();
    }

    /// What the wall clock shows.
    pub(crate) fn wall(&self) -> Timestamp {
        let seconds = SignedDuration::from_secs(self.wall_off);
        Timestamp::UNIX_EPOCH + self.now.since_origin() + seconds
    }

    /// An operator orders something.
    pub(crate) fn order(&mut self, change: OverrideChange) {
        self.take(Input::Override(Box::new(OverrideInput { wall: self.wall(), change })));
        self.obey();
    }

    /// Whether that would be refused.
    pub(crate) fn may(&self, change: &OverrideChange) -> Result<(), OverrideRefusal> {
        self.core.may_override(change, &self.observed)
    }

    /// What came of what was ordered of a server.
    pub(crate) fn outcome(&self, server: &str) -> Outcome {
        self.core.outcome(&ServerId::new(BACKEND, server), Time::ZERO, &self.observed)
    }

    pub(crate) fn break_(&mut self, server: &str, fault: Fault) {
        self.faults.insert(server.to_owned(), fault);
        if fault == Fault::Refused {
            self.break_off(server);
            let gone: Vec<ProbeId> = self
                .kept
                .iter()
                .filter(|(_, probe)| server_of(probe) == Some(server))
                .map(|(id, _)| *id)
                .collect();
            for connection in gone {
                self.kept.remove(&connection);
                let canary = self.under.values().find(|under| under.probe.connection == Some(connection));
                match canary.map(|under| under.probe.id) {
                    Some(canary) => self.end(canary, failed(Stage::Http, Cause::Closed)),
                    None => self.tell_core(connection, Saw::Closed),
                }
            }
        }
        if fault == Fault::None {
            // TCP sends what was lost again.
            let stuck: Vec<ProbeId> = self
                .under
                .iter()
                .filter(|(_, under)| {
                    under.probe.kind == Kind::Canary && server_of(&under.probe) == Some(server)
                })
                .map(|(id, _)| *id)
                .collect();
            for canary in stuck {
                self.later(canary, RTT);
            }
        }
        self.obey();
    }

    fn trouble_of(&self, probe: &Probe) -> Trouble {
        let target = usize::from(probe.target.0);
        let own = server_of(probe).and_then(|server| self.pairs.get(&(server.to_owned(), target)));
        own.or_else(|| self.troubles.get(&target)).copied().unwrap_or(Trouble::None)
    }

    /// What the server has accepted and not answered yet is closed with it.
    fn break_off(&mut self, server: &str) {
        let accepted: Vec<(ProbeId, Stage)> = self
            .under
            .iter()
            .filter(|(_, under)| {
                under.probe.connection.is_none()
                    && under.stage != Stage::Tcp
                    && server_of(&under.probe) == Some(server)
            })
            .map(|(id, under)| (*id, under.stage))
            .collect();
        for (id, stage) in accepted {
            self.end(id, failed(stage, Cause::Closed));
        }
    }

    pub(crate) fn trouble(&mut self, target: usize, trouble: Trouble) {
        self.troubles.insert(target, trouble);
    }

    /// Lets the time pass.
    pub(crate) fn run(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        loop {
            let own = self.queue.first_key_value().map(|((at, _), _)| *at);
            let next = [own, self.core.next_deadline(), self.applied].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            if self.applied.is_some_and(|at| at <= self.now) {
                self.applied = None;
                self.apply();
            } else if own == Some(next) {
                let (_, id) = self.queue.pop_first().expect("it was just looked at");
                self.step(id);
            } else {
                self.take(Input::Due);
            }
            self.obey();
        }
        self.now = end;
    }

    /// Runs until `wanted`; the time that took. Panics after a minute.
    pub(crate) fn run_until(&mut self, wanted: impl Fn(&Self) -> bool) -> Duration {
        self.run_until_within(60_000, wanted)
    }

    /// As `run_until`, with another patience.
    pub(crate) fn run_until_within(&mut self, millis: u64, wanted: impl Fn(&Self) -> bool) -> Duration {
        let start = self.now;
        while !wanted(self) {
            assert!(
                self.now.since(start) < Duration::from_millis(millis),
                "it never came; told: {:#?}",
                self.told
            );
            self.run(1);
        }
        self.now.since(start)
    }

    /// Nothing of this process runs for so long; what comes in meanwhile is read afterwards.
    pub(crate) fn stall(&mut self, millis: u64) {
        self.now = self.now + Duration::from_millis(millis);
    }

    /// Shows the core HAProxy as it is.
    pub(crate) fn look(&mut self) {
        self.take(Input::Observed(Box::new(self.observed.clone())));
        self.obey();
    }

    pub(crate) fn verdict(&self, server: &str) -> Verdict {
        let status = self.status();
        let server = status.backends[0].servers.iter().find(|there| there.name == server);
        server.and_then(|server| server.health).expect("it is one of the managed servers")
    }

    pub(crate) fn want(&self, server: &str) -> Want {
        self.core.desired()[&Name::from(BACKEND)][&Name::from(server)].want
    }

    /// What is wanted of all servers, and whether their sessions are to be cut.
    pub(crate) fn wishes(&self) -> [(Want, bool); 3] {
        NAMES.map(|name| {
            let wish = &self.core.desired()[&Name::from(BACKEND)][&Name::from(name)];
            (wish.want, wish.kill)
        })
    }

    pub(crate) fn held(&self, server: &str) -> Option<String> {
        let status = self.status();
        let servers = &status.backends[0].servers;
        servers.iter().find(|there| there.name == server).and_then(|there| there.held.clone())
    }

    pub(crate) fn serving(&self) -> String {
        let names = self.observed.backends[&Name::from(BACKEND)].in_service();
        names.iter().map(Name::to_string).collect::<Vec<_>>().join(",")
    }

    pub(crate) fn servers(&mut self) -> &mut Vec<ObservedServer> {
        let backend = self.observed.backends.get_mut(&Name::from(BACKEND));
        &mut backend.expect("the backend is there").servers
    }

    pub(crate) fn server(&mut self, name: &str) -> &mut ObservedServer {
        let found = self.servers().iter_mut().find(|server| server.name.as_str() == name);
        found.expect("the server is there")
    }

    pub(crate) fn status(&self) -> status::Status {
        let context = status::Context {
            version: "0.1.0",
            node: "gw1",
            instance: "7891",
            socket: "/run/haproxy/admin.sock",
            now: self.now,
            unix_now: 1000,
            unkept: None,
            unwritten: None,
            wall: &|time| format!("{:?}", time.since_origin()),
        };
        // It is looked at all the time.
        let mut observed = self.observed.clone();
        if let Haproxy::Present { at, .. } = &mut observed.haproxy {
            *at = self.now;
        }
        self.core.status(&observed, &context)
    }

    /// What the core ordered is begun; what it wants is applied two milliseconds later.
    fn obey(&mut self) {
        let events = self.core.take_events();
        self.told.extend(events.iter().map(ToString::to_string));
        self.events.extend(events);
        for order in self.core.take_orders() {
            match order {
                Order::Probe(probe) => {
                    self.probes.push((self.now, probe.clone()));
                    let stage = match probe.kind {
                        Kind::Full | Kind::Open => Stage::Tcp,
                        Kind::Canary => Stage::Http,
                        Kind::Control => Stage::Connect,
                    };
                    let id = probe.id;
                    if self.void {
                        self.tell_core(id, Saw::Ended(Ending::Void("no descriptors left".to_owned())));
                        continue;
                    }
                    self.under.insert(id, Under { probe, stage, since: self.now });
                    self.tell_core(id, Saw::Began);
                    self.begin_stage(id);
                }
                Order::Drop(id) => {
                    self.under.remove(&id);
                    self.kept.remove(&id);
                }
            }
        }
        let ours = !self.steered_elsewhere && self.applied.is_none();
        if ours && !plan(self.core.desired(), &self.observed).steps.is_empty() {
            self.applied = Some(self.now + Duration::from_millis(2));
        }
    }

    fn apply(&mut self) {
        for step in plan(self.core.desired(), &self.observed).steps {
            let server = self.server(step.server.server.as_str());
            server.admin = step.set;
            server.owner = Owner::Ours;
        }
        self.look();
    }

    fn begin_stage(&mut self, id: ProbeId) {
        let Some(under) = self.under.get(&id) else { return };
        let server = server_of(&under.probe).map(str::to_owned);
        let rtt = self.pace.zip(server.as_deref()).map_or(RTT, |(pace, server)| pace(server, self.now));
        let fault = server.and_then(|server| self.faults.get(&server).copied()).unwrap_or(Fault::None);
        let trouble = self.trouble_of(&under.probe);
        let far = !matches!(under.stage, Stage::Tcp | Stage::Greeting);
        let mute = fault == Fault::Mute && under.stage != Stage::Tcp;
        let silent = mute
            || far
                && (!self.uplink
                    || fault == Fault::BlackHole
                    || (fault == Fault::Mtu && under.stage == Stage::Tls)
                    || (trouble == Trouble::Silent && under.probe.kind != Kind::Control));
        let takes = match (under.stage, fault) {
            (Stage::Tcp | Stage::Greeting, _) => LOCAL,
            (_, Fault::Rejects(_)) if under.stage == Stage::Connect => LOCAL,
            (_, Fault::Slower(times)) => rtt * times,
            _ => rtt,
        };
        if !silent {
            self.later(id, takes);
        }
    }

    fn later(&mut self, id: ProbeId, after: Duration) {
        self.turn += 1;
        self.queue.insert((self.now + after, self.turn), id);
    }

    /// The present stage of a probe ends.
    fn step(&mut self, id: ProbeId) {
        let Some(under) = self.under.get(&id) else { return };
        let (stage, kind) = (under.stage, under.probe.kind);
        let server = server_of(&under.probe).map(str::to_owned);
        let fault = server.and_then(|server| self.faults.get(&server).copied()).unwrap_or(Fault::None);
        let trouble = self.trouble_of(&under.probe);
        let took = self.now.since(under.since);
        let far = !matches!(stage, Stage::Tcp | Stage::Greeting);
        match (stage, fault, trouble) {
            (Stage::Tcp, Fault::Refused, _) => self.end(id, failed(Stage::Tcp, Cause::Refused)),
            (Stage::Connect, Fault::Rejects(code), _) => self.end(id, failed(stage, Cause::Reply(code))),
            (Stage::Connect, _, Trouble::Refuses) => self.end(id, failed(stage, Cause::Reply(5))),
            _ if far && (fault == Fault::BlackHole || !self.uplink) => {}
            (Stage::Http, _, _) => {
                let kept = trouble != Trouble::Closes && matches!(kind, Kind::Open | Kind::Canary);
                let status = if let Trouble::Status(status) = trouble { status } else { 200 };
                let last = StageTime { stage, took };
                if kept && kind == Kind::Open {
                    self.kept.insert(id, self.under[&id].probe.clone());
                }
                self.end(id, Ending::Success(Success { last, status: Some(status), received: 4000, kept }));
            }
            _ => {
                self.tell_core(id, Saw::Passed(StageTime { stage, took }));
                let now = self.now;
                if let Some(under) = self.under.get_mut(&id) {
                    under.stage = match stage {
                        Stage::Tcp => Stage::Greeting,
                        Stage::Greeting => Stage::Connect,
                        Stage::Connect => Stage::Tls,
                        Stage::Tls | Stage::Http | Stage::Banner => Stage::Http,
                    };
                    under.since = now;
                }
                self.begin_stage(id);
            }
        }
    }

    fn end(&mut self, id: ProbeId, ending: Ending) {
        self.under.remove(&id);
        self.tell_core(id, Saw::Ended(ending));
    }

    fn tell_core(&mut self, probe: ProbeId, saw: Saw) {
        self.take(Input::Evidence(Evidence { probe, at: self.now, saw }));
    }

    /// Everything that goes into the core goes in here.
    pub(crate) fn take(&mut self, input: Input) {
        self.core.take(&input, self.now);
        self.recorded.push(Recorded { at: self.now, input });
    }
}

pub(crate) fn probed(probe: &Probe) -> String {
    server_of(probe).unwrap_or("directly").to_owned()
}

fn server_of(probe: &Probe) -> Option<&str> {
    match &probe.route {
        Route::Server { id, .. } => Some(id.server.as_str()),
        Route::Direct => None,
    }
}

/// The kinds of the events, each once.
pub(crate) fn kinds(events: &[Event]) -> BTreeSet<&'static str> {
    events.iter().map(Event::kind).collect()
}
