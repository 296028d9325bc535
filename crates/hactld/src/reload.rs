//! Reads the configuration again, while everything runs on.

use std::error::Error;
use std::sync::Arc;

use tokio::sync::{Mutex, mpsc, oneshot};

use crate::config::{self, Flags};
use crate::fleet::{Change, Loaded, Mistakes, Request};

/// Whoever has it can have the configuration read again.
#[derive(Clone)]
pub(crate) struct Reloader {
    flags: Arc<Flags>,
    /// One at a time, so that the file that was read last is the one that holds.
    turn: Arc<Mutex<()>>,
    requests: mpsc::Sender<Request>,
}

impl Reloader {
    pub(crate) fn new(flags: Flags, requests: mpsc::Sender<Request>) -> Self {
        Self { flags: Arc::new(flags), turn: Arc::default(), requests }
    }

    /// What another configuration changes, or what is wrong with it; `None` where hactl is stopping.
    pub(crate) async fn reload(&self, by: String) -> Option<Result<Vec<String>, Mistakes>> {
        let _turn = self.turn.lock().await;
        let flags = Arc::clone(&self.flags);
        // Files are read, and a disk may hang.
        let loaded = tokio::task::spawn_blocking(move || read(&flags)).await.ok()?;
        let (answer, changed) = oneshot::channel();
        let what = Change::Configure(Box::new(loaded), answer);
        self.requests.send(Request { by, what }).await.ok()?;
        changed.await.ok()
    }
}

fn read(flags: &Flags) -> Result<Loaded, Mistakes> {
    let config = config::load(flags)
        .map_err(|error| error.problems().iter().map(ToString::to_string).collect::<Mistakes>())?;
    Loaded::of(config).map_err(|error| {
        let why = error.source().map(|source| format!("\n  why:  {source}")).unwrap_or_default();
        vec![format!("{error}{why}")]
    })
}
