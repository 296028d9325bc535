//! Several targets asked through one server at the same moment, until one answers: that proves the tunnel.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::guard::{PANICKED, guarded};
use crate::outcome::{Outcome, ProbeOutcome};
use crate::{Prober, Settings, Upstream};

impl Prober {
    /// Asks all targets of `settings` through `upstream` at once, each for at most the timeout in all, and drops the
    /// rest as soon as one has answered. A prober and its clones share the bound on probes under way; waiting for room
    /// is none of a probe's time. Must be called within a tokio runtime; dropping the future closes its sockets.
    pub async fn race(&self, upstream: &Upstream, settings: &Settings) -> Vec<ProbeOutcome> {
        let upstream = Arc::new(upstream.clone());
        let mut racing = JoinSet::new();
        for target in 0..settings.targets().len() {
            racing.spawn(in_turn(self.clone(), Arc::clone(&upstream), settings.clone(), target));
        }
        let mut probes = Vec::new();
        while let Some(ended) = racing.join_next().await {
            // Nobody cancels these but the end of the race, and a panic is caught inside.
            let Ok(probe) = ended else { continue };
            let has_passed = matches!(probe.outcome, Outcome::Passed(_));
            probes.push(probe);
            if has_passed {
                break;
            }
        }
        probes
    }
}

/// One probe, once there is room for it.
async fn in_turn(prober: Prober, upstream: Arc<Upstream>, settings: Settings, target: usize) -> ProbeOutcome {
    // The semaphore is never closed; without a permit there would merely be no bound.
    let _permit = prober.permits().acquire().await;
    let target = &settings.targets()[target];
    let probed = guarded(prober.probe(&upstream, target, settings.timeout())).await;
    probed.unwrap_or_else(|| ProbeOutcome {
        target: target.name().clone(),
        stages: Vec::new(),
        outcome: Outcome::Void(PANICKED.into()),
    })
}
