//! For orchestrators: whether the process lives, and whether it does its work. Neither says how the servers are.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use failover::Verdict;
use failover::status::Status;

use crate::admin::Front;
use crate::text::Shown;

/// Answers whatever else is under way.
pub(super) fn lives() -> Router {
    Router::new().route("/healthz", get(|| async { "ok\n" }))
}

pub(super) fn ready() -> Router<Front> {
    Router::new().route("/readyz", get(is_ready))
}

async fn is_ready(State(front): State<Front>) -> Response {
    let missing = match front.status().await {
        Ok(status) => missing(&status),
        Err(why) => Some(why.to_string()),
    };
    match missing {
        None => "ready\n".into_response(),
        Some(why) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {}\n", Shown(&why))).into_response()
        }
    }
}

/// What is missing still: each HAProxy has answered, and each backend has a server with a verdict.
pub(super) fn missing(status: &Status) -> Option<String> {
    let unreached = status.instances.iter().find(|instance| !instance.haproxy.answering);
    if let Some(instance) = unreached {
        let why = instance.problems.first();
        let why = why.cloned().unwrap_or_else(|| "HAProxy has not answered yet".to_owned());
        return Some(format!("{}: {why}", instance.name));
    }
    let judged = |verdict: Option<Verdict>| verdict.is_some_and(|verdict| verdict != Verdict::Unknown);
    let unjudged =
        status.backends.iter().find(|backend| !backend.servers.iter().any(|server| judged(server.health)));
    match unjudged {
        Some(backend) => Some(format!("no server of {} has a verdict yet", backend.name)),
        None if status.backends.is_empty() => Some("HAProxy has none of the configured backends".to_owned()),
        None => None,
    }
}
