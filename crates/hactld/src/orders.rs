//! Keeps what operators have ordered of one HAProxy's servers in a file, beside the decision loop, which waits for no
//! disk. Whoever gave an order may wait here until it would survive.

use std::time::Duration;

use controller::OverridesFile;
use failover::{Asked, Event, Overrides};
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

/// After this it is told that the disk has not said yet what an earlier run was told. Until it has, nothing is decided, since
/// what was ordered counts most: HAProxy stays as it is.
const READ_LIMIT: Duration = Duration::from_secs(5);

/// From one attempt to the next while it cannot be written.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// What is in force, and how often that has changed.
pub(crate) type Changed = (u64, Overrides);

/// What is on disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    /// The latest change that is.
    pub(crate) change: u64,
    /// Why a later one is not.
    pub(crate) failing: Option<String>,
}

/// The engine's end.
pub(crate) struct Orders {
    changed: watch::Sender<Changed>,
    kept: watch::Receiver<Kept>,
}

impl Orders {
    /// Reads what an earlier run has kept, and keeps from now on what it is given.
    pub(crate) async fn start(file: OverridesFile, events: mpsc::Sender<Event>) -> (Self, Overrides) {
        let loading = file.clone();
        let mut reading = spawn_blocking(move || loading.load());
        let read = if let Ok(read) = timeout(READ_LIMIT, &mut reading).await {
            read
        } else {
            let file = file.path().display();
            tracing::warn!(
                "{file}: the disk does not answer, and nothing is decided until what was ordered is known"
            );
            reading.await
        };
        let found = read.unwrap_or_else(|panic| Err(panic.to_string()));
        let (change, found) = match found {
            Ok(found) => (0, found),
            Err(why) => {
                let by_ledger = file.clone();
                let reading = spawn_blocking(move || by_ledger.by_ledger(jiff::Timestamp::now()));
                let found = reading.await.unwrap_or_default();
                let count = found.servers.len();
                let stays = format!("servers that stay out until `hactl auto`, by the ledger: {count}");
                let why =
                    format!("what operators have ordered before this start is not known: {why}; {stays}");
                tell(&events, why).await;
                (1, found)
            }
        };
        // What the ledger knew is to be known to the next start as well.
        let (changed, changes) = watch::channel((change, found.clone()));
        let (keeping, kept) = watch::channel(Kept::default());
        tokio::spawn(keep(file, changes, keeping, events));
        (Self { changed, kept }, found)
    }

    /// Has these kept; which change they are.
    pub(crate) fn follow(&self, overrides: &Overrides) -> u64 {
        self.changed.send_if_modified(|(change, known)| {
            let changed = known != overrides;
            if changed {
                *change += 1;
                known.clone_from(overrides);
            }
            changed
        });
        self.changed.borrow().0
    }

    pub(crate) fn kept(&self) -> watch::Receiver<Kept> {
        self.kept.clone()
    }
}

/// Writes the latest until nobody can change it any more.
async fn keep(
    file: OverridesFile,
    mut changes: watch::Receiver<Changed>,
    kept: watch::Sender<Kept>,
    events: mpsc::Sender<Event>,
) {
    let mut done = 0;
    loop {
        let (change, overrides) = changes.borrow_and_update().clone();
        if change == done {
            if changes.changed().await.is_err() {
                return;
            }
            continue;
        }
        let writing = file.clone();
        let written = spawn_blocking(move || writing.keep(&overrides)).await;
        match written.map_err(|panic| panic.to_string()).and_then(|done| done.map_err(|e| e.to_string())) {
            Ok(()) => {
                done = change;
                kept.send_replace(Kept { change, failing: None });
            }
            Err(why) => {
                let begins = kept.borrow().failing.is_none();
                let why = format!("{}: {why}", file.path().display());
                kept.send_modify(|kept| kept.failing = Some(why.clone()));
                if begins {
                    let why = format!("a restart would not know what operators have ordered: {why}");
                    tell(&events, why).await;
                }
                sleep(RETRY_EVERY).await;
                if changes.has_changed().is_err() {
                    return;
                }
            }
        }
    }
}

async fn tell(events: &mpsc::Sender<Event>, why: String) {
    // Nobody is left to be told where this fails.
    let _ = events.send(Event::Asked(Asked::OverridesLost { why })).await;
}
