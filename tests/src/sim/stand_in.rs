//! A simple judge by which the simulation is tested: a full probe through each server each second; two in a row that
//! fail or do not end within the second condemn it, one that succeeds redeems it.

use std::net::SocketAddr;
use std::time::Duration;

use failover::{
    Desired, Ending, Event, Evidence, Insist, Kind, Name, Observed, Order, Probe, ProbeId, Route, Saw,
    ServerId, TargetId, Time, Want, Wish,
};

use super::brain::Brain;

const EVERY: Duration = Duration::from_secs(1);
const CONDEMN_AFTER: u32 = 2;

/// The judge.
#[derive(Debug, Default)]
pub(crate) struct StandIn {
    targets: u16,
    due: Time,
    probes: u64,
    servers: Vec<Judged>,
    orders: Vec<Order>,
    desired: Desired,
}

#[derive(Debug)]
struct Judged {
    id: ServerId,
    address: SocketAddr,
    under_way: Option<ProbeId>,
    failed: u32,
}

impl StandIn {
    pub(crate) fn new(targets: u16) -> Self {
        Self { targets, ..Self::default() }
    }

    fn decide(&mut self) {
        let condemned = |server: &Judged| server.failed >= CONDEMN_AFTER;
        let none_left = self.servers.iter().all(condemned);
        let wish = |server: &Judged| {
            let want = match (condemned(server), none_left) {
                (false, _) => Want::Ready,
                (true, false) => Want::Maint,
                (true, true) => Want::AsIs,
            };
            (
                server.id.server.clone(),
                Wish { want, why: None, address: Some(server.address), kill: false, insist: Insist::No },
            )
        };
        let backend = self.servers.first().map(|server| server.id.backend.clone());
        let wishes = self.servers.iter().map(wish).collect();
        self.desired = backend.map(|name: Name| (name, wishes)).into_iter().collect();
    }
}

impl Brain for StandIn {
    fn on_observed(&mut self, observed: &Observed, now: Time) {
        if !self.servers.is_empty() {
            return;
        }
        self.due = now;
        for (backend, seen) in &observed.backends {
            self.servers.extend(seen.servers.iter().filter_map(|server| {
                let id = ServerId::new(backend.clone(), server.name.clone());
                Some(Judged { id, address: server.address?, under_way: None, failed: 0 })
            }));
        }
        self.decide();
    }

    fn on_evidence(&mut self, evidence: &Evidence, _now: Time) {
        let Saw::Ended(ending) = &evidence.saw else { return };
        let asked = self.servers.iter_mut().find(|server| server.under_way == Some(evidence.probe));
        let Some(server) = asked else { return };
        server.under_way = None;
        server.failed = if matches!(ending, Ending::Success(_)) { 0 } else { server.failed + 1 };
        self.decide();
    }

    fn on_time(&mut self, now: Time) {
        self.due = now + EVERY;
        for server in &mut self.servers {
            if let Some(late) = server.under_way.take() {
                self.orders.push(Order::Drop(late));
                server.failed += 1;
            }
            self.probes += 1;
            let id = ProbeId(self.probes);
            server.under_way = Some(id);
            let route = Route::Server { id: server.id.clone(), address: server.address };
            let target = TargetId(u16::try_from(self.probes % u64::from(self.targets)).unwrap_or(0));
            self.orders.push(Order::Probe(Probe { id, kind: Kind::Full, route, target, connection: None }));
        }
        self.decide();
    }

    fn next_deadline(&self) -> Option<Time> {
        (!self.servers.is_empty()).then_some(self.due)
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
