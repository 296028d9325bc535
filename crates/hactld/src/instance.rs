//! One instance: core, decision loop and controller of one HAProxy, put together. It shares nothing with the others but
//! the clock, so that none of them ever waits for it.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::time::Duration;

use checker::{Clock, Prober, Probes, Settings};
use controller::{AgentPort, Controller, HaproxyLock, Managed, Mandate, OverridesFile, StateDir};
use failover::explain::Effects;
use failover::{Core, Event, FORMAT, Header, Name, Observed, OnExit, OverrideChange};
use haproxy_runtime::Address;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::VERSION;
use crate::config::{Backend, Instance, Lever, Probe};
use crate::daemon::RunError;
use crate::engine::{Configured, Engine, Identity, Query, Wires, rfc3339};
use crate::feed::Stir;
use crate::journal::Journal;
use crate::log::Label;
use crate::metrics::Tally;
use crate::notify::Pulse;
use crate::orders::Orders;
use crate::record::{self, RecordError, Recording};

/// Events that may wait for the decision loop: a hundred servers that all change, several times over.
const EVENTS_WAITING_MAX: usize = 1024;

/// Status queries that may wait; whoever comes later is told to come again.
const QUERIES_WAITING_MAX: usize = 32;

/// For the controller to lift at the end what is not to stay: somewhat more than it takes at the most.
const LIFT_LIMIT: Duration = Duration::from_millis(600);

/// What is the same for all instances.
pub(crate) struct Common<'a> {
    pub(crate) origin: Instant,
    pub(crate) journal: &'a Journal,
    pub(crate) prober: &'a Prober,
    pub(crate) probing: &'a Settings,
    pub(crate) probe: &'a Probe,
    pub(crate) record: Option<PathBuf>,
    pub(crate) dir: &'a StateDir,
    pub(crate) on_exit: OnExit,
    /// How many instances there are.
    pub(crate) count: usize,
    /// Somebody has paused hactl.
    pub(crate) paused: bool,
    pub(crate) stir: &'a Stir,
}

/// What an instance has to itself on this host.
pub(crate) struct Claims {
    /// Nobody else steers its HAProxy.
    lock: HaproxyLock,
    /// Where its agent-checks are answered, if they are.
    agent: Option<AgentPort>,
}

impl Claims {
    /// Takes them; who looks for the holder of the lock is pointed to `admin_socket`.
    pub(crate) async fn take(instance: &Instance, admin_socket: &Path) -> Result<Self, RunError> {
        let lock = HaproxyLock::take(&instance.haproxy, admin_socket).await?;
        let agent = match instance.lever {
            Lever::State => None,
            Lever::Agent(addr) => Some(AgentPort::bind(addr).await?),
        };
        Ok(Self { lock, agent })
    }
}

/// A running instance; it ends when this is dropped.
pub(crate) struct Running {
    pub(crate) name: Name,
    pub(crate) haproxy: Address,
    /// In the order of the configuration.
    pub(crate) backends: Vec<Name>,
    /// What its lock is called, however that HAProxy is written.
    pub(crate) place: String,
    pub(crate) queries: mpsc::Sender<Query>,
    pub(crate) pulse: Pulse,
    observe: bool,
    /// Dropped, it is the sign to end; before `mandate`, so that the engine, which ends the controller, hears of it first.
    _stop: oneshot::Sender<()>,
    mandate: watch::Sender<Mandate>,
    configured: watch::Sender<Configured>,
}

impl Running {
    /// What another configuration says of it holds from now on.
    pub(crate) fn configure(&mut self, instance: &Instance, common: &Common<'_>) {
        self.name = instance.name.clone();
        self.backends = instance.backends.iter().map(Backend::core_name).collect();
        self.observe = instance.observe;
        self.configured.send_replace(configured(instance, common));
        let mandate = mandate(instance, common.paused);
        self.mandate.send_if_modified(|known| {
            *known != mandate && {
                *known = mandate;
                true
            }
        });
    }

