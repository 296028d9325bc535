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
use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::failback::meant;
use super::{EXPLAIN_PATH, Front, error, stopping};
use crate::config::Origins;
use crate::engine::{Query, Why};
use crate::feed::ANSWER_LIMIT;
use crate::journal::millis;
use crate::text::at_socket;
use crate::zone;

/// Why a backend or a server is as it is, as `hactl/v1` has it. Within v1 keys are only added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Explained {
    /// `hactl/v1`.
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    /// `Explain`.
    pub kind: String,
    /// When this was put together, RFC 3339.
    #[serde(rename = "generatedAt", serialize_with = "millis")]
    #[schemars(with = "String")]
    pub generated_at: Timestamp,
    /// The exit code of `hactl explain`.
    pub exit_code: u8,
    /// What is explained: `BACKEND` or `BACKEND/SERVER`.
    pub subject: String,
    /// How it is and what follows, in one sentence.
    pub headline: String,
    /// Why, from what was seen to what can be done.
    pub sections: Vec<ExplainedSection>,
}

/// Lines under one label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExplainedSection {
    /// `evidence`, `rule`, `effect`, `returns`, `override` or `try`; those that have nothing to say are left out.
    pub label: String,
    /// The lines, for people; never none.
    pub lines: Vec<String>,
}

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
    let turn = front.feed.turn().await;
    let (answer, explained) = oneshot::channel();
    let wanted = server.as_deref().map(Name::from);
    let why = Why { backend: name.clone(), server: wanted, paused, zone, answer };
    if reach.queries.try_send(Query::Explain(Box::new(why))).is_err() {
        return error(StatusCode::SERVICE_UNAVAILABLE, "too many ask at once; ask again");
    }
    // The turn is over with the answer, whoever leaves before.
    let answered = tokio::spawn(async move {
        let answered = timeout(ANSWER_LIMIT, explained).await;
        drop(turn);
        answered
    });
    let Ok(answered) = answered.await else { return stopping() };
    match answered {
        Ok(Ok(Some(explanation))) => {
            let origins = Arc::clone(&front.whole.borrow().origins);
            let told = |Line { text, setting }: &Line| {
                let text =
                    front.socket.as_ref().map_or_else(|| text.clone(), |socket| at_socket(text, socket));
                match setting {
                    Some(setting) => format!("{text}  {}", placed(setting, &origins, reach.name.as_str())),
                    None => text,
                }
            };
            Json(document(&explanation, told)).into_response()
        }
        Ok(Ok(None)) => unknown(&front, &reach.name, name, server.as_deref()).await,
        Ok(Err(_)) => stopping(),
        Err(_) => {
            let text = format!("the decision loop of {} did not answer in 2 s", reach.name);
            error(StatusCode::SERVICE_UNAVAILABLE, &text)
        }
    }
}

/// HAProxy has none of that name, or was not seen yet.
async fn unknown(front: &Front, instance: &Name, backend: &Name, server: Option<&str>) -> Response {
    let status = match front.status().await {
        Ok(status) => status,
        Err(unanswered) => return unanswered.into_response(),
    };
    let seen = status
        .backends
        .iter()
        .find(|seen| seen.name == backend.as_str() && seen.instance == instance.as_str());
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
        Table::Instance => origins.of_instance(instance, setting.key),
    };
    format!("{setting}, {by}")
}

fn document(explanation: &Explanation, line: impl Fn(&Line) -> String) -> Explained {
    let Explanation { subject, headline, sections } = explanation;
    let section = |Section { label, lines }: &Section| ExplainedSection {
        label: label.as_str().to_owned(),
        lines: lines.iter().map(&line).collect(),
    };
    Explained {
        api_version: API_VERSION.to_owned(),
        kind: "Explain".to_owned(),
        generated_at: Timestamp::now(),
        exit_code: 0,
        subject: subject.clone(),
        headline: headline.clone(),
        sections: sections.iter().map(section).collect(),
    }
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
