//! What happens to one file, seen by inotify on its directory: the stats socket put into place anew, the server-state file
//! opened to be read.

use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use tokio::io::unix::AsyncFd;
use tokio::time::sleep;

use super::Shared;
use super::ready::ready;
use super::voice::Voice;

/// Until a directory that could not be watched is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// An event has up to 272 bytes; as many as fit are read at once.
const BUFFER: usize = 4096;

/// One file, and what is to happen to it.
pub(super) struct Watched {
    what: &'static str,
    path: PathBuf,
    flags: WatchFlags,
}

impl Watched {
    /// A stats socket: HAProxy binds a new one beside the old one and moves it into place.
    pub(super) fn socket(path: &Path) -> Option<Self> {
        Self::new("the stats socket", path, WatchFlags::MOVED_TO | WatchFlags::CREATE)
    }

    /// The server-state file: HAProxy reads it long before a new process takes traffic.
    pub(super) fn state_file(path: &Path) -> Option<Self> {
        Self::new("the server-state file", path, WatchFlags::OPEN)
    }

    fn new(what: &'static str, path: &Path, flags: WatchFlags) -> Option<Self> {
        path.file_name()?;
        Some(Self { what, path: path.to_owned(), flags })
    }

    fn directory(&self) -> &Path {
        match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            Some(_) | None => Path::new("."),
        }
    }
}

/// Watches for as long as it is not aborted.
pub(super) async fn watch(watched: Watched, shared: Arc<Shared>, mut voice: Voice) {
    loop {
        if let Err(error) = follow(&watched, &shared, &mut voice).await {
            voice.fails(|| said(&watched, &error)).await;
        }
        sleep(AGAIN_AFTER).await;
    }
}

/// Returns when the directory is there no more.
async fn follow(watched: &Watched, shared: &Shared, voice: &mut Voice) -> io::Result<()> {
    let handle = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    let itself = WatchFlags::ONLYDIR | WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
    inotify::add_watch(&handle, watched.directory(), watched.flags | itself)?;
    let handle = ready(handle)?;
    voice.works();
    // It may have happened before it was watched.
    shared.stir(watched.what);
    loop {
        let mut ready = handle.readable().await?;
        match ready.try_io(|handle| read(handle, watched.path.file_name())) {
            Ok(Ok(seen)) => {
                if seen.file {
                    shared.stir(watched.what);
                }
                if seen.gone {
                    return Ok(());
                }
            }
            Ok(Err(error)) => return Err(error),
            Err(_nothing_yet) => {}
        }
    }
}

#[derive(Default)]
struct Seen {
    file: bool,
    gone: bool,
}

/// All that is at hand.
fn read(handle: &AsyncFd<OwnedFd>, name: Option<&OsStr>) -> io::Result<Seen> {
    let mut buffer = [MaybeUninit::uninit(); BUFFER];
    let mut events = Reader::new(handle.as_fd(), &mut buffer);
    let mut seen = Seen::default();
    let mut any = false;
    loop {
        match events.next() {
            Ok(event) => {
                any = true;
                let about = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
                // Where there were too many to keep, it may have been among them.
                let lost = event.events().contains(ReadFlags::QUEUE_OVERFLOW);
                seen.file |= lost || (about.is_some() && about == name);
                let gone = ReadFlags::IGNORED | ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF;
                seen.gone |= event.events().intersects(gone);
            }
            Err(Errno::WOULDBLOCK) if any => return Ok(seen),
            Err(error) => return Err(error.into()),
        }
    }
}

fn said(watched: &Watched, error: &io::Error) -> String {
    let directory = watched.directory().display();
    let next = if error.kind() == io::ErrorKind::PermissionDenied {
        format!("let hactl's user read the directory {directory}")
    } else {
        format!("see to the directory {directory}, or raise fs.inotify.max_user_instances")
    };
    let what = watched.what;
    format!("{what} cannot be watched: {error}; some reloads are noticed up to 50 ms later; {next}")
}

#[cfg(test)]
mod tests;
