//! Putting the daemon together, and taking it down: HAProxy stays as it is.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use checker::{SettingsError, TlsError};
use controller::{AgentError, LockError, StateError};
use failover::OnExit;
use thiserror::Error;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinError;
use tokio::time::Instant;

use crate::admin::{self, AdminError, Front};
use crate::config::{Config, DEFAULT_SOCKET, Flags};
use crate::exits::{self, Known};
use crate::feed::{Feed, Stir};
use crate::fleet::{Fleet, Loaded, REQUESTS_WAITING_MAX, Whole};
use crate::hooks::Hooks;
use crate::journal::{Journal, Writing};
use crate::metrics::Exposition;
use crate::record::RecordError;
use crate::reload::Reloader;
use crate::web::{self, WebError};
use crate::{VERSION, log, notify};

/// Two: handshakes of probes never delay a decision.
const THREADS: usize = 2;

/// What may still run after the end was asked for; the whole end takes less than a second.
const SHUTDOWN_LIMIT: Duration = Duration::from_millis(300);

/// Why the daemon did not start.
#[derive(Debug, Error)]
pub enum RunError {
    /// hactl's own socket.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The listener for browsers.
    #[error(transparent)]
    Web(#[from] WebError),
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
    /// Nor without the decision loop.
    #[error("the part that decides ended unexpectedly, which is a bug; HAProxy stays as it is")]
    Engine(#[source] JoinError),
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

/// Runs the daemon until SIGTERM or SIGINT, with the configuration that `flags` gave, and will give when it is read
/// again; `color` is for log lines on a terminal.
///
/// # Errors
/// Why it could not start. Once it runs, nothing ends it but a signal.
pub fn run(config: Config, flags: Flags, color: bool) -> Result<ExitCode, RunError> {
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
        serve(config, flags, Signals { terminate, interrupt, hangup }).await
    });
    runtime.shutdown_timeout(SHUTDOWN_LIMIT);
    log.end();
    ended.map(|()| ExitCode::SUCCESS)
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Waits for the one that ends it. SIGHUP is a closed terminal where there was one; elsewhere it has the
    /// configuration read again.
    async fn ended(self, reloader: Reloader, on_exit: OnExit, whole: watch::Receiver<Whole>) {
        let Self { mut terminate, mut interrupt, mut hangup } = self;
        let in_terminal = std::io::stderr().is_terminal();
        let hung_up = async move {
            while hangup.recv().await.is_some() && !in_terminal {
                // What comes of it is told by whoever does it. Those that come meanwhile are one.
                let _ = reloader.reload("SIGHUP".to_owned()).await;
            }
        };
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
            () = hung_up => "SIGHUP",
        };
        notify::stopping();
        match on_exit {
            _ if whole.borrow().paused.is_some() => {
                tracing::info!("{name}: stopping while paused; HAProxy stays as it is, nothing is put back");
            }
            OnExit::Keep => tracing::info!("{name}: stopping; HAProxy stays as it is"),
            OnExit::Restore => tracing::info!("{name}: stopping; what hactl has taken out is put back"),
        }
    }
}

async fn serve(config: Config, flags: Flags, signals: Signals) -> Result<(), RunError> {
    let socket = admin::bind(&config.admin_socket).await?;
    let page = config.web.as_ref().map(web::bind).transpose()?;
    let status_at = config.admin_socket.display().to_string();
    let page_at = config.web.as_ref().map(|web| format!(", page at http://{web}/")).unwrap_or_default();
    let named =
        (config.admin_socket != Path::new(DEFAULT_SOCKET)).then(|| Arc::from(config.admin_socket.as_path()));
    let (requests, asked) = mpsc::channel(REQUESTS_WAITING_MAX);
    let stir = Stir::default();
    let (on_exit, own) = (config.state.on_exit, config.admin_socket.clone());
    let events = config.events.clone();
    let journal = Journal::open(events.as_ref());
    let known = journal.latest();
    let fleet =
        Fleet::start(Loaded::of(config)?, Instant::now(), journal.clone(), asked, stir.clone()).await?;
    let writing = events.map(|file| Writing::begin(file, &journal, known));
    tracing::info!("hactl {VERSION}, status at {status_at}{page_at}");
    let (reached, whole) = (fleet.reached(), fleet.whole());
    let hooks = tokio::spawn(Hooks::new(&journal, known, whole.clone(), own.clone()).run());
    let reloader = Reloader::new(flags, own, reached.clone(), requests.clone());
    tokio::spawn(reloader.clone().keep_trying(whole.clone()));
    let (seen, exits) = watch::channel(Known::default());
    tokio::spawn(exits::keep_asking(reached.clone(), fleet.asking(), seen, journal.clone()));
    let feed = Feed::new(stir, exits.clone());
    tokio::spawn(feed.clone().run(reached.clone(), whole.clone()));
    let front = Front {
        journal,
        reached,
        whole: whole.clone(),
        requests,
        reloader: reloader.clone(),
        feed,
        exits,
        exposition: Exposition::default(),
        socket: named,
    };
    let no_thread = |source| RunError::System { what: "no thread for its own socket or the page", source };
    let showing = page.map(|page| page.serve_apart(front.clone())).transpose().map_err(no_thread)?;
    let serving = socket.serve_apart(front).map_err(no_thread)?;
    notify::ready();
    let ended = fleet.run(signals.ended(reloader, on_exit, whole)).await;
    drop((serving, showing));
    hooks.abort();
    if let Some(writing) = writing {
        // It waits for a disk; where it cannot be waited for, the last lines are lost.
        let _ = tokio::task::spawn_blocking(|| writing.end()).await;
    }
    ended
}
