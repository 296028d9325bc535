//! What is asked for at the far end: each target by HTTP and by HTTPS, on an address of its own.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::runtime::Runtime;

use super::namespace::Namespace;
use super::network::{SERVERS, TARGETS, source};
use crate::ca::Ca;
use crate::target::{Condition, ExitNames, Target};

const HTTP: u16 = 80;
const HTTPS: u16 = 443;

pub(super) struct Targets {
    far: Arc<Namespace>,
    each: Vec<Both>,
    /// Inside the far namespace. Taken when this is dropped.
    runtime: Option<Runtime>,
}

/// One target.
struct Both {
    http: Target,
    https: Target,
    addr: Ipv4Addr,
    is_silent: bool,
}

impl Targets {
    pub(super) async fn start(far: &Arc<Namespace>, ca: Arc<Ca>) -> Self {
        let runtime = far.runtime(1);
        let each = runtime.spawn(async move { TARGETS.map(|addr| Both::start(addr, &ca)).into() });
        let each = each.await.expect("targets start, or panic and say why");
        Self { far: Arc::clone(far), each, runtime: Some(runtime) }
    }

    /// How many requests the target number `target` has answered.
    pub(super) fn answered(&self, target: usize) -> u64 {
        self.each[target].http.answered() + self.each[target].https.answered()
    }

    /// Closes the ports of a target: they refuse.
    pub(super) async fn down(&self, target: usize) {
        self.each[target].set(Condition::Down).await;
    }

    /// Makes a target a black hole: no packet to it is answered.
    pub(super) fn silence(&mut self, target: usize) {
        let both = &mut self.each[target];
        if !both.is_silent {
            let addr = both.addr;
            // Without the route it would depend on the machine's settings whether there is an ICMP error.
            self.far.configure(&format!("addr delete {addr}/32 dev lo\nroute add blackhole {addr}/32\n"));
            both.is_silent = true;
        }
    }

    pub(super) async fn heal(&mut self) {
        for both in &mut self.each {
            both.set(Condition::Up).await;
            if both.is_silent {
                let addr = both.addr;
                self.far.configure(&format!("route delete blackhole {addr}/32\naddr add {addr}/32 dev lo\n"));
                both.is_silent = false;
            }
        }
    }
}

impl Drop for Targets {
    fn drop(&mut self) {
        // Waiting for its threads is not possible where a runtime is dropped, nor needed.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Both {
    fn start(addr: Ipv4Addr, ca: &Ca) -> Self {
        let at = |port| SocketAddr::from((addr, port));
        Self {
            http: Target::http_inside(at(HTTP), exit_names()),
            https: Target::https_inside(at(HTTPS), exit_names(), ca),
            addr,
            is_silent: false,
        }
    }

    async fn set(&self, condition: Condition) {
        self.http.set(condition).await;
        self.https.set(condition).await;
    }
}

/// Where a client asks the target number `target`.
#[must_use]
pub fn http(target: usize) -> SocketAddr {
    (TARGETS[target], HTTP).into()
}

/// The same as a probe's target, verified.
pub(super) fn https_url(target: usize) -> String {
    format!("https://{}/", TARGETS[target])
}

fn exit_names() -> ExitNames {
    let names = SERVERS.iter().enumerate();
    let names = names.map(|(server, name)| (IpAddr::from(source(server)), (*name).to_owned()));
    names.collect::<HashMap<_, _>>()
}
