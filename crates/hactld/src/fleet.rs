//! All instances together: starts them, has them follow another configuration or pause, knows whether they live, ends
//! them.

use std::sync::Arc;
use std::time::Duration;

use checker::{Prober, Settings, TlsRoots};
use controller::{HaproxyLock, StateDir};
use failover::status::{LatencyBounds, PauseStatus};
use failover::{Asked, Event, Name};
use haproxy_runtime::Address;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::admin::{Operators, Probing};
use crate::config::{Config, Instance, Origins, Probe, difference};
use crate::daemon::RunError;
use crate::engine::{Query, every, rfc3339, tick};
use crate::exits::Asking;
use crate::feed::Stir;
use crate::hooks::Runs;
use crate::instance::{self, Claims, Common, Running};
use crate::journal::Journal;
use crate::log::Label;
use crate::notify;
use crate::waiting::{Claimed, Waiting};

/// For all instances to end, the last lines of their recordings included; the whole end takes less than a second.
const END_LIMIT: Duration = Duration::from_millis(900);

/// For an instance that is no longer configured to give back what is ours. A HAProxy that hangs for longer keeps it.
const LEAVE_LIMIT: Duration = Duration::from_secs(10);

/// Requests that may wait; each is done at once.
pub(crate) const REQUESTS_WAITING_MAX: usize = 32;

/// An instance, as the admin socket reaches it.
#[derive(Clone)]
pub(crate) struct Reach {
    pub(crate) name: Name,
    pub(crate) backends: Vec<Name>,
    pub(crate) haproxy: Address,
    /// What its lock is called.
    pub(crate) place: String,
    pub(crate) queries: mpsc::Sender<Query>,
}

/// In the order of the configuration.
pub(crate) type Reached = Arc<[Reach]>;

/// What is to be known of the daemon beside its instances.
#[derive(Clone, Debug, Default)]
pub(crate) struct Whole {
    pub(crate) paused: Option<PauseStatus>,
    pub(crate) config_stale: bool,
    /// Those that could not be started.
    pub(crate) waiting: Arc<[Waiting]>,
    /// What probes ask for.
    pub(crate) probing: Arc<Probing>,
    /// Who may change something beside root and the daemon's own user.
    pub(crate) operators: Arc<Operators>,
    /// What is run when something happens.
    pub(crate) runs: Arc<Runs>,
    /// There is more than one instance, so that it is said which one is meant.
    pub(crate) several: bool,
    /// From which latency on it is shown as raised, and as high.
    pub(crate) latency: LatencyBounds,
    /// When the configuration that runs was read.
    pub(crate) loaded_at: jiff::Timestamp,
    /// Where each key of the configuration was set.
    pub(crate) origins: Arc<Origins>,
}

impl Whole {
    /// What another configuration says of it holds from now on.
    fn configure(&mut self, config: &Config) {
        self.operators = Arc::new(config.operators.clone());
        self.probing = Arc::new(Probing::of(&config.probe));
        self.latency = config.latency;
        self.runs = Arc::new(Runs::of(config));
        self.several = config.instances.len() > 1;
        self.loaded_at = jiff::Timestamp::now();
        self.origins = Arc::new(config.origins.clone());
    }
}

/// A configuration that can be run with.
pub(crate) struct Loaded {
    config: Config,
    prober: Prober,
    probing: Settings,
}

impl Loaded {
    /// Reads files: the certificate authorities.
    pub(crate) fn of(config: Config) -> Result<Self, RunError> {
        let roots = TlsRoots { ca_files: config.probe.ca_file.iter().cloned().collect() };
        let prober = Prober::new(&roots)?;
        let probing = probing(&config.probe)?;
        Ok(Self { config, prober, probing })
    }

    /// Writes each HAProxy as it is written where it is steered already: it is the same one however it is written. Reads
    /// links.
    pub(crate) fn respell(&mut self, reached: &[Reach]) {
        for Instance { haproxy, .. } in &mut self.config.instances {
            if reached.iter().any(|reach| reach.haproxy == *haproxy) {
                continue;
            }
            let place = HaproxyLock::name_of(haproxy);
            if let Some(known) = reached.iter().find(|reach| reach.place == place) {
                haproxy.clone_from(&known.haproxy);
            }
        }
    }

    pub(crate) const fn config(&self) -> &Config {
        &self.config
    }

