//! hactl's own socket: HTTP and JSON, so that `curl --unix-socket` works too. Whoever may connect may read; who may
//! change something is in `peer`, what can be changed in `write`. A client that is slow or hostile costs a connection for
//! a while, nobody else's, and never the decision loop.

mod changed;
mod events;
pub(crate) mod explain;
mod failback;
mod overrides;
mod peer;
mod probe;
mod probing;
mod raw;
mod seats;
pub(crate) mod sse;
pub(crate) mod status;
mod write;

use std::convert::Infallible;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;
use thiserror::Error;
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use crate::exits::Known;
use crate::feed::Feed;
use crate::fleet::{Reached, Request, Whole};
use crate::journal::Journal;
use crate::metrics::Exposition;
use crate::reload::Reloader;
use crate::serving;

pub use self::changed::{Action, Changed, ChangedServer};
pub use self::events::{EVENTS_PATH, EVENTS_STREAM_PATH, EventList, INCIDENTS_PATH, IncidentList};
pub use self::explain::{Explained, ExplainedSection};
pub use self::peer::Operators;
use self::peer::Peer;
pub use self::probing::Probing;
use self::seats::Seats;
use self::sse::Lasting;

/// Where the status is.
pub const STATUS_PATH: &str = "/api/v1/status";

/// The same as server-sent events.
pub const STATUS_STREAM_PATH: &str = "/api/v1/status/stream";

/// Why a backend is as it is, whose name follows behind a slash, or a server of it, behind another one.
pub const EXPLAIN_PATH: &str = "/api/v1/explain";

/// Has the configuration read again.
pub const RELOAD_PATH: &str = "/api/v1/reload";

/// Has nothing changed in HAProxy any more.
pub const PAUSE_PATH: &str = "/api/v1/pause";

/// Ends that.
pub const RESUME_PATH: &str = "/api/v1/resume";

/// Has the traffic of the backend whose name follows, behind a slash, go back to where it belongs.
pub const FAILBACK_PATH: &str = "/api/v1/failback";

/// Has a server probed now: its backend's name follows behind a slash, and its own behind another one.
pub const PROBE_PATH: &str = "/api/v1/probe";

/// What probes ask for.
pub const PROBING_PATH: &str = "/api/v1/probing";

/// Is told of a command that was sent to HAProxy past hactl.
pub const RAW_PATH: &str = "/api/v1/raw";

/// Has servers be in a state whatever their probes say, or leaves them to these again.
pub const OVERRIDE_PATH: &str = "/api/v1/override";

/// Has one server carry its backend's traffic, or ends that.
pub const PIN_PATH: &str = "/api/v1/pin";

/// Clients at a time, those included that have lost their places and are not gone yet: however fast others come, they wait
/// outside meanwhile.
const ALIVE_MAX: usize = seats::CLIENTS_MAX + seats::FOLLOWERS_MAX + 32;

/// For the whole connection, but for an answer that goes on (`sse`): whoever asks knows what to ask for.
const CONNECTION_LIMIT: Duration = Duration::from_secs(10);

/// The smallest that hyper takes; a request here is a line.
const BUFFER_MAX: usize = 8192;

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
    listener: StdListener,
    path: PathBuf,
    /// Held for as long as the socket is ours, so that a file left by a crash can be told from one in use.
    _lock: File,
}

impl AdminSocket {
    /// To be served by the runtime in which this is called.
    pub(crate) fn listener(&self) -> io::Result<UnixListener> {
        UnixListener::from_std(self.listener.try_clone()?)
    }

    /// Serves it on a thread of its own until this is dropped: however many clients there are, and whatever they send, probes
    /// and decisions have threads of their own.
    pub(crate) fn serve_apart(&self, front: Front) -> io::Result<Serving> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _entered = runtime.enter();
            self.listener()?
        };
        let (stop, stopped) = oneshot::channel::<()>();
        thread::Builder::new().name("admin".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, front) => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        })?;
        Ok(Serving { _stop: stop })
    }
}

/// That the socket is served; its end is the end of that.
pub(crate) struct Serving {
    /// Dropped, it is the sign to end.
    _stop: oneshot::Sender<()>,
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
        tracing::info!(dir = %parent.display(), "a directory is made for the socket");
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
    pub(crate) journal: Journal,
    pub(crate) reached: watch::Receiver<Reached>,
    pub(crate) whole: watch::Receiver<Whole>,
    pub(crate) requests: mpsc::Sender<Request>,
    pub(crate) reloader: Reloader,
    pub(crate) feed: Feed,
    pub(crate) exits: watch::Receiver<Known>,
    pub(crate) exposition: Exposition,
    /// Where commands that are told have to ask, where that is not the usual place.
    pub(crate) socket: Option<Arc<Path>>,
}

/// What anybody may read, here and on the listener for browsers.
pub(crate) fn reading() -> Router<Front> {
    Router::new()
        .merge(status::routes())
        .merge(explain::routes())
        .merge(events::routes())
        .merge(crate::exits::routes())
        .merge(crate::metrics::routes())
}

/// Serves until the daemon ends; who has a place is the business of `seats`.
pub(crate) async fn serve(listener: UnixListener, front: Front) {
    let whole = front.whole.clone();
    let app = Router::new()
        .merge(reading())
        .route(RELOAD_PATH, post(write::reload))
        .route(PAUSE_PATH, post(write::pause))
        .route(RESUME_PATH, post(write::resume))
        .route(&format!("{FAILBACK_PATH}/{{backend}}"), post(failback::failback))
        .route(&format!("{PROBE_PATH}/{{backend}}/{{server}}"), post(probe::probe))
        .route(PROBING_PATH, get(probing::probing))
        .route(RAW_PATH, post(raw::raw))
        .merge(overrides::routes())
        .route("/healthz", get(|| async { "ok\n" }))
        .fallback(|| async { error(StatusCode::NOT_FOUND, "no such path; see /api/v1/status") })
        .with_state(front);
    let seats = Seats::default();
    let alive = Arc::new(Semaphore::new(ALIVE_MAX));
    for id in 0.. {
        // The semaphore is never closed; without a permit there would merely be no bound.
        let permit = Arc::clone(&alive).acquire_owned().await;
        let stream = accepted(&listener).await;
        let peer = Peer::of(&stream, &whole.borrow().operators);
        let lasting = Lasting::new(CONNECTION_LIMIT, Some(seats.seat(id)));
        let app = Told { app: TowerToHyperService::new(app.clone()), peer, lasting: lasting.clone() };
        let task = tokio::spawn(async move {
            let _permit = permit;
            serving::connection(stream, app, &lasting, BUFFER_MAX, "admin socket").await;
        });
        seats.take(id, peer, task.abort_handle());
    }
}

/// The next client.
async fn accepted(listener: &UnixListener) -> UnixStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                tracing::warn!(%error, "a client of the admin socket could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The routes, told of each request who asks and for how long. A layer of the router would do the same, but costs as much
/// as all routes for each connection.
#[derive(Clone)]
struct Told {
    app: TowerToHyperService<Router>,
    peer: Peer,
    lasting: Lasting,
}

impl Service<hyper::Request<Incoming>> for Told {
    type Response = Response;
    type Error = Infallible;
    type Future = <TowerToHyperService<Router> as Service<hyper::Request<Incoming>>>::Future;

    fn call(&self, mut request: hyper::Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        request.extensions_mut().insert(self.lasting.clone());
        self.app.call(request)
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
