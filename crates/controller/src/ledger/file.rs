//! The ledger on disk. What is to be sent is written before it is sent, so that whenever this process ends, the next one
//! knows what is ours. A disk that is full, slow or gone is told of, and keeps nobody from steering.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use failover::{Admin, Event, Name, ServerId};
use haproxy_runtime::failpoint;
use rustix::fs::OFlags;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, timeout};

use super::{Claim, Incarnation, Ledger};
use crate::owner::give_to_owner_of_dir;
use crate::state::LedgerPlace;

/// The form of the file. Another one is not guessed at: what is taken for ours is undone.
const FORMAT: u32 = 1;

/// A claim takes some 400 bytes: this is 40,000 servers, all of them out. A larger file is some other file.
const FILE_MAX: u64 = 16 << 20;

/// How long a command waits for the disk. A disk that works takes some milliseconds; clients of a dead server wait as
/// well.
const WRITE_LIMIT: Duration = Duration::from_millis(250);

/// How long the start waits for it: nothing of ours is undone without the file.
const READ_LIMIT: Duration = Duration::from_secs(5);

/// Files that are looked through for the ledger of an instance that was called otherwise before.
const BESIDE_MAX: usize = 256;

/// From one attempt to the next while it cannot be read or written.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// The file of one HAProxy's ledger.
#[derive(Debug)]
pub(crate) struct LedgerFile {
    place: LedgerPlace,
    /// What is being read.
    reading: Option<JoinHandle<io::Result<Left>>>,
    /// Why it could not be read yet: until then nothing is written over it.
    unread: Option<String>,
    /// What the file has in it, where that is known.
    written: Option<Vec<u8>>,
    /// A write that takes too long, and what it writes. There is never a second one.
    writing: Option<(JoinHandle<io::Result<()>>, Vec<u8>)>,
    /// Why it cannot be written.
    failing: Option<String>,
    failed: u64,
    retry_due: Instant,
}

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    haproxy: &'a str,
    process: Option<Incarnation>,
    claims: &'a BTreeMap<ServerId, Claim>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Found {
    format: u32,
    haproxy: String,
    process: Option<Incarnation>,
    claims: BTreeMap<ServerId, Claim>,
}

/// What an earlier run has left.
#[derive(Debug)]
enum Left {
    Nothing,
    Whole(Found, Vec<u8>),
    /// Why it is none, and what became of it.
    Useless(String),
}

/// What can be read of any form.
#[derive(Deserialize)]
struct AnyForm {
    format: u32,
}

impl LedgerFile {
    pub(crate) fn new(place: LedgerPlace) -> Self {
        let retry_due = Instant::now();
        Self {
            place,
            reading: None,
            unread: None,
            written: None,
            writing: None,
            failing: None,
            failed: 0,
            retry_due,
        }
    }

    /// Reads what an earlier run left. A file that is of no use is moved aside, in place of one that was before; one that
    /// cannot be read stays where it is, for [`retry`](Self::retry).
    pub(crate) async fn load(&mut self, ledger: &mut Ledger) -> Option<Event> {
        self.load_within(READ_LIMIT, ledger).await
    }

    /// Reads it again where that failed and it is time to.
    pub(crate) async fn retry(&mut self, ledger: &mut Ledger) -> Option<Event> {
        let due = self.unread.is_some() && Instant::now() >= self.retry_due;
        if due { self.load_within(WRITE_LIMIT, ledger).await } else { None }
    }

    async fn load_within(&mut self, limit: Duration, ledger: &mut Ledger) -> Option<Event> {
        let LedgerPlace { file, haproxy } = self.place.clone();
        let mut reading =
            self.reading.take().unwrap_or_else(|| spawn_blocking(move || left_in(&file, &haproxy)));
        let why = match timeout(limit, &mut reading).await {
            Ok(Ok(Ok(left))) => {
                self.unread = None;
                return match left {
                    Left::Nothing => None,
                    Left::Whole(found, bytes) => {
                        ledger.adopt(found.process, found.claims);
                        self.written = Some(bytes);
                        None
                    }
                    Left::Useless(why) => Some(self.lost(&why)),
                };
            }
            Ok(Ok(Err(error))) => error.to_string(),
            Ok(Err(panic)) => panic.to_string(),
            Err(_) => {
                self.reading = Some(reading);
                "the disk does not answer".to_owned()
            }
        };
        self.retry_due = Instant::now() + RETRY_EVERY;
        let why = format!("{why} (it is tried again until it can be read)");
        let begins = self.unread.replace(why.clone()).is_none();
        begins.then(|| self.lost(&why))
    }

