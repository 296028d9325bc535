//! The server-state file: what HAProxy reads when it starts, kept so that a new process begins with the servers held out
//! that hactl holds out. It has rows for those alone; all others begin as haproxy.cfg says.
//!
//! It is written before the commands that it is about are sent and after the ledger, and never over a file that somebody else wrote. A file
//! that cannot be written costs the gap that it is there to close, and nothing else.

mod disk;
mod rows;

use std::path::{Path, PathBuf};
use std::time::Duration;

use failover::{Admin, Event, Observed, ServerId, Step};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use self::disk::{DiskError, Known, Mark};
use self::rows::Rows;
use crate::apply::chain;
use crate::look::Sight;

/// What a decision waits for the disk: nothing is synced, so a write takes a tenth of a millisecond. A disk that hangs
/// must not keep a dead server in service.
const WRITE_LIMIT: Duration = Duration::from_millis(100);

/// HAProxy reads the file some 50 ms before it answers, with a large configuration seconds before: what was in it longer
/// than this is in force then, or it was not read.
const READ_WITHIN: Duration = Duration::from_secs(10);

/// Keeps one file.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    rows: Rows,
    /// What was last written.
    content: String,
    known: Known,
    /// A write that the disk has not finished: while there is one, none is begun, so that none overtakes it.
    under_way: Option<JoinHandle<Written>>,
    told: bool,
    /// When what is in it was last changed.
    changed: Instant,
    unread_told: bool,
}

/// What was written, and by what the file is known to be as it was left.
type Written = (String, Result<Mark, DiskError>);

impl StateFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            rows: Rows::default(),
            content: String::new(),
            known: Known::default(),
            under_way: None,
            told: false,
            changed: Instant::now(),
            unread_told: false,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes in what a row needs to know of the servers.
    pub(crate) fn see(&mut self, sight: &Sight) {
        self.rows.see(sight);
    }

    /// To be called with the first sight of a new process: says on `events`, once, if that has not read the file.
    pub(crate) async fn check(&mut self, observed: &Observed, events: &mpsc::Sender<Event>) {
        if self.changed.elapsed() < READ_WITHIN {
            return;
        }
        let is_ready = |id: &ServerId| {
            let backend = observed.backends.get(&id.backend);
            backend
                .and_then(|backend| backend.server(&id.server))
                .is_some_and(|seen| seen.admin == Admin::Ready)
        };
        let unread = rows::servers(&self.content).find(is_ready);
        if let (Some(server), false) = (&unread, self.unread_told) {
            let path = self.path.display();
            let why = format!(
                "HAProxy began without the server-state file {path}, in which {server} is out; write \
                 `server-state-file {path}` into the global section of haproxy.cfg and `load-server-state-from-file \
                 global` into its defaults"
            );
            let _ = events.send(Event::ReloadsSuffer { why }).await;
        }
        self.unread_told = unread.is_some();
    }

    /// Brings the file to what HAProxy is, once `steps` are taken. What stands in the way is said on `events`, once.
    pub(crate) async fn keep(&mut self, observed: &Observed, steps: &[Step], events: &mpsc::Sender<Event>) {
        match self.write(self.rows.file(observed, steps)).await {
            Ok(()) => self.told = false,
            Err(why) if self.told => tracing::debug!(why, "server-state file not written"),
            Err(why) => {
                self.told = true;
                // Events are facts for people; where nobody listens any more, HAProxy is looked after all the same.
                let _ = events.send(Event::ReloadsSuffer { why }).await;
            }
        }
    }

    async fn write(&mut self, content: String) -> Result<(), String> {
        let mut task = match self.under_way.take() {
            Some(task) => task,
            None => self.begin(content.clone()),
        };
        let Ok(ended) = timeout(WRITE_LIMIT, &mut task).await else {
            self.under_way = Some(task);
            return Err(self.said("the disk does not answer", "see to it"));
        };
        let (written, mark) = ended.map_err(|error| self.said(&error.to_string(), "this is a bug"))?;
        self.known = Known::default();
        match mark {
            Ok(mark) => self.known.ours = Some(mark),
            Err(error) => {
                let said = self.said(&chain(&error), error.next());
                if let DiskError::Foreign(mark) = error {
                    self.known.foreign = Some(mark);
                }
                return Err(said);
            }
        }
        // It may have been one from before, of something else.
        let done = written == content;
        if self.content != written {
            self.changed = Instant::now();
            self.content = written;
        }
        if done { Ok(()) } else { Box::pin(self.write(content)).await }
    }

    fn begin(&self, content: String) -> JoinHandle<Written> {
        let (path, known, same) = (self.path.clone(), self.known.clone(), self.content == content);
        tokio::task::spawn_blocking(move || {
            let mark = disk::put(&path, &content, &known, same);
            (content, mark)
        })
    }

    fn said(&self, why: &str, next: &str) -> String {
        format!(
            "the server-state file {} is not written: {why}; until it is, a reload of HAProxy forgets for some \
             milliseconds what hactl holds out; {next}",
            self.path.display()
        )
    }
}

#[cfg(test)]
mod tests;
