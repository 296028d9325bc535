//! The status, put together from all instances: for who asks once, and for those who follow it. These share one task,
//! which asks the decision loops only while somebody follows, and rests after each answer for much longer than it took.
//! It decides nothing, and nobody waits for those who follow.

use std::fmt::{self, Write as _};
use std::hash::{DefaultHasher, Hasher};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Bytes;
use failover::Name;
use failover::status::{BackendStatus, ServerStatus, Status};
use thiserror::Error;
use tokio::sync::{Mutex, Notify, OwnedMutexGuard, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::admin::sse::message;
use crate::engine::Query;
use crate::exits::Known;
use crate::fleet::{Reach, Reached, Whole};
use crate::shared::{self, Shared};

/// For the decision loop to answer: it never waits for anything itself, so this is long.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// At least this lies between two questions, so that what belongs together is told together: a change comes in a burst
/// of events.
const REST_MIN: Duration = Duration::from_millis(50);

/// Rests are this many times as long as what it took to ask: those who follow cost the decision loops less than a
/// tenth, also with ten thousand servers.
const REST_FACTOR: u32 = 10;

/// Why there is no status.
#[derive(Clone, Debug, Error)]
pub(crate) enum Unanswered {
    #[error("too many ask at once; ask again")]
    Busy,
    #[error("the decision loop of {0} did not answer in 2 s")]
    Late(Name),
    #[error("hactl is stopping")]
    Stopping,
}

/// All instances are asked at once: one that does not answer keeps nobody else from it.
async fn gather(
    reached: Reached,
    whole: Whole,
    exits: &watch::Receiver<Known>,
) -> Result<Status, Unanswered> {
    let mut answers = Vec::with_capacity(reached.len());
    for Reach { name, queries, .. } in reached.iter() {
        let (sender, answer) = oneshot::channel();
        queries.try_send(Query::Status(sender)).map_err(|_| Unanswered::Busy)?;
        answers.push((name, answer));
    }
    let until = Instant::now() + ANSWER_LIMIT;
    let mut of_each = Vec::with_capacity(answers.len());
    for (name, answer) in answers {
        match timeout_at(until, answer).await {
            Ok(Ok(status)) => of_each.push(status),
            Ok(Err(_)) => return Err(Unanswered::Stopping),
            Err(_) => return Err(Unanswered::Late(name.clone())),
        }
    }
    let Whole { paused, config_stale, waiting, latency, .. } = whole;
    of_each.extend(waiting.iter().map(|waiting| waiting.status.clone()));
    let whole = Status::whole(of_each).ok_or(Unanswered::Stopping)?;
    let mut whole = whole.of_daemon(paused, config_stale);
    whole.latency_bounds_ms = latency;
    exits.borrow().add_to(&mut whole);
    Ok(whole)
}

/// By which anybody says that the status may read otherwise now. It costs next to nothing where nobody follows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stir(Arc<Notify>);

impl Stir {
    pub(crate) fn stir(&self) {
        self.0.notify_one();
    }
}

/// A status, as it is sent to all who follow.
#[derive(Debug)]
pub(crate) struct Published {
    /// The message to all of them: one in memory, however many are slow to take it.
    pub(crate) message: Bytes,
    /// Another number where something changed that is worth telling at once.
    pub(crate) revision: u64,
}

/// A status, for all who asked at the same time.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: Status,
    line: OnceLock<Bytes>,
}

/// The latest status, for as long as somebody follows; and what those who ask once are answered.
#[derive(Clone)]
pub(crate) struct Feed {
    latest: watch::Sender<Option<Arc<Published>>>,
    stir: Stir,
    exits: watch::Receiver<Known>,
    answers: Shared<Result<Arc<Answer>, Unanswered>>,
    /// When somebody was allowed to ask last whose question is theirs alone.
    turn: Arc<Mutex<Instant>>,
}

impl Answer {
    /// As JSON, made once for all who asked at the same time.
    pub(crate) fn line(&self) -> Bytes {
        let made = || serde_json::to_vec(&self.status).unwrap_or_default().into();
        self.line.get_or_init(made).clone()
    }
}

impl Feed {
    pub(crate) fn new(stir: Stir, exits: watch::Receiver<Known>) -> Self {
        let turn = Arc::new(Mutex::new(Instant::now()));
        Self { latest: watch::Sender::new(None), stir, exits, answers: Shared::default(), turn }
    }

