//! The configuration as it is written. Values that have a form of their own are parsed here, so that a mistake is
//! reported at the value itself.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use checker::{Expect, Target, TargetOptions};
use failover::{Name, OnExit, Profile, Settings};
use haproxy_runtime::{Address, BackendName, ServerName};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::duration;
use super::exit::{RawExit, RawFrontend};
use super::rules::{RawFailback, RawOnSlow, RawPolicy, RawSessions, RawWhenAllDown};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct RawConfig {
    pub(super) probe: RawProbe,
    pub(super) admin: RawAdmin,
    pub(super) state: RawState,
    pub(super) exit: Option<RawExit>,
    pub(super) instance: Vec<RawInstance>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct RawProbe {
    pub(super) targets: Vec<RawTarget>,
    pub(super) profile: Parsed<RawProfile>,
    #[serde(deserialize_with = "duration::canary")]
    pub(super) canary: Option<Duration>,
    #[serde(deserialize_with = "duration::interval")]
    pub(super) interval: Option<Duration>,
    #[serde(deserialize_with = "duration::timeout")]
    pub(super) timeout: Duration,
    #[serde(deserialize_with = "duration::false_alarm_every")]
    pub(super) false_alarm_every: Duration,
    #[serde(deserialize_with = "duration::ride_through")]
    pub(super) ride_through: Duration,
    #[serde(deserialize_with = "duration::hold")]
    pub(super) hold: Duration,
    #[serde(deserialize_with = "duration::hold")]
    pub(super) hold_max: Duration,
    pub(super) control: Option<RawTarget>,
    pub(super) ca_file: Option<PathBuf>,
}

impl Default for RawProbe {
    fn default() -> Self {
        let Settings { profile, timeout, false_alarm_every, ride_through, hold, hold_max, .. } =
            Settings::new(Vec::new());
        Self {
            targets: super::DEFAULT_TARGETS
                .iter()
                .filter_map(|text| text.parse().ok())
                .map(RawTarget)
                .collect(),
            profile: Parsed(RawProfile(profile)),
            canary: None,
            interval: None,
            timeout,
            false_alarm_every,
            ride_through,
            hold,
            hold_max,
            control: None,
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
pub(super) struct RawState {
    pub(super) dir: Option<PathBuf>,
    pub(super) on_exit: Option<Parsed<RawOnExit>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct RawInstance {
    pub(super) name: Option<Parsed<RawInstanceName>>,
    pub(super) haproxy: Option<Parsed<Address>>,
    pub(super) master: Option<PathBuf>,
    pub(super) server_state_file: Option<PathBuf>,
    pub(super) lever: Option<Parsed<RawLever>>,
    pub(super) agent: Option<Parsed<RawAgent>>,
    pub(super) mode: Option<Parsed<RawMode>>,
    pub(super) backend: Vec<RawBackend>,
}

/// A longer one fits into no table.
const INSTANCE_NAME_MAX: usize = 64;

/// What HAProxy allows in its names, so that an instance is told from a server by the `/` alone, and can be part of a
/// file's name.
#[derive(Debug)]
pub(super) struct RawInstanceName(pub(super) Name);

impl FromStr for RawInstanceName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = |character: char| character.is_ascii_alphanumeric() || "_.:-".contains(character);
        if let Some(other) = text.chars().find(|character| !allowed(*character)) {
            return Err(format!(
                "{other:?} in the name `{text}`: only letters, digits and `_.:-` are allowed"
            ));
        }
        match text.len() {
            0 => Err("the name is empty".to_owned()),
            1..=INSTANCE_NAME_MAX => Ok(Self(Name::from(text))),
            length => {
                Err(format!("the name has {length} characters; at most {INSTANCE_NAME_MAX} are allowed"))
            }
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct RawBackend {
    pub(super) name: Option<Parsed<BackendName>>,
    pub(super) servers: Option<Vec<Parsed<ServerName>>>,
    pub(super) policy: Option<Parsed<RawPolicy>>,
    pub(super) tiers: Option<Vec<Vec<Parsed<ServerName>>>>,
    pub(super) failback: Option<Parsed<RawFailback>>,
    pub(super) allow_exit_change: Option<bool>,
    pub(super) when_all_down: Option<Parsed<RawWhenAllDown>>,
    pub(super) on_slow: Option<Parsed<RawOnSlow>>,
    pub(super) on_fail: Option<Parsed<RawSessions>>,
    pub(super) on_steer: Option<Parsed<RawSessions>>,
    pub(super) on_failback: Option<Parsed<RawSessions>>,
    #[serde(deserialize_with = "duration::kill_after")]
    pub(super) kill_after: Option<Duration>,
    pub(super) frontend: Option<Parsed<RawFrontend>>,
    pub(super) username: Option<String>,
    pub(super) password_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RawLever {
    State,
    Agent,
}

impl FromStr for RawLever {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        known("lever", text, [("state", Self::State), ("agent", Self::Agent)])
    }
}

/// Where agent-checks are answered. What is said there is for HAProxy on this host alone.
#[derive(Debug)]
pub(super) struct RawAgent(pub(super) SocketAddr);

impl FromStr for RawAgent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<SocketAddr>() {
            Ok(addr) if !addr.ip().is_loopback() => Err(format!(
                "{addr} can be reached from other hosts; agent-checks are answered on loopback alone, as in 127.0.0.1:9777"
            )),
            Ok(addr) if addr.port() == 0 => {
                Err("0 is not a port; write one, as in 127.0.0.1:9777".to_owned())
            }
            Ok(addr) => Ok(Self(addr)),
            Err(_) => Err(format!("`{text}` is not an address with a port, as in 127.0.0.1:9777")),
        }
    }
}

/// Whether it is `observe`.
#[derive(Debug)]
pub(super) struct RawMode(pub(super) bool);

impl FromStr for RawMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        known("mode", text, [("active", Self(false)), ("observe", Self(true))])
    }
}

#[derive(Debug)]
pub(super) struct RawProfile(pub(super) Profile);

impl FromStr for RawProfile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let profiles = [Profile::Fast, Profile::Eco, Profile::Adaptive];
        known("profile", text, profiles.map(|profile| (profile_name(profile), Self(profile))))
    }
}

pub(super) const fn profile_name(profile: Profile) -> &'static str {
    match profile {
        Profile::Fast => "fast",
        Profile::Eco => "eco",
        Profile::Adaptive => "adaptive",
    }
}

#[derive(Debug)]
pub(super) struct RawOnExit(pub(super) OnExit);

impl FromStr for RawOnExit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        known("on_exit", text, [("keep", Self(OnExit::Keep)), ("restore", Self(OnExit::Restore))])
    }
}

/// The value that `text` is the word for.
pub(super) fn known<T, const N: usize>(what: &str, text: &str, words: [(&str, T); N]) -> Result<T, String> {
    let list = words.each_ref().map(|(word, _)| *word).join(", ");
    let found = words.into_iter().find(|(word, _)| *word == text);
    found.map(|(_, value)| value).ok_or_else(|| format!("unknown {what} `{text}`; known: {list}"))
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
