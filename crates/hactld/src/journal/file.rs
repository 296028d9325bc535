//! The file of events: JSON lines, written by a thread of its own, so that nobody who tells an event waits for a disk. What
//! cannot be written is tried again for as long as the journal keeps it; a disk that fails is told once, is a problem in the status
//! meanwhile, and its end is told as well.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use controller::give_to_owner_of_dir;
use failover::Severity;
use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;

use super::note::{self, Note};
use super::{BATCH_MAX, EVENTS_KEPT, Entry, Journal};
use crate::log::Label;

/// How long it rests after the disk has failed: a full one stays so for a while.
const RETRY_EVERY: Duration = Duration::from_secs(5);

/// For the last lines to be written; the whole end takes less than a second.
const END_LIMIT: Duration = Duration::from_millis(300);

/// What is read of each file at the start: more than the events that are kept take.
const TAIL_MAX: u64 = 4 << 20;

/// Numbers above this are no numbers of events; programs that read JSON keep whole numbers up to here alone.
const SEQ_MAX: u64 = 1 << 53;

/// Where events are written to, and how much of them is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventsFile {
    /// The file; older ones are beside it, `.1` the latest of them.
    pub path: PathBuf,
    /// Bytes after which another one is begun.
    pub size: u64,
    /// How many older ones are kept.
    pub keep: u32,
}

impl EventsFile {
    fn older(&self, number: u32) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(format!(".{number}"));
        path.into()
    }

    /// The latest events in it, the oldest first. What cannot be read is left out: it is a help and no record.
    pub(super) fn read(&self) -> VecDeque<Entry> {
        let mut entries: VecDeque<Entry> = VecDeque::new();
        for path in [self.older(1), self.path.clone()] {
            for line in tail(&path).unwrap_or_default().split(|byte| *byte == b'\n') {
                let Ok(entry) = serde_json::from_slice::<Entry>(line) else { continue };
                if !(1..=SEQ_MAX).contains(&entry.seq)
                    || entries.back().is_some_and(|last| last.seq >= entry.seq)
                {
                    continue;
                }
                if entries.len() == EVENTS_KEPT {
                    entries.pop_front();
                }
                entries.push_back(entry);
            }
        }
        entries
    }
}

/// The file's last part; a line that begins before it is no JSON any more.
fn tail(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = OpenOptions::new().read(true).custom_flags(flags()).open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_MAX)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// No link is followed, and a pipe that nobody reads keeps nobody waiting.
const fn flags() -> i32 {
    OFlags::NOFOLLOW.union(OFlags::NONBLOCK).bits().cast_signed()
}

/// The thread that writes.
pub(crate) struct Writing {
    journal: Journal,
    ended: Receiver<()>,
}

impl Writing {
    /// Begins to write what is told after the event of number `after`.
    pub(crate) fn begin(file: EventsFile, journal: &Journal, after: u64) -> Self {
        Self::of(Writer::new(file, journal, after))
    }

    fn of(writer: Writer) -> Self {
        let journal = writer.journal.clone();
        let (ending, ended) = mpsc::channel();
        thread::spawn(move || {
            writer.run();
            // Nobody waits for it any more once the limit has passed.
            let _ = ending.send(());
        });
        Self { journal, ended }
    }

    /// Waits for the last lines to be written, as long as an end may take.
    pub(crate) fn end(self) {
        self.journal.close();
        let _ = self.ended.recv_timeout(END_LIMIT);
    }
}

struct Writer {
    place: EventsFile,
    journal: Journal,
    open: Option<Open>,
    /// The number of the last event that is in the file, or never will be.
    after: u64,
    /// Events that were gone before they could be written, since it began to fail.
    missing: u64,
    /// That it fails was told.
    failing: bool,
    rest: Duration,
}

struct Open {
    file: File,
    length: u64,
}

impl Writer {
    fn new(place: EventsFile, journal: &Journal, after: u64) -> Self {
        let journal = journal.clone();
        Self { place, journal, open: None, after, missing: 0, failing: false, rest: RETRY_EVERY }
    }

    /// Writes until the journal is closed and all of it is written, or cannot be.
    fn run(mut self) {
        while self.journal.wait(self.after) {
            let batch = self.journal.after(self.after, BATCH_MAX);
            let Some(last) = batch.entries.last().map(|entry| entry.seq) else { return };
            let mut lines = Vec::new();
            for entry in &batch.entries {
                // All of it has a form in JSON, and memory takes every byte.
                let _ = serde_json::to_writer(&mut lines, &**entry);
                lines.push(b'\n');
            }
            match self.write(&lines) {
                Ok(()) => {
                    self.after = last;
                    self.missing += batch.dropped;
                    self.tell_well();
                }
                Err(error) => {
                    // What it wrote of a line is found by the next opening.
                    self.open = None;
                    self.tell_failing(&error);
                    if self.journal.is_closed_within(self.rest) {
                        return;
                    }
                }
            }
        }
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let wanted = lines.len() as u64;
        if self.open.as_ref().is_some_and(|open| open.length > 0 && open.length + wanted > self.place.size) {
            self.open = None;
            self.rotate()?;
        }
        let open = match &mut self.open {
            Some(open) => open,
            none @ None => none.insert(open(&self.place.path)?),
        };
        open.file.write_all(lines)?;
        open.length += wanted;
        Ok(())
    }

    /// Each older one moves on by one; the oldest is written over.
    fn rotate(&self) -> io::Result<()> {
        if self.place.keep == 0 {
            return fs::remove_file(&self.place.path);
        }
        for number in (1..self.place.keep).rev() {
            match fs::rename(self.place.older(number), self.place.older(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        fs::rename(&self.place.path, self.place.older(1))
    }

    fn tell_failing(&mut self, error: &io::Error) {
        let file = self.place.path.display();
        self.journal.ring().unwritten = Some(format!("{file}: {error}"));
        if std::mem::replace(&mut self.failing, true) {
            return;
        }
        let text = format!("events cannot be written to {file}: {error}; everything else goes on");
        self.note(Severity::Warning, text, Some(error.to_string()));
    }

    fn tell_well(&mut self) {
        let missing = std::mem::take(&mut self.missing);
        let was_failing = std::mem::take(&mut self.failing);
        if !was_failing && missing == 0 {
            return;
        }
        self.journal.ring().unwritten = None;
        let file = self.place.path.display();
        let text = match missing {
            0 => format!("events are written to {file} again; none is missing there"),
            missing => format!("events are written to {file} again; {missing} are missing there"),
        };
        self.note(if missing == 0 { Severity::Info } else { Severity::Warning }, text, None);
    }

    fn note(&self, severity: Severity, text: String, why: Option<String>) {
        let note =
            Note { kind: note::FILE, severity, instance: None, backend: None, server: None, text, why };
        self.journal.note(&Label::default(), note);
    }
}

/// Opens it to be appended to. It is ours alone, a regular file, and begins with a new line where its last one was cut off.
fn open(path: &Path) -> io::Result<Open> {
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o640)
        .custom_flags(flags())
        .open(path)
        .map_err(|error| match error.raw_os_error() {
            Some(code) if code == Errno::LOOP.raw_os_error() => io::Error::other("it is a symbolic link"),
            _ => error,
        })?;
    let there = file.metadata()?;
    if !there.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    give_to_owner_of_dir(&file, path);
    // Some file systems have no locks; that is no reason not to write.
    if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK) {
        return Err(io::Error::other("another hactl writes to it"));
    }
    let mut length = there.len();
    if length > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
            length += 1;
        }
    }
    Ok(Open { file, length })
}

#[cfg(test)]
mod tests;
