//! Putting the daemon together, and taking it down: HAProxy stays as it is.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;

use checker::{Clock, Prober, Probes, Settings, SettingsError, TlsError, TlsRoots};
use controller::{AgentError, AgentPort, Controller, HaproxyLock, LockError, Managed, StateDir, StateError};
use failover::{Core, FORMAT, Header, Observed, OnExit};
use thiserror::Error;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinError;
use tokio::time::{Instant, timeout};

use crate::admin::{self, AdminError};
use crate::config::{Backend, Config, Instance, Lever};
use crate::engine::{Engine, Identity, Query, Wires, rfc3339};
use crate::record::{self, RecordError};
use crate::{VERSION, log, notify};

/// Two: handshakes of probes never delay a decision.
const THREADS: usize = 2;

/// Events that may wait for the decision loop: a hundred servers that all change, several times over.
const EVENTS_WAITING_MAX: usize = 1024;

/// Status queries that may wait; whoever comes later is told to come again.
pub(crate) const QUERIES_WAITING_MAX: usize = 32;

/// What may still run after the end was asked for; the whole end takes less than a second.
const SHUTDOWN_LIMIT: Duration = Duration::from_millis(300);

/// For the controller to lift at the end what is not to stay: somewhat more than it takes at the most.
const LEAVE_LIMIT: Duration = Duration::from_millis(600);

