//! How much an event matters. Nothing is decided by it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Event;
use crate::Verdict;

/// How much an event matters to whoever reads along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// As it should be.
    Info,
    /// Something does not carry traffic or cannot be done; clients are served.
    Warning,
    /// Clients are not served, or hactl cannot act.
    Error,
}

impl Severity {
    /// The word in JSON and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Event {
    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Health { to: Verdict::Degraded | Verdict::Offline, .. }
            | Self::Held { .. }
            | Self::Overridden { .. }
            | Self::LeftOut { .. }
            | Self::LedgerLost { .. }
            | Self::LedgerWritable { why: Some(_), .. }
            | Self::Slow { slow: true, .. }
            | Self::TargetRests { .. }
            | Self::NoCanary { .. }
            | Self::Starved { .. }
            | Self::ReloadsSuffer { .. }
            | Self::SessionsKept { .. }
            | Self::AgentMisuse { .. }
            | Self::Refused { .. } => Severity::Warning,
            Self::InService { to, .. } if to.is_empty() => Severity::Error,
            Self::Blackout { .. }
            | Self::Frozen { .. }
            | Self::Contended { stand_back: Some(_), .. }
            | Self::HaproxyAway { .. }
            | Self::WritesDenied { .. }
            | Self::Missing { .. } => Severity::Error,
            Self::Health { .. }
            | Self::InService { .. }
            | Self::BlackoutOver { .. }
            | Self::Thawed { .. }
            | Self::Slow { slow: false, .. }
            | Self::TargetBack { .. }
            | Self::Steered { .. }
            | Self::KeptOut { .. }
            | Self::FailedBack { .. }
            | Self::SessionsKilled { .. }
            | Self::Applied { .. }
            | Self::Answered { .. }
            | Self::Adopted { .. }
            | Self::Gone { .. }
            | Self::Contended { stand_back: None, .. }
            | Self::LedgerWritable { why: None, .. }
            | Self::HaproxyPresent { .. }
            | Self::HaproxyReplaced { .. }
            | Self::ExitChanged(_) => Severity::Info,
            Self::Asked(asked) => asked.severity(),
        }
    }
}
