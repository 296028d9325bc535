//! One probe by itself: a fresh connection through a SOCKS5 server to a target, under one deadline. Says what was seen;
//! judges nobody.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use failover::{ServerId, StageTime};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use crate::fault::Fault;
use crate::outcome::{Outcome, ProbeOutcome};
use crate::position::Way;
use crate::socks::Credentials;
use crate::target::Target;
use crate::tls::{self, TlsError, TlsRoots};
use crate::walk::{Extent, Step, Walk};

/// How many probes may be under way at once, one socket each: the usual limit of 1024 descriptors is left three
/// quarters free for HAProxy and for those who ask, and a host that answers slowly is not made slower.
const MAX_PROBES: usize = 256;

/// The most stages that a probe can pass: all but the banner.
const MAX_STAGES: usize = 5;

/// A server to ask through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// What evidence about it is filed under.
    pub server: ServerId,
    /// Where its SOCKS5 port is.
    pub address: SocketAddr,
    /// What it is offered where it wants a login.
    pub credentials: Option<Credentials>,
}

/// Makes probes. A clone shares everything.
#[derive(Clone)]
pub struct Prober {
    tls: TlsConnector,
    permits: Arc<Semaphore>,
}

impl Prober {
    /// Prepares everything that probes share.
    ///
    /// # Errors
    /// Where a CA file cannot be used; it is named.
    pub fn new(roots: &TlsRoots) -> Result<Self, TlsError> {
        Ok(Self { tls: tls::connector(roots)?, permits: Arc::new(Semaphore::new(MAX_PROBES)) })
    }

    /// One of `parts` that have nothing to do with each other: each has its own part of the room for probes under way, so
    /// that nobody waits behind what hangs in another one.
    #[must_use]
    pub fn part_of(&self, parts: usize) -> Self {
        let room = (MAX_PROBES / parts.max(1)).max(1);
        Self { tls: self.tls.clone(), permits: Arc::new(Semaphore::new(room)) }
    }

    pub(crate) const fn tls(&self) -> &TlsConnector {
        &self.tls
    }

    /// Whoever makes many probes takes a permit for each.
    pub(crate) fn permits(&self) -> &Semaphore {
        &self.permits
    }

    /// Asks `target` through `upstream`, for at most `limit` in all. Dropping the future closes its socket.
    pub async fn probe(&self, upstream: &Upstream, target: &Target, limit: Duration) -> ProbeOutcome {
        let way = Way::Through { address: upstream.address, credentials: upstream.credentials.as_ref() };
        self.go(way, target, limit).await
    }

    /// Asks `target` directly, past all servers, for at most `limit` in all. Dropping the future closes its socket.
    pub async fn probe_directly(&self, target: &Target, limit: Duration) -> ProbeOutcome {
        self.go(Way::Direct, target, limit).await
    }

    async fn go(&self, way: Way<'_>, target: &Target, limit: Duration) -> ProbeOutcome {
        let mut walk = Walk::new(&self.tls, way, target, Extent::Head, Instant::now());
        let mut stages = Vec::with_capacity(MAX_STAGES);
        let outcome = match timeout(limit, walk_through(&mut walk, &mut stages)).await {
            Ok(Ok(())) => Outcome::Passed(stages.iter().map(|passed| passed.took).sum()),
            Ok(Err(fault)) => walk.position.missed(fault).into(),
            Err(_) => walk.position.timed_out().into(),
        };
        ProbeOutcome { target: target.name().clone(), stages, outcome }
    }
}

/// Takes all steps and keeps what was passed, so that a deadline finds it.
async fn walk_through(walk: &mut Walk<'_>, stages: &mut Vec<StageTime>) -> Result<(), Fault> {
    let mut place = walk.start();
    loop {
        match walk.step(place).await? {
            Step::Passed(passed, next) => {
                stages.push(passed);
                place = next;
            }
            Step::Over(passed, _) => {
                stages.push(passed);
                return Ok(());
            }
        }
    }
}
