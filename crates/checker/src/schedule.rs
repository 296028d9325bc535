//! When rounds are made: at most one outstanding per server, each when it is due. Decides no cadence: whoever owns
//! [`Rounds`] says when a server is asked next.

use std::collections::HashMap;
use std::future::{Future, pending};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use failover::{Ask, Outcome, ProbeOutcome, Round, ServerId, Time};
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::sleep_until;

use crate::guard::PANICKED;
use crate::round::Asker;
use crate::{Clock, Prober, Settings, Upstream};

/// Rounds under way or waiting to be due. Dropping it drops them all and closes their sockets.
pub struct Rounds {
    asker: Asker,
    clock: Clock,
    jitter: Jitter,
    tasks: JoinSet<Round>,
    servers: HashMap<ServerId, Server>,
    /// Whose outstanding round a task is. Tasks that were replaced or cancelled have no entry.
    owners: HashMap<Id, ServerId>,
}

/// What is kept about a server between its rounds.
#[derive(Default)]
struct Server {
    rotation: Arc<AtomicUsize>,
    outstanding: Option<AbortHandle>,
}

impl Rounds {
    /// No rounds yet; `clock` is the one that due times are on.
    #[must_use]
    pub fn new(prober: Prober, settings: Settings, clock: Clock) -> Self {
        Self {
            asker: Asker::new(prober, settings, clock),
            clock,
            jitter: Jitter::new(RandomState::new().hash_one(0)),
            tasks: JoinSet::new(),
            servers: HashMap::new(),
            owners: HashMap::new(),
        }
    }

    /// Has `upstream` asked when `due` comes, a tenth of the wait earlier or later; at once if it has come. Replaces
    /// the server's outstanding round, whose socket closes. Must be called within a tokio runtime.
    pub fn schedule(&mut self, upstream: Upstream, due: Time, ask: Ask) {
        let server = upstream.server.clone();
        let rotation = Arc::clone(&self.servers.entry(server.clone()).or_default().rotation);
        let round = self.asker.clone().round(upstream, ask, rotation);
        self.launch(server, due, round);
    }

    /// Drops the server's outstanding round and forgets its place in the rotation.
    pub fn cancel(&mut self, server: &ServerId) {
        if let Some(task) = self.servers.remove(server).and_then(|known| known.outstanding) {
            self.drop_task(&task);
        }
    }

    /// The next round to end; pending for ever while none is scheduled. Cancel-safe: a round is returned or kept. Where
    /// a probe panicked, its round is void.
    pub async fn next(&mut self) -> Round {
        while let Some(ended) = self.tasks.join_next_with_id().await {
            let id = ended.as_ref().map_or_else(|error| error.id(), |(id, _)| *id);
            // A round may have ended before it was replaced: it is dropped all the same.
            let Some(server) = self.owners.remove(&id) else { continue };
            if let Some(known) = self.servers.get_mut(&server) {
                known.outstanding = None;
            }
            match ended {
                Ok((_, round)) => return round,
                Err(error) if error.is_panic() => return self.void(server),
                Err(_) => {}
            }
        }
        pending().await
    }

    fn launch(&mut self, server: ServerId, due: Time, work: impl Future<Output = Round> + Send + 'static) {
        let begin = self.clock.instant(self.jitter.spread(self.clock.now(), due));
        let task = self.tasks.spawn(async move {
            sleep_until(begin).await;
            work.await
        });
        self.owners.insert(task.id(), server.clone());
        if let Some(replaced) = self.servers.entry(server).or_default().outstanding.replace(task) {
            self.drop_task(&replaced);
        }
    }

    fn drop_task(&mut self, task: &AbortHandle) {
        self.owners.remove(&task.id());
        task.abort();
    }

    fn void(&self, server: ServerId) -> Round {
        let now = self.clock.now();
        let probes = self.asker.settings().targets().iter().take(1).map(|target| ProbeOutcome {
            target: target.name().clone(),
            stages: Vec::new(),
            outcome: Outcome::Void(PANICKED.into()),
        });
        Round { server, started: now, finished: now, probes: probes.collect() }
    }
}

/// Spreads what would otherwise happen at the same moment. Nothing depends on its quality.
struct Jitter(u64);

impl Jitter {
    const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// `due`, moved by up to a tenth of the wait for it in either direction.
    fn spread(&mut self, now: Time, due: Time) -> Time {
        let wait = due.since(now);
        let tenth = wait / 10;
        now + (wait - tenth) + Duration::from_nanos(self.below(nanos(tenth * 2)))
    }

    /// SplitMix64, brought into range.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        mixed.checked_rem(limit).unwrap_or(0)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
