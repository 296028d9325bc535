//! What is installed: the program's size, and how much of other people's code is in it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use e2e::Haproxy;

use crate::figure::{Figure, Measured, Quantile, Unit};
use crate::program::Program;

const SIZE_HOW: &str = "The program's file as built for this run; `--release` strips it. Beside it: HAProxy's file, which shares libraries.";

/// Megabytes of the program: what a container or a small host takes without a thought.
const SIZE_MOST: f64 = 12.0;

/// Crates of others in it: those that are there, and a few for what may come. More than that is to be decided.
const CRATES_MOST: f64 = 180.0;

const CRATES_HOW: &str = "Crates that `cargo tree -p hactl -e normal` lists for this platform. Beside it: those of this workspace.";

pub(crate) fn measure(program: &Program) -> [Figure; 2] {
    let haproxy = Haproxy::binary().unwrap_or_else(|error| panic!("{error}"));
    let size = |name, file| Measured::single(name, Unit::Megabytes, megabytes(file));
    let (others, ours) = crates();
    [
        Figure::new(size("size of hactl", program.path()), SIZE_HOW)
            .beside(size("haproxy", &haproxy))
            .at_most(SIZE_MOST, Quantile::Max),
        Figure::new(Measured::single("dependencies of hactl", Unit::Count, others), CRATES_HOW)
            .beside(Measured::single("crates of this workspace", Unit::Count, ours))
            .at_most(CRATES_MOST, Quantile::Max),
    ]
}

fn megabytes(file: &Path) -> f64 {
    let bytes = std::fs::metadata(file).expect("the program was run before").len();
    let kibibytes = u32::try_from(bytes / 1024).expect("a program is smaller than 4 TB");
    f64::from(kibibytes) * 1024.0 / 1e6
}

/// How many crates of others are in it, and how many of ours.
fn crates() -> (f64, f64) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut tree = Command::new(cargo);
    tree.args(["tree", "--locked", "--offline", "-p", "hactl", "-e", "normal", "--prefix", "none"]);
    let output = tree.current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {tree:?}: {error}"));
    assert!(output.status.success(), "{tree:?}: {}", String::from_utf8_lossy(&output.stderr));
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    // `NAME vVERSION`, behind it the path where the crate is a local one, and `(*)` where it was listed before.
    let crates: BTreeSet<&str> = listed.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    let (ours, others): (Vec<&str>, Vec<&str>) = crates.into_iter().partition(|line| line.contains(" (/"));
    (count(&others), count(&ours))
}

fn count(crates: &[&str]) -> f64 {
    f64::from(u32::try_from(crates.len()).expect("a program has fewer crates than 2^32"))
}
