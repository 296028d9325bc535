//! All instances together: starts them, has them follow another configuration or pause, knows whether they live, ends
//! them.

use std::sync::Arc;
use std::time::Duration;

use checker::{Prober, Settings, TlsRoots};
use controller::StateDir;
use failover::status::PauseStatus;
use failover::{Asked, Event, Name};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::config::{Config, Probe, difference};
use crate::daemon::RunError;
use crate::engine::{Query, every, rfc3339, tick};
use crate::instance::{self, Claims, Common, Running};
use crate::log::{self, Label};
use crate::notify;

/// For all instances to end, the last lines of their recordings included; the whole end takes less than a second.
const END_LIMIT: Duration = Duration::from_millis(900);

/// For an instance that is no longer configured to give back what is ours. A HAProxy that hangs for longer keeps it.
const LEAVE_LIMIT: Duration = Duration::from_secs(10);

/// To find out that nobody else steers a new HAProxy: a question to the kernel, and to who has it.
const LOCK_LIMIT: Duration = Duration::from_secs(2);

/// Requests that may wait; each is done at once.
pub(crate) const REQUESTS_WAITING_MAX: usize = 32;

/// An instance, as the admin socket reaches it.
#[derive(Clone)]
pub(crate) struct Reach {
    pub(crate) name: Name,
    pub(crate) backends: Vec<Name>,
    pub(crate) queries: mpsc::Sender<Query>,
}

/// In the order of the configuration.
pub(crate) type Reached = Arc<[Reach]>;

/// What is to be known of the daemon beside its instances.
#[derive(Clone, Debug, Default)]
pub(crate) struct Whole {
    pub(crate) paused: Option<PauseStatus>,
    pub(crate) config_stale: bool,
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

