//! `[web]`: where the page is shown, to whom, and by which names it may be asked for.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Deserialize;

use super::raw::{Parsed, known};

/// The listener for browsers and scrapers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    /// Where.
    pub listen: SocketAddr,
    /// The names by which it may be asked for beside `localhost`, in lower case.
    pub hosts: Vec<String>,
}

impl fmt::Display for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.listen.fmt(f)
    }
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct RawWeb {
    /// Where it is, an address with a port; without it there is none. Another one needs a restart.
    #[schemars(extend("examples" = ["127.0.0.1:9778"]))]
    pub(super) listen: Option<Parsed<RawListen>>,
    /// The names by which it may be asked for, beside localhost and addresses. Others are refused, so that no website can
    /// have a name of its own lead here and read along.
    #[schemars(extend("examples" = [["hactl.example.net"]]))]
    pub(super) hosts: Option<Vec<Parsed<RawHost>>>,
    /// `network` allows an address that other hosts can reach. There is no password: whoever reaches it may read
    /// everything.
    #[schemars(extend("enum" = ["loopback", "network"]))]
    pub(super) reach: Option<Parsed<RawReach>>,
}

#[derive(Debug)]
pub(super) struct RawListen(pub(super) SocketAddr);

impl FromStr for RawListen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<SocketAddr>() {
            Ok(addr) if addr.port() == 0 => {
                Err("0 is not a port; write one, as in 127.0.0.1:9778".to_owned())
            }
            Ok(addr) => Ok(Self(addr)),
            Err(_) => Err(format!("`{text}` is not an address with a port, as in 127.0.0.1:9778")),
        }
    }
}

/// Who may look: this host alone, or whoever reaches the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RawReach {
    Loopback,
    Network,
}

impl FromStr for RawReach {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        known("reach", text, [("loopback", Self::Loopback), ("network", Self::Network)])
    }
}

/// A name, without port and path.
#[derive(Debug)]
pub(super) struct RawHost(pub(super) String);

impl FromStr for RawHost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = |character: char| character.is_ascii_alphanumeric() || ".-_".contains(character);
        if text.is_empty() || !text.chars().all(plain) {
            return Err(format!("`{text}` is not a host's name alone, as in hactl.example.net"));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

/// What is wrong with the table, what to do, and at which key.
pub(super) struct WebProblem {
    pub(super) what: String,
    pub(super) next: &'static str,
    pub(super) key: &'static str,
}

/// `None` where no listener is wanted.
pub(super) fn web(raw: RawWeb) -> Result<Option<Web>, WebProblem> {
    let network = raw.reach.is_some_and(|Parsed(reach)| reach == RawReach::Network);
    let Some(Parsed(RawListen(listen))) = raw.listen else {
        let keys = [("hosts", raw.hosts.is_some()), ("reach", network)];
        return match keys.into_iter().find(|(_, is_written)| *is_written) {
            Some((key, _)) => Err(WebProblem {
                what: format!("`{key}` is of no use without `listen`"),
                next: "say listen = \"127.0.0.1:9778\" as well, or remove it",
                key,
            }),
            None => Ok(None),
        };
    };
    if !listen.ip().is_loopback() && !network {
        return Err(WebProblem {
            what: format!(
                "{listen} can be reached from other hosts, and whoever reaches it may read names, addresses and events"
            ),
            next: "listen on 127.0.0.1, or say reach = \"network\" as well if that is meant",
            key: "listen",
        });
    }
    let hosts = raw.hosts.unwrap_or_default().into_iter().map(|Parsed(RawHost(host))| host).collect();
    Ok(Some(Web { listen, hosts }))
}
