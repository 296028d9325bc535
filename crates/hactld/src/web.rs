//! The listener for browsers and scrapers: the page, the reading half of the API, health for orchestrators. Nothing can
//! be changed here, whoever asks. Whoever is slow or hostile costs a place here for a while, never one on hactl's own
//! socket, and never the decision loop more than a question now and then.

mod clients;
mod guard;
mod health;
mod html;
mod live;
mod pace;
mod page;
mod past;

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::{Extension, Router};
use hyper_util::service::TowerToHyperService;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::admin::sse::Lasting;
use crate::admin::{self, Front};
use crate::config::Web;
use crate::serving;

use self::clients::{Clients, Place};
use self::guard::Hosts;
use self::live::Studio;
use self::pace::Turn;

/// From accepting to the end of an answer, but for one that goes on: a page of 10,000 servers over a slow line takes less.
const CONNECTION_LIMIT: Duration = Duration::from_secs(10);

/// The smallest that hyper takes; browsers send about 1 kB, with cookies of other ports of this host some more.
const BUFFER_MAX: usize = 16_384;

/// After an accept that failed (no descriptors left): long enough not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why there is no listener.
#[derive(Debug, Error)]
#[error("cannot listen at {addr} for the page")]
pub struct WebError {
    /// Where.
    pub addr: SocketAddr,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// The listener, and whom it answers.
pub(crate) struct WebSocket {
    listener: StdListener,
    hosts: Arc<Hosts>,
}

/// Takes the port.
pub(crate) fn bind(web: &Web) -> Result<WebSocket, WebError> {
    let failed = |source| WebError { addr: web.listen, source };
    let listener = StdListener::bind(web.listen).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(WebSocket { listener, hosts: Arc::new(Hosts::new(web.hosts.iter().cloned())) })
}

/// Ends with this.
pub(crate) struct Serving {
    /// Dropped, it is the sign to end.
    _stop: oneshot::Sender<()>,
}

impl WebSocket {
    /// Serves in a thread of its own: what is written for browsers takes time from nobody who decides, and from nobody
    /// who asks at hactl's own socket.
    pub(crate) fn serve_apart(self, front: Front) -> io::Result<Serving> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _entered = runtime.enter();
            TcpListener::from_std(self.listener)?
        };
        let hosts = self.hosts;
        let (stop, stopped) = oneshot::channel::<()>();
        thread::Builder::new().name("web".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, hosts, front) => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        })?;
        Ok(Serving { _stop: stop })
    }
}

async fn serve(listener: TcpListener, hosts: Arc<Hosts>, front: Front) {
    let reading = admin::reading().with_state(front.clone());
    let asking = reading.clone().merge(health::ready().with_state(front.clone()));
    let app = Router::new()
        .merge(asking.route_layer(from_fn_with_state(Turn::new(), pace::pace)))
        .merge(health::lives())
        .merge(live::routes(Studio::new(front, reading)))
        .fallback(|| async { (StatusCode::NOT_FOUND, "no such path; the page is at /\n") })
        .layer(from_fn_with_state(hosts, guard::guard));
    let mut clients = Clients::default();
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                clients.make_room();
                let place = Place::default();
                let task = tokio::spawn(connection(stream, app.clone(), place.clone()));
                clients.add(from.ip(), place, task.abort_handle());
            }
            Err(error) => {
                tracing::warn!(%error, "a client of the page could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, app: Router, place: Place) {
    let lasting = Lasting::new(CONNECTION_LIMIT, None);
    let app = app.layer(Extension(lasting.clone())).layer(Extension(place));
    serving::connection(stream, TowerToHyperService::new(app), &lasting, BUFFER_MAX, "page").await;
}

#[cfg(test)]
mod tests;
