//! The tripwire: one idle connection to HAProxy's master CLI. The master replaces itself at each attempt to reload, also
//! at one that fails, and that closes the connection before the new worker takes any traffic.
//!
//! Nothing is ever asked of the master but `show proc`, by which it is told from a stats socket: a connection kept to one
//! of those would be left on an old worker, and would keep it alive.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep, timeout};

use super::Shared;
use super::voice::Voice;

/// First wait before the connection is made again: the socket refuses for 13 to 70 ms in a reload (measured).
const RECONNECT_MIN: Duration = Duration::from_millis(5);

/// Longest wait: a connection that is refused costs next to nothing.
const RECONNECT_MAX: Duration = Duration::from_secs(1);

/// A connection that lasted this long was a working one, and is made again at once.
const STEADY: Duration = Duration::from_secs(1);

/// The master answers within a millisecond; one that is loading a large configuration does when it has.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// Bytes that the list of processes may have, at some 70 each; whoever sends more is no master.
const REPLY_MAX: usize = 64 * 1024;

/// Of a stranger's words, so many are shown.
const SHOWN_MAX: usize = 60;

#[derive(Debug, Error)]
enum MasterError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("nothing answers within {ANSWER_LIMIT:?}")]
    Silent,
    #[error("it is no master CLI: it answers {0:?}")]
    Stranger(String),
}

/// Holds a connection for as long as it is not aborted.
pub(super) async fn watch(path: PathBuf, shared: Arc<Shared>, mut voice: Voice) {
    let mut pause = RECONNECT_MIN;
    loop {
        let began = Instant::now();
        match hold(&path, &shared, &mut voice).await {
            Ok(()) => shared.stir("the master CLI was closed"),
            Err(error) => voice.fails(|| said(&path, &error)).await,
        }
        pause = if began.elapsed() < STEADY { (pause * 2).min(RECONNECT_MAX) } else { RECONNECT_MIN };
        sleep(pause).await;
    }
}

/// Returns when a connection that was the master's has ended.
async fn hold(path: &Path, shared: &Shared, voice: &mut Voice) -> Result<(), MasterError> {
    let mut stream = timeout(ANSWER_LIMIT, introduce(path)).await.map_err(|_| MasterError::Silent)??;
    voice.works();
    // A reload may have come and gone before the connection stood.
    shared.stir("the master CLI is watched");
    let mut buffer = [0; 4096];
    let mut taken = 0;
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return Ok(()),
            Ok(read) if taken + read > REPLY_MAX => {
                return Err(MasterError::Stranger(format!("with more than {REPLY_MAX} bytes")));
            }
            Ok(read) => taken += read,
        }
    }
}

/// A connection to a master that said so; the rest of its list is yet to be read.
async fn introduce(path: &Path) -> Result<UnixStream, MasterError> {
    let mut stream = UnixStream::connect(path).await?;
    stream.write_all(b"show proc\n").await?;
    let mut beginning = [0; 256];
    let read = stream.read(&mut beginning).await?;
    let beginning = &beginning[..read];
    // A master CLI below operator level is one all the same.
    if beginning.starts_with(b"#<PID>") || beginning.starts_with(b"Permission denied") {
        return Ok(stream);
    }
    if beginning.is_empty() {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    let words: String = String::from_utf8_lossy(beginning).chars().take(SHOWN_MAX).collect();
    Err(MasterError::Stranger(words))
}

fn said(path: &Path, error: &MasterError) -> String {
    let path = path.display();
    let next = match error {
        MasterError::Stranger(_) => {
            "name the socket behind `-S` in HAProxy's command line, or remove `master`".to_owned()
        }
        MasterError::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            format!("start HAProxy with `-S {path},mode,660,gid,GID`, GID being a group of hactl's")
        }
        MasterError::Io(_) | MasterError::Silent => {
            format!("start HAProxy with `-W -S {path}`, or correct `master`")
        }
    };
    format!(
        "the master CLI at {path} cannot be watched: {error}; reloads are noticed some 25 ms later; {next}"
    )
}

#[cfg(test)]
mod tests;