/// Why the daemon did not start.
#[derive(Debug, Error)]
pub enum RunError {
    /// hactl's own socket.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The state directory.
    #[error(transparent)]
    State(#[from] StateError),
    /// Another hactl steers the same HAProxy.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The port for HAProxy's agent-checks.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// The recording.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The certificate authorities.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The probe settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Without the controller nothing is steered: better to end, and be started again.
    #[error("the part that steers HAProxy ended unexpectedly, which is a bug; HAProxy stays as it is")]
    Controller(#[source] JoinError),
    /// The operating system.
    #[error("cannot start: {what}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Runs the daemon until SIGTERM or SIGINT; `color` is for log lines on a terminal.
///
/// # Errors
/// Why it could not start. Once it runs, nothing ends it but a signal.
pub fn run(config: Config, color: bool) -> Result<ExitCode, RunError> {
    let log = log::init(config.log.clone(), color);
    let system = |what| move |source| RunError::System { what, source };
    let runtime = Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .map_err(system("no runtime"))?;
    let ended = runtime.block_on(async {
        let terminate = signal(SignalKind::terminate()).map_err(system("no handler for SIGTERM"))?;
        let interrupt = signal(SignalKind::interrupt()).map_err(system("no handler for SIGINT"))?;
        let hangup = signal(SignalKind::hangup()).map_err(system("no handler for SIGHUP"))?;
        let on_exit = config.state.on_exit;
        serve(config, stop(terminate, interrupt, hangup, on_exit)).await
    });
    runtime.shutdown_timeout(SHUTDOWN_LIMIT);
    log.end();
    ended.map(|()| ExitCode::SUCCESS)
}

/// SIGHUP is a closed terminal where there was one; elsewhere people send it to have the configuration read again, and
/// an end would leave HAProxy unsteered.
async fn stop(mut terminate: Signal, mut interrupt: Signal, mut hangup: Signal, on_exit: OnExit) {
    let in_terminal = std::io::stderr().is_terminal();
    let name = loop {
        tokio::select! {
            _ = terminate.recv() => break "SIGTERM",
            _ = interrupt.recv() => break "SIGINT",
            _ = hangup.recv() => {
                if in_terminal {
                    break "SIGHUP";
                }
                tracing::warn!("SIGHUP: the configuration is read at start only; restart hactl to have it read again");
            }
        }
    };
    notify::stopping();
    match on_exit {
        OnExit::Keep => tracing::info!("{name}: stopping; HAProxy stays as it is"),
        OnExit::Restore => tracing::info!("{name}: stopping; what hactl has taken out is put back"),
    }
}

async fn serve(config: Config, stop: impl Future<Output = ()>) -> Result<(), RunError> {
    let origin = Instant::now();
    let clock = Clock::new(origin);
    let Config { probe, admin_socket, state, instance, record, log: _ } = config;
    let roots = TlsRoots { ca_files: probe.ca_file.into_iter().collect() };
    let prober = Prober::new(&roots)?;
    let mut settings = Settings::new(probe.targets, probe.settings.timeout)?;
    if let Some(control) = probe.control {
        settings = settings.with_control(control);
    }
    let socket = admin::bind(&admin_socket).await?;
    let dir = StateDir::open(&state.dir)?;
    let lock = HaproxyLock::take(&instance.haproxy, &admin_socket).await?;
    let core = failover::Settings { seed: RandomState::new().hash_one(0), ..probe.settings };
    let agent = agent(instance.lever).await?;
    let recording = record.as_deref().map(|path| record::begin(path, &header(origin, &instance, &core)));
    let recording = recording.transpose()?;
    let (recorder, recording) = recording.unzip();

    let (desired, desired_seen) = watch::channel(BTreeMap::new());
    let (observed_seen, observed) = watch::channel(Observed::nothing());
    let (event_sender, events) = mpsc::channel(EVENTS_WAITING_MAX);
    let (query_sender, queries) = mpsc::channel::<Query>(QUERIES_WAITING_MAX);
    let haproxy = instance.haproxy.clone();
    let mut controller =
        Controller::new(haproxy, managed(&instance), origin, desired_seen, observed_seen, event_sender)
            .with_ledger(dir.ledger(&instance.name, lock.haproxy()))
            .on_exit(state.on_exit);
    if let Some(master) = &instance.master {
        controller = controller.with_master(master.clone());
    }
    if let Some(file) = &instance.server_state_file {
        controller = controller.with_state_file(file.clone());
    }
    if let Some(port) = agent {
        controller = controller.with_agent(port);
    }
    let engine = Engine {
        core: Core::new(core),
        probes: Probes::new(prober, settings, clock),
        clock,
        credentials: credentials(&instance),
        identity: identity(&instance),
        recorder,
    };
    tracing::info!(
        "hactl {VERSION} steers {} at {}, status at {}",
        instance.backends.iter().map(|backend| backend.name.as_str()).collect::<Vec<_>>().join(", "),
        instance.haproxy,
        admin_socket.display()
    );
    if let Some(file) = &record {
        tracing::info!(file = %file.display(), "what is seen is recorded");
    }
    let mut controller = tokio::spawn(controller.run());
    tokio::spawn(admin::serve(socket.listener(), query_sender));
    notify::ready();
    let ended = tokio::select! {
        () = engine.run(Wires { desired, observed, events, queries }, stop) => {
            // It ends because the engine has; what it could not do within the limit it has told.
            let _ = timeout(LEAVE_LIMIT, &mut controller).await;
            Ok(())
        }
        ended = &mut controller => ended.map_err(RunError::Controller),
    };
    // The engine is gone, and the recorder with it.
    if let Some(recording) = recording {
        recording.end();
    }
    ended
}

async fn agent(lever: Lever) -> Result<Option<AgentPort>, AgentError> {
    match lever {
        Lever::State => Ok(None),
        Lever::Agent(addr) => {
            let port = AgentPort::bind(addr).await?;
            tracing::info!(%addr, "HAProxy's agent-checks are answered");
            Ok(Some(port))
        }
    }
}

fn header(origin: Instant, instance: &Instance, settings: &failover::Settings) -> Header {
    let backends = instance.backends.iter().map(Backend::core_name).collect();
    Header {
        format: FORMAT,
        hactl: VERSION.to_owned(),
        started: rfc3339(jiff::Timestamp::now(), origin.elapsed()),
        instance: failover::Instance { name: instance.name.clone(), backends },
        settings: settings.clone(),
    }
}

fn managed(instance: &Instance) -> Vec<Managed> {
    let managed = instance
        .backends
        .iter()
        .map(|backend| Managed { name: backend.name.clone(), servers: backend.servers.clone() });
    managed.collect()
}

fn credentials(instance: &Instance) -> BTreeMap<failover::Name, checker::Credentials> {
    let with = instance
        .backends
        .iter()
        .filter_map(|backend| Some((backend.core_name(), backend.credentials.clone()?)));
    with.collect()
}

fn identity(instance: &Instance) -> Identity {
    Identity {
        node: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        instance: instance.name.clone(),
        socket: instance.haproxy.to_string(),
    }
}
