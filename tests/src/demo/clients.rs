//! Clients that ask through HAProxy at a steady pace, whether or not earlier requests were answered: so an outage is
//! seen as long as it is, and not as long as a client's patience.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use e2e::get_through;
use e2e::traffic::Sample;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval};

use crate::answers::{Answers, Change};

/// Requests that are begun in a second.
pub(crate) const RATE: u32 = 50;

/// Requests that are remembered: more than one step of the story takes, and little memory.
const REMEMBERED: usize = 5000;

type Samples = Arc<Mutex<VecDeque<Sample>>>;

/// A request on a connection of its own every 20 ms; ended when dropped.
pub(crate) struct Clients {
    samples: Samples,
    answers: Answers,
    task: JoinHandle<()>,
}

impl Clients {
    pub(crate) fn start(proxy: SocketAddr, target: SocketAddr) -> Self {
        let samples = Samples::default();
        let task = tokio::spawn(ask_on(proxy, target, Arc::clone(&samples)));
        Self { samples, answers: Answers::from(Instant::now()), task }
    }

    /// What changed for them since this was last called.
    pub(crate) fn changes(&mut self) -> Vec<Change> {
        self.answers.take(self.since(self.answers.newest()))
    }

    /// The exit that answered the newest request; up to date after `changes`.
    pub(crate) fn answered_by(&self) -> Option<&str> {
        self.answers.by()
    }

    /// The finished requests that were begun at `mark` or later, in the order in which they were begun.
    pub(crate) fn since(&self, mark: Instant) -> Vec<Sample> {
        let mut since: Vec<Sample> =
            lock(&self.samples).iter().filter(|sample| sample.started >= mark).cloned().collect();
        since.sort_by_key(|sample| sample.started);
        since
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn ask_on(proxy: SocketAddr, target: SocketAddr, samples: Samples) {
    let mut pace = interval(Duration::from_secs(1) / RATE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut requests = JoinSet::new();
    loop {
        tokio::select! {
            _ = pace.tick() => {
                let samples = Arc::clone(&samples);
                requests.spawn(async move {
                    let started = Instant::now();
                    let result = get_through(proxy, target).await;
                    remember(&samples, Sample { started, ended: Instant::now(), result });
                });
            }
            Some(_) = requests.join_next() => {}
        }
    }
}

fn remember(samples: &Samples, sample: Sample) {
    let mut samples = lock(samples);
    if samples.len() == REMEMBERED {
        samples.pop_front();
    }
    samples.push_back(sample);
}

fn lock(samples: &Samples) -> MutexGuard<'_, VecDeque<Sample>> {
    samples.lock().unwrap_or_else(PoisonError::into_inner)
}
