//! Where traffic leaves from, as whoever it arrives at sees it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An exit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExitStatus {
    /// The public address.
    pub address: String,
    /// The site of Cloudflare's that was reached, `FRA`; `null` where the page does not say.
    pub colo: Option<String>,
    /// `off`, `on` or `plus`; `null` where the page does not say.
    pub warp: Option<String>,
}

impl ExitStatus {
    /// The same exit, by whichever site it was seen: that may be another one each time.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.address == other.address && self.warp == other.warp
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)?;
        match (&self.colo, &self.warp) {
            (None, None) => Ok(()),
            (Some(colo), None) => write!(f, " ({colo})"),
            (None, Some(warp)) => write!(f, " (warp {warp})"),
            (Some(colo), Some(warp)) => write!(f, " ({colo}, warp {warp})"),
        }
    }
}

/// What came of asking.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SeenExit {
    /// The exit; `null` where it could not be seen, or nobody has asked yet.
    pub exit: Option<ExitStatus>,
    /// Why it could not be seen.
    pub why: Option<String>,
    /// When it was asked for, RFC 3339.
    pub asked_at: Option<String>,
}

/// What `hactl exits -o json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExitList {
    /// `hactl/v1`.
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    /// `ExitList`.
    pub kind: String,
    /// When this was put together, RFC 3339.
    #[serde(rename = "generatedAt")]
    pub generated_at: String,
    /// The exit code of `hactl exits`: 0 where all clients leave where hactl believes, 1 where some do not, 3 where that is
    /// not known of some.
    pub exit_code: u8,
    /// The page that is asked for; `null` where the configuration has none, and nothing is known.
    pub url: Option<String>,
    /// The backends of all instances.
    pub backends: Vec<BackendExits>,
}

/// Of one backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackendExits {
    /// The instance that it belongs to.
    pub instance: String,
    /// Its name.
    pub name: String,
    /// HAProxy's own address for clients, as configured.
    pub frontend: Option<String>,
    /// Where clients leave from: what was seen through `frontend`.
    pub clients: SeenExit,
    /// Clients leave by a server that hactl has for the one in service; `null` where one of the two is not known.
    pub as_believed: Option<bool>,
    /// Its managed servers.
    pub servers: Vec<ServerExit>,
}

/// Of one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServerExit {
    /// Its name.
    pub name: String,
    /// HAProxy sends new connections to it.
    pub in_service: bool,
    /// What was seen through it.
    pub seen: SeenExit,
}

impl ExitList {
    /// What follows for a list of these.
    #[must_use]
    pub fn exit_code_of(backends: &[BackendExits]) -> u8 {
        let believed = || backends.iter().map(|backend| backend.as_believed);
        if believed().any(|as_believed| as_believed == Some(false)) {
            1
        } else if believed().any(|as_believed| as_believed.is_none()) || backends.is_empty() {
            3
        } else {
            0
        }
    }
}

impl BackendExits {
    /// Sees whether clients leave where they are believed to.
    #[must_use]
    pub fn compared(mut self) -> Self {
        let believed: Vec<_> = self.servers.iter().filter(|server| server.in_service).collect();
        let exits: Option<Vec<_>> = believed.iter().map(|server| server.seen.exit.as_ref()).collect();
        let clients = self.clients.exit.as_ref();
        self.as_believed = clients
            .zip(exits.filter(|exits| !exits.is_empty()))
            .map(|(clients, exits)| exits.iter().any(|exit| exit.is_same(clients)));
        self
    }
}
