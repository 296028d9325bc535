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
mod pace;
mod sentry;
mod sessions;
mod state;
mod state_file;
mod switch;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use failover::{
    Admin, Contention, Desired, Event, Haproxy, Held, HeldBecause, Insist, Name, Observed, OnExit, Plan,
    Process, ServerId, Step, Time, Want, Wish, Writes, plan,
};
use haproxy_runtime::{Address, BackendName, Client, Level, ServerName, StatRow};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

pub use crate::agent::{AgentError, AgentPort};

use crate::agent::AgentLever;
use crate::apply::{Applied, chain, take_down};
use crate::ledger::{Ledger, LedgerFile};
pub use crate::lock::{HaproxyLock, Holder, LockError};
use crate::look::{LookError, Sight, core_name};
pub use crate::mandate::{Managed, Mandate};
use crate::observe::Facts;
pub use crate::observe::flags;
pub use crate::overrides_file::OverridesFile;
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

    /// Looks as closely as is due, and brings HAProxy to what is wanted where it is not.
    async fn pass(&mut self) -> Result<(), LookError> {
        let woken = std::mem::take(&mut self.woken);
        let regular = !woken && Instant::now() >= self.state_due;
        if self.known.is_some() && !woken && !regular {
            let process = look::process(&self.client).await?;
            if self.known.as_ref().is_some_and(|known| known.process == process) {
                self.still(&process);
                return Ok(());
            }
        }
        self.inherit_late().await;
        // What is wanted anew does not wait for HAProxy to count.
        let sessions_of = self.due_sessions(regular);
        let mut observed = self.observe(&sessions_of).await?;
        let mut plan = self.plan(&observed);
        for round in 0..ROUNDS_MAX {
            let denied = matches!(observed.writes, Writes::Denied { .. } | Writes::Withheld { .. })
                || self.has_other_mandate();
            // What was lost is repeated at once; what was refused is, when it is time to look again.
            let hopeless = round > 0 && plan.steps.iter().all(|step| self.refused.contains_key(&step.server));
            let process = self.known.as_ref().map(|known| known.process.clone());
            let (Some(process), false, false, false) = (process, denied, hopeless, plan.steps.is_empty())
            else {
                break;
            };
            let applied = match &self.agent {
                None => {
                    self.write_down(&plan.steps).await;
                    self.keep_state_file(&observed, &plan.steps).await;
                    self.apply(&process, &plan.steps).await
                }
                Some(_) if round == 0 && self.is_admin() => {
                    take_down(&self.client, &process, &plan.steps).await
                }
                // HAProxy asks when its time has come.
                Some(_) => break,
            };
            let before = plan.clone();
            self.sent = Some((plan, applied));
            let with = self.due_sessions(false);
            observed = self.observe(&with).await?;
            plan = self.plan(&observed);
            self.keep_what_is_needed(&before, &plan);
        }
        // By agent-checks alone no session can be cut.
        if (self.agent.is_none() || self.is_admin()) && !self.has_other_mandate() {
            self.cut(&plan, &observed).await;
        }
        self.refused.retain(|server, _| plan.steps.iter().any(|step| step.server == *server));
        observed.writes = self.writes();
        if let Writes::Withheld { would } = &mut observed.writes {
            let text = if self.agent.is_some() { agent::text } else { apply::text };
            *would = plan.steps.iter().filter_map(text).collect();
            self.told.would(would, &self.events).await;
        }
        self.told.held(&plan.held, &self.events).await;
        // Where nothing may be sent, HAProxy is to begin with what is ours by now: somebody else may have lifted it.
        let idle = matches!(observed.writes, Writes::Denied { .. } | Writes::Withheld { .. });
        if plan.steps.is_empty() || idle {
            self.keep_state_file(&observed, &[]).await;
        }
        if !woken {
            self.state_due = Instant::now() + STATE_EVERY;
        }
        if self.agent.is_some() && self.mandate.writes && !plan.steps.is_empty() {
            // HAProxy may ask at any moment.
            let servers = self.known.as_ref().map_or(0, |known| known.servers.len());
            self.state_due = Instant::now() + sessions::pause(servers, IDENTITY_EVERY).min(STATE_EVERY);
            self.sent = Some((plan, Applied::default()));
        }
        self.let_go().await;
        self.publish(observed);
        Ok(())
    }

    async fn keep_state_file(&mut self, observed: &Observed, steps: &[Step]) {
        if let Some(file) = &mut self.state_file {
            file.keep(observed, steps, &self.events).await;
        }
    }

    /// What is to be done now, but for what has proved to do harm.
    fn plan(&mut self, observed: &Observed) -> Plan {
        let mut plan = plan(&self.desired.borrow_and_update(), observed);
        let harmful = |step: &Step| {
            let wish = self.wish(&step.server);
            let by_rule = wish.is_some_and(|wish| wish.want == Want::Shut || wish.insist == Insist::Forced);
            step.set != Admin::Ready && self.needed.contains(&step.server) && !by_rule
        };
        let held = plan.steps.iter().filter(|step| harmful(step));
        let held = held.map(|step| Held { server: step.server.clone(), because: HeldBecause::NoSuccessor });
        plan.held.extend(held);
        plan.steps.retain(|step| !harmful(step));
        if let Some(agent) = &self.agent {
            // Whoever looks on says what HAProxy has already.
            agent.answer(&self.desired.borrow(), observed, self.mandate.writes.then_some(&plan));
        }
        // A shorter one is over before the order matters to anybody.
        if plan.steps.len() > pace::FIRST { plan.urgent_first(observed) } else { plan }
    }

    fn wish(&self, server: &ServerId) -> Option<Wish> {
        let desired = self.desired.borrow();
        desired.get(&server.backend).and_then(|wishes| wishes.get(&server.server)).cloned()
    }

    /// A server that has to be opened right after it was closed would be closed and opened for ever.
    fn keep_what_is_needed(&mut self, before: &Plan, after: &Plan) {
        for step in after.steps.iter().filter(|step| step.set == Admin::Ready) {
            let closes = |before: &Step| before.server == step.server && before.set != Admin::Ready;
            // Unless it is wanted again.
            if before.steps.iter().any(closes)
                && self.wish(&step.server).is_none_or(|wish| wish.want != Want::Ready)
            {
                self.needed.insert(step.server.clone());
            }
        }
    }

    /// The backends whose sessions are to be counted now, each with its id. What agent-checks have said is read with
    /// them, so where these are the lever it is always all.
    fn due_sessions(&mut self, regular: bool) -> Vec<(BackendName, u32)> {
        let now = Instant::now();
        let due = regular && now >= self.sessions_due || self.agent.is_some();
        let Some(known) = self.known.as_ref().filter(|_| due) else { return Vec::new() };
        self.sessions_due = now + sessions::pause(known.servers.len(), STATE_EVERY);
        known.facts.iter().map(|(name, facts)| (name.clone(), facts.proxy_id)).collect()
    }

    /// Reads the servers and, where the process or its set of servers is another one, what goes with them; also the
    /// sessions on those of `sessions_of`.
    async fn observe(&mut self, sessions_of: &[(BackendName, u32)]) -> Result<Observed, LookError> {
        let looked_at: Vec<Managed> = self.mandate.managed.iter().chain(&self.leaving).cloned().collect();
        let (process, mut sight) = look::servers(&self.client, &looked_at, sessions_of).await?;
        // What has left the configuration may be gone from HAProxy as well.
        sight.unknown.retain(|name| self.mandate.managed.iter().any(|managed| managed.name == *name));
        let unread = |(name, _): &&(BackendName, u32)| !sight.sessions.contains_key(name);
        if let (Some(_), Some((name, _))) = (&self.agent, sessions_of.iter().find(unread)) {
            return Err(LookError::Mismatch(format!("show stat of {name}")));
        }
        let is_new = self.switch.accept(&process, Instant::now())?;
        let servers = sight
            .backends
            .iter()
            .flat_map(|(name, rows)| rows.iter().map(|row| (name.clone(), row.srv_id, row.srv_name.clone())))
            .collect();
        let before = self.known.as_ref();
        if before.is_none_or(|known| known.process != process || known.servers != servers) {
            let (level, facts) = look::facts(&self.client, &process, &sight).await?;
            let missing = look::missing(&self.client, &self.mandate.managed, &sight).await;
            self.needed.clear();
            self.refused.clear();
            let known = Known { process: process.clone(), level, facts, servers, missing };
            self.sessions_due = Instant::now() + sessions::pause(known.servers.len(), STATE_EVERY);
            self.known = Some(known);
        } else if let Some(known) = &mut self.known {
            known.count(&sight.sessions);
        }
        let same_process = self.told.is_still(&process);
        // An operator's `maint` is another flag than ours, so nobody can contend for it.
        let news = if self.agent.is_none() { self.settle(&process, &sight) } else { Vec::new() };
        let kept = self.keep_ledger().await;
        self.look_back(&sight).await;
        if let Some(agent) = self.agent.as_mut().filter(|_| !same_process) {
            agent.begin_process();
        }
        let mut observed = self.put_together(process, &sight);
        if let Some(file) = &mut self.state_file {
            file.see(&sight);
            if is_new {
                file.check(&observed, &self.events).await;
            }
        }
        if let Some(agent) = &mut self.agent {
            agent.settle(&mut observed);
            observed.missing.extend(agent.problems(&observed));
        }
        self.told.process(&observed, &self.events).await;
        for event in news.into_iter().chain(kept) {
            self.told.say(event, &self.events).await;
        }
        if let Some((plan, applied)) = self.sent.take() {
            self.verify(&plan, &observed, &applied).await;
        }
        Ok(observed)
    }

    fn put_together(&self, process: Process, sight: &Sight) -> Observed {
        let mut observed = Observed::nothing();
        if let Some(known) = &self.known {
            for backend in &self.mandate.managed {
                let (Some(rows), Some(facts)) =
                    (sight.backends.get(&backend.name), known.facts.get(&backend.name))
                else {
                    continue;
                };
                let name = core_name(&backend.name);
                let mut seen = observe::backend(&name, rows, facts, backend.servers.as_ref(), &self.ledger);
                if let Some(agent) = &self.agent {
                    observe::agents(&mut seen, rows, facts, |row| agent.asks_here(row));
                }
                observed.backends.insert(name, seen);
            }
            observed.level = Some(known.level.to_string());
            observed.missing.clone_from(&known.missing);
        }
        observed.haproxy = Haproxy::Present { process, at: self.now() };
        observed.writes = self.writes();
        observed.contended = self.contention.standing_back();
        observed.ledger = self.ledger_file.as_ref().and_then(LedgerFile::problem);
        observed
    }

    /// Compares what was sent with what is there now.
    async fn verify(&mut self, plan: &Plan, observed: &Observed, applied: &Applied) {
        let seen: BTreeMap<(&Name, &Name), Admin> = observed
            .backends
            .iter()
            .flat_map(|(name, seen)| {
                seen.servers.iter().map(move |server| ((name, &server.name), server.position().0))
            })
            .collect();
        for step in &plan.steps {
            let done = seen.get(&(&step.server.backend, &step.server.server)) == Some(&step.set);
            let (server, set) = (step.server.clone(), step.set);
            if done {
                self.refused.remove(&server);
                let event = match &self.agent {
                    None => Event::Applied { server, set },
                    Some(_) => Event::Answered { server, up: set == Admin::Ready },
                };
                self.told.say(event, &self.events).await;
            } else if let Some(why) = applied.refused.get(&server) {
                if self.refused.insert(server.clone(), why.clone()).as_ref() != Some(why) {
                    self.told.say(Event::Refused { server, set, why: why.clone() }, &self.events).await;
                }
            } else {
                // Lost in a reload, or broken off: the next plan contains it again.
                tracing::debug!(%server, why = applied.broken_off, "command without effect");
            }
        }
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
