//! The file on the disk: replaced whole or not at all, and only where it is ours.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use haproxy_runtime::failpoint;
use thiserror::Error;

use super::rows::MARK;
use crate::owner::give_to_owner_of_dir;

/// HAProxy may start as any user, and there is nothing secret in it.
const MODE: u32 = 0o644;

/// Our line is the second one; what does not have it in so many bytes is not ours.
const LOOKED_AT: u64 = 256;

/// Why the file was not written.
#[derive(Debug, Error)]
pub(super) enum DiskError {
    #[error("somebody else wrote it")]
    Foreign(Mark),
    #[error("it is no regular file")]
    Irregular,
    #[error("{what}")]
    Io {
        what: &'static str,
        #[source]
        source: io::Error,
    },
}

impl DiskError {
    pub(super) fn next(&self) -> &'static str {
        match self {
            Self::Foreign(_) => {
                "give hactl a file of its own, in `server_state_file` and in haproxy.cfg, or remove this one"
            }
            Self::Irregular => "name a file of hactl's own",
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "let hactl's user write to its directory"
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => "make its directory",
            Self::Io { .. } => "see to its directory",
        }
    }
}

/// By this a file is known to be as it was left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

impl Mark {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

/// What the last attempts left or found.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// The file as it was written.
    pub(super) ours: Option<Mark>,
    /// A file of somebody else's: it is not opened again, because to open it looks like HAProxy reading it.
    pub(super) foreign: Option<Mark>,
}

/// Makes the file at `path` have this content, which it has already where it is as it was written and `same` says so.
///
/// Nothing is synced: after a crash of the machine HAProxy starts with an older file or with none, which is no worse than
/// without it, and a decision would wait for the disk.
pub(super) fn put(path: &Path, content: &str, known: &Known, same: bool) -> Result<Mark, DiskError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => {
            let mark = Mark::of(&metadata);
            if known.foreign.as_ref() == Some(&mark) {
                return Err(DiskError::Foreign(mark));
            }
            if known.ours.as_ref() != Some(&mark) {
                check_ours(path, &metadata)?;
            } else if same {
                return Ok(mark);
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(DiskError::Io { what: "it cannot be looked at", source }),
    }
    replace(path, content).map_err(|source| DiskError::Io { what: "it cannot be replaced", source })
}

/// An empty file has nothing to lose.
fn check_ours(path: &Path, metadata: &Metadata) -> Result<(), DiskError> {
    if !metadata.is_file() {
        return Err(DiskError::Irregular);
    }
    let mut beginning = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LOOKED_AT).read_to_end(&mut beginning))
        .map_err(|source| DiskError::Io { what: "it cannot be read", source })?;
    let ours = beginning.is_empty() || String::from_utf8_lossy(&beginning).contains(MARK);
    if ours { Ok(()) } else { Err(DiskError::Foreign(Mark::of(metadata))) }
}

/// HAProxy finds the old file or the new one, never a part.
fn replace(path: &Path, content: &str) -> io::Result<Mark> {
    failpoint::file("state-file", "write")?;
    let beside = beside(path);
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let written = write(&beside, content).and_then(|mark| {
        failpoint::file("state-file", "rename")?;
        fs::rename(&beside, path)?;
        Ok(mark)
    });
    if written.is_err() {
        // What is left there is removed the next time, if not now.
        let _ = fs::remove_file(&beside);
    }
    failpoint::file("state-file", "renamed")?;
    written
}

fn write(path: &Path, content: &str) -> io::Result<Mark> {
    let mut file = File::options().write(true).create_new(true).mode(MODE).open(path)?;
    give_to_owner_of_dir(&file, path);
    file.write_all(content.as_bytes())?;
    // Whatever the umask is.
    file.set_permissions(Permissions::from_mode(MODE))?;
    Ok(Mark::of(&file.metadata()?))
}

/// In the same directory, so that it can be moved over the file.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}
