//! The recording: what goes into the core, written to a file as it comes, for `hactl simulate` to replay. A thread of its
//! own does the writing, so that no decision waits for a disk; whatever is wrong with the file ends the recording and
//! nothing else.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::mem::size_of;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use controller::give_to_owner_of_dir;
use failover::{Header, Input, Line, Observed, ObservedServer, Recorded, Time};
use rustix::fs::OFlags;
use rustix::io::Errno;
use thiserror::Error;

use crate::log::Label;

/// A file of this size has days of some servers in it; one that was forgotten is not to fill a disk.
const FILE_MAX: u64 = 1 << 30;

/// Memory for lines that wait for the disk: half a minute of a hundred servers at their quickest.
const WAITING_MAX: usize = 8 << 20;

/// Files beside the one that was named, of which the next free one is taken: a hactl that is started again and again
/// finds one for some days, and one that cannot stay up leaves no endless heap.
const BESIDE_MAX: u32 = 99;

/// Lines that are there are written together up to this many bytes.
const BATCH_MAX: usize = 64 << 10;

/// For the last lines to be written; the whole end takes less than a second.
const END_LIMIT: Duration = Duration::from_millis(300);

/// Why there is no recording.
#[derive(Debug, Error)]
#[error("cannot record to {}", path.display())]
pub struct RecordError {
    path: PathBuf,
    /// What is wrong with the file.
    #[source]
    pub flaw: RecordFlaw,
}

/// What is wrong with a file that was to be recorded to.
#[derive(Debug, Error)]
pub enum RecordFlaw {
    /// It is not empty, and none of those beside it is free.
    #[error("there is something in it, and in those up to .{BESIDE_MAX} beside it; nothing is overwritten")]
    NotEmpty,
    /// It leads to another one.
    #[error("it is a symbolic link")]
    Link,
    /// It is a device, a pipe or a directory.
    #[error("it is not a regular file")]
    NotAFile,
    /// The operating system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Takes what is to be recorded. Its end is that of the recording.
pub(crate) struct Recorder {
    lines: Sender<(usize, Line)>,
    /// Bytes of memory that wait for the disk.
    waiting: Arc<AtomicUsize>,
    /// Lines left out since the last one.
    lost: u64,
    /// That lines are left out was told.
    told: bool,
}

/// The thread that writes.
pub(crate) struct Recording {
    path: PathBuf,
    ended: Receiver<()>,
}

/// Begins a recording in `named`, which is made here or is empty. Where there is something in it, it is begun in the next
/// free one of `named.1` and so on: a service that is started again is not to stay away for the sake of a recording.
pub(crate) fn begin(named: &Path, header: &Header) -> Result<(Recorder, Recording), RecordError> {
    let failed = |flaw| RecordError { path: named.to_owned(), flaw };
    let (mut file, path) = match open(named) {
        Ok(file) => (file, named.to_owned()),
        Err(RecordFlaw::NotEmpty) => beside(named)?,
        Err(flaw) => return Err(failed(flaw)),
    };
    give_to_owner_of_dir(&file, &path);
    let mut head = Vec::new();
    append(&mut head, header);
    file.write_all(&head).map_err(|error| failed(error.into()))?;
    let (lines, queue) = mpsc::channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let writer = Writer {
        file,
        path: path.clone(),
        room: FILE_MAX.saturating_sub(head.len() as u64),
        queue,
        waiting: Arc::clone(&waiting),
    };
    let (ending, ended) = mpsc::channel();
    thread::spawn(move || {
        writer.run();
        // Nobody waits for it any more once the limit has passed.
        let _ = ending.send(());
    });
    Ok((Recorder { lines, waiting, lost: 0, told: false }, Recording { path, ended }))
}

/// No link is followed, and a pipe that nobody reads keeps nobody waiting.
fn open(path: &Path) -> Result<File, RecordFlaw> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o640)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(|error| match error.raw_os_error() {
            Some(code) if code == Errno::LOOP.raw_os_error() => RecordFlaw::Link,
            _ => RecordFlaw::Io(error),
        })?;
    let there = file.metadata()?;
    match (there.is_file(), there.len()) {
        (false, _) => Err(RecordFlaw::NotAFile),
        (true, 0) => Ok(file),
        (true, _) => Err(RecordFlaw::NotEmpty),
    }
}

