//! Files that are to be executed. They are written by a process of its own: whatever another test starts in the meantime
//! inherits what this process has open, and Linux executes nothing that somebody has open for writing (ETXTBSY).

use std::path::Path;
use std::process::Command;

/// Copies the program `from` to `to`.
pub fn copy(from: &Path, to: &Path) {
    let mut install = Command::new("install");
    let ended = install.args(["-m", "755"]).arg(from).arg(to).status();
    let ended = ended.unwrap_or_else(|error| panic!("cannot run {install:?}: {error}"));
    assert!(ended.success(), "{install:?} ended with {ended}");
}

/// Writes the shell script `file`.
pub fn write_script(file: &Path, what: &str) {
    let draft = file.with_extension("draft");
    std::fs::write(&draft, format!("#!/bin/sh\n{what}\n")).expect("our directory is writable");
    copy(&draft, file);
    std::fs::remove_file(draft).expect("it is ours");
}
