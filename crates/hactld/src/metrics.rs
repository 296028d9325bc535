//! `/metrics`, for Prometheus: what decision loops have counted beside how things are, at the moment of the scrape.
//! Nothing is kept here, and nothing is decided by it; where a decision loop does not answer there are no figures, which
//! Prometheus sees as `up == 0`.

mod classic;
mod histogram;
mod scrape;
mod servers;
mod tally;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use self::classic::classic;
use self::scrape::{OfDaemon, Scrape};
use crate::admin::Front;
use crate::engine::Query;
use crate::fleet::Whole;
use crate::shared::Shared;

pub(crate) use self::scrape::Sample;
pub(crate) use self::tally::Tally;

/// Where the metrics are.
const METRICS_PATH: &str = "/metrics";

/// For the decision loops to answer, which never wait for anything: less than a scrape is given.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

const OPEN_METRICS: &str = "application/openmetrics-text";

pub(crate) fn routes() -> Router<Front> {
    Router::new().route(METRICS_PATH, get(metrics))
}

async fn metrics(State(front): State<Front>, headers: HeaderMap) -> Response {
    let asking = front.clone();
    let answer = front.exposition.0.get(async move || expose(&asking).await).await;
    let exposed = match answer {
        Ok(exposed) => exposed,
        Err((code, why)) => return (code, why).into_response(),
    };
    let (content_type, text) = if wants_open_metrics(&headers) {
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", exposed.open)
    } else {
        ("text/plain; version=0.0.4; charset=utf-8", exposed.classic)
    };
    ([(CONTENT_TYPE, content_type)], text).into_response()
}

/// The metrics, made once for all who ask at the same time.
#[derive(Clone, Default)]
pub(crate) struct Exposition(Shared<Result<Exposed, Unexposed>>);

/// In both forms.
#[derive(Clone)]
struct Exposed {
    open: Bytes,
    classic: Bytes,
}

type Unexposed = (StatusCode, &'static str);

async fn expose(front: &Front) -> Result<Exposed, Unexposed> {
    let scrape = scrape(front).await.map_err(|why| (StatusCode::SERVICE_UNAVAILABLE, why))?;
    // Some MB where there are many servers: not for the threads that decide.
    match tokio::task::spawn_blocking(move || render(scrape)).await {
        Ok(Ok(exposed)) => Ok(exposed),
        Ok(Err(_)) | Err(_) => {
            Err((StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be written, which is a bug\n"))
        }
    }
}

/// All instances are asked at once, as for the status.
async fn scrape(front: &Front) -> Result<Scrape, &'static str> {
    let reached = Arc::clone(&front.reached.borrow());
    let mut answers = Vec::with_capacity(reached.len());
    for reach in reached.iter() {
        let (sender, answer) = oneshot::channel();
        if reach.queries.try_send(Query::Metrics(sender)).is_err() {
            return Err("too many ask at once; ask again\n");
        }
        answers.push(answer);
    }
    let until = Instant::now() + ANSWER_LIMIT;
    let mut samples = Vec::with_capacity(answers.len());
    for answer in answers {
        match timeout_at(until, answer).await {
            Ok(Ok(sample)) => samples.push(*sample),
            Ok(Err(_)) => return Err("hactl is stopping\n"),
            Err(_) => return Err("a decision loop did not answer in 2 s\n"),
        }
    }
    let Whole { paused, config_stale, waiting, loaded_at, .. } = front.whole.borrow().clone();
    samples.extend(waiting.iter().map(|waiting| Sample::uncounted(waiting.status.clone())));
    let daemon =
        OfDaemon { paused: paused.is_some(), config_stale, loaded_at: loaded_at.as_duration().as_secs_f64() };
    Ok(Scrape { daemon, samples })
}

fn render(scrape: Scrape) -> Result<Exposed, std::fmt::Error> {
    let mut registry = Registry::with_prefix("hactl");
    registry.register_collector(Box::new(scrape));
    let mut text = String::new();
    text::encode(&mut text, &registry)?;
    Ok(Exposed { classic: classic(&text).into(), open: text.into() })
}

/// Whoever names it can read it: none says so and means that it is to be avoided.
fn wants_open_metrics(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().any(|accepted| {
        accepted.to_str().is_ok_and(|accepted| accepted.to_ascii_lowercase().contains(OPEN_METRICS))
    })
}

#[cfg(test)]
mod tests;
