//! Which page says where traffic leaves from, and how often it is asked for.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use checker::Target;
use schemars::JsonSchema;
use serde::Deserialize;

use super::duration;
use super::raw::RawTarget;

/// Cloudflare's own page: it says the address, the site and whether it is WARP, in some hundred bytes.
pub(super) const DEFAULT_PAGE: &str = "https://www.cloudflare.com/cdn-cgi/trace";

/// An exit is another one once in days; a failover is asked about at once.
pub(super) const DEFAULT_EVERY: Duration = Duration::from_secs(600);

/// Which page is asked for, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExitPage {
    /// The page.
    pub page: Target,
    /// The time between two rounds.
    pub every: Duration,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct RawExit {
    /// The page, which says who asks: Cloudflare's, or one that answers with nothing but an address. It is asked for
    /// through each server that carries traffic, and through HAProxy where a backend has `frontend`.
    url: Option<RawTarget>,
    /// The time between two rounds. After a change of service it is asked at once.
    #[serde(deserialize_with = "duration::exit_every")]
    #[schemars(with = "Option<String>", extend("x-duration" = duration::EXIT_EVERY.range()))]
    every: Option<Duration>,
}

/// Where clients reach HAProxy.
#[derive(Debug)]
pub(super) struct RawFrontend(pub(super) SocketAddr);

impl FromStr for RawFrontend {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse()
            .map(Self)
            .map_err(|_| format!("`{text}` is not an address with a port, as in 127.0.0.1:7891"))
    }
}

/// Nobody is asked where there is no such table.
pub(super) fn exit_page(raw: Option<RawExit>) -> Option<ExitPage> {
    let RawExit { url, every } = raw?;
    let page = url.map(|RawTarget(page)| page).or_else(|| DEFAULT_PAGE.parse().ok())?;
    Some(ExitPage { page, every: every.unwrap_or(DEFAULT_EVERY) })
}
