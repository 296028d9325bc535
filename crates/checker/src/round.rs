//! One round through one server: whom to ask, in which order, and when that is enough. Knows no schedule.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use failover::{Ask, Outcome, Round};

use crate::race::Race;
use crate::{Clock, Prober, Settings, Upstream};

/// What makes rounds; a clone shares everything.
#[derive(Clone)]
pub(crate) struct Asker {
    prober: Prober,
    settings: Settings,
    clock: Clock,
}

impl Asker {
    pub(crate) const fn new(prober: Prober, settings: Settings, clock: Clock) -> Self {
        Self { prober, settings, clock }
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// One round through `upstream`. `rotation` counts the server's rounds that began with a single target.
    pub(crate) async fn round(self, upstream: Upstream, ask: Ask, rotation: Arc<AtomicUsize>) -> Round {
        let count = self.settings.targets().len();
        let mut race = Race::new(&self.prober, &upstream, &self.settings, self.clock);
        match ask {
            Ask::All => race.run(0..count).await,
            Ask::One => {
                let first = rotation.fetch_add(1, Ordering::Relaxed) % count;
                race.run(std::iter::once(first)).await;
                if race.probes().iter().any(|probe| matches!(probe.outcome, Outcome::Failed(_))) {
                    race.run((first + 1..first + count).map(|index| index % count)).await;
                }
            }
        }
        race.round()
    }
}