    fn lost(&self, why: &str) -> Event {
        Event::LedgerLost { why: format!("{}: {why}", self.place.file.display()) }
    }

    /// Has the ledger on disk when this returns, where the disk does not take too long; what there is to be told of it.
    pub(crate) async fn keep(&mut self, ledger: &mut Ledger) -> Option<Event> {
        // What an earlier run left would be gone.
        if self.unread.is_some() {
            return None;
        }
        let touched = std::mem::take(&mut ledger.touched);
        if !touched && (self.failing.is_none() || Instant::now() < self.retry_due) {
            return None;
        }
        let text = text(ledger, &self.place.haproxy);
        let unwritten = self.written.is_none() && ledger.claims.is_empty();
        if self.failing.is_none() && (unwritten || self.written.as_ref() == Some(&text)) {
            return None;
        }
        match self.write(text).await {
            Ok(()) => {
                let failed = self.failed;
                self.failing.take().map(|_| Event::LedgerWritable { why: None, failed })
            }
            Err(why) => {
                self.failed += 1;
                self.retry_due = Instant::now() + RETRY_EVERY;
                let why = format!("{}: {why}", self.place.file.display());
                let begins = self.failing.replace(why.clone()).is_none();
                begins.then_some(Event::LedgerWritable { why: Some(why), failed: self.failed })
            }
        }
    }

    /// Why it is not kept, in words, while that is so.
    pub(crate) fn problem(&self) -> Option<String> {
        if let Some(why) = &self.unread {
            return Some(self.lost(why).to_string());
        }
        let why = self.failing.as_ref()?;
        Some(
            Event::LedgerWritable {
                why: Some(format!("{why} ({} times)", self.failed)),
                failed: self.failed,
            }
            .to_string(),
        )
    }

    async fn write(&mut self, text: Vec<u8>) -> Result<(), String> {
        if let Some((writing, late)) = self.writing.take() {
            if !writing.is_finished() {
                self.writing = Some((writing, late));
                return Err("the disk does not answer".to_owned());
            }
            if let Ok(Ok(())) = writing.await {
                self.written = Some(late);
            }
            if self.written.as_ref() == Some(&text) {
                return Ok(());
            }
        }
        let (file, bytes) = (self.place.file.clone(), text.clone());
        let sync = outlives_this_host(&self.place.haproxy);
        let mut writing = spawn_blocking(move || replace(&file, &bytes, sync));
        match timeout(WRITE_LIMIT, &mut writing).await {
            Ok(Ok(Ok(()))) => {
                self.written = Some(text);
                Ok(())
            }
            Ok(Ok(Err(error))) => Err(error.to_string()),
            Ok(Err(panic)) => Err(panic.to_string()),
            Err(_) => {
                self.writing = Some((writing, text));
                Err(format!("the disk takes longer than {} ms", WRITE_LIMIT.as_millis()))
            }
        }
    }
}

fn text(ledger: &Ledger, haproxy: &str) -> Vec<u8> {
    let Ledger { claims, process, .. } = ledger;
    // Without claims it is about no process, so that a reload alone writes nothing.
    let process = process.filter(|_| !claims.is_empty());
    let written = Written { format: FORMAT, haproxy, process, claims };
    // All of it has a form in JSON, and memory takes every byte.
    serde_json::to_vec_pretty(&written).unwrap_or_default()
}

fn parse(bytes: &[u8], haproxy: &str) -> Result<Found, String> {
    let AnyForm { format } = serde_json::from_slice(bytes).map_err(|error| not_one(&error))?;
    if format != FORMAT {
        return Err(format!("it has format {format}, and this version of hactl knows {FORMAT}"));
    }
    let found: Found = serde_json::from_slice(bytes).map_err(|error| not_one(&error))?;
    debug_assert_eq!(found.format, FORMAT, "it was just read");
    if found.haproxy != haproxy {
        return Err(format!("it is about another HAProxy, {}", found.haproxy));
    }
    if let Some((server, _)) = found.claims.iter().find(|(_, claim)| claim.set == Admin::Ready) {
        return Err(format!("it claims that {server} was taken out by setting it to ready"));
    }
    Ok(found)
}

