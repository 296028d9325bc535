//! Whose the files are that root makes in a directory of somebody else. Who runs hactl by hand as root, for a recording, uses
//! the directory of the service, and the service has to be able to read its files afterwards.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Gid, Uid};

use crate::ledger::dir_of;

/// Gives `file`, which is open and lies at `path`, to the owner of its directory where it is root's and the directory is not.
/// That it cannot is no error: everything but the next start as somebody else goes on without it.
pub fn give_to_owner_of_dir(file: &File, path: &Path) {
    let (Ok(there), Ok(dir)) = (file.metadata(), fs::metadata(dir_of(path))) else { return };
    let Ok(named) = fs::symlink_metadata(path) else { return };
    // It has this one name: by a link the directory's owner could have led here to be given what is not theirs.
    let is_here =
        there.is_file() && there.nlink() == 1 && (there.dev(), there.ino()) == (named.dev(), named.ino());
    if is_here && there.uid() == 0 && dir.uid() != 0 {
        let (uid, gid) = (Uid::from_raw(dir.uid()), Gid::from_raw(dir.gid()));
        let _ = rustix::fs::fchown(file, Some(uid), Some(gid));
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{chown, symlink};

    use super::*;

    /// Who owns the directory; any number but root's will do.
    const SERVICE: (u32, u32) = (65_532, 65_533);

    #[test]
    fn what_root_makes_in_a_directory_of_another_owner_is_theirs_unless_it_has_another_name() {
        let dir = tempfile::tempdir().unwrap();
        let owner = |name: &str| {
            let path = dir.path().join(name);
            give_to_owner_of_dir(&File::create(&path).unwrap(), &path);
            let there = path.metadata().unwrap();
            (there.uid(), there.gid())
        };
        let ours = owner("before");
        if let Err(error) = chown(dir.path(), Some(SERVICE.0), Some(SERVICE.1)) {
            assert_ne!(ours.0, 0, "root may do this: {error}");
            eprintln!("NOT RUN: this is not root, who alone can give files away");
            return;
        }
        assert_eq!(owner("made"), SERVICE);
        fs::write(dir.path().join("linked"), "").unwrap();
        fs::hard_link(dir.path().join("linked"), dir.path().join("other")).unwrap();
        assert_eq!(owner("linked"), ours);
        let elsewhere = tempfile::NamedTempFile::new().unwrap();
        symlink(elsewhere.path(), dir.path().join("led away")).unwrap();
        assert_eq!(owner("led away"), ours);
    }
}
