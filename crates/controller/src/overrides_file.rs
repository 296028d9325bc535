//! What operators have ordered, on disk, so that it outlives this process. Whose it is to change is not decided here, and
//! nothing is sent because of it: the file is of the core's state, as the ledger is of the controller's.
//!
//! An order may have to hold after a failure of the power, and nobody waits for it as clients do for a command, so each
//! write is seen to be on the disk.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use failover::{Given, Override, Overrides};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ledger::{beside, dir_of, ordered_in, read, write_new};

/// The form of the file. Another one is not guessed at.
const FORMAT: u32 = 1;

/// The file of one HAProxy's overrides. Everything here waits for a disk.
#[derive(Clone, Debug)]
pub struct OverridesFile {
    pub(crate) file: PathBuf,
    /// What is ours in the same HAProxy.
    pub(crate) ledger: PathBuf,
    pub(crate) haproxy: String,
}

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    haproxy: &'a str,
    overrides: &'a Overrides,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Found {
    format: u32,
    haproxy: String,
    overrides: Overrides,
}

impl OverridesFile {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.file
    }

    /// What an earlier run has kept. A file that is of no use is moved aside, in place of one that was before.
    ///
    /// # Errors
    /// Why that is not known, and what became of the file; also where there is no file and the ledger knows of orders.
    pub fn load(&self) -> Result<Overrides, String> {
        let why = match read(&self.file) {
            Ok(bytes) => match self.parse(&bytes) {
                Ok(overrides) => return Ok(overrides),
                Err(why) => why,
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let lost = !ordered_in(&self.ledger, &self.haproxy).is_empty();
                let why = || format!("{}: {error}, and the ledger knows of some", self.file.display());
                return if lost { Err(why()) } else { Ok(Overrides::default()) };
            }
            Err(error) => error.to_string(),
        };
        let bad = beside(&self.file, ".bad");
        let moved = match fs::rename(&self.file, &bad) {
            Ok(()) => format!("moved to {}", bad.display()),
            Err(error) => format!("it cannot be moved away: {error}"),
        };
        Err(format!("{}: {why} ({moved})", self.file.display()))
    }

    /// What to go by where they cannot be loaded: what they have put out of service stays out until somebody says otherwise.
    /// Who said so and until when is not known any more.
    #[must_use]
    pub fn by_ledger(&self, now: Timestamp) -> Overrides {
        let ordered = ordered_in(&self.ledger, &self.haproxy).into_iter().map(|(server, state, why)| {
            let was = why.map(|why| format!(", which said {why}")).unwrap_or_default();
            let given = Given {
                by: "hactl".to_owned(),
                by_uid: None,
                since: now,
                until: None,
                reason: format!("the order was lost{was}"),
                force: false,
            };
            (server, Override { state, kill_sessions: false, given })
        });
        Overrides { servers: ordered.collect(), ..Overrides::default() }
    }

    fn parse(&self, bytes: &[u8]) -> Result<Overrides, String> {
        let not_one = |error: serde_json::Error| format!("it is no whole list of overrides: {error}");
        let Found { format, haproxy, overrides } = serde_json::from_slice(bytes).map_err(not_one)?;
        if format != FORMAT {
            return Err(format!("it has format {format}, and this version of hactl knows {FORMAT}"));
        }
        if haproxy != self.haproxy {
            return Err(format!("it is about another HAProxy, {haproxy}"));
        }
        Ok(overrides)
    }

    /// Has these on disk in place of those before. However this process or this host ends meanwhile, the file holds either.
    ///
    /// # Errors
    /// What the system said.
    pub fn keep(&self, overrides: &Overrides) -> io::Result<()> {
        if overrides.is_empty() && !self.file.exists() {
            return Ok(());
        }
        let written = Written { format: FORMAT, haproxy: &self.haproxy, overrides };
        let bytes = serde_json::to_vec_pretty(&written)?;
        let new = beside(&self.file, ".new");
        write_new(&new, &bytes, true).and_then(|()| fs::rename(&new, &self.file)).inspect_err(|_| {
            // On a full disk its part of the bytes is of use to somebody.
            let _ = fs::remove_file(&new);
        })?;
        File::open(dir_of(&self.file))?.sync_all()
    }
}

#[cfg(test)]
#[path = "overrides_file_tests.rs"]
mod tests;
