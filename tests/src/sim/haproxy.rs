//! HAProxy and the controller's place in the simulation: what is wanted is done by the real plan, on a state that is
//! read back at once.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use failover::{
    Admin, Balance, Desired, Haproxy, Name, Observed, ObservedBackend, ObservedServer, Operational, Owner,
    Process, Step, Time, plan,
};

use super::prober::FIRST_PORT;
use super::routing::Routing;

/// The one backend.
pub(crate) const BACKEND: &str = "socks";

/// Rounds of plan and apply in one pass, as many as the controller makes.
const ROUNDS_MAX: u32 = 4;

/// HAProxy, as it shows itself, and the log of who is in service.
#[derive(Debug)]
pub(crate) struct Steered {
    observed: Observed,
    routing: Routing,
}

impl Steered {
    /// The first server is preferred, the others are backups; all are ready.
    pub(crate) fn new(servers: usize) -> Self {
        let backend =
            ObservedBackend { balance: Balance::Spread, servers: (0..servers).map(server).collect() };
        let process = Process { pid: 1, start_time: 0, version: "simulated".to_owned() };
        let observed = Observed {
            haproxy: Haproxy::Present { process, at: Time::ZERO },
            backends: BTreeMap::from([(Name::from(BACKEND), backend)]),
            ..Observed::nothing()
        };
        Self { observed, routing: Routing::new() }
    }

    /// A look at it.
    pub(crate) fn observe(&mut self, now: Time) -> &Observed {
        if let Haproxy::Present { at, .. } = &mut self.observed.haproxy {
            *at = now;
        }
        &self.observed
    }

    /// Brings it to what is wanted.
    pub(crate) fn apply(&mut self, desired: &Desired, now: Time) {
        for _ in 0..ROUNDS_MAX {
            let plan = plan(desired, &self.observed);
            if plan.steps.is_empty() {
                break;
            }
            for step in &plan.steps {
                self.set(step);
            }
        }
        let backend = &self.observed.backends[&Name::from(BACKEND)];
        let in_service = backend.in_service();
        let first = in_service.into_iter().next().expect("the plan never leaves a backend empty");
        let place = backend.servers.iter().position(|server| server.name == first);
        self.routing.to(now, place.expect("a server in service is one of the backend's"));
        for backend in self.observed.backends.values_mut() {
            for server in &mut backend.servers {
                server.busy = server.name == first;
            }
        }
    }

    pub(crate) fn into_routing(self) -> Routing {
        self.routing
    }

    fn set(&mut self, Step { server: id, set, .. }: &Step) {
        let backend = self.observed.backends.get_mut(&id.backend).expect("the plan is for what was seen");
        let server = backend.servers.iter_mut().find(|server| server.name == id.server);
        let server = server.expect("the plan is for what was seen");
        server.reopened |= server.admin == Admin::Maint && *set == Admin::Ready;
        server.admin = *set;
        server.owner = Owner::Ours;
    }
}

fn server(place: usize) -> ObservedServer {
    let port = FIRST_PORT + u16::try_from(place).expect("a scene has few servers");
    ObservedServer {
        name: Name::from(format!("wg{}", place + 1)),
        address: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        backup: place > 0,
        admin: Admin::Ready,
        owner: Owner::Theirs,
        reopened: false,
        agent: None,
        tracks: None,
        flags: Vec::new(),
        operational: Operational::Running,
        weight: 1,
        busy: place == 0,
        managed: true,
    }
}