    /// The instances whose HAProxy is not steered yet.
    pub(crate) fn unclaimed(&self, reached: &[Reach]) -> Vec<Instance> {
        let is_new = |instance: &&Instance| !reached.iter().any(|reach| reach.haproxy == instance.haproxy);
        self.config.instances.iter().filter(is_new).cloned().collect()
    }

    /// Until a restart these stay as they are.
    fn keep_means(&mut self, before: &Config) {
        self.config.admin_socket.clone_from(&before.admin_socket);
        self.config.web.clone_from(&before.web);
        self.config.state = before.state.clone();
        self.config.events.clone_from(&before.events);
        for instance in &mut self.config.instances {
            if let Some(known) = before.of_haproxy(instance) {
                instance.keep_means(known);
            }
        }
    }

    fn common<'a>(
        &'a self,
        dir: &'a StateDir,
        journal: &'a Journal,
        origin: Instant,
        paused: bool,
        stir: &'a Stir,
    ) -> Common<'a> {
        Common {
            origin,
            journal,
            prober: &self.prober,
            probing: &self.probing,
            probe: &self.config.probe,
            record: self.config.record.clone(),
            dir,
            on_exit: self.config.state.on_exit,
            count: self.config.instances.len(),
            paused,
            stir,
        }
    }
}

/// What is wrong with a configuration, each as a person is to read it.
pub(crate) type Mistakes = Vec<String>;

/// What is to be changed, and who wants that.
pub(crate) struct Request {
    pub(crate) by: String,
    pub(crate) what: Change,
}

pub(crate) enum Change {
    /// Another configuration, with the claims of its new instances; the answer says what it changes.
    Configure(Box<Result<(Loaded, Vec<Claimed>), Mistakes>>, oneshot::Sender<Result<Followed, Mistakes>>),
    /// The claims of some that could not be started.
    Start(Vec<Claimed>),
    /// Everything but the commands from now on, for a while or until somebody ends it.
    Pause { reason: String, lasts: Option<Duration>, done: oneshot::Sender<PauseStatus> },
    /// Act again; the answer says whether it was paused.
    Resume(oneshot::Sender<bool>),
}

/// What came of another configuration, each as a person is to read it.
pub(crate) struct Followed {
    pub(crate) changes: Vec<String>,
    /// Instances that could not be started.
    pub(crate) failed: Vec<String>,
    /// Newly named backends that their HAProxy does not have.
    pub(crate) absent: Vec<String>,
}

pub(crate) struct Fleet {
    origin: Instant,
    dir: StateDir,
    journal: Journal,
    loaded: Loaded,
    running: Vec<Running>,
    tasks: JoinSet<Result<(), RunError>>,
    requests: mpsc::Receiver<Request>,
    reached: watch::Sender<Reached>,
    whole: watch::Sender<Whole>,
    asking: watch::Sender<Option<Arc<Asking>>>,
    resume_at: Option<Instant>,
    stir: Stir,
}

impl Fleet {
    /// Starts them all.
    pub(crate) async fn start(
        loaded: Loaded,
        origin: Instant,
        journal: Journal,
        requests: mpsc::Receiver<Request>,
        stir: Stir,
    ) -> Result<Self, RunError> {
        let dir = StateDir::open(&loaded.config.state.dir)?;
        let common = loaded.common(&dir, &journal, origin, false, &stir);
        let mut tasks = JoinSet::new();
        let mut running = Vec::new();
        for instance in &loaded.config.instances {
            let claims = Claims::take(instance, &loaded.config.admin_socket).await?;
            running.push(instance::start(instance, &common, claims, &mut tasks)?);
        }
        let reached = watch::Sender::new(reached(&running));
        let mut known = Whole::default();
        known.configure(&loaded.config);
        let whole = watch::Sender::new(known);
        let asking = watch::Sender::new(Asking::of(&loaded.config, &loaded.prober));
        let resume_at = None;
        Ok(Self {
            origin,
            dir,
            journal,
            loaded,
            running,
            tasks,
            requests,
            reached,
            whole,
            asking,
            resume_at,
            stir,
        })
    }

    /// The instances as they are, and as they will be.
    pub(crate) fn reached(&self) -> watch::Receiver<Reached> {
        self.reached.subscribe()
    }

    /// The same of what concerns them all.
    pub(crate) fn whole(&self) -> watch::Receiver<Whole> {
        self.whole.subscribe()
    }

