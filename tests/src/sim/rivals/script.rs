//! The seed's shell script: a request with curl through the tunnel, one sample decides, HAProxy is reloaded, ten
//! seconds of sleep.

use std::time::Duration;

use failover::Time;

use crate::sim::routing::{BACKUP, PRIMARY, Routing};
use crate::sim::stages::FULL;
use crate::sim::world::World;

const SLEEP: Duration = Duration::from_secs(10);
/// curl's `--max-time`.
const PATIENCE: Duration = Duration::from_secs(2);
const RELOAD: Duration = Duration::from_millis(200);
const TARGET: usize = 0;

pub(crate) fn run(world: &mut World, until: Time) -> Routing {
    let mut routing = Routing::new();
    let mut at = Time::ZERO + world.rng.between(Duration::ZERO, SLEEP);
    while at < until {
        at = world.wake(at);
        let visit = world.visit(PRIMARY, TARGET, FULL, at);
        let good = visit.whole && visit.ended.since(at) <= PATIENCE;
        let ended = if good { visit.ended } else { visit.ended.min(world.wake(at + PATIENCE)) };
        // The backup is asked in the same loop, but where it fails, too, the script takes the tunnel out all the same.
        routing.to(ended + RELOAD, if good { PRIMARY } else { BACKUP });
        at = ended + SLEEP;
    }
    routing
}