    /// Has it look on, or act again.
    pub(crate) fn pause(&self, paused: bool) {
        let writes = !self.observe && !paused;
        self.mandate.send_if_modified(|known| std::mem::replace(&mut known.writes, writes) != writes);
    }

    /// It may change something in HAProxy.
    pub(crate) fn writes(&self) -> bool {
        self.mandate.borrow().writes
    }

    /// It has given back what is ours, or something in it is broken.
    pub(crate) fn has_ended(&self) -> bool {
        self.queries.is_closed()
    }

    /// Has it give back what is ours, and end then.
    pub(crate) fn leave(&self) {
        self.mandate.send_modify(|known| known.managed.clear());
    }
}

/// Starts one as a task of its own. It ends by itself only where something is broken, or when it has left.
pub(crate) fn start(
    instance: &Instance,
    common: &Common<'_>,
    claims: Claims,
    tasks: &mut JoinSet<Result<(), RunError>>,
) -> Result<Running, RecordError> {
    let Common { origin, .. } = *common;
    let Claims { lock, agent } = claims;
    let configured = configured(instance, common);
    let label = &configured.label;
    let core = failover::Settings {
        seed: RandomState::new().hash_one(&instance.name),
        ..configured.settings.clone()
    };
    let several = common.count > 1;
    let file = common.record.clone().map(|file| if several { with_name(file, &instance.name) } else { file });
    let recording = file.as_deref().map(|file| record::begin(file, &header(origin, instance, &core)));
    let (recorder, recording) = recording.transpose()?.unzip();

    let (desired, desired_seen) = watch::channel(BTreeMap::new());
    let (observed_seen, observed) = watch::channel(Observed::nothing());
    let (event_sender, events) = mpsc::channel(EVENTS_WAITING_MAX);
    let (query_sender, queries) = mpsc::channel::<Query>(QUERIES_WAITING_MAX);
    let (stop, stopped) = oneshot::channel();
    let (mandate, mandates) = watch::channel(mandate(instance, common.paused));
    let haproxy = instance.haproxy.clone();
    let (kept, told) = (common.dir.overrides(lock.haproxy()), event_sender.clone());
    let controller =
        Controller::new(haproxy.clone(), mandates, origin, desired_seen, observed_seen, event_sender)
            .with_ledger(common.dir.ledger(lock.haproxy()))
            .on_exit(common.on_exit);
    let controller = equipped(controller, instance, agent);
    tell_start(instance, label, file.as_deref().zip(recording.as_ref()));
    let pulse = Pulse::default();
    let clock = Clock::new(origin);
    let identity = identity(instance, label);
    let probes = Probes::new(configured.prober.clone(), configured.probing.clone(), clock);
    let (credentials, beats) = (configured.credentials.clone(), pulse.clone());
    let core = Core::new(core);
    let (journal, stir) = (common.journal.clone(), common.stir.clone());
    let tally = Tally::new(&configured.settings);
    let engine = move |orders| Engine {
        core,
        probes,
        clock,
        credentials,
        identity,
        journal,
        recorder,
        pulse: beats,
        orders,
        stir,
        effects: Effects::default(),
        tally,
        reread: false,
    };
    let place = lock.haproxy().to_owned();
    let (configured, configurations) = watch::channel(configured);
    let wires = Wires { desired, observed, events, queries, configurations };
    tasks.spawn(async move {
        let engine = inherit(kept, told, engine).await;
        let ended = run(engine, wires, controller, stopped, recording).await;
        // Nobody else steers it before this.
        drop(lock);
        ended
    });
    Ok(Running {
        name: instance.name.clone(),
        haproxy,
        place,
        backends: instance.backends.iter().map(Backend::core_name).collect(),
        queries: query_sender,
        pulse,
        observe: instance.observe,
        _stop: stop,
        mandate,
        configured,
    })
}

