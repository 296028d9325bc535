//! A probe on demand: who may change something may have a server probed now. It changes nothing in HAProxy and sets no
//! evidence, so that it is no event: what it shows stands in the status, as of any other probe.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use failover::status::API_VERSION;
use failover::{ProbeRefusal, ServerId};
use serde_json::json;

use super::failback::meant;
use super::overrides::ask;
use super::peer::Peer;
use super::write::operator;
use super::{Front, error};
use crate::engine::{Hastened, Query};

/// At most one full probe of a server is under way because of this: who asks again meanwhile is told so, and gets the
/// answer of that one.
pub(super) async fn probe(
    State(front): State<Front>,
    Extension(peer): Extension<Peer>,
    Path((backend, server)): Path<(String, String)>,
) -> Response {
    let by = match operator(peer).await {
        Ok(by) => by,
        Err(refusal) => return refusal,
    };
    let reached = front.reached.borrow().clone();
    let (reach, backend) = match meant(&reached, &backend) {
        Ok(found) => found,
        Err((code, text)) => return error(code, &text),
    };
    let server = ServerId::new(backend.clone(), server.as_str());
    let wanted = server.clone();
    let why = match ask(reach, |done| Query::Probe { server: wanted, done }).await {
        Ok(Ok(Hastened::Asked)) => None,
        Ok(Ok(Hastened::UnderWay)) => Some("it is being probed already"),
        Ok(Ok(Hastened::NoRoom)) => Some(
            "too many probes of it are under way, or its targets are rested; it is probed as soon as it may be",
        ),
        Ok(Err(refusal @ ProbeRefusal::UnknownServer(_))) => {
            return error(StatusCode::NOT_FOUND, &refusal.to_string());
        }
        Ok(Err(refusal @ ProbeRefusal::NoAddress(_))) => {
            return error(StatusCode::CONFLICT, &refusal.to_string());
        }
        Err(refusal) => return refusal,
    };
    tracing::debug!(by, %server, "a probe was asked for");
    Json(json!({
        "apiVersion": API_VERSION,
        "kind": "Probing",
        "instance": reach.name,
        "backend": server.backend,
        "server": server.server,
        "asked": why.is_none(),
        "why": why,
    }))
    .into_response()
}
