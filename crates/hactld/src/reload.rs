//! Reads the configuration again, while everything runs on, and claims what its new instances need, so that nobody who
//! steers waits for that.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::time::sleep;

use crate::config::{self, Flags};
use crate::fleet::{Change, Followed, Loaded, Mistakes, Reach, Reached, Request, Whole};
use crate::waiting::{Waiting, claim};

/// How often it is tried again to start an instance that could not be: who has what it needs mostly ends in seconds.
const RETRY_EVERY: Duration = Duration::from_secs(5);

/// Whoever has it can have the configuration read again.
#[derive(Clone)]
pub(crate) struct Reloader {
    flags: Arc<Flags>,
    /// hactl's own, to be told to whoever looks for the holder of a claim.
    socket: PathBuf,
    reached: watch::Receiver<Reached>,
    /// One at a time, so that the file that was read last is the one that holds.
    turn: Arc<Mutex<()>>,
    requests: mpsc::Sender<Request>,
}

impl Reloader {
    pub(crate) fn new(
        flags: Flags,
        socket: PathBuf,
        reached: watch::Receiver<Reached>,
        requests: mpsc::Sender<Request>,
    ) -> Self {
        Self { flags: Arc::new(flags), socket, reached, turn: Arc::default(), requests }
    }

    /// What another configuration changes, or what is wrong with it; `None` where hactl is stopping.
    pub(crate) async fn reload(&self, by: String) -> Option<Result<Followed, Mistakes>> {
        let _turn = self.turn.lock().await;
        let flags = Arc::clone(&self.flags);
        // Files are read, and a disk may hang.
        let (reached, steered) = (Arc::clone(&self.reached.borrow()), Arc::clone(&self.reached.borrow()));
        let loaded = tokio::task::spawn_blocking(move || read(&flags, &reached)).await.ok()?;
        let loaded = match loaded {
            Ok(loaded) => {
                let claimed = claim(loaded.unclaimed(&steered), &self.socket).await;
                Ok((loaded, claimed))
            }
            Err(mistakes) => Err(mistakes),
        };
        let (answer, changed) = oneshot::channel();
        let what = Change::Configure(Box::new(loaded), answer);
        self.requests.send(Request { by, what }).await.ok()?;
        changed.await.ok()
    }

    /// Tries again and again to start what could not be.
    pub(crate) async fn keep_trying(self, whole: watch::Receiver<Whole>) {
        loop {
            sleep(RETRY_EVERY).await;
            let _turn = self.turn.lock().await;
            let waiting = Arc::clone(&whole.borrow().waiting);
            let instances = waiting.iter().map(|Waiting { instance, .. }| instance.clone()).collect();
            let claimed = claim(instances, &self.socket).await;
            if !claimed.iter().any(|one| one.claims.is_ok()) {
                continue;
            }
            let what = Change::Start(claimed);
            if self.requests.send(Request { by: "hactl".to_owned(), what }).await.is_err() {
                return;
            }
        }
    }
}

fn read(flags: &Flags, reached: &[Reach]) -> Result<Loaded, Mistakes> {
    let config = config::load(flags)
        .map_err(|error| error.problems().iter().map(ToString::to_string).collect::<Mistakes>())?;
    let mut loaded = Loaded::of(config).map_err(|error| {
        let why = error.source().map(|source| format!("\n  why:  {source}")).unwrap_or_default();
        vec![format!("{error}{why}")]
    })?;
    loaded.respell(reached);
    Ok(loaded)
}
