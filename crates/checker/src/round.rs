//! One round through one server: whom to ask, in which order, and when that is enough. Knows no schedule.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use failover::{Ask, Outcome, ProbeOutcome, Round, Time};
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::{Clock, Prober, Target, Upstream};

/// How many probes may be under way at once, one socket each: the usual limit of 1024 descriptors is left three
/// quarters free for HAProxy and for those who ask, and a host that answers slowly is not made slower.
const MAX_PROBES: usize = 256;

/// What all rounds have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    targets: Arc<[Target]>,
    timeout: Duration,
}

/// Settings that no round could follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// Nobody to ask.
    #[error("no target to probe; name at least one")]
    NoTarget,
    /// No probe could ever pass.
    #[error("the probe's timeout is zero; set one above the time that an answer takes")]
    NoTime,
}

impl Settings {
    /// Rounds ask `targets`, and each probe takes at most `timeout` in all.
    ///
    /// # Errors
    /// Where there is no target, or no time.
    pub fn new(targets: Vec<Target>, timeout: Duration) -> Result<Self, SettingsError> {
        if targets.is_empty() {
            return Err(SettingsError::NoTarget);
        }
        if timeout.is_zero() {
            return Err(SettingsError::NoTime);
        }
        Ok(Self { targets: targets.into(), timeout })
    }

    pub(crate) fn targets(&self) -> &[Target] {
        &self.targets
    }
}

/// What makes rounds; a clone shares everything.
#[derive(Clone)]
pub(crate) struct Asker {
    prober: Prober,
    settings: Settings,
    clock: Clock,
    permits: Arc<Semaphore>,
}

impl Asker {
    pub(crate) fn new(prober: Prober, settings: Settings, clock: Clock) -> Self {
        Self { prober, settings, clock, permits: Arc::new(Semaphore::new(MAX_PROBES)) }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// One round through `upstream`. `rotation` counts the server's rounds that began with a single target.
    pub(crate) async fn round(self, upstream: Arc<Upstream>, ask: Ask, rotation: Arc<AtomicUsize>) -> Round {
        let count = self.settings.targets.len();
        let mut report = Report::default();
        match ask {
            Ask::All => self.race(&upstream, 0..count, &mut report).await,
            Ask::One => {
                let first = rotation.fetch_add(1, Ordering::Relaxed) % count;
                let (began, probe) = self.clone().probe(Arc::clone(&upstream), first).await;
                let failed = matches!(probe.outcome, Outcome::Failed(_));
                report.add(began, probe);
                if failed {
                    let others = (first + 1..first + count).map(|index| index % count);
                    self.race(&upstream, others, &mut report).await;
                }
            }
        }
        let finished = self.clock.now();
        Round {
            server: upstream.server.clone(),
            started: report.started.unwrap_or(finished),
            finished,
            probes: report.probes,
        }
    }

    /// Asks `targets` all at once, until one answers: that proves the tunnel, and the rest is dropped.
    async fn race(
        &self,
        upstream: &Arc<Upstream>,
        targets: impl Iterator<Item = usize>,
        report: &mut Report,
    ) {
        let mut racing = JoinSet::new();
        for index in targets {
            racing.spawn(self.clone().probe(Arc::clone(upstream), index));
        }
        while let Some(ended) = racing.join_next().await {
            match ended {
                Ok((began, probe)) => {
                    let passed = matches!(probe.outcome, Outcome::Passed(_));
                    report.add(began, probe);
                    if passed {
                        return;
                    }
                }
                // Nobody cancels these but the end of the round; a panic is the round's.
                Err(error) => {
                    if let Ok(panic) = error.try_into_panic() {
                        resume_unwind(panic);
                    }
                }
            }
        }
    }

    /// One probe, once there is room for it; waiting for room is none of the probe's time.
    async fn probe(self, upstream: Arc<Upstream>, index: usize) -> (Time, ProbeOutcome) {
        // The semaphore is never closed; without a permit there would merely be no bound.
        let _permit = self.permits.acquire().await;
        let began = self.clock.now();
        (began, self.prober.probe(&upstream, &self.settings.targets[index], self.settings.timeout).await)
    }
}

/// What a round has seen so far.
#[derive(Default)]
struct Report {
    started: Option<Time>,
    probes: Vec<ProbeOutcome>,
}

impl Report {
    fn add(&mut self, began: Time, probe: ProbeOutcome) {
        self.started = Some(self.started.map_or(began, |known| known.min(began)));
        self.probes.push(probe);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_need_a_target_and_time() {
        let target: Target = "https://1.1.1.1/".parse().unwrap();
        let second = Duration::from_secs(1);
        assert_eq!(Settings::new(vec![], second), Err(SettingsError::NoTarget));
        assert_eq!(Settings::new(vec![target.clone()], Duration::ZERO), Err(SettingsError::NoTime));
        assert!(Settings::new(vec![target], second).is_ok());
    }
}
