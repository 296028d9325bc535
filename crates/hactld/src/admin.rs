//! hactl's own socket: HTTP and JSON, so that `curl --unix-socket` works too. Whoever may connect may read; who may
//! change something is in `peer`, what can be changed in `write`. A client that is slow or hostile costs a connection for
//! a while, nobody else's, and never the decision loop.

mod failback;
mod peer;
mod write;

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use failover::status::Status;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;
use thiserror::Error;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout, timeout_at};

use crate::engine::Query;
use crate::exits::Known;
use crate::fleet::{Reached, Request, Whole};
use crate::reload::Reloader;

use self::peer::Peer;

/// Where the status is.
pub const STATUS_PATH: &str = "/api/v1/status";

/// Has the configuration read again.
pub const RELOAD_PATH: &str = "/api/v1/reload";

/// Has nothing changed in HAProxy any more.
pub const PAUSE_PATH: &str = "/api/v1/pause";

/// Ends that.
pub const RESUME_PATH: &str = "/api/v1/resume";

/// Has the traffic of the backend whose name follows, behind a slash, go back to where it belongs.
pub const FAILBACK_PATH: &str = "/api/v1/failback";

/// Clients at a time.
const CLIENTS_MAX: usize = 32;

/// For the request's head, and for the whole connection: whoever asks knows what to ask for.
const HEAD_LIMIT: Duration = Duration::from_secs(5);
const CONNECTION_LIMIT: Duration = Duration::from_secs(10);

/// The smallest that hyper takes; a request here is a line.
const BUFFER_MAX: usize = 8192;

/// For the decision loop to answer: it never waits for anything itself, so this is long.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// After an accept that failed (no descriptors left): long enough not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why hactl's own socket cannot be had.
#[derive(Debug, Error)]
pub enum AdminError {
    /// Another hactl has it.
    #[error("another hactl{holder} already serves {}", path.display())]
    InUse {
        /// The socket.
        path: PathBuf,
        /// ` (pid 412)`, or nothing where that is not known.
        holder: String,
    },
    /// Somebody else listens there: HAProxy, if the paths were mixed up.
    #[error("something that is not hactl listens on {}", .0.display())]
    Foreign(PathBuf),
    /// Something that is not a socket is in the way.
    #[error("{} is there already and is not a socket", .0.display())]
    NotASocket(PathBuf),
    /// The lock file's name leads to somebody else's file.
    #[error("the lock file {} is a symbolic link", .0.display())]
    LockIsLink(PathBuf),
    /// The operating system refused.
    #[error("cannot make the socket {}", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// The socket; its file goes with it.
pub(crate) struct AdminSocket {
    listener: Arc<UnixListener>,
    path: PathBuf,
    /// Held for as long as the socket is ours, so that a file left by a crash can be told from one in use.
    _lock: File,
}

impl AdminSocket {
    pub(crate) fn listener(&self) -> Arc<UnixListener> {
        Arc::clone(&self.listener)
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        // A file that stays behind is replaced by the next start.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Makes the socket: user and group may connect.
pub(crate) async fn bind(path: &Path) -> Result<AdminSocket, AdminError> {
    let failed = |source| AdminError::Io { path: path.to_owned(), source };
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.exists()) {
        std::fs::DirBuilder::new().mode(0o750).create(parent).map_err(failed)?;
    }
    let lock = lock(path)?;
    match std::fs::symlink_metadata(path) {
        Ok(there) if there.file_type().is_socket() => {
            make_way(path).await?;
        }
        Ok(_) => return Err(AdminError::NotASocket(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let listener = StdListener::bind(path).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o660)).map_err(failed)?;
    let listener = Arc::new(UnixListener::from_std(listener).map_err(failed)?);
    Ok(AdminSocket { listener, path: path.to_owned(), _lock: lock })
}

/// Removes a socket that nobody listens on, as a crash leaves it.
async fn make_way(path: &Path) -> Result<(), AdminError> {
    let failed = |source| AdminError::Io { path: path.to_owned(), source };
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(failed)
        }
        // EAGAIN: its queue is full, so there is somebody who has one.
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(failed(error)),
        Ok(_) | Err(_) => Err(AdminError::Foreign(path.to_owned())),
    }
}

/// The lock ends with the process, however it ends; the file stays and says who held it. Since it is written to, no
/// link is followed: whoever may write to the directory could aim it at any file of the daemon's user.
fn lock(path: &Path) -> Result<File, AdminError> {
    let failed = |source| AdminError::Io { path: path.to_owned(), source };
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o640)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(&name)
        .map_err(|error| match error.raw_os_error() {
            Some(code) if code == Errno::LOOP.raw_os_error() => AdminError::LockIsLink(name.into()),
            _ => failed(error),
        })?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => {
            let mut pid = String::new();
            // Without the pid the message still stands.
            let _ = file.take(16).read_to_string(&mut pid);
            let pid: String = pid.chars().filter(char::is_ascii_digit).collect();
            let holder = if pid.is_empty() { pid } else { format!(" (pid {pid})") };
            return Err(AdminError::InUse { path: path.to_owned(), holder });
        }
        Err(error) => return Err(failed(error.into())),
    }
    file.set_len(0).map_err(failed)?;
    file.rewind().map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(file)
}

