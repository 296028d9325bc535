//! Why a backend or a server is as it is: finds whose it is, asks there, and says where each setting comes from.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query as Asked, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use failover::Name;
use failover::explain::{Explanation, Line, Section, Setting, Table};
use failover::status::API_VERSION;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::failback::meant;
use super::{EXPLAIN_PATH, Front, error, stopping};
use crate::config::Origins;
use crate::engine::{Query, Why};
use crate::feed::ANSWER_LIMIT;
use crate::zone;

pub(crate) fn routes() -> Router<Front> {
    Router::new()
        .route(&format!("{EXPLAIN_PATH}/{{backend}}"), get(of_backend))
        .route(&format!("{EXPLAIN_PATH}/{{backend}}/{{server}}"), get(of_server))
}

/// How it is asked for.
#[derive(Debug, Default, Deserialize)]
struct Reader {
    /// The zone in which times are read, such as `Europe/Berlin`; this host's, where none is named or it is not known.
    zone: Option<String>,
}

async fn of_backend(
    State(front): State<Front>,
    Path(backend): Path<String>,
    Asked(reader): Asked<Reader>,
) -> Response {
    explain(front, &backend, None, reader).await
}

async fn of_server(
    State(front): State<Front>,
    Path((backend, server)): Path<(String, String)>,
    Asked(reader): Asked<Reader>,
) -> Response {
    explain(front, &backend, Some(server), reader).await
}

/// `backend` is a backend's name; where several instances have one of that name, `INSTANCE:BACKEND`.
async fn explain(front: Front, backend: &str, server: Option<String>, reader: Reader) -> Response {
    let reached = front.reached.borrow().clone();
    let (reach, name) = match meant(&reached, backend) {
        Ok(found) => found,
        Err((code, text)) => return error(code, &text),
    };
    // Looking for it reads files.
    let zone = move || reader.zone.as_deref().and_then(zone::named).unwrap_or_else(zone::local);
    let zone = tokio::task::spawn_blocking(zone).await.unwrap_or(TimeZone::UTC);
    let paused = front.whole.borrow().paused.clone();
    front.feed.turn().await;
    let (answer, explained) = oneshot::channel();
    let wanted = server.as_deref().map(Name::from);
    let why = Why { backend: name.clone(), server: wanted, paused, zone, answer };
    if reach.queries.try_send(Query::Explain(Box::new(why))).is_err() {
        return error(StatusCode::SERVICE_UNAVAILABLE, "too many ask at once; ask again");
    }
    match timeout(ANSWER_LIMIT, explained).await {
        Ok(Ok(Some(explanation))) => {
            let origins = Arc::clone(&front.whole.borrow().origins);
            let placed = |setting: &Setting| placed(setting, &origins, reach.name.as_str());
            Json(document(&explanation, placed)).into_response()
        }
        Ok(Ok(None)) => unknown(&front, name, server.as_deref()).await,
        Ok(Err(_)) => stopping(),
        Err(_) => {
            let text = format!("the decision loop of {} did not answer in 2 s", reach.name);
            error(StatusCode::SERVICE_UNAVAILABLE, &text)
        }
    }
}

/// HAProxy has none of that name, or was not seen yet.
async fn unknown(front: &Front, backend: &Name, server: Option<&str>) -> Response {
    let status = match front.status().await {
        Ok(status) => status,
        Err(unanswered) => return unanswered.into_response(),
    };
    let seen = status.backends.iter().find(|seen| seen.name == backend.as_str());
    match (seen, server) {
        (Some(seen), Some(server)) => {
            let known: Vec<&str> = seen.servers.iter().map(|server| server.name.as_str()).collect();
            let known = known.join(", ");
            error(StatusCode::NOT_FOUND, &format!("{backend} has no server `{server}`; known: {known}"))
        }
        (Some(_) | None, _) => {
            let text = format!("{backend} was not seen in HAProxy yet; `hactl status` says why");
            error(StatusCode::SERVICE_UNAVAILABLE, &text)
        }
    }
}

/// A setting with where it was set, `[probe] hold = "1.5s", hactl.toml:14`.
fn placed(setting: &Setting, origins: &Origins, instance: &str) -> String {
    let by = match &setting.table {
        Table::Probe => origins.of(&["probe", setting.key]),
        Table::Backend(backend) => origins.of_backend(instance, backend.as_str(), setting.key),
        // Its place in the file is known by name alone, which a single instance need not have.
        Table::Instance => return setting.to_string(),
    };
    format!("{setting}, {by}")
}

fn document(explanation: &Explanation, placed: impl Fn(&Setting) -> String) -> Value {
    let Explanation { subject, headline, sections } = explanation;
    let section = |Section { label, lines }: &Section| {
        let lines: Vec<String> = lines
            .iter()
            .map(|Line { text, setting }| match setting {
                Some(setting) => format!("{text}  {}", placed(setting)),
                None => text.clone(),
            })
            .collect();
        json!({ "label": label.as_str(), "lines": lines })
    };
    json!({
        "apiVersion": API_VERSION,
        "kind": "Explain",
        "generatedAt": crate::engine::rfc3339(jiff::Timestamp::now(), std::time::Duration::ZERO),
        "subject": subject,
        "headline": headline,
        "sections": sections.iter().map(section).collect::<Vec<Value>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_told_with_where_it_was_set() {
        let table = Table::Probe;
        let setting = Setting { table, key: "hold", value: "\"1.5s\"".to_owned() };
        assert_eq!(placed(&setting, &Origins::default(), "7891"), "[probe] hold = \"1.5s\", default");
    }
}
