//! How often this listener may ask the decision loops: one question at a time, with rests between them, however many
//! clients there are. What has no question behind it does not come by here.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// Rests are this many times as long as what was asked before took, so that a tenth of the time is asked for at most.
const REST_FACTOR: u32 = 9;

/// But no longer than this: who waits is an honest client, too.
const REST_MAX: Duration = Duration::from_secs(1);

/// From when on the next may ask.
#[derive(Clone)]
pub(super) struct Turn(Arc<Mutex<Instant>>);

impl Turn {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

/// Around what asks them; those that wait are served in the order in which they came.
pub(super) async fn pace(State(turn): State<Turn>, request: Request, next: Next) -> Response {
    let mut free = turn.0.lock().await;
    sleep_until(*free).await;
    let began = Instant::now();
    let response = next.run(request).await;
    *free = Instant::now() + (began.elapsed() * REST_FACTOR).min(REST_MAX);
    response
}