/// What is behind the socket.
#[derive(Clone)]
pub(crate) struct Front {
    pub(crate) reached: watch::Receiver<Reached>,
    pub(crate) whole: watch::Receiver<Whole>,
    pub(crate) requests: mpsc::Sender<Request>,
    pub(crate) reloader: Reloader,
    pub(crate) exits: watch::Receiver<Known>,
}

/// Serves until the daemon ends. Where all places are taken, whoever has most of them loses the oldest one: an honest
/// client is served in milliseconds, so it is not that one.
pub(crate) async fn serve(listener: Arc<UnixListener>, front: Front) {
    let app = Router::new()
        .route(STATUS_PATH, get(status))
        .route(RELOAD_PATH, post(write::reload))
        .route(PAUSE_PATH, post(write::pause))
        .route(RESUME_PATH, post(write::resume))
        .route(&format!("{FAILBACK_PATH}/{{backend}}"), post(failback::failback))
        .route("/healthz", get(|| async { "ok\n" }))
        .merge(crate::metrics::routes())
        .merge(crate::exits::routes())
        .fallback(|| async { error(StatusCode::NOT_FOUND, "no such path; see /api/v1/status") })
        .with_state(front);
    let mut clients = Clients::default();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let peer = Peer::of(&stream);
                clients.make_room();
                let task = tokio::spawn(connection(stream, app.clone().layer(Extension(peer))));
                clients.add(peer, task.abort_handle());
            }
            Err(error) => {
                tracing::warn!(%error, "a client of the admin socket could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Those that are served, the oldest first.
#[derive(Default)]
struct Clients {
    served: Vec<(Peer, AbortHandle)>,
}

impl Clients {
    fn make_room(&mut self) {
        self.served.retain(|(_, task)| !task.is_finished());
        if self.served.len() < CLIENTS_MAX {
            return;
        }
        let mut places: BTreeMap<Peer, usize> = BTreeMap::new();
        for (peer, _) in &self.served {
            *places.entry(*peer).or_default() += 1;
        }
        let most = places.into_iter().max_by_key(|(_, places)| *places).map(|(peer, _)| peer);
        if let Some(oldest) = self.served.iter().position(|(peer, _)| Some(*peer) == most) {
            self.served.remove(oldest).1.abort();
        }
    }

    fn add(&mut self, peer: Peer, task: AbortHandle) {
        self.served.push((peer, task));
    }
}

async fn connection(stream: UnixStream, app: Router) {
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_buf_size(BUFFER_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    match timeout(CONNECTION_LIMIT, served).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a client of the admin socket broke off"),
        Err(_) => tracing::debug!("a client of the admin socket was too slow"),
    }
}

/// All instances are asked at once: one that does not answer keeps nobody else from it.
async fn status(State(front): State<Front>) -> Response {
    let reached = Arc::clone(&front.reached.borrow());
    let mut answers = Vec::with_capacity(reached.len());
    for reach in reached.iter() {
        let (sender, answer) = oneshot::channel();
        if reach.queries.try_send(Query::Status(sender)).is_err() {
            return error(StatusCode::SERVICE_UNAVAILABLE, "too many ask at once; ask again");
        }
        answers.push((&reach.name, answer));
    }
    let until = Instant::now() + ANSWER_LIMIT;
    let mut of_each = Vec::with_capacity(answers.len());
    for (name, answer) in answers {
        match timeout_at(until, answer).await {
            Ok(Ok(status)) => of_each.push(status),
            Ok(Err(_)) => return stopping(),
            Err(_) => {
                let text = format!("the decision loop of {name} did not answer in 2 s");
                return error(StatusCode::SERVICE_UNAVAILABLE, &text);
            }
        }
    }
    let Whole { paused, config_stale, waiting, .. } = front.whole.borrow().clone();
    of_each.extend(waiting.iter().map(|waiting| waiting.status.clone()));
    match Status::whole(of_each) {
        Some(whole) => {
            let mut whole = whole.of_daemon(paused, config_stale);
            front.exits.borrow().add_to(&mut whole);
            Json(whole).into_response()
        }
        None => stopping(),
    }
}

fn stopping() -> Response {
    error(StatusCode::SERVICE_UNAVAILABLE, "hactl is stopping")
}

fn error(code: StatusCode, text: &str) -> Response {
    (code, Json(serde_json::json!({ "error": { "message": text } }))).into_response()
}

#[cfg(test)]
mod tests;
