//! Keeps HAProxy as the core wants it: observe, plan, apply, verify.
//!
//! Level-triggered: an event only wakes the controller, what is to be done comes out of the present state. A pass
//! never fails; what stands in its way is part of what it reports. Verification is the next plan coming out empty.

mod agent;
mod apply;
mod cut;
mod ledger;
mod let_go;
mod lock;
mod look;
mod mandate;
mod observe;
mod ours;
mod overrides_file;
mod owner;
mod pace;
mod pass;
mod sentry;
mod sessions;
mod sight;
mod state;
mod state_file;
mod switch;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use failover::{
    Contention, Desired, Event, Haproxy, Observed, OnExit, Plan, Process, ServerId, Step, Time, Writes,
};
use haproxy_runtime::{Address, BackendName, Client, Level, ServerName, StatRow};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

pub use crate::agent::{AgentError, AgentPort};

use crate::agent::AgentLever;
use crate::apply::{Applied, chain};
use crate::ledger::{Ledger, LedgerFile};
pub use crate::lock::{HaproxyLock, Holder, LockError};
use crate::look::LookError;
pub use crate::mandate::{Managed, Mandate};
use crate::observe::Facts;
pub use crate::observe::flags;
pub use crate::overrides_file::OverridesFile;
pub use crate::owner::give_to_owner_of_dir;
use crate::sentry::{Posts, Sentry};
pub use crate::state::{LedgerPlace, StateDir, StateError};
use crate::state_file::StateFile;
use crate::switch::Switch;
use crate::told::Told;

pub use crate::pace::Pace;

/// How often the process is asked who it is, where nothing else says sooner that it may be another one. A reload
/// forgets all that was set without a sign on this socket, so this bounds how long that stands; one question costs
/// HAProxy about 0.1 ms (measured).
const IDENTITY_EVERY: Duration = Duration::from_millis(50);

/// How often the servers are read although nothing called for it: bounds how long another's change goes unseen.
/// Costs about 0.1 ms for 10 servers and 10 ms for 10,000 (measured).
const STATE_EVERY: Duration = Duration::from_secs(1);

/// First wait for a HAProxy that does not answer: a re-exec refuses connections for 13 to 55 ms (measured).
const RETRY_MIN: Duration = Duration::from_millis(25);

/// Longest wait for a HAProxy that does not answer: as quick as a reload is noticed. A refused connection costs next
/// to nothing.
const RETRY_MAX: Duration = IDENTITY_EVERY;

/// Rounds of plan, apply and read back in one pass. Two settle any plan (open, then close); the others are for
/// writes that were lost in a reload.
const ROUNDS_MAX: u32 = 4;

/// The controller of one HAProxy.
pub struct Controller {
    client: Client,
    /// As it may be by now.
    mandates: watch::Receiver<Mandate>,
    /// As it is acted on.
    mandate: Mandate,
    /// Backends of earlier mandates, until nothing in them is ours.
    leaving: Vec<Managed>,
    /// What is ours although it is not ours to steer any more.
    to_let_go: Vec<Step>,
    origin: Instant,
    desired: watch::Receiver<Desired>,
    observed: watch::Sender<Observed>,
    events: mpsc::Sender<Event>,
    /// Where HAProxy asks what to do; `None` where the servers' administrative states are set.
    agent: Option<AgentLever>,
    ledger: Ledger,
    /// Where the ledger is kept; `None` for in memory alone.
    ledger_file: Option<LedgerFile>,
    contention: Contention,
    on_exit: OnExit,
    /// Of the present process; `None` before the first look and where it has to be read again.
    known: Option<Known>,
    told: Told,
    /// What was sent and not compared with a later sight yet.
    sent: Option<(Plan, Applied)>,
    refused: BTreeMap<ServerId, String>,
    /// Servers whose sessions HAProxy refuses to cut, with its words.
    uncut: BTreeMap<ServerId, String>,
    /// Servers that had to be given back right after they were closed: why, HAProxy does not show.
    needed: BTreeSet<ServerId>,
    /// What is wanted has changed since the last pass.
    woken: bool,
    state_due: Instant,
    sessions_due: Instant,
    retry: Duration,
    pace: Pace,
    switch: Switch,
    master: Option<PathBuf>,
    state_file: Option<StateFile>,
}

/// What stays as it is while the process and its set of servers do, but for the sessions.
#[derive(Debug)]
struct Known {
    process: Process,
    level: Level,
    facts: BTreeMap<BackendName, Facts>,
    servers: BTreeSet<(BackendName, u32, ServerName)>,
    missing: Vec<String>,
}

impl Known {
    fn count(&mut self, sessions: &BTreeMap<BackendName, Vec<StatRow>>) {
        for (name, rows) in sessions {
            if let Some(facts) = self.facts.get_mut(name) {
                facts.count(rows);
            }
        }
    }
}

impl Controller {
    /// A controller that has not looked yet, and does what the mandate says at the time. Times in what it reports count
    /// from `origin`.
    #[must_use]
    pub fn new(
        address: Address,
        mut mandates: watch::Receiver<Mandate>,
        origin: Instant,
        desired: watch::Receiver<Desired>,
        observed: watch::Sender<Observed>,
        events: mpsc::Sender<Event>,
    ) -> Self {
        let mandate = mandates.borrow_and_update().clone();
        Self {
            client: Client::new(address),
            mandate,
            mandates,
            leaving: Vec::new(),
            to_let_go: Vec::new(),
            origin,
            desired,
            observed,
            events,
            agent: None,
            ledger: Ledger::default(),
            ledger_file: None,
            contention: Contention::default(),
            on_exit: OnExit::Keep,
            known: None,
            told: Told::default(),
            sent: None,
            refused: BTreeMap::new(),
            uncut: BTreeMap::new(),
            needed: BTreeSet::new(),
            woken: false,
            state_due: Instant::now(),
            sessions_due: Instant::now(),
            retry: RETRY_MIN,
            pace: Pace::default(),
            switch: Switch::default(),
            master: None,
            state_file: None,
        }
    }

