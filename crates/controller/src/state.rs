//! The directory for what outlives this process. One hactl has it at a time, so that two never write to one ledger.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use rustix::io::Errno;
use thiserror::Error;

use crate::overrides_file::OverridesFile;

/// A file's name may have 255 bytes, and some are added to this.
const NAME_MAX: usize = 128;

/// Why there is no state directory.
#[derive(Debug, Error)]
pub enum StateError {
    /// It cannot be made.
    #[error("cannot make the state directory {}", path.display())]
    Make {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It is there, and nothing can be written into it.
    #[error("cannot write into the state directory {}", path.display())]
    Write {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another hactl has it.
    #[error("another hactl uses the state directory {}", .0.display())]
    InUse(PathBuf),
}

/// The state directory; ours until this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    _lock: File,
}

/// Where the ledger of one HAProxy is, and which HAProxy that is.
#[derive(Clone, Debug)]
pub struct LedgerPlace {
    pub(crate) file: PathBuf,
    pub(crate) haproxy: String,
}

impl LedgerPlace {
    /// The file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }
}

impl StateDir {
    /// Makes the directory where it is missing, and sees that it can be written to.
    ///
    /// # Errors
    /// That it cannot, or that another hactl has it.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        // Only the last directory is made: a misspelt path is not to leave a tree.
        match DirBuilder::new().mode(0o750).create(path) {
            Ok(()) => {}
            Err(_) if path.is_dir() => {}
            Err(source) => return Err(StateError::Make { path: path.to_owned(), source }),
        }
        let failed = |source| StateError::Write { path: path.to_owned(), source };
        let lock = File::open(path).map_err(failed)?;
        // Some file systems have no locks; that is no reason not to start.
        if rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK) {
            return Err(StateError::InUse(path.to_owned()));
        }
        try_to_write(path).map_err(failed)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Where the ledger of the HAProxy is that is reached at `haproxy`, as
    /// [`HaproxyLock::haproxy`](crate::HaproxyLock::haproxy) names it. What hactl calls the instance is no part of the
    /// name: the configuration may give that to another HAProxy.
    #[must_use]
    pub fn ledger(&self, haproxy: &str) -> LedgerPlace {
        LedgerPlace { file: self.file("ledger", haproxy), haproxy: haproxy.to_owned() }
    }

    /// Where the overrides of the servers of this HAProxy are, which is named in the same way.
    #[must_use]
    pub fn overrides(&self, haproxy: &str) -> OverridesFile {
        OverridesFile {
            file: self.file("overrides", haproxy),
            ledger: self.file("ledger", haproxy),
            haproxy: haproxy.to_owned(),
        }
    }

    fn file(&self, what: &str, haproxy: &str) -> PathBuf {
        let last = haproxy.rsplit('/').next().unwrap_or_default();
        self.path.join(format!("{what}-{}-{:016x}.json", safe(last), crate::lock::digest(haproxy)))
    }
}

fn try_to_write(path: &Path) -> io::Result<()> {
    let file = path.join("try");
    match File::create(&file).and_then(|_| fs::remove_file(&file)) {
        // A full disk has room again some day, and until then everything but the ledger works.
        Err(error) if error.kind() == io::ErrorKind::StorageFull => Ok(()),
        tried => tried,
    }
}

/// A name as a part of a file's name, different for different names.
fn safe(name: &str) -> String {
    let mut safe = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            safe.push(char::from(byte));
        } else {
            safe.push_str(&format!("%{byte:02x}"));
        }
    }
    if safe.len() > NAME_MAX {
        safe.truncate(NAME_MAX);
        safe.push_str(&format!("%{:016x}", crate::lock::digest(name)));
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_one_part_of_a_path_and_stays_itself() {
        let long = "x".repeat(300);
        for (name, expected) in
            [("7891", "7891"), ("../etc/x", "..%2fetc%2fx"), ("a b", "a%20b"), ("a%20b", "a%2520b")]
        {
            assert_eq!(safe(name), expected);
        }
        assert!(safe(&long).len() < 200);
        assert_ne!(safe(&long), safe(&(long.clone() + "y")));
    }

    #[test]
    fn each_haproxy_has_a_ledger_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(dir.path()).unwrap();
        let file = |haproxy: &str| state.ledger(haproxy).file;
        let [one, other] = ["/run/a/admin.sock", "/run/b/admin.sock"].map(file);
        assert!(one.display().to_string().contains("/ledger-admin.sock-"), "{}", one.display());
        assert_ne!(one, other);
        assert_eq!(one, file("/run/a/admin.sock"));
    }

    #[test]
    fn it_is_made_and_has_one_user_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        let first = StateDir::open(&path).unwrap();
        assert!(matches!(StateDir::open(&path), Err(StateError::InUse(_))));
        drop(first);
        StateDir::open(&path).unwrap();
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0, "nothing was left in it");
    }

    #[test]
    fn what_cannot_be_made_is_an_error_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b");
        let error = StateDir::open(&deep).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot make the state directory {}", deep.display()));
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(matches!(StateDir::open(&file), Err(StateError::Make { .. })));
    }
}
