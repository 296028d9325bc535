//! Notices that HAProxy may have become another process, by the fastest means that a set-up offers. It only wakes the
//! controller, which then looks for itself: a means that fails, or cries wolf, costs nothing but speed.
//!
//! | means | what it sees | where it works |
//! |---|---|---|
//! | `master` | the master CLI closes an idle connection 1 to 5 ms after the signal to reload | `master` is configured |
//! | `exit` | the worker has ended | unix socket, HAProxy in this pid namespace |
//! | `files` | a new socket is put into place, 40 to 50 ms after the start with `-sf` | unix socket |
//! | `files` | the server-state file is opened by a process that starts | `server_state_file` is configured |
//! | the controller's own poll | another process answers | everywhere |

mod exit;
mod files;
mod master;
mod pace;
mod ready;
mod voice;

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use failover::{Event, Process};
use haproxy_runtime::Address;
use tokio::io::unix::AsyncFd;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::files::Watched;
use self::pace::Pace;
use self::voice::Voice;

/// Where else than at its stats socket HAProxy shows that it changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Posts {
    /// The master CLI's socket.
    pub(crate) master: Option<PathBuf>,
    /// What HAProxy reads when it starts.
    pub(crate) state_file: Option<PathBuf>,
}

/// Watches one HAProxy; its tasks end with it.
pub(crate) struct Sentry {
    local: bool,
    shared: Arc<Shared>,
    pace: Pace,
    followed: Option<Process>,
    exit: Option<AsyncFd<OwnedFd>>,
    _tasks: JoinSet<()>,
}

/// What the tasks and the controller tell each other.
#[derive(Debug, Default)]
struct Shared {
    stirred: Notify,
    /// HAProxy answers: what fails meanwhile fails for a reason of its own.
    present: AtomicBool,
}

impl Sentry {
    /// Begins to watch. What does not work is said on `events`, once.
    pub(crate) fn start(address: &Address, posts: Posts, events: &mpsc::Sender<Event>) -> Self {
        let shared: Arc<Shared> = Arc::default();
        let mut tasks = JoinSet::new();
        let voice = || Voice::new(events.clone(), Arc::clone(&shared));
        // Whoever is reached through the master CLI is known to have one.
        let master = posts.master.or_else(|| match address {
            Address::Master(path) => Some(path.clone()),
            Address::Unix(_) | Address::Tcp { .. } => None,
        });
        if let Some(path) = master {
            tasks.spawn(master::watch(path, Arc::clone(&shared), voice()));
        }
        let socket = match address {
            Address::Unix(path) => Watched::socket(path),
            Address::Master(_) | Address::Tcp { .. } => None,
        };
        let state_file = posts.state_file.as_deref().and_then(Watched::state_file);
        for watched in [socket, state_file].into_iter().flatten() {
            tasks.spawn(files::watch(watched, Arc::clone(&shared), voice()));
        }
        Self {
            local: matches!(address, Address::Unix(_) | Address::Master(_)),
            shared,
            pace: Pace::default(),
            followed: None,
            exit: None,
            _tasks: tasks,
        }
    }

    /// What the last look showed; `None` where HAProxy did not answer.
    pub(crate) fn follow(&mut self, process: Option<&Process>) {
        self.shared.present.store(process.is_some(), Ordering::Relaxed);
        let Some(process) = process else { return };
        if self.followed.as_ref() == Some(process) {
            return;
        }
        // What the one before it took in its last moments is lost, and one reload is often followed by another.
        self.pace.stir(Instant::now());
        self.exit = if self.local { exit::of(process) } else { None };
        self.followed = Some(process.clone());
    }

    /// Returns when HAProxy may have changed. Nothing is lost where it is dropped.
    pub(crate) async fn stirred(&mut self) {
        tokio::select! {
            () = self.shared.stirred.notified() => {}
            () = exit::ended(self.exit.as_ref()) => self.exit = None,
        }
        self.pace.stir(Instant::now());
    }

    /// How long to wait for the next look: `calm`, or less shortly after something stirred.
    pub(crate) fn pause(&self, calm: Duration) -> Duration {
        self.pace.pause(Instant::now(), calm)
    }
}

impl Shared {
    fn stir(&self, means: &'static str) {
        tracing::debug!(means, "HAProxy may have changed");
        self.stirred.notify_one();
    }

    fn is_present(&self) -> bool {
        self.present.load(Ordering::Relaxed)
    }
}