    /// The same, carrying out long plans at another pace.
    #[must_use]
    pub fn with_pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// The same, with HAProxy's master CLI at `socket` watched for reloads; it is never written to.
    #[must_use]
    pub fn with_master(mut self, socket: PathBuf) -> Self {
        self.master = Some(socket);
        self
    }

    /// The same, keeping the server-state file at `path`, which HAProxy is to load when it starts.
    #[must_use]
    pub fn with_state_file(mut self, path: PathBuf) -> Self {
        self.state_file = Some(StateFile::new(path));
        self
    }

    /// The same, steering by what HAProxy's agent-checks are answered instead of by administrative states. To be called
    /// in a runtime.
    #[must_use]
    pub fn with_agent(self, port: AgentPort) -> Self {
        let agent = AgentLever::start(port, self.events.clone());
        Self { agent: Some(agent), ..self }
    }

    /// Reconciles until nobody is left to say what is wanted, or the mandate has ended and nothing is ours any more.
    pub async fn run(mut self) {
        self.inherit().await;
        let state_file = self.state_file.as_ref().map(|file| file.path().to_owned());
        let posts = Posts { master: self.master.clone(), state_file };
        let mut sentry = Sentry::start(self.client.address(), posts, &self.events);
        loop {
            // Whoever said so does not expect another command, whatever else is wanted at the same moment.
            if self.mandates.has_changed().unwrap_or(false) {
                self.take_mandate();
            }
            let pause = match self.pass().await {
                Ok(()) => {
                    if self.mandate.managed.is_empty() && self.leaving.is_empty() {
                        return;
                    }
                    self.retry = RETRY_MIN;
                    IDENTITY_EVERY
                }
                Err(error) => {
                    self.away(&error).await;
                    let pause = self.retry;
                    self.retry = (self.retry * 2).min(RETRY_MAX);
                    pause
                }
            };
            sentry.follow(self.known.as_ref().map(|known| &known.process));
            let pause = sentry.pause(pause);
            tokio::select! {
                changed = self.desired.changed() => {
                    if changed.is_err() {
                        return self.leave().await;
                    }
                    self.woken = true;
                }
                changed = self.mandates.changed() => {
                    if changed.is_err() {
                        return self.leave().await;
                    }
                    self.take_mandate();
                }
                () = sentry.stirred() => {}
                () = sleep(pause) => {}
            }
        }
    }

    /// What it is there for from now on: everything is looked at anew.
    fn take_mandate(&mut self) {
        let mandate = self.mandates.borrow_and_update().clone();
        let before = std::mem::replace(&mut self.mandate, mandate);
        let now = &self.mandate.managed;
        let stays = |backend: &Managed| now.iter().any(|managed| managed.name == backend.name);
        let gone = before.managed.into_iter().chain(std::mem::take(&mut self.leaving));
        self.leaving = gone.filter(|backend| !stays(backend)).collect();
        self.known = None;
        self.woken = true;
    }

    fn is_admin(&self) -> bool {
        self.known.as_ref().is_some_and(|known| known.level == Level::Admin)
    }

    fn writes(&self) -> Writes {
        if !self.mandate.writes {
            return Writes::Withheld { would: Vec::new() };
        }
        // By the agent lever nothing has to be sent.
        let denied = self.known.as_ref().filter(|_| self.agent.is_none() && !self.is_admin());
        match (denied, self.refused.iter().next()) {
            (Some(known), _) => Writes::Denied { why: denied_text(self.client.address(), known.level) },
            (None, Some((server, why))) => Writes::Refused { why: format!("{server}: {why}") },
            (None, None) => Writes::Applied,
        }
    }

    /// HAProxy is as it was.
    fn still(&self, process: &Process) {
        let at = self.now();
        self.observed.send_if_modified(|observed| {
            observed.haproxy = Haproxy::Present { process: process.clone(), at };
            false
        });
    }

    async fn away(&mut self, error: &LookError) {
        let why = chain(error);
        let now = self.now();
        // Who comes back may be another one.
        self.known = None;
        self.told.away(&why, now, &self.events).await;
        let haproxy = Haproxy::Away { why, since: self.told.away_since().unwrap_or(now) };
        self.observed.send_if_modified(|observed| {
            let changed = observed.haproxy != haproxy;
            observed.haproxy = haproxy;
            changed
        });
    }

    fn publish(&self, observed: Observed) {
        self.observed.send_if_modified(|known| {
            let before = std::mem::replace(known, observed);
            !same_but_for_time(&before, known)
        });
    }

    fn now(&self) -> Time {
        Time::from_origin(self.origin.elapsed())
    }
}

fn same_but_for_time(one: &Observed, other: &Observed) -> bool {
    let process = |observed: &Observed| match &observed.haproxy {
        Haproxy::Present { process, .. } => Some(process.clone()),
        Haproxy::Unseen | Haproxy::Away { .. } => None,
    };
    process(one).is_some()
        && process(one) == process(other)
        && one.writes == other.writes
        && one.level == other.level
        && one.missing == other.missing
        && one.contended == other.contended
        && one.ledger == other.ledger
        && one.backends == other.backends
}

fn denied_text(address: &Address, level: Level) -> String {
    format!("the socket {address} has level {level}; {}", address.admin_advice())
}