/// With what the configuration says by which its HAProxy is watched and steered.
fn equipped(mut controller: Controller, instance: &Instance, agent: Option<AgentPort>) -> Controller {
    if let Some(master) = &instance.master {
        controller = controller.with_master(master.clone());
    }
    if let Some(file) = &instance.server_state_file {
        controller = controller.with_state_file(file.clone());
    }
    if let Some(port) = agent {
        controller = controller.with_agent(port);
    }
    controller
}

fn identity(instance: &Instance, label: &Label) -> Identity {
    Identity {
        node: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        instance: instance.name.clone(),
        socket: instance.haproxy.to_string(),
        label: label.clone(),
    }
}

/// The decision loop, told of what operators have ordered before this start.
async fn inherit(
    kept: OverridesFile,
    told: mpsc::Sender<Event>,
    engine: impl FnOnce(Orders) -> Engine,
) -> Engine {
    let (orders, found) = Orders::start(kept, told).await;
    let mut engine = engine(orders);
    if !found.is_empty() {
        engine.order(OverrideChange::Inherit(found));
    }
    engine
}

fn tell_start(instance: &Instance, label: &Label, recorded: Option<(&Path, &Recording)>) {
    let backends: Vec<&str> = instance.backends.iter().map(|backend| backend.name.as_str()).collect();
    let verb = if instance.observe { "observes" } else { "steers" };
    tracing::info!("{label}{verb} {} at {}", backends.join(", "), instance.haproxy);
    if let Lever::Agent(addr) = instance.lever {
        tracing::info!(%addr, "{label}HAProxy's agent-checks are answered");
    }
    if let Some((file, recording)) = recorded {
        recording.tell_start(file, label);
    }
}

async fn run(
    engine: Engine,
    wires: Wires,
    controller: Controller,
    stopped: oneshot::Receiver<()>,
    recording: Option<Recording>,
) -> Result<(), RunError> {
    let mut controller = tokio::spawn(controller.run());
    let stop = async {
        // The sender is dropped and never used.
        let _ = stopped.await;
    };
    let ended = tokio::select! {
        () = engine.run(wires, stop) => {
            // It ends because the engine has; what it could not do within the limit it has told.
            let _ = timeout(LIFT_LIMIT, &mut controller).await;
            Ok(())
        }
        // It ends by itself only when it has left, or when the engine has ended and nobody waits for it.
        ended = &mut controller => ended.map_err(RunError::Controller),
    };
    // The engine is gone, and the recorder with it.
    if let Some(recording) = recording {
        // It waits for a disk; where it cannot be waited for, the last lines are lost.
        let _ = tokio::task::spawn_blocking(|| recording.end()).await;
    }
    ended
}

fn configured(instance: &Instance, common: &Common<'_>) -> Configured {
    let with = instance
        .backends
        .iter()
        .filter_map(|backend| Some((backend.core_name(), backend.credentials.clone()?)));
    Configured {
        settings: instance.settings(common.probe),
        prober: common.prober.part_of(common.count),
        probing: common.probing.clone(),
        credentials: with.collect(),
        instance: instance.name.clone(),
        label: Label((common.count > 1).then(|| instance.name.clone())),
    }
}

fn mandate(instance: &Instance, paused: bool) -> Mandate {
    let managed = instance
        .backends
        .iter()
        .map(|backend| Managed { name: backend.name.clone(), servers: backend.servers.clone() });
    Mandate { managed: managed.collect(), writes: !instance.observe && !paused }
}

/// Each instance has a recording of its own.
fn with_name(file: PathBuf, instance: &Name) -> PathBuf {
    let mut file = file.into_os_string();
    file.push(".");
    file.push(instance.as_str());
    file.into()
}

fn header(origin: Instant, instance: &Instance, settings: &failover::Settings) -> Header {
    let backends = instance.backends.iter().map(Backend::core_name).collect();
    Header {
        format: FORMAT,
        hactl: VERSION.to_owned(),
        started: rfc3339(jiff::Timestamp::now(), origin.elapsed()),
        instance: failover::Instance { name: instance.name.to_string(), backends },
        settings: settings.clone(),
    }
}
