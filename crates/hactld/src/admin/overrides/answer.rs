//! What an operator is told of an order: what was, what is, and whether HAProxy was read again since; or why it is refused,
//! and what to do.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use failover::status::{API_VERSION, BackendStatus, ServerStatus, Status};
use failover::{Outcome, OverrideRefusal, ServerId};
use serde_json::json;

use super::super::changed::{Action, Changed, ChangedServer};
use crate::config::suggestion;

/// The exit code of a command whose order is refused.
const REFUSED: u8 = 2;

/// What one instance has done.
pub(super) struct Done {
    pub(super) servers: Vec<ServerId>,
    pub(super) was: Status,
    pub(super) is: Status,
    pub(super) outcomes: Vec<Outcome>,
    /// Why a restart would not know of it.
    pub(super) unkept: Option<String>,
}

/// What all of them have done.
pub(super) fn changed(action: Action, done: &[Done]) -> Changed {
    let unkept_why = done.iter().find_map(|done| done.unkept.clone());
    let changed = Changed::new(action, done.iter().flat_map(Done::servers).collect());
    Changed { kept: unkept_why.is_none(), unkept_why, ..changed }
}

impl Done {
    fn servers(&self) -> impl Iterator<Item = ChangedServer> {
        self.servers.iter().zip(&self.outcomes).map(|(id, outcome)| {
            let why = match outcome {
                Outcome::Confirmed => None,
                Outcome::Pending => Some("HAProxy was not seen to have done it yet".to_owned()),
                Outcome::Stuck(why) => Some(why.clone()),
            };
            let backend = backend(&self.is, id);
            ChangedServer {
                instance: self.is.instance.clone(),
                backend: id.backend.to_string(),
                server: id.server.to_string(),
                was: server(&self.was, id).cloned(),
                is: server(&self.is, id).cloned(),
                pinned: backend.and_then(|backend| backend.pinned.clone()),
                in_service: backend.map(|backend| backend.in_service.clone()),
                staying: backend.filter(|_| self.is.haproxy.answering).map(|backend| staying(backend, id)),
                confirmed: *outcome == Outcome::Confirmed,
                why,
            }
        })
    }
}

fn backend<'a>(status: &'a Status, id: &ServerId) -> Option<&'a BackendStatus> {
    status.backends.iter().find(|backend| backend.name == id.backend.as_str())
}

fn server<'a>(status: &'a Status, id: &ServerId) -> Option<&'a ServerStatus> {
    backend(status, id)?.servers.iter().find(|server| server.name == id.server.as_str())
}

/// The other servers that HAProxy could use, and is to use on.
fn staying(backend: &BackendStatus, id: &ServerId) -> Vec<String> {
    let others = backend.servers.iter().filter(|server| server.name != id.server.as_str());
    let usable = others.filter(|server| {
        let haproxy = &server.haproxy;
        let is_up =
            matches!(haproxy.operational, failover::Operational::Running | failover::Operational::Starting);
        let is_to_go = matches!(server.desired, Some(failover::Admin::Drain | failover::Admin::Maint));
        haproxy.state == failover::Admin::Ready && is_up && haproxy.weight > 0 && !is_to_go
    });
    usable.map(|server| server.name.clone()).collect()
}

/// Why an order is refused, with what to do.
pub(super) fn refused(action: Action, servers: &[ServerId], refusal: &OverrideRefusal) -> Response {
    let (code, exit_code) = match refusal {
        OverrideRefusal::UnseenBackend(_) => (StatusCode::SERVICE_UNAVAILABLE, None),
        OverrideRefusal::UnknownServer { .. } => (StatusCode::NOT_FOUND, None),
        OverrideRefusal::NotManaged(_)
        | OverrideRefusal::LastUsable { .. }
        | OverrideRefusal::Tracked { .. }
        | OverrideRefusal::NoDrain(_)
        | OverrideRefusal::NoPin(_)
        | OverrideRefusal::ExitChange(_)
        | OverrideRefusal::Dead { .. }
        | OverrideRefusal::OrderedOut { .. }
        | OverrideRefusal::Theirs { .. } => (StatusCode::CONFLICT, Some(REFUSED)),
    };
    let message = refusal.server().or_else(|| servers.first()).map(|server| what(action, server));
    let error = json!({ "message": message, "why": refusal.to_string(), "next": next(refusal) });
    (
        code,
        Json(json!({ "apiVersion": API_VERSION, "kind": "Refused", "exit_code": exit_code, "error": error })),
    )
        .into_response()
}

fn what(action: Action, server: &ServerId) -> String {
    match action {
        Action::Maint => format!("refused to put {server} into maint"),
        Action::Drain => format!("refused to put {server} into drain"),
        Action::Ready => format!("refused to set {server} to ready"),
        Action::Auto | Action::Pause | Action::Resume | Action::Failback => {
            format!("there is nothing to end for {server}")
        }
        Action::Pin => format!("refused to pin {} to {}", server.backend, server.server),
    }
}

/// What to do.
fn next(refusal: &OverrideRefusal) -> String {
    match refusal {
        OverrideRefusal::UnseenBackend(_) => "see `hactl status`, and repeat".to_owned(),
        OverrideRefusal::UnknownServer { server, known } => {
            let known: Vec<&str> = known.iter().map(failover::Name::as_str).collect();
            suggestion(server.server.as_str(), &known)
        }
        OverrideRefusal::NotManaged(server) => {
            format!("add {} to `servers` of {} in the configuration", server.server, server.backend)
        }
        OverrideRefusal::LastUsable { server, ordered: Some(name), .. } => {
            format!("`hactl auto {}/{name}` first, or repeat with --force", server.backend)
        }
        OverrideRefusal::LastUsable { server, ordered: None, .. } => {
            let backend = &server.backend;
            format!("wait until another server of {backend} works (`hactl status`), or repeat with --force")
        }
        OverrideRefusal::Tracked { .. } => "repeat with --force to take both out".to_owned(),
        OverrideRefusal::NoDrain(server) => {
            format!("use `hactl maint {server}`: its sessions go on until they end")
        }
        OverrideRefusal::NoPin(_) => "put the others into maint with `hactl maint`".to_owned(),
        OverrideRefusal::ExitChange(_) => "repeat with --force to change the exit all the same".to_owned(),
        OverrideRefusal::Dead { server, .. } => {
            format!("see `hactl check -v {server}`, or repeat with --force to pin to it whatever it does")
        }
        OverrideRefusal::OrderedOut { server, .. } => format!("`hactl auto {server}` first"),
        OverrideRefusal::Theirs { server, .. } => {
            format!(
                "lift it where it was set: `set server {server} state ready` at HAProxy's socket, or in its configuration"
            )
        }
    }
}
