//! Does what the core orders and reports what was seen, while it happens. Decides nothing: neither when a probe is made,
//! nor what its evidence means.
//!
//! ```text
//!  obey(Probe) ──> task: walk, stage by stage ──> keeper, where an Open left a connection
//!                                 │                  ^  │
//!  obey(Canary) ──────────────────│── queue ─────────┘  │
//!                                 └──────> evidence <───┘ ──> next()
//! ```

mod keeper;
mod task;
mod teller;

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;

use failover::{Ending, Evidence, Kind, Order, Probe, ProbeId, Route};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::{AbortHandle, JoinSet};

use crate::driver::task::{Asked, Job, Shared};
use crate::driver::teller::Teller;
use crate::walk::Extent;
use crate::{Clock, Credentials, Prober, Settings};

/// How much evidence may wait to be read: all that the probes which may be under way at once can have to say, with room
/// for canaries. A task that has more to say waits; nothing is lost.
const MAX_EVIDENCE: usize = 2048;

/// How many canaries may wait for the one that is under way on their connection. One at a time is what is useful; more
/// than this means that somebody does not listen to how they end.
const MAX_WAITING_CANARIES: usize = 4;

/// Probes under way, and the connections that they left behind. Dropping it drops them all and closes their sockets.
pub struct Probes {
    shared: Arc<Shared>,
    tasks: JoinSet<ProbeId>,
    live: HashMap<ProbeId, Live>,
    evidence: Receiver<Evidence>,
}

/// A task that still runs, or did when it was last looked at.
struct Live {
    task: AbortHandle,
    /// Takes canaries for the connection that an `Open` leaves behind.
    canaries: Option<Sender<ProbeId>>,
}

impl Probes {
    /// No probes yet; evidence is timed by `clock`.
    #[must_use]
    pub fn new(prober: Prober, settings: Settings, clock: Clock) -> Self {
        let (sender, evidence) = mpsc::channel(MAX_EVIDENCE);
        let shared = Arc::new(Shared::new(prober, settings, Teller::new(clock, sender)));
        Self { shared, tasks: JoinSet::new(), live: HashMap::new(), evidence }
    }

    /// Asks otherwise from now on; what is under way goes on as it began.
    pub fn set(&mut self, prober: Prober, settings: Settings) {
        self.shared = Arc::new(Shared::new(prober, settings, self.shared.teller().clone()));
    }

    /// Does what is ordered at once, as far as the bound on probes under way allows. The server is offered
    /// `credentials` where it wants a login. Must be called within a tokio runtime.
    ///
    /// Dropping an `Open` drops its connection, with the canaries on it, and says no more about them. A canary cannot
    /// be called back by itself: its request is on the way, and its end is reported.
    pub fn obey(&mut self, order: &Order, credentials: Option<&Credentials>) {
        self.forget_ended();
        match order {
            Order::Probe(probe) => self.probe(probe, credentials),
            Order::Drop(id) => {
                if let Some(live) = self.live.remove(id) {
                    live.task.abort();
                }
            }
        }
    }

    /// What was seen next; pending for ever while nothing is. Cancel-safe: evidence is returned or kept.
    pub async fn next(&mut self) -> Evidence {
        match self.evidence.recv().await {
            Some(evidence) => evidence,
            // Never: `shared` has a sender.
            None => pending().await,
        }
    }

    fn probe(&mut self, probe: &Probe, credentials: Option<&Credentials>) {
        let (asked, extent) = match probe.kind {
            Kind::Full => (Asked::Target(probe.target), Extent::Full),
            Kind::Open => (Asked::Target(probe.target), Extent::Kept),
            Kind::Control => (Asked::Control, Extent::Full),
            Kind::Canary => return self.canary(probe),
        };
        let server = match (&probe.route, asked) {
            (Route::Server { address, .. }, Asked::Target(_)) => Some((*address, credentials.cloned())),
            (Route::Direct, _) | (_, Asked::Control) => None,
        };
        let (canaries, queue) = match extent {
            Extent::Kept => {
                let (canaries, queue) = mpsc::channel(MAX_WAITING_CANARIES);
                (Some(canaries), Some(queue))
            }
            Extent::Head | Extent::Full | Extent::Page => (None, None),
        };
        let job = Job { id: probe.id, asked, extent, server };
        let task = self.tasks.spawn(job.run(Arc::clone(&self.shared), queue));
        self.live.insert(probe.id, Live { task, canaries });
    }

    /// Has the connection's keeper send a canary; where it cannot, that is the canary's end.
    fn canary(&mut self, probe: &Probe) {
        let keeper = probe.connection.and_then(|open| self.live.get(&open));
        let sent = keeper.and_then(|live| live.canaries.as_ref()).map(|queue| queue.try_send(probe.id));
        let ending = match sent {
            Some(Ok(())) => return,
            Some(Err(TrySendError::Full(_))) => {
                Ending::Void("the canaries before it are still under way".into())
            }
            Some(Err(TrySendError::Closed(_))) | None => self.shared.is_gone(probe.target),
        };
        let (shared, id) = (Arc::clone(&self.shared), probe.id);
        self.tasks.spawn(async move {
            shared.teller().ended(id, ending).await;
            id
        });
    }

    fn forget_ended(&mut self) {
        while let Some(ended) = self.tasks.try_join_next() {
            // Those that were dropped have been forgotten already.
            if let Ok(id) = ended {
                self.live.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests;
