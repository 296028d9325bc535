//! Several targets asked through one server at the same moment, until one answers: that proves the tunnel.

use std::sync::Arc;

use failover::{Outcome, ProbeOutcome, Round, Time};
use tokio::task::JoinSet;

use crate::guard::{PANICKED, guarded};
use crate::{Clock, Prober, Settings, Upstream};

impl Prober {
    /// Asks all targets of `settings` through `upstream` at once, each for at most the timeout in all, and drops the
    /// rest as soon as one has answered. A prober and its clones share the bound on probes under way; waiting for room
    /// is none of a probe's time. Must be called within a tokio runtime; dropping the future closes its sockets.
    pub async fn race(&self, upstream: &Upstream, settings: &Settings, clock: Clock) -> Round {
        let mut race = Race::new(self, upstream, settings, clock);
        race.run(0..settings.targets().len()).await;
        race.round()
    }
}

/// Probes through one server, and what they have seen so far.
pub(crate) struct Race {
    prober: Prober,
    upstream: Arc<Upstream>,
    settings: Settings,
    clock: Clock,
    started: Option<Time>,
    probes: Vec<ProbeOutcome>,
}

impl Race {
    pub(crate) fn new(prober: &Prober, upstream: &Upstream, settings: &Settings, clock: Clock) -> Self {
        Self {
            prober: prober.clone(),
            upstream: Arc::new(upstream.clone()),
            settings: settings.clone(),
            clock,
            started: None,
            probes: Vec::new(),
        }
    }

    /// Asks `targets` all at once, until one answers; the others are dropped.
    pub(crate) async fn run(&mut self, targets: impl Iterator<Item = usize>) {
        let mut racing = JoinSet::new();
        for target in targets {
            racing.spawn(self.probe(target));
        }
        while let Some(ended) = racing.join_next().await {
            // Nobody cancels these but the end of the race, and a panic is caught inside.
            let Ok((began, probe)) = ended else { continue };
            self.started = Some(self.started.map_or(began, |known| known.min(began)));
            let has_passed = matches!(probe.outcome, Outcome::Passed(_));
            self.probes.push(probe);
            if has_passed {
                return;
            }
        }
    }

    /// How the probes so far ended.
    pub(crate) fn probes(&self) -> &[ProbeOutcome] {
        &self.probes
    }

    pub(crate) fn round(self) -> Round {
        let finished = self.clock.now();
        Round {
            server: self.upstream.server.clone(),
            started: self.started.unwrap_or(finished),
            finished,
            probes: self.probes,
        }
    }

    /// One probe, once there is room for it, and when that was.
    fn probe(&self, target: usize) -> impl Future<Output = (Time, ProbeOutcome)> + Send + 'static {
        let (prober, upstream) = (self.prober.clone(), Arc::clone(&self.upstream));
        let (settings, clock) = (self.settings.clone(), self.clock);
        async move {
            // The semaphore is never closed; without a permit there would merely be no bound.
            let _permit = prober.permits().acquire().await;
            let began = clock.now();
            let target = &settings.targets()[target];
            let probed = guarded(prober.probe(&upstream, target, settings.timeout())).await;
            let void = || ProbeOutcome {
                target: target.name().clone(),
                stages: Vec::new(),
                outcome: Outcome::Void(PANICKED.into()),
            };
            (began, probed.unwrap_or_else(void))
        }
    }
}
