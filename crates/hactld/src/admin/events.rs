//! What happened, as a list and as a stream. Reads the journal in small pieces, so that nobody who tells an event waits for
//! somebody who reads them.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use axum::{Extension, Router};
use failover::status::API_VERSION;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};

use super::sse::{self, Gone, KEEP_ALIVE, Lasting, message};
use super::{Front, error};
use crate::incident::Incident;
use crate::journal::{BATCH_MAX, Batch, EVENTS_KEPT, Entry, Follower, Journal, Selection, millis};

/// What happened, the oldest first.
pub const EVENTS_PATH: &str = "/api/v1/events";

/// What happens, as server-sent events.
pub const EVENTS_STREAM_PATH: &str = "/api/v1/events/stream";

/// Outages that clients may have noticed, the newest first.
pub const INCIDENTS_PATH: &str = "/api/v1/incidents";

/// Events in an answer, unless said otherwise: a screen.
const LIMIT: usize = 50;

/// Incidents in an answer, unless said otherwise.
const INCIDENTS_LIMIT: usize = 20;

/// Events, as `hactl/v1` has them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventList {
    /// `hactl/v1`.
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    /// `EventList`.
    pub kind: String,
    /// When it was made, RFC 3339.
    #[serde(rename = "generatedAt", serialize_with = "millis")]
    pub generated_at: Timestamp,
    /// The oldest first.
    pub events: Vec<Entry>,
    /// How many after the one of number `after` are kept no more.
    pub dropped: u64,
}

/// Incidents, as `hactl/v1` has them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IncidentList {
    /// `hactl/v1`.
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    /// `IncidentList`.
    pub kind: String,
    /// When it was made, RFC 3339.
    #[serde(rename = "generatedAt", serialize_with = "millis")]
    pub generated_at: Timestamp,
    /// The newest first.
    pub incidents: Vec<Incident>,
}

pub(super) fn routes() -> Router<Front> {
    Router::new()
        .route(EVENTS_PATH, get(list))
        .route(EVENTS_STREAM_PATH, get(stream))
        .route(INCIDENTS_PATH, get(incidents))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    limit: Option<usize>,
    after: Option<u64>,
    since: Option<Timestamp>,
    kind: Option<String>,
    server: Option<String>,
}

impl Asked {
    fn selection(&self) -> Result<Selection, String> {
        Selection::read(self.kind.as_deref(), self.server.as_deref(), self.since)
    }
}

async fn list(State(front): State<Front>, asked: Result<Query<Asked>, QueryRejection>) -> Response {
    let read = read(asked).and_then(|asked| Ok((asked.selection()?, asked)));
    let (selection, asked) = match read {
        Ok(read) => read,
        Err(text) => return error(StatusCode::BAD_REQUEST, &text),
    };
    let limit = asked.limit.unwrap_or(LIMIT).min(EVENTS_KEPT);
    let (events, dropped) = match asked.after {
        Some(after) => first_after(&front.journal, front.journal.place_of(after), limit, &selection),
        None => (latest(&front.journal, limit, &selection), 0),
    };
    Json(EventList {
        api_version: API_VERSION.to_owned(),
        kind: "EventList".to_owned(),
        generated_at: Timestamp::now(),
        events: events.iter().map(|entry| Entry::clone(entry)).collect(),
        dropped,
    })
    .into_response()
}

fn read<T>(asked: Result<Query<T>, QueryRejection>) -> Result<T, String> {
    asked.map(|Query(asked)| asked).map_err(|rejection| rejection.body_text())
}

/// The first ones after that number, and how many are gone.
fn first_after(
    journal: &Journal,
    after: u64,
    limit: usize,
    selection: &Selection,
) -> (VecDeque<Arc<Entry>>, u64) {
    let mut found = VecDeque::new();
    let (mut at, mut gone) = (after, 0);
    loop {
        let Batch { entries, dropped } = journal.after(at, BATCH_MAX);
        gone += dropped;
        let Some(last) = entries.last() else { break };
        at = last.seq;
        found.extend(entries.into_iter().filter(|entry| selection.has(entry)));
        if found.len() >= limit {
            found.truncate(limit);
            break;
        }
    }
    (found, gone)
}

fn latest(journal: &Journal, limit: usize, selection: &Selection) -> VecDeque<Arc<Entry>> {
    let mut found = VecDeque::new();
    let mut at = 0;
    loop {
        let Batch { entries, .. } = journal.after(at, BATCH_MAX);
        let Some(last) = entries.last() else { return found };
        at = last.seq;
        found.extend(entries.into_iter().filter(|entry| selection.has(entry)));
        while found.len() > limit {
            found.pop_front();
        }
    }
}

/// From the number in `Last-Event-ID` on, which is what a browser says after its connection broke, or else from `after` on;
/// without both, what comes from now on.
async fn stream(
    State(front): State<Front>,
    Extension(lasting): Extension<Lasting>,
    headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let read = read(asked).and_then(|asked| Ok((asked.selection()?, asked)));
    let (selection, asked) = match read {
        Ok(read) => read,
        Err(text) => return error(StatusCode::BAD_REQUEST, &text),
    };
    let header = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let after = header.or(asked.after).unwrap_or_else(|| front.journal.latest());
    let events = front.journal.follow(after);
    sse::answer(lasting, |reader| tell(events, reader, selection))
}

/// Tells one reader what is told here, for as long as they take it. Who is slow is told how many they have missed.
async fn tell(mut events: Follower, mut reader: sse::Follower, selection: Selection) -> Result<(), Gone> {
    reader.keep_alive().await?;
    let mut heard = Instant::now();
    loop {
        let Ok(Batch { entries, dropped }) = timeout_at(heard + KEEP_ALIVE, events.next()).await else {
            reader.keep_alive().await?;
            heard = Instant::now();
            continue;
        };
        let mut messages = Vec::new();
        if dropped > 0 {
            let data = format!(r#"{{"dropped":{dropped}}}"#);
            messages.extend_from_slice(&message("dropped", None, data.as_bytes()));
        }
        for entry in entries.iter().filter(|entry| selection.has(entry)) {
            let data = serde_json::to_vec(&**entry).unwrap_or_default();
            messages.extend_from_slice(&message("event", Some(entry.seq), &data));
        }
        if !messages.is_empty() {
            reader.tell(messages.into()).await?;
            heard = Instant::now();
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedIncidents {
    limit: Option<usize>,
}

async fn incidents(
    State(front): State<Front>,
    asked: Result<Query<AskedIncidents>, QueryRejection>,
) -> Response {
    let asked = match read(asked) {
        Ok(asked) => asked,
        Err(text) => return error(StatusCode::BAD_REQUEST, &text),
    };
    let now = Timestamp::now();
    Json(IncidentList {
        api_version: API_VERSION.to_owned(),
        kind: "IncidentList".to_owned(),
        generated_at: now,
        incidents: front.journal.incidents(asked.limit.unwrap_or(INCIDENTS_LIMIT), now),
    })
    .into_response()
}
