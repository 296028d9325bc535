//! Evidence on its way to whoever reads it.

use failover::{Ending, Evidence, ProbeId, Saw};
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::Instant;

use crate::Clock;

/// Puts times on evidence and hands it over.
#[derive(Clone)]
pub(super) struct Teller {
    clock: Clock,
    evidence: Sender<Evidence>,
}

impl Teller {
    pub(super) const fn new(clock: Clock, evidence: Sender<Evidence>) -> Self {
        Self { clock, evidence }
    }

    /// Reports what happened at `at`, and returns when work goes on: at the same moment, or later where there was no
    /// room for the evidence. That wait is ours and counts for no stage.
    pub(super) async fn tell(&self, probe: ProbeId, at: Instant, saw: Saw) -> Instant {
        let evidence = Evidence { probe, at: self.clock.time(at), saw };
        match self.evidence.try_send(evidence) {
            Ok(()) => at,
            Err(TrySendError::Full(evidence)) => {
                // Fails only where nobody can ever read it.
                let _ = self.evidence.send(evidence).await;
                Instant::now()
            }
            Err(TrySendError::Closed(_)) => at,
        }
    }

    /// Reports that `probe` has just ended.
    pub(super) async fn ended(&self, probe: ProbeId, ending: Ending) {
        self.tell(probe, Instant::now(), Saw::Ended(ending)).await;
    }
}
