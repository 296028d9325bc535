//! The status, once and as a stream.

use std::ops::RangeInclusive;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use failover::status::Status;
use serde::Deserialize;
use tokio::time::{Instant, sleep_until};

use super::sse::{self, Follower, Gone, KEEP_ALIVE, Lasting};
use super::{Front, STATUS_PATH, STATUS_STREAM_PATH, error};
use crate::feed::{Feed, Unanswered};

/// How often a stream tells what has not changed: more often than that would be read by nobody, and who wants it more
/// seldom than that asks each time.
const INTERVAL_MS: RangeInclusive<u64> = 200..=60_000;

pub(crate) fn routes() -> Router<Front> {
    Router::new().route(STATUS_PATH, get(once)).route(STATUS_STREAM_PATH, get(stream))
}

impl Front {
    /// Everything as it is now.
    pub(crate) async fn status(&self) -> Result<Status, Unanswered> {
        self.feed.once(&self.reached, &self.whole).await.map(|answer| answer.status.clone())
    }
}

impl IntoResponse for Unanswered {
    fn into_response(self) -> Response {
        error(StatusCode::SERVICE_UNAVAILABLE, &self.to_string())
    }
}

async fn once(State(front): State<Front>) -> Response {
    match front.feed.once(&front.reached, &front.whole).await {
        Ok(answer) => ([(CONTENT_TYPE, "application/json")], answer.line()).into_response(),
        Err(unanswered) => unanswered.into_response(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default = "second")]
    interval_ms: u64,
}

const fn second() -> u64 {
    1000
}

async fn stream(
    State(front): State<Front>,
    Extension(lasting): Extension<Lasting>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let Wanted { interval_ms } = match wanted {
        Ok(Query(wanted)) => wanted,
        Err(rejection) => return error(StatusCode::BAD_REQUEST, &rejection.body_text()),
    };
    if !INTERVAL_MS.contains(&interval_ms) {
        let (least, most) = (INTERVAL_MS.start(), INTERVAL_MS.end());
        let text = format!("interval_ms is out of range; from {least} to {most} is allowed");
        return error(StatusCode::BAD_REQUEST, &text);
    }
    sse::answer(lasting, |follower| tell(front.feed, follower, Duration::from_millis(interval_ms)))
}

/// Tells one follower the status: at once, when something of note has changed, and otherwise every `interval`.
async fn tell(feed: Feed, mut follower: Follower, interval: Duration) -> Result<(), Gone> {
    let mut latest = feed.follow();
    let mut told = None;
    // From then on the next one is told whatever it says.
    let mut due = Instant::now();
    let mut wanted = false;
    let mut heard = due;
    loop {
        tokio::select! {
            Ok(()) = latest.changed() => {
                let published = latest.borrow_and_update().clone();
                let Some(published) = published.filter(|one| wanted || told != Some(one.revision)) else {
                    continue;
                };
                follower.tell(published.message.clone()).await?;
                told = Some(published.revision);
                wanted = false;
                heard = Instant::now();
                due = heard + interval;
            }
            () = sleep_until(due), if !wanted => {
                wanted = true;
                feed.want();
            }
            () = sleep_until(heard + KEEP_ALIVE) => {
                follower.keep_alive().await?;
                heard = Instant::now();
            }
        }
    }
}

#[cfg(test)]
mod tests;
