//! Clients that come whether or not those before them were served: a new one at a fixed pace, with a connection of
//! its own. Clients that wait for their last answer before they ask again would all be stuck in a black hole for as
//! long as their patience lasts, and an outage would be measured in multiples of it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use e2e::get_through;
use e2e::traffic::{Sample, outage};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval, sleep};

/// Between two clients: this is how finely an outage is seen, and 100 a second leave the machine idle.
pub(crate) const PACE: Duration = Duration::from_millis(10);

/// Between two looks at the samples.
const POLL: Duration = Duration::from_millis(10);

/// How long everything has to be well before it counts as well again.
const CALM: Duration = Duration::from_millis(300);

/// An outage that lasts longer counts as one of this length: nobody waits for it to end.
const OUTAGE_LIMIT: Duration = Duration::from_secs(10);

/// How long it may take until a healed server is in service again.
const RECOVERY_LIMIT: Duration = Duration::from_secs(30);

/// How long nobody was served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unserved {
    /// From the fault until the first client came that was served.
    pub(crate) came: Duration,
    /// From the last answer before the fault to the next one.
    pub(crate) between_answers: Duration,
}

/// They stop when this is dropped.
pub(crate) struct Clients {
    samples: Arc<Mutex<Vec<Sample>>>,
    task: JoinHandle<()>,
}

impl Clients {
    /// Clients that ask the HTTP `target` through `proxy` from now on.
    pub(crate) fn start(proxy: SocketAddr, target: SocketAddr) -> Self {
        let samples = Arc::default();
        let task = tokio::spawn(come(proxy, target, Arc::clone(&samples)));
        Self { samples, task }
    }

    /// Waits until every client is served by `exit`, and forgets those before; panics where that does not happen.
    pub(crate) async fn wait_until_served_by(&self, exit: &str) {
        let start = Instant::now();
        loop {
            self.lock().clear();
            let mark = Instant::now();
            sleep(CALM).await;
            let samples = self.lock();
            let mut recent = samples.iter().filter(|sample| sample.started >= mark).peekable();
            if recent.peek().is_some() && recent.all(|sample| sample.result.as_deref() == Ok(exit)) {
                return;
            }
            assert!(
                start.elapsed() < RECOVERY_LIMIT,
                "{exit} is not back in service within {RECOVERY_LIMIT:?}; last: {:?}",
                samples.last()
            );
        }
    }

    /// Waits until a client that came after `fault` is served; how long none was.
    pub(crate) async fn outage(&self, fault: Instant) -> Unserved {
        while fault.elapsed() < OUTAGE_LIMIT {
            let outage = outage(&self.lock(), fault);
            if let (Some((came, _)), Some(between_answers)) = (outage.first_after, outage.between_answers()) {
                return Unserved { came: came.duration_since(fault), between_answers };
            }
            sleep(POLL).await;
        }
        Unserved { came: OUTAGE_LIMIT, between_answers: OUTAGE_LIMIT }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Sample>> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn come(proxy: SocketAddr, target: SocketAddr, samples: Arc<Mutex<Vec<Sample>>>) {
    let mut pace = interval(PACE);
    // A client that is late is not made up for by a crowd.
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            _ = pace.tick() => {
                let samples = Arc::clone(&samples);
                clients.spawn(async move {
                    let started = Instant::now();
                    let result = get_through(proxy, target).await;
                    let sample = Sample { started, ended: Instant::now(), result };
                    samples.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
                });
            }
            Some(_) = clients.join_next() => {}
        }
    }
}
