//! One ordered probe on a fresh connection, from the wait for its turn to its end; an `Open` goes on as the keeper of
//! what it left behind.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use failover::{Cause, Ending, ProbeId, Saw, Stage, Success, TargetId};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, timeout};

use crate::driver::keeper::Kept;
use crate::driver::teller::Teller;
use crate::fault::Fault;
use crate::guard::{PANICKED, guarded};
use crate::position::{Position, Way};
use crate::walk::{Answer, Extent, Step, Walk};
use crate::{Credentials, Prober, Settings, Target};

/// A late success still teaches how slow a path is, but not for ever: beyond this many timeouts a probe only holds a
/// socket, here and in the SOCKS server.
const PROBE_LIMIT_FACTOR: u32 = 3;

/// How many control probes may be under way at once. They have room of their own: where everything hangs they are
/// wanted most, and must not wait behind what hangs.
const MAX_CONTROLS: usize = 4;

/// What all tasks share.
pub(super) struct Shared {
    prober: Prober,
    settings: Settings,
    controls: Semaphore,
    teller: Teller,
}

/// Whom a probe asks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    Target(TargetId),
    Control,
}

/// A probe that needs a connection of its own.
pub(super) struct Job {
    pub(super) id: ProbeId,
    pub(super) asked: Asked,
    pub(super) extent: Extent,
    /// Through whom; past all servers without one.
    pub(super) server: Option<(SocketAddr, Option<Credentials>)>,
}

impl Shared {
    pub(super) fn new(prober: Prober, settings: Settings, teller: Teller) -> Self {
        Self { prober, settings, controls: Semaphore::new(MAX_CONTROLS), teller }
    }

    pub(super) const fn teller(&self) -> &Teller {
        &self.teller
    }

    /// What a probe may take in all.
    pub(super) fn limit(&self) -> Duration {
        self.settings.timeout().saturating_mul(PROBE_LIMIT_FACTOR)
    }

    /// How a canary ends whose connection is there no longer.
    pub(super) fn is_gone(&self, target: TargetId) -> Ending {
        self.target(Asked::Target(target)).map_or_else(Ending::Void, gone)
    }

    /// What `work` for `probe` comes to. Where it panics, the probe ends void.
    pub(super) async fn guard<T>(&self, probe: ProbeId, work: impl Future<Output = T>) -> Option<T> {
        let done = guarded(work).await;
        if done.is_none() {
            self.teller.ended(probe, Ending::Void(PANICKED.into())).await;
        }
        done
    }

    fn target(&self, asked: Asked) -> Result<&Target, String> {
        let (target, missing) = match asked {
            Asked::Target(TargetId(index)) => {
                (self.settings.targets().get(usize::from(index)), "this target is not configured")
            }
            Asked::Control => (self.settings.control(), "no control target is configured"),
        };
        target.ok_or_else(|| missing.to_owned())
    }

    fn room(&self, asked: Asked) -> &Semaphore {
        match asked {
            Asked::Target(_) => self.prober.permits(),
            Asked::Control => &self.controls,
        }
    }
}

impl Job {
    /// Does all of it; canaries come through `queue`. Dropping the future closes its socket.
    pub(super) async fn run(self, shared: Arc<Shared>, mut queue: Option<Receiver<ProbeId>>) -> ProbeId {
        let target = match shared.target(self.asked) {
            Ok(target) => target,
            Err(why) => {
                shared.teller.ended(self.id, Ending::Void(why)).await;
                return self.id;
            }
        };
        // In a box of its own, because a kept connection lives much longer and needs much less.
        let attempt = Box::pin(self.attempt(&shared, target));
        let kept = shared.guard(self.id, attempt).await.flatten();
        if let (Some(kept), Some(queue)) = (kept, queue.as_mut()) {
            kept.serve(&shared, self.id, queue).await;
        }
        if let Some(mut queue) = queue {
            queue.close();
            while let Some(canary) = queue.recv().await {
                shared.teller.ended(canary, gone(target)).await;
            }
        }
        self.id
    }

    fn way(&self) -> Way<'_> {
        match &self.server {
            Some((address, credentials)) => {
                Way::Through { address: *address, credentials: credentials.as_ref() }
            }
            None => Way::Direct,
        }
    }

    /// From the first packet to the end, and the connection where it is to be kept.
    async fn attempt<'a>(&'a self, shared: &'a Shared, target: &'a Target) -> Option<Kept<'a>> {
        // The semaphore is never closed; without a permit there would merely be no bound.
        let _permit = shared.room(self.asked).acquire().await;
        let began = shared.teller.tell(self.id, Instant::now(), Saw::Began).await;
        let mut walk = Walk::new(shared.prober.tls(), self.way(), target, self.extent, began);
        let mut place = walk.start();
        loop {
            let left = shared.limit().saturating_sub(began.elapsed());
            let miss = match timeout(left, walk.step(place)).await {
                Ok(Ok(Step::Passed(passed, next))) => {
                    let since = walk.position.since;
                    walk.position.since = shared.teller.tell(self.id, since, Saw::Passed(passed)).await;
                    place = next;
                    continue;
                }
                Ok(Ok(Step::Over(last, Answer { status, received, connection, page: _ }))) => {
                    let kept = connection.is_some();
                    let success = Ending::Success(Success { last, status, received, kept });
                    shared.teller.tell(self.id, walk.position.since, Saw::Ended(success)).await;
                    return connection.map(|(stream, exchange)| Kept::new(stream, exchange, walk.position));
                }
                Ok(Err(fault)) => walk.position.missed(fault),
                Err(_) => walk.position.timed_out(),
            };
            shared.teller.ended(self.id, miss.into()).await;
            return None;
        }
    }
}

/// How a canary ends whose connection to `target` is there no longer.
fn gone(target: &Target) -> Ending {
    let position = Position { way: Way::Direct, target, stage: Stage::Http, since: Instant::now() };
    position.missed(Fault::Failed(Cause::Closed, "the kept connection is closed".into())).into()
}