    fn common<'a>(&'a self, dir: &'a StateDir, origin: Instant, paused: bool) -> Common<'a> {
        Common {
            origin,
            prober: &self.prober,
            probing: &self.probing,
            probe: &self.config.probe,
            record: self.config.record.clone(),
            dir,
            on_exit: self.config.state.on_exit,
            count: self.config.instances.len(),
            paused,
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
    /// Another configuration; the answer says what it changes.
    Configure(Box<Result<Loaded, Mistakes>>, oneshot::Sender<Result<Vec<String>, Mistakes>>),
    /// Everything but the commands from now on, for a while or until somebody ends it.
    Pause { reason: String, lasts: Option<Duration>, done: oneshot::Sender<PauseStatus> },
    /// Act again; the answer says whether it was paused.
    Resume(oneshot::Sender<bool>),
}

pub(crate) struct Fleet {
    origin: Instant,
    dir: StateDir,
    config: Config,
    running: Vec<Running>,
    tasks: JoinSet<Result<(), RunError>>,
    requests: mpsc::Receiver<Request>,
    reached: watch::Sender<Reached>,
    whole: watch::Sender<Whole>,
    resume_at: Option<Instant>,
}

impl Fleet {
    /// Starts them all.
    pub(crate) async fn start(
        loaded: Loaded,
        origin: Instant,
        requests: mpsc::Receiver<Request>,
    ) -> Result<Self, RunError> {
        let dir = StateDir::open(&loaded.config.state.dir)?;
        let common = loaded.common(&dir, origin, false);
        let mut tasks = JoinSet::new();
        let mut running = Vec::new();
        for instance in &loaded.config.instances {
            let claims = Claims::take(instance, &loaded.config.admin_socket).await?;
            running.push(instance::start(instance, &common, claims, &mut tasks)?);
        }
        let reached = watch::Sender::new(reached(&running));
        let whole = watch::Sender::new(Whole::default());
        let config = loaded.config;
        Ok(Self { origin, dir, config, running, tasks, requests, reached, whole, resume_at: None })
    }

    /// The instances as they are, and as they will be.
    pub(crate) fn reached(&self) -> watch::Receiver<Reached> {
        self.reached.subscribe()
    }

    /// The same of what concerns them all.
    pub(crate) fn whole(&self) -> watch::Receiver<Whole> {
        self.whole.subscribe()
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
                    if now.iter().all(|beat| !beats.contains(beat)) {
                        notify::alive();
                    }
                    beats = now;
                }
                Some(request) = self.requests.recv() => self.change(request).await,
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
    async fn change(&mut self, Request { by, what }: Request) {
        match what {
            Change::Configure(loaded, answer) => {
                let _ = answer.send(self.configure(*loaded, by).await);
            }
            Change::Pause { reason, lasts, done } => {
                let _ = done.send(self.pause(by, reason, lasts));
            }
            Change::Resume(answer) => {
                let _ = answer.send(self.resume(by));
            }
        }
    }

    async fn configure(
        &mut self,
        loaded: Result<Loaded, Mistakes>,
        by: String,
    ) -> Result<Vec<String>, Mistakes> {
        let stale = loaded.is_err();
        self.whole.send_modify(|whole| whole.config_stale = stale);
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(mistakes) => {
                // A line of a log is no place for the lines of a file.
                let first = mistakes.iter().filter_map(|mistake| mistake.lines().next());
                tell(&Event::Asked(Asked::NotReloaded { by, why: first.collect::<Vec<_>>().join("; ") }));
                return Err(mistakes);
            }
        };
        let changes = difference(&self.config, &loaded.config);
        // Also where nothing is another one: files that are named may have changed.
        self.follow(&loaded).await;
        // Until a restart these stay as they are.
        let admin_socket = std::mem::take(&mut self.config.admin_socket);
        let state = self.config.state.clone();
        let mut config = Config { admin_socket, state, ..loaded.config };
        for instance in &mut config.instances {
            if let Some(before) = self.config.of_haproxy(instance) {
                instance.keep_means(before);
            }
        }
        self.config = config;
        tell(&Event::Asked(Asked::Reloaded { by, changes: changes.clone() }));
        Ok(changes)
    }

    /// Has the instances be as they are configured now: one is the same as before where its HAProxy is.
    async fn follow(&mut self, loaded: &Loaded) {
        let paused = self.whole.borrow().paused.is_some();
        // A recording begins at the start, or not at all; what becomes of our maint at the end is settled then, too.
        let on_exit = self.config.state.on_exit;
        let common = Common { record: None, on_exit, ..loaded.common(&self.dir, self.origin, paused) };
        let mut before = std::mem::take(&mut self.running);
        for instance in &loaded.config.instances {
            let known = before.iter().position(|running| running.haproxy == instance.haproxy);
            match known.map(|index| before.remove(index)) {
                Some(mut running) => {
                    running.configure(instance, &common);
                    self.running.push(running);
                }
                None => {
                    let claims = Claims::take(instance, &self.config.admin_socket);
                    let started = match timeout(LOCK_LIMIT, claims).await {
                        Ok(Ok(claims)) => instance::start(instance, &common, claims, &mut self.tasks)
                            .map_err(|error| error.to_string()),
                        Ok(Err(error)) => Err(error.to_string()),
                        Err(_) => {
                            Err("it took too long to find out whether another hactl steers it".to_owned())
                        }
                    };
                    match started {
                        Ok(running) => self.running.push(running),
                        Err(why) => {
                            tracing::error!(
                                why,
                                "instance {} could not be started; reload again",
                                instance.name
                            );
                        }
                    }
                }
            }
        }
        for running in before {
            running.leave();
            tokio::spawn(async move {
                sleep(LEAVE_LIMIT).await;
                drop(running);
            });
        }
        self.reached.send_replace(reached(&self.running));
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
        tell(&Event::Asked(Asked::Paused { by, reason, lasts }));
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
            tell(&Event::Asked(Asked::Resumed { by }));
        }
        was_paused
    }
}

fn tell(event: &Event) {
    log::event(&Label::default(), event);
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
