//! Clients that never stop asking, and what each of their requests met.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::client::get_through;

/// Between two requests of one client: hundreds of requests a second are not what a test is about.
const PAUSE: Duration = Duration::from_millis(7);

/// Between two looks at the samples.
const POLL: Duration = Duration::from_millis(5);

/// How many of the last samples a panic shows.
const SHOWN: usize = 10;

/// One request.
#[derive(Clone, Debug)]
pub struct Sample {
    /// When the client began to connect.
    pub started: Instant,
    /// When it had its answer or gave up.
    pub ended: Instant,
    /// The exit's name, or what went wrong.
    pub result: Result<String, String>,
}

/// What clients saw of a fault.
#[derive(Clone, Copy, Debug)]
pub struct Outage {
    /// The end of the last request that succeeded before the fault.
    pub last_before: Option<Instant>,
    /// Start and end of the first success among the requests started after the fault.
    pub first_after: Option<(Instant, Instant)>,
    /// How many of the requests started after the fault failed.
    pub failed: usize,
}

impl Outage {
    /// From one answer to the next: the end of the last success to that of the next one, `None` where one of them is
    /// missing. What a request takes when all is well is part of it.
    #[must_use]
    pub fn between_answers(&self) -> Option<Duration> {
        Some(self.first_after?.1.duration_since(self.last_before?))
    }
}

/// Reads from `samples` what the clients saw of a fault made at `fault`.
#[must_use]
pub fn outage(samples: &[Sample], fault: Instant) -> Outage {
    let good = || samples.iter().filter(|sample| sample.result.is_ok());
    Outage {
        last_before: good().map(|sample| sample.ended).filter(|ended| *ended <= fault).max(),
        first_after: good()
            .filter(|sample| sample.started > fault)
            .map(|sample| (sample.started, sample.ended))
            .min_by_key(|(_, ended)| *ended),
        failed: samples.iter().filter(|sample| sample.started > fault && sample.result.is_err()).count(),
    }
}

/// Background clients, each with a new connection per request; ended when dropped.
pub struct Traffic {
    samples: Arc<Mutex<Vec<Sample>>>,
    running: watch::Sender<bool>,
    clients: JoinSet<()>,
}

impl Traffic {
    /// Starts `clients` of them through `proxy` to the HTTP `target`.
    #[must_use]
    pub fn start(clients: usize, proxy: SocketAddr, target: SocketAddr) -> Self {
        let samples = Arc::default();
        let running = watch::Sender::new(true);
        let mut tasks = JoinSet::new();
        for _ in 0..clients {
            tasks.spawn(ask_on(proxy, target, Arc::clone(&samples), running.subscribe()));
        }
        Self { samples, running, clients: tasks }
    }

    /// This moment, to ask `since` about.
    #[must_use]
    pub fn mark(&self) -> Instant {
        Instant::now()
    }

    /// The finished requests that were started at `mark` or later, in the order in which they ended.
    #[must_use]
    pub fn since(&self, mark: Instant) -> Vec<Sample> {
        self.samples().iter().filter(|sample| sample.started >= mark).cloned().collect()
    }

    /// Waits until a request that was started after this call is answered by `exit`; its sample. Panics after
    /// `patience`.
    pub async fn wait_until(&self, exit: &str, patience: Duration) -> Sample {
        self.wait_for(patience, &format!("an answer by {exit}"), |result| {
            result.is_ok_and(|name| name == exit)
        })
        .await
    }

    /// Waits until a request that was started after this call fails; its sample. Panics after `patience`.
    pub async fn wait_until_failure(&self, patience: Duration) -> Sample {
        self.wait_for(patience, "a failure", |result| result.is_err()).await
    }

    async fn wait_for(
        &self,
        patience: Duration,
        what: &str,
        wanted: impl Fn(Result<&str, &str>) -> bool,
    ) -> Sample {
        let mark = self.mark();
        while mark.elapsed() < patience {
            let found = self.since(mark).into_iter().find(|sample| wanted(as_str(&sample.result)));
            if let Some(sample) = found {
                return sample;
            }
            sleep(POLL).await;
        }
        let samples = self.samples();
        let last: Vec<_> = samples.iter().rev().take(SHOWN).map(|sample| &sample.result).collect();
        panic!("no client saw {what} within {patience:?}; the last results, newest first: {last:?}");
    }

    /// Stops once every request under way has ended; all samples.
    pub async fn stop(mut self) -> Vec<Sample> {
        self.running.send_replace(false);
        while self.clients.join_next().await.is_some() {}
        std::mem::take(&mut *self.samples())
    }

    fn samples(&self) -> MutexGuard<'_, Vec<Sample>> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn as_str(result: &Result<String, String>) -> Result<&str, &str> {
    result.as_deref().map_err(String::as_str)
}

async fn ask_on(
    proxy: SocketAddr,
    target: SocketAddr,
    samples: Arc<Mutex<Vec<Sample>>>,
    running: watch::Receiver<bool>,
) {
    while *running.borrow() {
        let started = Instant::now();
        let result = get_through(proxy, target).await;
        let sample = Sample { started, ended: Instant::now(), result };
        samples.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
        sleep(PAUSE).await;
    }
}
