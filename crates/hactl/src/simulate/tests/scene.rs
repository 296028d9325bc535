//! A recording as the daemon writes it: two servers, the first of which is closed for a while.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use failover::{
    Admin, Balance, Cause, Core, Ending, Evidence, FORMAT, Failure, Header, Input, Instance, Kind, Line,
    Name, Observed, ObservedBackend, ObservedServer, Operational, Order, Owner, Probe, ProbeId, Profile,
    Recorded, Route, Saw, Settings, Stage, StageTime, Success, Time,
};

const PACE: Duration = Duration::from_millis(20);

/// Three quarters of a minute: wg1 is closed from the tenth second to the twentieth.
pub(super) fn recording() -> String {
    let mut scene = Scene {
        core: Core::new(settings()),
        now: Time::from_millis(1),
        lines: vec![text(&header())],
        due: BTreeMap::new(),
    };
    scene.take(Input::Observed(Box::new(observed())));
    while scene.now < Time::from_millis(45_000) {
        scene.step();
    }
    scene.lines.concat()
}

pub(super) fn header() -> Header {
    Header {
        format: FORMAT,
        hactl: hactld::VERSION.to_owned(),
        started: "2026-11-25T17:00:00.000Z".to_owned(),
        instance: Instance { name: "7891".to_owned(), backends: vec![Name::from("b")] },
        settings: settings(),
    }
}

pub(super) fn text(line: &impl serde::Serialize) -> String {
    format!("{}\n", serde_json::to_string(line).unwrap())
}

fn settings() -> Settings {
    Settings { profile: Profile::Fast, ..Settings::new(vec![Name::from("https://192.0.2.1/")]) }
}

struct Scene {
    core: Core,
    now: Time,
    lines: Vec<String>,
    /// What comes when.
    due: BTreeMap<(Time, u64), (ProbeId, Saw)>,
}

impl Scene {
    fn step(&mut self) {
        let due = self.due.first_key_value().map(|((at, _), _)| *at);
        let next = [due, self.core.next_deadline()].into_iter().flatten().min().unwrap();
        self.now = self.now.max(next);
        match self.due.first_key_value().filter(|((at, _), _)| *at <= self.now).map(|(key, _)| *key) {
            Some(key) => {
                let (probe, saw) = self.due.remove(&key).unwrap();
                self.take(Input::Evidence(Evidence { probe, at: self.now, saw }));
            }
            None => self.take(Input::Due),
        }
    }

    fn take(&mut self, input: Input) {
        self.core.take(&input, self.now);
        self.lines.push(text(&Line::Input(Recorded { at: self.now, input })));
        for order in self.core.take_orders() {
            match order {
                Order::Probe(probe) => self.ask(&probe),
                Order::Drop(id) => self.due.retain(|_, (probe, _)| *probe != id),
            }
        }
    }

    fn ask(&mut self, probe: &Probe) {
        let closed = self.now > Time::from_millis(10_000) && self.now < Time::from_millis(20_000);
        let through_first = matches!(&probe.route, Route::Server { address, .. } if address.port() == 1);
        let (stage, cause) = match probe.kind {
            Kind::Canary => (Stage::Http, Cause::Closed),
            Kind::Full | Kind::Open | Kind::Control => (Stage::Tcp, Cause::Refused),
        };
        let ending = if closed && through_first {
            Ending::Failed(Failure { stage, cause, text: format!("{stage}: {}", cause.as_str()) })
        } else {
            let last = StageTime { stage: Stage::Http, took: PACE };
            let kept = probe.kind != Kind::Full;
            Ending::Success(Success { last, status: Some(200), received: 4000, kept })
        };
        self.due.insert((self.now, probe.id.0 * 2), (probe.id, Saw::Began));
        self.due.insert((self.now + PACE, probe.id.0 * 2 + 1), (probe.id, Saw::Ended(ending)));
    }
}

fn observed() -> Observed {
    let server = |name: &str, port| ObservedServer {
        name: Name::from(name),
        address: Some(SocketAddr::from(([127, 0, 0, 1], port))),
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
    };
    let backend =
        ObservedBackend { balance: Balance::First, servers: vec![server("wg1", 1), server("wg2", 2)] };
    let mut observed = Observed::nothing();
    observed.backends.insert(Name::from("b"), backend);
    observed
}
