//! The configuration as it is written. Values that have a form of their own are parsed here, so that a mistake is
//! reported at the value itself.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use checker::{Expect, Target, TargetOptions};
use haproxy_runtime::{Address, BackendName, ServerName};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::duration;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct RawConfig {
    pub(super) probe: RawProbe,
    pub(super) admin: RawAdmin,
    pub(super) instance: Vec<RawInstance>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct RawProbe {
    pub(super) targets: Vec<RawTarget>,
    #[serde(deserialize_with = "duration::interval")]
    pub(super) interval: Duration,
    #[serde(deserialize_with = "duration::timeout")]
    pub(super) timeout: Duration,
    pub(super) ca_file: Option<PathBuf>,
}

impl Default for RawProbe {
    fn default() -> Self {
        Self {
            targets: super::DEFAULT_TARGETS
                .iter()
                .filter_map(|text| text.parse().ok())
                .map(RawTarget)
                .collect(),
            interval: Duration::from_secs(2),
            timeout: Duration::from_secs(2),
            ca_file: None,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct RawAdmin {
    pub(super) socket: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct RawInstance {
    pub(super) name: Option<String>,
    pub(super) haproxy: Option<Parsed<Address>>,
    pub(super) backend: Vec<RawBackend>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct RawBackend {
    pub(super) name: Option<Parsed<BackendName>>,
    pub(super) servers: Option<Vec<Parsed<ServerName>>>,
    /// Checked and then dropped: it is the only one so far.
    pub(super) policy: Option<Parsed<RawPolicy>>,
    pub(super) username: Option<String>,
    pub(super) password_file: Option<PathBuf>,
}

#[derive(Debug)]
pub(super) enum RawPolicy {
    Order,
}

impl FromStr for RawPolicy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "order" => Ok(Self::Order),
            _ => Err(format!("unknown policy `{text}`; known: order")),
        }
    }
}

/// A value whose type says itself what it accepts.
#[derive(Debug)]
pub(super) struct Parsed<T>(pub(super) T);

impl<'de, T> Deserialize<'de> for Parsed<T>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(D::Error::custom)
    }
}

/// A target: its text, or a table with its text as `url` and what else is to be known of it.
#[derive(Debug)]
pub(super) struct RawTarget(pub(super) Target);

impl<'de> Deserialize<'de> for RawTarget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TargetVisitor)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct RawTargetTable {
    url: Parsed<Target>,
    #[serde(default)]
    expect: Option<Vec<u16>>,
    #[serde(default)]
    sni: Option<String>,
}

struct TargetVisitor;

impl<'de> Visitor<'de> for TargetVisitor {
    type Value = RawTarget;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a target such as \"https://1.1.1.1/\", or a table { url, expect, sni }")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<RawTarget, E> {
        text.parse().map(RawTarget).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawTarget, A::Error> {
        let table = RawTargetTable::deserialize(MapAccessDeserializer::new(map))?;
        let expect = table.expect.map_or(Expect::AnyResponse, Expect::Statuses);
        let options = TargetOptions { expect, sni: table.sni };
        table.url.0.with(options).map(RawTarget).map_err(A::Error::custom)
    }
}
