//! A brain that probes as the core does and judges nothing: the full traffic of the quick cadence.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use failover::{
    Desired, Ending, Event, Evidence, Kind, Observed, Order, Probe, ProbeId, Route, Saw, ServerId, TargetId,
    Time,
};

use super::hands::{at, path, well};
use crate::sim::brain::Brain;
use crate::sim::driver::drive;
use crate::sim::world::World;

const CANARY: Duration = Duration::from_millis(250);
const CANARIES_PER_FULL: u64 = 20;

#[test]
fn an_hour_of_canaries_is_as_many_as_were_ordered_and_each_ends() {
    let world = World { servers: vec![path(0.01), path(0.01)], ..well(1) };
    let mut pulse = Pulse::default();
    let made = drive(&mut pulse, world, at(3600)).made;
    // Two servers; each connection serves 999 canaries and its opening.
    assert!((28_750..=28_800).contains(&made.canaries), "{made:?}");
    assert!((1_440 + 28..=1_440 + 40).contains(&made.fresh), "{made:?}");
    let under_way = made.canaries + made.fresh - pulse.ended;
    assert!(under_way <= 8, "{under_way} did not end");
}

#[derive(Default)]
struct Pulse {
    servers: Vec<(ServerId, SocketAddr)>,
    due: Time,
    beats: u64,
    probes: u64,
    /// By kept connection, its server.
    kept: BTreeMap<ProbeId, usize>,
    /// By probe under way, its server and the connection that it uses.
    asked: BTreeMap<ProbeId, (usize, Option<ProbeId>)>,
    ended: u64,
    orders: Vec<Order>,
    desired: Desired,
}

impl Pulse {
    fn order(&mut self, kind: Kind, server: usize, connection: Option<ProbeId>) {
        self.probes += 1;
        let id = ProbeId(self.probes);
        let (name, address) = &self.servers[server];
        let route = Route::Server { id: name.clone(), address: *address };
        let target = TargetId(u16::try_from(self.beats % 3).unwrap());
        self.asked.insert(id, (server, connection));
        self.orders.push(Order::Probe(Probe { id, kind, route, target, connection }));
    }
}

impl Brain for Pulse {
    fn on_observed(&mut self, observed: &Observed, _now: Time) {
        if self.servers.is_empty() {
            for (backend, seen) in &observed.backends {
                let named = seen.servers.iter().map(|server| {
                    (ServerId::new(backend.clone(), server.name.clone()), server.address.unwrap())
                });
                self.servers.extend(named);
            }
            (0..self.servers.len()).for_each(|server| self.order(Kind::Open, server, None));
        }
    }

    fn on_evidence(&mut self, evidence: &Evidence, _now: Time) {
        let Saw::Ended(ending) = &evidence.saw else { return };
        self.ended += 1;
        let (server, connection) = self.asked.remove(&evidence.probe).expect("it was asked for");
        let connection = connection.unwrap_or(evidence.probe);
        match ending {
            Ending::Success(success) if success.kept => {
                self.kept.insert(connection, server);
            }
            Ending::Success(_) | Ending::Failed(_) | Ending::Void(_) => {
                if self.kept.remove(&connection).is_some() {
                    self.order(Kind::Open, server, None);
                }
            }
        }
    }

    fn on_time(&mut self, now: Time) {
        self.due = now + CANARY;
        self.beats += 1;
        for (connection, server) in self.kept.clone() {
            self.order(Kind::Canary, server, Some(connection));
        }
        if self.beats.is_multiple_of(CANARIES_PER_FULL) {
            (0..self.servers.len()).for_each(|server| self.order(Kind::Full, server, None));
        }
    }

    fn next_deadline(&self) -> Option<Time> {
        Some(self.due)
    }

    fn take_orders(&mut self) -> Vec<Order> {
        std::mem::take(&mut self.orders)
    }

    fn take_events(&mut self) -> Vec<Event> {
        Vec::new()
    }

    fn desired(&self) -> &Desired {
        &self.desired
    }
}