    /// The status as it is after this was called, for who asks once. Those who ask at the same time are answered together,
    /// and whoever asks without end is no burden to the decision loops.
    pub(crate) async fn once(
        &self,
        reached: &watch::Receiver<Reached>,
        whole: &watch::Receiver<Whole>,
    ) -> Result<Arc<Answer>, Unanswered> {
        let ask = || {
            let (now, of_all, exits) = (reached.borrow().clone(), whole.borrow().clone(), self.exits.clone());
            async move {
                let status = gather(now, of_all, &exits).await?;
                Ok(Arc::new(Answer { status, line: OnceLock::new() }))
            }
        };
        self.answers.get(ask).await
    }

    /// Waits until a question that is nobody else's may be put to a decision loop: there is never more than one of those.
    /// It is over when what this gives is dropped.
    pub(crate) async fn turn(&self) -> OwnedMutexGuard<Instant> {
        let mut last = Arc::clone(&self.turn).lock_owned().await;
        sleep_until(*last + shared::REST_MIN).await;
        *last = Instant::now();
        last
    }

    /// What is published from now on; it goes on for as long as somebody holds this.
    pub(crate) fn follow(&self) -> watch::Receiver<Option<Arc<Published>>> {
        self.latest.subscribe()
    }

    /// Has it published anew, though nothing may have changed.
    pub(crate) fn want(&self) {
        self.stir.stir();
    }

    /// Publishes for as long as the daemon lives.
    pub(crate) async fn run(self, mut reached: watch::Receiver<Reached>, mut whole: watch::Receiver<Whole>) {
        let (mut essence_before, mut revision) = (0, 0);
        loop {
            tokio::select! {
                () = self.stir.0.notified() => {}
                Ok(()) = reached.changed() => {}
                Ok(()) = whole.changed() => {}
            }
            if self.latest.receiver_count() == 0 {
                continue;
            }
            let (now, of_all) = (reached.borrow().clone(), whole.borrow().clone());
            let began = Instant::now();
            match gather(now, of_all, &self.exits).await {
                Ok(status) => {
                    let essence = essence(&status);
                    revision += u64::from(essence != essence_before);
                    essence_before = essence;
                    self.publish(&status, revision);
                }
                Err(why) => tracing::debug!(%why, "those who follow the status wait for it"),
            }
            sleep(REST_MIN.max(began.elapsed() * REST_FACTOR)).await;
        }
    }

    fn publish(&self, status: &Status, revision: u64) {
        match serde_json::to_vec(status) {
            Ok(line) => {
                let message = message("status", None, &line);
                self.latest.send_replace(Some(Arc::new(Published { message, revision })));
            }
            Err(error) => tracing::error!(%error, "the status cannot be written as JSON, which is a bug"),
        }
    }
}

/// What of a status is worth telling at once, as a number: all but times, latencies and counts.
pub(crate) fn essence(status: &Status) -> u64 {
    let mut essence = Essence(DefaultHasher::new());
    let Status { exit_code, applying, frozen_since, paused, config_stale, instances, backends, .. } = status;
    essence.add(&(exit_code, applying, frozen_since.is_some(), paused, config_stale));
    for instance in instances {
        let haproxy = &instance.haproxy;
        let own = (&instance.name, instance.verdict, instance.applying, instance.frozen_since.is_some());
        let rest = (instance.problems.len(), &instance.mode, &instance.would);
        essence.add(&(own, rest, haproxy.answering, haproxy.pid));
    }
    for backend in backends {
        let BackendStatus { instance, name, verdict, in_service, on_backup, blackout_since, servers, .. } =
            backend;
        essence.add(&(instance, name, verdict, in_service, on_backup, blackout_since.is_some()));
        for server in servers {
            let ServerStatus { name, address, managed, health, reason, slow, haproxy, .. } = server;
            let seen = (haproxy.operational, haproxy.state, haproxy.agent, &haproxy.owner);
            let wanted = (&server.override_, server.desired, server.drift, &server.held);
            essence.add(&(name, address, managed, health, reason, slow, seen, wanted));
        }
    }
    essence.0.finish()
}

struct Essence(DefaultHasher);

impl Essence {
    fn add(&mut self, part: &impl fmt::Debug) {
        // A hasher takes everything.
        let _ = write!(self, "{part:?}");
    }
}

impl fmt::Write for Essence {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}
