//! What has happened, asked of the API as anybody else would ask it: the page shows what that says and keeps nothing.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use http_body_util::{BodyExt, Limited};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// As many as a person reads before they ask `hactl events`.
const EVENTS: &str = "/api/v1/events?limit=12";
const INCIDENTS: &str = "/api/v1/incidents?limit=6";

/// A dozen events with the longest texts are a tenth of it.
const ANSWER_MAX: usize = 1 << 18;

/// The latest events, the oldest of them first, and incidents, the newest first.
#[derive(Debug, Default)]
pub(super) struct Past {
    pub(super) events: Vec<Told>,
    pub(super) incidents: Vec<Incident>,
}

impl Past {
    /// The number of the latest event.
    pub(super) fn latest(&self) -> u64 {
        self.events.iter().map(|event| event.seq).max().unwrap_or(0)
    }
}

/// An event. Only what is shown is read.
#[derive(Debug, Deserialize)]
pub(super) struct Told {
    pub(super) seq: u64,
    pub(super) at: String,
    pub(super) severity: String,
    pub(super) text: String,
}

/// A time in which a server, or a backend, was out.
#[derive(Debug, Deserialize)]
pub(super) struct Incident {
    pub(super) began: String,
    pub(super) ended: Option<String>,
    pub(super) text: String,
}

#[derive(Default, Deserialize)]
struct EventList {
    events: Vec<Told>,
}

#[derive(Default, Deserialize)]
struct IncidentList {
    incidents: Vec<Incident>,
}

/// Nothing, where it cannot be had: the present is what matters.
pub(super) async fn ask(reading: &Router) -> Past {
    let EventList { events } = get(reading, EVENTS).await.unwrap_or_default();
    let IncidentList { incidents } = get(reading, INCIDENTS).await.unwrap_or_default();
    Past { events, incidents }
}

async fn get<T: DeserializeOwned>(reading: &Router, path: &'static str) -> Option<T> {
    let request = Request::get(path).body(Body::empty()).ok()?;
    let answer: Response = TowerToHyperService::new(reading.clone()).call(request).await.ok()?;
    if !answer.status().is_success() {
        return None;
    }
    let body = Limited::new(answer.into_body(), ANSWER_MAX).collect().await.ok()?;
    serde_json::from_slice(&body.to_bytes()).ok()
}