/// A new file beside the one that was named. Whatever is there already, links too, is passed over.
fn beside(named: &Path) -> Result<(File, PathBuf), RecordError> {
    for number in 1..=BESIDE_MAX {
        let mut path = named.as_os_str().to_owned();
        path.push(format!(".{number}"));
        let path = PathBuf::from(path);
        match OpenOptions::new().append(true).create_new(true).mode(0o640).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(RecordError { path, flaw: error.into() }),
        }
    }
    Err(RecordError { path: named.to_owned(), flaw: RecordFlaw::NotEmpty })
}

impl Recorder {
    /// Hands an input over to be written; false where the recording has ended.
    pub(crate) fn record(&mut self, at: Time, input: Input) -> bool {
        let weight = weight(&input);
        if self.waiting.load(Ordering::Relaxed) + weight > WAITING_MAX {
            self.lost += 1;
            if !std::mem::replace(&mut self.told, true) {
                tracing::warn!("the disk does not keep up: parts of the recording are missing");
            }
            return true;
        }
        self.tell_lost();
        self.waiting.fetch_add(weight, Ordering::Relaxed);
        self.lines.send((weight, Line::Input(Recorded { at, input }))).is_ok()
    }

    fn tell_lost(&mut self) {
        if self.lost > 0 {
            // Where it cannot be sent, the next line tells that the recording has ended.
            let _ = self.lines.send((0, Line::Lost { lost: std::mem::take(&mut self.lost) }));
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.tell_lost();
    }
}

/// Bytes of memory that it takes while it waits; names are shared with the core.
fn weight(input: &Input) -> usize {
    let sight = match input {
        Input::Observed(observed) => {
            let servers: usize = observed.backends.values().map(|backend| backend.servers.len()).sum();
            size_of::<Observed>() + servers * size_of::<ObservedServer>()
        }
        Input::Evidence(_) | Input::Due | Input::Gap(_) | Input::FailBack(_) => 0,
        // Some hundred bytes, and as rare as somebody who wants it.
        Input::Settings(_) | Input::Probe(_) | Input::Override(_) => 0,
    };
    size_of::<Line>() + sight
}

impl Recording {
    /// Says where it is, and why it is not where it was wanted.
    pub(crate) fn tell_start(&self, named: &Path, label: &Label) {
        let file = self.path.display();
        if self.path == named {
            tracing::info!(%file, "{label}what is seen is recorded");
        } else {
            let named = named.display();
            tracing::warn!(
                %file,
                %named,
                "{label}what is seen is recorded beside the file that was named, which is not empty"
            );
        }
    }

    /// Waits for the last lines to be written, once the recorder has ended, as long as an end may take.
    pub(crate) fn end(self) {
        let _ = self.ended.recv_timeout(END_LIMIT);
    }
}

struct Writer {
    file: File,
    path: PathBuf,
    /// Bytes that the file may still grow by.
    room: u64,
    queue: Receiver<(usize, Line)>,
    waiting: Arc<AtomicUsize>,
}

impl Writer {
    /// Writes until there is no recorder any more, the file is full or it cannot be written to.
    fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while let Ok(line) = self.queue.recv() {
            self.take(&line, &mut batch);
            // What is there is written together; what comes later is not waited for, so that a crash loses next to nothing.
            while batch.len() < BATCH_MAX
                && let Ok(line) = self.queue.try_recv()
            {
                self.take(&line, &mut batch);
            }
            let file = self.path.display();
            let length = batch.len() as u64;
            if length > self.room {
                tracing::warn!(%file, "the recording has reached its largest size of 1 GiB and ends here");
                return;
            }
            if let Err(error) = self.file.write_all(&batch) {
                tracing::warn!(%file, %error, "the recording cannot be written and ends here");
                return;
            }
            self.room -= length;
            batch.clear();
        }
    }

    fn take(&self, (weight, line): &(usize, Line), batch: &mut Vec<u8>) {
        self.waiting.fetch_sub(*weight, Ordering::Relaxed);
        append(batch, line);
    }
}

fn append(batch: &mut Vec<u8>, line: &impl serde::Serialize) {
    // All of it has a form in JSON, and memory takes every byte.
    let _ = serde_json::to_writer(&mut *batch, line);
    batch.push(b'\n');
}

#[cfg(test)]
mod tests;