    /// How exits are asked for.
    pub(crate) fn asking(&self) -> watch::Receiver<Option<Arc<Asking>>> {
        self.asking.subscribe()
    }

    /// Lets them run until `stop` comes, or one of them cannot go on.
    pub(crate) async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), RunError> {
        tokio::pin!(stop);
        let mut watchdog = notify::watchdog_interval().map(every);
        let mut beats = Vec::new();
        let ended = loop {
            let resume_at = self.resume_at;
            tokio::select! {
                biased;
                () = &mut stop => break Ok(()),
                Some(ended) = self.tasks.join_next() => match ended {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => break Err(error),
                    Err(error) => break Err(RunError::Engine(error)),
                },
                () = tick(watchdog.as_mut()) => {
                    let now = self.beats();
                    if !now.is_empty() && now.iter().all(|beat| !beats.contains(beat)) {
                        notify::alive();
                    }
                    beats = now;
                }
                Some(request) = self.requests.recv() => self.change(request),
                () = until(resume_at) => {
                    self.resume("the end of its time".to_owned());
                }
            }
        };
        self.running.clear();
        // What does not end in time is ended with the runtime.
        let _ = timeout(END_LIMIT, async { while self.tasks.join_next().await.is_some() {} }).await;
        ended
    }

    /// How often each has beaten: one that has not since the last time does not live.
    fn beats(&self) -> Vec<(Name, u64)> {
        self.running.iter().map(|running| (running.name.clone(), running.pulse.beats())).collect()
    }

    /// Whoever waits for an answer may have gone; what they wanted is done all the same.
    fn change(&mut self, Request { by, what }: Request) {
        match what {
            Change::Configure(loaded, answer) => {
                let _ = answer.send(self.configure(*loaded, by));
            }
            Change::Start(claimed) => {
                self.follow(claimed);
            }
            Change::Pause { reason, lasts, done } => {
                let _ = done.send(self.pause(by, reason, lasts));
            }
            Change::Resume(answer) => {
                let _ = answer.send(self.resume(by));
            }
        }
    }

    fn configure(
        &mut self,
        loaded: Result<(Loaded, Vec<Claimed>), Mistakes>,
        by: String,
    ) -> Result<Followed, Mistakes> {
        let checked = loaded.and_then(|(loaded, claimed)| self.check(loaded, claimed));
        let stale = checked.is_err();
        self.whole.send_modify(|whole| whole.config_stale = stale);
        let (loaded, claimed, mut changes) = match checked {
            Ok(checked) => checked,
            Err(mistakes) => {
                // A line of a log is no place for the lines of a file.
                let first = mistakes.iter().filter_map(|mistake| mistake.lines().next());
                self.tell(&Event::Asked(Asked::NotReloaded {
                    by,
                    why: first.collect::<Vec<_>>().join("; "),
                }));
                return Err(mistakes);
            }
        };
        // Also where nothing is another one: files that are named may have changed.
        self.loaded = loaded;
        self.whole.send_modify(|whole| whole.configure(&self.loaded.config));
        self.asking.send_replace(Asking::of(&self.loaded.config, &self.loaded.prober));
        let left = self.follow(claimed);
        changes.extend(left);
        self.tell(&Event::Asked(Asked::Reloaded { by, changes: changes.clone() }));
        let waiting = Arc::clone(&self.whole.borrow().waiting);
        let failed = waiting.iter().flat_map(|Waiting { instance, status }| {
            status.problems.iter().map(|problem| format!("instance {}: {problem}", instance.name))
        });
        Ok(Followed { changes, failed: failed.collect(), absent: Vec::new() })
    }

    /// What another configuration changes, once it has what stays until a restart; or why nothing is changed.
    fn check(
        &self,
        mut loaded: Loaded,
        claimed: Vec<Claimed>,
    ) -> Result<(Loaded, Vec<Claimed>, Vec<String>), Mistakes> {
        let changes = difference(&self.loaded.config, &loaded.config);
        loaded.keep_means(&self.loaded.config);
        let mut mistakes = loaded.config.misfits();
        let stays = |instance: &Instance| {
            self.running.iter().any(|running| running.haproxy == instance.haproxy)
                || claimed.iter().any(|one| one.haproxy == instance.haproxy && one.claims.is_ok())
        };
        if !loaded.config.instances.iter().any(stays) {
            let why = claimed.iter().filter_map(|one| one.claims.as_ref().err());
            mistakes.extend(why.map(|why| format!("no instance could be started: {why}")));
        }
        if mistakes.is_empty() { Ok((loaded, claimed, changes)) } else { Err(mistakes) }
    }

    /// Has the instances be as they are configured now: one is the same as before where its HAProxy is. What there is to
    /// say of those that are configured no longer.
    fn follow(&mut self, mut claimed: Vec<Claimed>) -> Vec<String> {
        let paused = self.whole.borrow().paused.is_some();
        // A recording begins at the start, or not at all.
        let common = Common {
            record: None,
            ..self.loaded.common(&self.dir, &self.journal, self.origin, paused, &self.stir)
        };
        let mut before = std::mem::take(&mut self.running);
        let mut waiting = Vec::new();
        for instance in &self.loaded.config.instances {
            if let Some(known) = before.iter().position(|running| running.haproxy == instance.haproxy) {
                let mut running = before.remove(known);
                running.configure(instance, &common);
                self.running.push(running);
                continue;
            }
            let index = claimed.iter().position(|one| one.haproxy == instance.haproxy);
            let claims = index.map_or_else(
                || Err("what it needs was not asked for".to_owned()),
                |index| claimed.swap_remove(index).claims,
            );
            let started = claims.and_then(|claims| {
                instance::start(instance, &common, claims, &mut self.tasks).map_err(|error| error.to_string())
            });
            match started {
                Ok(running) => self.running.push(running),
                Err(why) => {
                    tracing::error!(why, "instance {} could not be started", instance.name);
                    waiting.push(Waiting::new(instance, &self.loaded.config.probe, &why));
                }
            }
        }
        self.whole.send_modify(|whole| whole.waiting = waiting.into());
        self.reached.send_replace(reached(&self.running));
        before.into_iter().filter_map(|running| leave(running, paused)).collect()
    }

    fn pause(&mut self, by: String, reason: String, lasts: Option<Duration>) -> PauseStatus {
        let now = jiff::Timestamp::now();
        let until = lasts.and_then(|lasts| now.checked_add(lasts).ok());
        let paused = PauseStatus {
            by: by.clone(),
            reason: reason.clone(),
            since: rfc3339(now, Duration::ZERO),
            until: until.map(|until| rfc3339(until, Duration::ZERO)),
        };
        self.resume_at = lasts.map(|lasts| Instant::now() + lasts);
        self.whole.send_modify(|whole| whole.paused = Some(paused.clone()));
        for running in &self.running {
            running.pause(true);
        }
        self.tell(&Event::Asked(Asked::Paused { by, reason, lasts }));
        paused
    }

    /// False where it was not paused.
    fn resume(&mut self, by: String) -> bool {
        self.resume_at = None;
        let was_paused = self.whole.send_if_modified(|whole| whole.paused.take().is_some());
        if was_paused {
            for running in &self.running {
                running.pause(false);
            }
            self.tell(&Event::Asked(Asked::Resumed { by }));
        }
        was_paused
    }

    fn tell(&self, event: &Event) {
        self.journal.tell(&Label::default(), None, event);
    }
}

/// Has one give back what is ours, and end; what there is to say of it.
fn leave(running: Running, paused: bool) -> Option<String> {
    let name = running.name.clone();
    if paused && !running.writes() {
        let left = format!(
            "instance {name}: hactl is paused, so what it has taken out there stays out: set it to ready by hand"
        );
        tracing::warn!("{left}");
        return Some(left);
    }
    running.leave();
    tokio::spawn(async move {
        sleep(LEAVE_LIMIT).await;
        if !running.has_ended() {
            tracing::warn!(
                "instance {name} did not give back in time what hactl has taken out there: set it to ready by hand"
            );
        }
        drop(running);
    });
    None
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn reached(running: &[Running]) -> Reached {
    running
        .iter()
        .map(|running| Reach {
            name: running.name.clone(),
            backends: running.backends.clone(),
            haproxy: running.haproxy.clone(),
            place: running.place.clone(),
            queries: running.queries.clone(),
        })
        .collect()
}

fn probing(probe: &Probe) -> Result<Settings, RunError> {
    let settings = Settings::new(probe.targets.clone(), probe.settings.timeout)?;
    Ok(match &probe.control {
        Some(control) => settings.with_control(control.clone()),
        None => settings,
    })
}
