//! What somebody has sent to HAProxy past hactl, for the events: who, and what. It is never sent from here.

use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use controller::HaproxyLock;
use failover::status::API_VERSION;
use failover::{Asked, Event};
use haproxy_runtime::{Address, RawCommand};
use serde::Deserialize;
use serde_json::json;

use super::peer::Peer;
use super::write::operator;
use super::{Front, error};
use crate::log::Label;

/// A command, and a path.
const BODY_MAX: usize = 16 * 1024;

const FORM: &str =
    r#"write {"command": "set server BACKEND/SERVER weight 10", "haproxy": "/run/haproxy/admin.sock"}"#;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    command: String,
    haproxy: String,
}

pub(super) async fn raw(
    State(front): State<Front>,
    Extension(peer): Extension<Peer>,
    body: Body,
) -> Response {
    // Others could fill the events with what nobody has sent.
    let by = match operator(peer).await {
        Ok(by) => by,
        Err(refusal) => return refusal,
    };
    let (command, haproxy) = match read(body).await {
        Ok(read) => read,
        Err(text) => return error(StatusCode::BAD_REQUEST, &format!("no such command: {text}; {FORM}")),
    };
    // Looking where a path leads reads links.
    let place = tokio::task::spawn_blocking(move || HaproxyLock::name_of(&haproxy)).await.ok();
    let reached = front.reached.borrow().clone();
    let instance = reached.iter().find(|reach| place.as_ref() == Some(&reach.place)).map(|reach| &reach.name);
    let label = Label(instance.filter(|_| front.whole.borrow().several).cloned());
    let event = Event::Asked(Asked::Raw { by, command: command.to_string() });
    front.journal.tell(&label, instance, &event);
    Json(json!({ "apiVersion": API_VERSION, "kind": "Told", "instance": instance })).into_response()
}

async fn read(body: Body) -> Result<(RawCommand, Address), String> {
    let bytes = to_bytes(body, BODY_MAX).await.map_err(|error| error.to_string())?;
    let Sent { command, haproxy } = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    let command: RawCommand =
        command.parse().map_err(|error: haproxy_runtime::RawError| error.to_string())?;
    if !command.writes() {
        return Err(format!("`{command}` changes nothing"));
    }
    Ok((command, haproxy.parse().map_err(|error: haproxy_runtime::AddressError| error.to_string())?))
}
