//! What can be changed over the socket. Every change names who wanted it, and is told as an event where it is made.

use std::time::Duration;

use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use failover::status::API_VERSION;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::oneshot;

use super::changed::{Action, Changed};
use super::peer::{Peer, Role};
use super::{Front, error, stopping};
use crate::config::{PAUSE_MAX, PAUSE_MIN};
use crate::fleet::{Change, Followed, Request};

/// A reason and a number.
const BODY_MAX: usize = 4096;

/// Characters of a reason: a line.
const REASON_MAX: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pause {
    reason: String,
    /// Without it, until somebody ends it.
    for_seconds: Option<u64>,
}

pub(super) async fn reload(State(front): State<Front>, Extension(peer): Extension<Peer>) -> Response {
    let by = match operator(peer).await {
        Ok(by) => by,
        Err(refusal) => return refusal,
    };
    match front.reloader.reload(by).await {
        Some(Ok(Followed { changes, failed, absent })) => {
            let reloaded = json!({
                "apiVersion": API_VERSION,
                "kind": "Reloaded",
                "changes": changes,
                "failed": failed,
                "absent": absent,
            });
            Json(reloaded).into_response()
        }
        Some(Err(mistakes)) => {
            let message = "the configuration cannot be used; hactl runs on with the one that it had";
            let error = json!({ "error": { "message": message, "problems": mistakes } });
            (StatusCode::UNPROCESSABLE_ENTITY, Json(error)).into_response()
        }
        None => stopping(),
    }
}

pub(super) async fn pause(
    State(front): State<Front>,
    Extension(peer): Extension<Peer>,
    body: Body,
) -> Response {
    let by = match operator(peer).await {
        Ok(by) => by,
        Err(refusal) => return refusal,
    };
    let (reason, lasts) = match read_pause(body).await {
        Ok(read) => read,
        Err(text) => return error(StatusCode::BAD_REQUEST, &text),
    };
    let (done, paused) = oneshot::channel();
    let request = Request { by, what: Change::Pause { reason, lasts, done } };
    if front.requests.send(request).await.is_err() {
        return stopping();
    }
    match paused.await {
        // It ends with the daemon.
        Ok(paused) => {
            let changed = Changed::new(Action::Pause, Vec::new());
            Changed { paused: Some(paused), kept: false, ..changed }.into_response()
        }
        Err(_) => stopping(),
    }
}

pub(super) async fn resume(State(front): State<Front>, Extension(peer): Extension<Peer>) -> Response {
    let by = match operator(peer).await {
        Ok(by) => by,
        Err(refusal) => return refusal,
    };
    let (answer, resumed) = oneshot::channel();
    if front.requests.send(Request { by, what: Change::Resume(answer) }).await.is_err() {
        return stopping();
    }
    match resumed.await {
        Ok(was_paused) => {
            let changed = Changed::new(Action::Resume, Vec::new());
            Changed { was_paused: Some(was_paused), ..changed }.into_response()
        }
        Err(_) => stopping(),
    }
}

/// Who it is, where they may.
pub(super) async fn operator(peer: Peer) -> Result<String, Response> {
    match peer.role() {
        // Their name stands in a file.
        Role::Operator => {
            let named = tokio::task::spawn_blocking(move || peer.described()).await;
            Ok(named.unwrap_or_else(|_| peer.to_string()))
        }
        role @ Role::Reader => {
            let needed = Role::Operator;
            let text = format!("permission denied: {peer} has role {role}, needs {needed}");
            tracing::debug!("{text}");
            Err(error(StatusCode::FORBIDDEN, &text))
        }
    }
}

async fn read_pause(body: Body) -> Result<(String, Option<Duration>), String> {
    let form = r#"write {"reason": "...", "for_seconds": 1800}"#;
    let bytes =
        to_bytes(body, BODY_MAX).await.map_err(|error| format!("no such request: {error}; {form}"))?;
    let Pause { reason, for_seconds } =
        serde_json::from_slice(&bytes).map_err(|error| format!("no such request: {error}; {form}"))?;
    let reason = reason.trim();
    if reason.is_empty() {
        return Err("a pause needs a reason, for those who find it".to_owned());
    }
    if reason.chars().count() > REASON_MAX {
        return Err(format!("the reason has more than {REASON_MAX} characters"));
    }
    let lasts = for_seconds.map(Duration::from_secs);
    if lasts.is_some_and(|lasts| !(PAUSE_MIN..=PAUSE_MAX).contains(&lasts)) {
        let (least, most) = (PAUSE_MIN.as_secs(), PAUSE_MAX.as_secs());
        return Err(format!("for_seconds is out of range; from {least} to {most} is allowed"));
    }
    Ok((reason.to_owned(), lasts))
}
