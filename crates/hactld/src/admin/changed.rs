//! What came of a change: one model for all that operators order, whoever has ordered it and by which route.

use axum::response::{IntoResponse, Json, Response};
use failover::status::{API_VERSION, PauseStatus, PinStatus, ServerStatus};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::journal::millis;

/// The exit codes of the commands: done and, where it is about servers, read back; taken in and not done yet.
const DONE: u8 = 0;
const ACCEPTED: u8 = 1;

/// What was ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Action {
    /// Servers are out.
    Maint,
    /// Servers take no new connections.
    Drain,
    /// Servers are used whatever their probes say.
    Ready,
    /// Servers are left to their probes again.
    Auto,
    /// One server carries its backend's traffic.
    Pin,
    /// Nothing is changed in HAProxy.
    Pause,
    /// The end of that.
    Resume,
    /// The traffic of a backend goes back to where it belongs.
    Failback,
}

/// What came of a change, as `hactl/v1` has it. Within v1 keys are only added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Changed {
    /// `hactl/v1`.
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    /// `Changed`.
    pub kind: String,
    /// When this was put together, RFC 3339.
    #[serde(rename = "generatedAt", serialize_with = "millis")]
    #[schemars(with = "String")]
    pub generated_at: Timestamp,
    /// The exit code of the command: 0 where it is done and HAProxy was read again since, 1 where it was taken in and is
    /// not done yet.
    pub exit_code: u8,
    /// What was ordered.
    pub action: Action,
    /// The servers that it is about; none of `pause` and `resume`, which are about all.
    pub servers: Vec<ChangedServer>,
    /// A restart of hactl would know of it; false also of a pause, which ends with the daemon.
    pub kept: bool,
    /// Why it would not, where that is a failure.
    pub unkept_why: Option<String>,
    /// The pause that is in force after it.
    pub paused: Option<PauseStatus>,
    /// Of `resume`: there was a pause to end. `null` of all others.
    pub was_paused: Option<bool>,
}

/// What came of it for one server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangedServer {
    /// The instance that it belongs to.
    pub instance: String,
    /// The backend.
    pub backend: String,
    /// The server.
    pub server: String,
    /// How it was, as in the status; `null` where HAProxy did not have it.
    pub was: Option<ServerStatus>,
    /// How it is.
    pub is: Option<ServerStatus>,
    /// The pin of its backend.
    pub pinned: Option<PinStatus>,
    /// The servers of its backend that get new connections.
    pub in_service: Option<Vec<String>>,
    /// The other servers of its backend that HAProxy could use, and is to use on; `null` while it does not answer.
    pub staying: Option<Vec<String>>,
    /// HAProxy was read again, and it is as ordered.
    pub confirmed: bool,
    /// Why it is not.
    pub why: Option<String>,
}

impl Changed {
    /// About these servers, and kept.
    pub(super) fn new(action: Action, servers: Vec<ChangedServer>) -> Self {
        let is_done = servers.iter().all(|server| server.confirmed);
        Self {
            api_version: API_VERSION.to_owned(),
            kind: "Changed".to_owned(),
            generated_at: Timestamp::now(),
            exit_code: if is_done { DONE } else { ACCEPTED },
            action,
            servers,
            kept: true,
            unkept_why: None,
            paused: None,
            was_paused: None,
        }
    }
}

impl IntoResponse for Changed {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}
