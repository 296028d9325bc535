//! What happened, kept for those who ask later and for those who follow: the latest events in a ring, each with its
//! number. Whoever tells an event never waits for a reader: who is slow finds the oldest ones gone, and is told how many.

mod entry;
mod file;
mod note;
mod selection;

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use failover::{Event, Name};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::incident::{Incident, Incidents};
use crate::log::{self, Label};

pub use self::entry::Entry;
pub(crate) use self::entry::{millis, millis_or_null};
pub use self::file::EventsFile;
pub(crate) use self::file::Writing;
pub(crate) use self::note::{HOOK, Note, RESTART};
pub use self::selection::kinds;
pub(crate) use self::selection::{Selection, check_kind};

/// Events that are kept: days of a set-up in which little happens, and all that a hundred servers have to say of a bad hour.
/// They take some 2 MB.
pub(crate) const EVENTS_KEPT: usize = 4096;

/// Events that a follower is given at once, so that they never have to be held for it in one piece.
pub(crate) const BATCH_MAX: usize = 64;

/// The events; whoever has it can tell and read them.
#[derive(Clone)]
pub(crate) struct Journal(Arc<Shared>);

struct Shared {
    ring: Mutex<Ring>,
    /// The number of the latest event; changed after it is in the ring.
    latest: watch::Sender<u64>,
    /// For the thread that waits for the next one.
    grown: Condvar,
}

struct Ring {
    /// In rising order of their numbers.
    entries: VecDeque<Arc<Entry>>,
    latest: u64,
    incidents: Incidents,
    /// Why they cannot be written to their file, and which one that is, while that is so.
    unwritten: Option<String>,
    /// Nobody has to write any more.
    closed: bool,
}

/// Events in the order in which they were told.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) entries: Vec<Arc<Entry>>,
    /// How many before them were wanted and are gone.
    pub(crate) dropped: u64,
}

impl Journal {
    #[cfg(test)]
    pub(crate) fn new() -> Self {
        Self::of(VecDeque::new())
    }

    /// With what an earlier life of hactl has left in `file`. Reads it.
    pub(crate) fn open(file: Option<&EventsFile>) -> Self {
        Self::of(file.map(EventsFile::read).unwrap_or_default())
    }

    fn of(known: VecDeque<Entry>) -> Self {
        let latest = known.back().map_or(0, |entry| entry.seq);
        let mut incidents = Incidents::default();
        for entry in &known {
            incidents.take(entry);
        }
        let entries = known.into_iter().map(Arc::new).collect();
        let ring = Mutex::new(Ring { entries, latest, incidents, unwritten: None, closed: false });
        Self(Arc::new(Shared { ring, latest: watch::Sender::new(latest), grown: Condvar::new() }))
    }

    /// The one place where something that happened is told: to the log, and to those who read here. `instance` is the one
    /// that it is about.
    pub(crate) fn tell(&self, label: &Label, instance: Option<&Name>, event: &Event) {
        log::event(label, event);
        self.append(|seq| Entry::of(event, instance, seq, Timestamp::now()));
    }

    /// The same for what hactl itself has to tell.
    pub(crate) fn note(&self, label: &Label, note: Note) {
        log::note(label, &note);
        self.append(|seq| Entry::of_note(note, seq, Timestamp::now()));
    }

    /// The latest incidents, the newest first.
    pub(crate) fn incidents(&self, limit: usize, now: Timestamp) -> Vec<Incident> {
        self.ring().incidents.latest(limit, now)
    }

    /// Why they cannot be written to their file, and which one that is, while that is so.
    pub(crate) fn unwritten(&self) -> Option<String> {
        self.ring().unwritten.clone()
    }

    /// The events after the one of number `after`, the oldest of them first, at most `most`.
    pub(crate) fn after(&self, after: u64, most: usize) -> Batch {
        self.ring().after(after, most)
    }

    /// The number of the latest one; 0 before the first.
    pub(crate) fn latest(&self) -> u64 {
        *self.0.latest.borrow()
    }

    /// Gives the events after the one of number `after` as they come, those that are there already first.
    pub(crate) fn follow(&self, after: u64) -> Follower {
        let latest = self.0.latest.subscribe();
        Follower { journal: self.clone(), latest, after: self.place_of(after) }
    }

    /// The number that is meant by one that somebody has from before: one that was not reached yet is of another life of
    /// hactl, and then, as with 0, all that is kept is meant.
    pub(crate) fn place_of(&self, after: u64) -> u64 {
        let ring = self.ring();
        if after == 0 || after > ring.latest { ring.first().saturating_sub(1) } else { after }
    }

    fn append(&self, entry: impl FnOnce(u64) -> Entry) {
        let seq = {
            let mut ring = self.ring();
            ring.latest += 1;
            if ring.entries.len() == EVENTS_KEPT {
                ring.entries.pop_front();
            }
            let entry = Arc::new(entry(ring.latest));
            ring.incidents.take(&entry);
            ring.entries.push_back(entry);
            ring.latest
        };
        self.0.grown.notify_all();
        // The other one of two that tell at once may have been quicker.
        self.0.latest.send_if_modified(|latest| {
            seq > *latest && {
                *latest = seq;
                true
            }
        });
    }

    /// Waits on this thread for an event after the one of number `after`; false where none will come.
    fn wait(&self, after: u64) -> bool {
        let ring = self.ring();
        let waited = self.0.grown.wait_while(ring, |ring| ring.latest <= after && !ring.closed);
        waited.unwrap_or_else(PoisonError::into_inner).latest > after
    }

    /// Has those who wait on a thread wait no more.
    fn close(&self) {
        self.ring().closed = true;
        self.0.grown.notify_all();
    }

    /// Waits on this thread, for so long at most; whether it was closed.
    fn is_closed_within(&self, limit: Duration) -> bool {
        let ring = self.ring();
        let waited = self.0.grown.wait_timeout_while(ring, limit, |ring| !ring.closed);
        waited.unwrap_or_else(PoisonError::into_inner).0.closed
    }

    /// It holds nothing that a panic could leave half done.
    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    /// The number of the oldest one that is kept, or of the next one.
    fn first(&self) -> u64 {
        self.entries.front().map_or(self.latest + 1, |entry| entry.seq)
    }

    fn after(&self, after: u64, most: usize) -> Batch {
        let dropped = self.first().saturating_sub(after.saturating_add(1));
        let known = self.entries.partition_point(|entry| entry.seq <= after);
        let entries = self.entries.range(known..).take(most).cloned().collect();
        Batch { entries, dropped }
    }
}

/// One who reads along, at their own pace.
pub(crate) struct Follower {
    journal: Journal,
    latest: watch::Receiver<u64>,
    after: u64,
}

impl Follower {
    /// The next events, at least one; waits for it. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Batch {
        // It cannot be closed while this has the journal.
        let _ = self.latest.wait_for(|latest| *latest > self.after).await;
        let batch = self.journal.after(self.after, BATCH_MAX);
        if let Some(last) = batch.entries.last() {
            self.after = last.seq;
        }
        batch
    }
}

#[cfg(test)]
mod tests;
