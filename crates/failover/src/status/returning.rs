//! A server that answers again and is not used yet: since when, and when it will be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, seconds};
use crate::detector::Detector;

/// How far a server is on its way back. What is said of the future holds if it goes on answering.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReturnStatus {
    /// Since when it answers, RFC 3339.
    pub answers_since: String,
    /// The same in seconds.
    pub answers_seconds: f64,
    /// When it is used again at the earliest, RFC 3339.
    pub used_from: String,
    /// In so many seconds; 0 where that is past, because it has not had enough good probes yet.
    pub used_in_seconds: f64,
}

pub(super) fn of(detector: &Detector, context: &Context<'_>) -> Option<ReturnStatus> {
    let (since, until) = detector.returning(context.now)?;
    Some(ReturnStatus {
        answers_since: (context.wall)(since),
        answers_seconds: seconds(context.now.since(since)),
        used_from: (context.wall)(until),
        used_in_seconds: seconds(until.since(context.now)),
    })
}
