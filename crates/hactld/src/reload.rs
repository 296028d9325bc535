//! Reads the configuration again, while everything runs on, and claims what its new instances need, so that nobody who
//! steers waits for that.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use haproxy_runtime::{BackendName, Client, Command, Reply};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::config::{self, Config, Flags, suggestion};
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
        let mut absent = Vec::new();
        let loaded = match loaded {
            Ok(loaded) => {
                absent = self::absent(loaded.config(), &steered).await;
                let claimed = claim(loaded.unclaimed(&steered), &self.socket).await;
                Ok((loaded, claimed))
            }
            Err(mistakes) => Err(mistakes),
        };
        let (answer, changed) = oneshot::channel();
        let what = Change::Configure(Box::new(loaded), answer);
        self.requests.send(Request { by, what }).await.ok()?;
        let followed = changed.await.ok()?;
        Some(followed.map(|followed| Followed { absent, ..followed }))
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

/// What is named in `config`, was not steered until now, and is nothing that its HAProxy has: mostly a slip of the fingers. Of
/// a HAProxy that does not answer nothing is said.
async fn absent(config: &Config, steered: &[Reach]) -> Vec<String> {
    let mut asking = JoinSet::new();
    for instance in &config.instances {
        let is_new = |name: &BackendName| {
            let of_it = steered.iter().filter(|reach| reach.haproxy == instance.haproxy);
            !of_it.flat_map(|reach| &reach.backends).any(|known| known.as_str() == name.as_str())
        };
        let new = instance.backends.iter().map(|backend| backend.name.clone()).filter(is_new);
        let new: Vec<BackendName> = new.collect();
        if new.is_empty() {
            continue;
        }
        let client = Client::new(instance.haproxy.clone());
        asking.spawn(async move { (new, client.exchange(&[Command::ShowBackend]).await) });
    }
    let mut absent = Vec::new();
    while let Some(asked) = asking.join_next().await {
        let Ok((new, Ok(replies))) = asked else { continue };
        let Some(Ok(Reply::Backends(known))) = replies.into_iter().next() else { continue };
        let known: Vec<&str> = known.iter().map(BackendName::as_str).collect();
        let unknown = new.iter().filter(|name| !known.contains(&name.as_str()));
        absent.extend(unknown.map(|name| {
            let hint = suggestion(name.as_str(), &known);
            format!("HAProxy has no backend {name}; {hint}")
        }));
    }
    absent.sort_unstable();
    absent
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