/// What operators had ordered out, as far as this ledger knows: the state of each server, and the words in which it was told.
pub(crate) fn ordered_in(file: &Path, haproxy: &str) -> Vec<(ServerId, Admin, Option<Name>)> {
    let found = read(file).ok().and_then(|bytes| parse(&bytes, haproxy).ok());
    let claims = found.into_iter().flat_map(|found| found.claims).filter(|(_, claim)| claim.ordered);
    claims.map(|(server, claim)| (server, claim.set, claim.why)).collect()
}

fn not_one(error: &serde_json::Error) -> String {
    format!("it is not a whole ledger: {error}")
}

fn left_in(file: &Path, haproxy: &str) -> io::Result<Left> {
    let found = match read(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => take_over(file, haproxy),
        found => found,
    };
    let why = match found {
        Ok(bytes) => match parse(&bytes, haproxy) {
            Ok(found) => return Ok(Left::Whole(found, bytes)),
            Err(why) => why,
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Left::Nothing),
        Err(error) if is_no_ledger(&error) => error.to_string(),
        Err(error) => return Err(error),
    };
    let bad = beside(file, ".bad");
    let moved = match fs::rename(file, &bad) {
        Ok(()) => format!("moved to {}", bad.display()),
        Err(error) => format!("it cannot be moved away: {error}"),
    };
    Ok(Left::Useless(format!("{why} ({moved})")))
}

/// What is there is something else, and will never be one.
fn is_no_ledger(error: &io::Error) -> bool {
    let is_link = Errno::from_io_error(error) == Some(Errno::LOOP);
    is_link || error.kind() == io::ErrorKind::InvalidData
}

fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

pub(crate) fn read(file: &Path) -> io::Result<Vec<u8>> {
    // No link is followed, and a pipe that nobody writes to keeps nobody waiting.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(file)?;
    if !file.metadata()?.is_file() {
        return Err(invalid("it is not a regular file".to_owned()));
    }
    let mut bytes = Vec::new();
    let length = file.take(FILE_MAX + 1).read_to_end(&mut bytes)?;
    if length as u64 > FILE_MAX {
        return Err(invalid(format!("it has more than {FILE_MAX} bytes")));
    }
    Ok(bytes)
}

/// The ledger of the same HAProxy under another name, which is ours from now on: the instance was called otherwise before.
fn take_over(file: &Path, haproxy: &str) -> io::Result<Vec<u8>> {
    for entry in fs::read_dir(dir_of(file))?.take(BESIDE_MAX).flatten() {
        let name = entry.file_name();
        let is_one = name.to_str().is_some_and(|name| name.starts_with("ledger-") && name.ends_with(".json"));
        if let Some(bytes) = is_one.then(|| read(&entry.path()).ok()).flatten()
            && parse(&bytes, haproxy).is_ok()
        {
            fs::rename(entry.path(), file)?;
            return Ok(bytes);
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

pub(crate) fn dir_of(file: &Path) -> &Path {
    file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether a HAProxy outlives a failure of this host's power. One on the same host forgets together with the disk's cache,
/// and clients of a dead server need not wait for the disk (some 10 ms, measured).
fn outlives_this_host(haproxy: &str) -> bool {
    let addr = haproxy.strip_prefix("tcp:").map(str::parse::<SocketAddr>);
    addr.is_some_and(|addr| !addr.is_ok_and(|addr| addr.ip().is_loopback()))
}

/// However this process ends meanwhile, the file holds either all of what it held or all of what it is to hold; with `sync`
/// also however this host does.
fn replace(file: &Path, bytes: &[u8], sync: bool) -> io::Result<()> {
    failpoint::file("ledger", "write")?;
    let new = beside(file, ".new");
    let written = write_new(&new, bytes, sync).and_then(|()| failpoint::file("ledger", "rename"));
    written.and_then(|()| fs::rename(&new, file)).inspect_err(|_| {
        // On a full disk its part of the bytes is of use to somebody; without it nothing is lost.
        let _ = fs::remove_file(&new);
    })?;
    failpoint::file("ledger", "renamed")?;
    if sync { File::open(dir_of(file))?.sync_all() } else { Ok(()) }
}

pub(crate) fn write_new(new: &Path, bytes: &[u8], sync: bool) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o640)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(new)?;
    give_to_owner_of_dir(&file, new);
    file.write_all(bytes)?;
    if sync { file.sync_all() } else { Ok(()) }
}

pub(crate) fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(ending);
    name.into()
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
