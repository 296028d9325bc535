//! The configuration as it is written. Values that have a form of their own are parsed here, so that a mistake is
//! reported at the value itself.
//!
//! What is said of a key here is what people read of it: in the JSON Schema and in the manual page hactl.toml(5).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use checker::{Expect, Target, TargetOptions};
use failover::{Name, OnExit, Profile, Settings};
use haproxy_runtime::{Address, BackendName, ServerName};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::duration;
use super::exit::{RawExit, RawFrontend};
use super::hooks::{RawEvents, RawHook, RawRestart};
use super::operators::RawOperator;
use super::rules::{RawFailback, RawOnSlow, RawPolicy, RawSessions, RawWhenAllDown};
use super::ui::RawUi;
use super::web::RawWeb;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(title = "hactl.toml", description = "The configuration of hactl.")]
pub(super) struct RawConfig {
    /// How servers are probed, and how they are judged by that. It is the same for all instances.
    pub(super) probe: RawProbe,
    /// hactl's own socket, which `hactl status` and all other commands ask.
    pub(super) admin: RawAdmin,
    /// The listener for browsers and scrapers: the page, `/metrics`, `/healthz`, `/readyz` and the reading half of the API.
    /// Nothing can be changed there.
    pub(super) web: RawWeb,
    /// How what is known is shown by `hactl status`, `hactl top` and the page.
    pub(super) ui: RawUi,
    /// What outlives hactl.
    pub(super) state: RawState,
    /// The file of events, which `hactl events` reads back after a restart.
    pub(super) events: RawEvents,
    /// Programs that are run when something happens, up to 64. They delay nothing; how each ended is an event.
    pub(super) hook: Vec<RawHook>,
    /// Where it is asked from which public address traffic leaves, for `hactl exits` and the event `exit_changed`. Without
    /// this table nobody is asked; an empty one will do.
    pub(super) exit: Option<RawExit>,
    /// One for each HAProxy, up to 16. At least one has to be there, or be given by `--haproxy` and `--backend`.
    pub(super) instance: Vec<RawInstance>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct RawProbe {
    /// What a server has to fetch to prove its tunnel; one answer is enough. Name several, of different
    /// operators: with a single one nobody could tell its outage from that of everything. Names are resolved at
    /// the far end of the tunnel. https:// (the certificate is verified), http:// and tcp://HOST:PORT will do; behind a
    /// tcp:// target something has to speak first. One that answers 401, 403 or 429 refuses this exit: the tunnel works,
    /// and the target is not asked through that server for a while.
    #[schemars(extend("examples" = [["https://1.1.1.1/", {"url": "https://10.0.0.7/health", "expect": [200, 204], "sni": "health.example.net"}]]))]
    pub(super) targets: Vec<RawTarget>,
    /// How closely servers are watched: `fast`, `eco`, or `adaptive`, which is fast where HAProxy reports
    /// sessions and eco where nobody would notice. Closer finds a dead tunnel sooner and costs more traffic.
    #[schemars(extend("enum" = ["fast", "eco", "adaptive"]))]
    pub(super) profile: Parsed<RawProfile>,
    /// How often a small request is sent on a connection that is kept: how soon a dead tunnel is suspected. By
    /// default as the profile has it: `150ms` with fast, `1s` with eco. With adaptive, idle servers are never asked more
    /// often than with eco.
    #[serde(deserialize_with = "duration::canary")]
    #[schemars(with = "String", extend("x-duration" = duration::CANARY.range()))]
    pub(super) canary: Option<Duration>,
    /// How often a whole request is made on a new connection: how soon trouble is found that only new
    /// connections or larger answers meet. By default as the profile has it: `5s` with fast, `10s` with eco.
    #[serde(deserialize_with = "duration::interval")]
    #[schemars(with = "String", extend("x-duration" = duration::INTERVAL.range()))]
    pub(super) interval: Option<Duration>,
    /// The longest that one step of a probe may take; most are doubted sooner, by what their path has shown. Less
    /// than a slow but working tunnel needs puts it in doubt for ever.
    #[serde(deserialize_with = "duration::timeout")]
    #[schemars(with = "String", extend("x-duration" = duration::TIMEOUT.range()))]
    pub(super) timeout: Duration,
    /// How seldom a working server may be taken out by mistake. More seldom takes more confirmation, so a dead
    /// one is left a little later.
    #[serde(deserialize_with = "duration::false_alarm_every")]
    #[schemars(with = "String", extend("x-duration" = duration::FALSE_ALARM_EVERY.range()))]
    pub(super) false_alarm_every: Duration,
    /// An interruption that is over within this moves nobody. What lasts longer is left that much later.
    #[serde(deserialize_with = "duration::ride_through")]
    #[schemars(with = "String", extend("x-duration" = duration::RIDE_THROUGH.range()))]
    pub(super) ride_through: Duration,
    /// How long a server has to be good after an outage before it is used again; doubled with each relapse up to
    /// `hold_max`, and forgotten within the hour. One that had been good for less than a minute is held twice as long
    /// as that. A server that is held is used at once when no other one works.
    #[serde(deserialize_with = "duration::hold")]
    #[schemars(with = "String", extend("x-duration" = duration::HOLD.range()))]
    pub(super) hold: Duration,
    /// What `hold` grows to at most; the same as `hold` does away with the growing.
    #[serde(deserialize_with = "duration::hold")]
    #[schemars(with = "String", extend("x-duration" = duration::HOLD.range()))]
    pub(super) hold_max: Duration,
    /// Asked directly, past all servers, when everything fails. If it fails too, the trouble is this host's own
    /// network, and nothing is changed. Name it by address, so that no resolver is needed. Without it hactl cannot tell
    /// a dead network from tunnels that have all died.
    #[schemars(extend("examples" = ["https://1.1.1.1/"]))]
    pub(super) control: Option<RawTarget>,
    /// A certificate authority beside those of the system, PEM, for targets of your own.
    #[schemars(extend("format" = "path", "examples" = ["/etc/hactl/ca.pem"]))]
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

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct RawAdmin {
    /// Where it is. Another one needs a restart, and commands have to be told of it: by `--socket`, or by HACTL_SOCKET, in shells
    /// and for `systemctl reload hactl` as `Environment=HACTL_SOCKET=...` in `systemctl edit hactl`.
    #[schemars(extend("format" = "path"))]
    pub(super) socket: Option<PathBuf>,
    /// Who may change something over it (`hactl maint`, `hactl pause` ...) beside root and hactl's own user: `uid:1000`,
    /// `user:NAME`, `gid:1000` or `group:NAME`. Members of groups are looked up when this is read. Whoever
    /// is named here has to be in hactl's group as well (`usermod -aG hactl NAME`), since the socket is that group's; to look,
    /// the group alone is enough.
    #[schemars(extend("examples" = [["uid:1000", "group:adm"]]))]
    pub(super) operators: Vec<Parsed<RawOperator>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct RawState {
    /// Where hactl writes down which servers it has taken out, so that after a restart it lifts these and no
    /// others. Under systemd the service's StateDirectory, where this is left out. Each hactl needs one of its
    /// own; another one needs a restart.
    #[schemars(extend("format" = "path"))]
    pub(super) dir: Option<PathBuf>,
    /// When hactl is stopped, what it has taken out stays out (`keep`), or is put back (`restore`). After a crash it
    /// stays, and the next start goes on from there.
    #[schemars(extend("enum" = ["keep", "restore"]))]
    pub(super) on_exit: Option<Parsed<RawOnExit>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct RawInstance {
    /// What this HAProxy is called in status and log: letters, digits and `_.:-`. With several instances each needs one.
    #[schemars(extend("examples" = ["7891"]))]
    pub(super) name: Option<Parsed<RawInstanceName>>,
    /// HAProxy's runtime API, a stats socket of level admin: a path, unix:PATH or tcp:HOST:PORT; or
    /// master:PATH, the master CLI (`haproxy -W -S PATH`), which hands on to the present worker. It has to be here, or in
    /// `--haproxy`.
    #[schemars(extend("examples" = ["/run/haproxy/admin.sock"]))]
    pub(super) haproxy: Option<Parsed<Address>>,
    /// HAProxy's master CLI, the socket behind -S: it tells of a reload at once, without it reloads are noticed up to
    /// 50 ms later. Nothing is written there. Debian's is for root alone; docs/haproxy.md says how to have it for a group.
    /// Another one needs a restart.
    #[schemars(extend("format" = "path", "examples" = ["/run/haproxy-master.sock"]))]
    pub(super) master: Option<PathBuf>,
    /// A file that hactl keeps for HAProxy to begin with, so that a reload leaves no gap; haproxy.cfg has to
    /// load it (`server-state-file`, `load-server-state-from-file global`). An absolute path, in a directory to which
    /// hactl's user and nobody else may write. Not with `lever = "agent"`. Another one needs a restart.
    #[schemars(extend("format" = "path", "examples" = ["/var/lib/hactl/haproxy.state"]))]
    pub(super) server_state_file: Option<PathBuf>,
    /// By what servers are put out and back: `state` sends `set server ... state maint|ready`; with `agent`
    /// HAProxy asks by its agent-check and needs to grant nothing but reading. See docs/haproxy.md. Another one needs a
    /// restart.
    #[schemars(extend("enum" = ["state", "agent"]))]
    pub(super) lever: Option<Parsed<RawLever>>,
    /// Where HAProxy's agent-checks are answered, on loopback only; with `lever = "agent"`. Another one needs a restart.
    pub(super) agent: Option<Parsed<RawAgent>>,
    /// `observe` does everything but change HAProxy, and `hactl status` lists what would be sent. For a while: `hactl
    /// pause`.
    #[schemars(extend("enum" = ["active", "observe"]))]
    pub(super) mode: Option<Parsed<RawMode>>,
    /// The backends to steer; at least one.
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

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct RawBackend {
    /// Its name in HAProxy. It has to be here, or in `--backend`.
    #[schemars(extend("examples" = ["socks_back_7891"]))]
    pub(super) name: Option<Parsed<BackendName>>,
    /// Servers outside this list are left alone; without it all that HAProxy has in the backend are steered.
    #[schemars(extend("examples" = [["wg1", "wg2", "cloudflare_warp"]]))]
    pub(super) servers: Option<Vec<Parsed<ServerName>>>,
    /// Which of a tier's servers is used: with `order` HAProxy decides, as always. With `latency` the clearly fastest:
    /// better by 30 ms and by a fifth for half a minute, at most 4 moves an hour; the others are drained while it works
    /// without a doubt.
    #[schemars(extend("enum" = ["order", "latency"]))]
    pub(super) policy: Option<Parsed<RawPolicy>>,
    /// Servers by preference, those of one tier as good as each other. By default as HAProxy prefers them,
    /// where each backup is a tier of its own. Where this contradicts HAProxy's order, what it would use first is drained.
    #[schemars(extend("examples" = [[["wg1", "wg2"], ["cloudflare_warp"]]]))]
    pub(super) tiers: Option<Vec<Vec<Parsed<ServerName>>>>,
    /// When a preferred server that is good again is used again: `auto` at once, `manual` after `hactl failback
    /// BACKEND`, `never` by itself. In any case once the one in use fails.
    #[schemars(extend("enum" = ["auto", "manual", "never"]))]
    pub(super) failback: Option<Parsed<RawFailback>>,
    /// With `false` only the first tier is ever used: rather no service than another exit address.
    pub(super) allow_exit_change: Option<bool>,
    /// What is done once every server was found unable to carry traffic: `last-good` leaves everything as it
    /// is, `fail-closed` takes all out, so that clients are told at once, `all-open` puts all in. Where nothing at all
    /// answers, hactl cannot tell a dead tunnel from a dead network and leaves everything as it is, unless `control` in
    /// `[probe]` tells it.
    #[schemars(extend("enum" = ["last-good", "fail-closed", "all-open"]))]
    pub(super) when_all_down: Option<Parsed<RawWhenAllDown>>,
    /// A server that still carries traffic, but much more slowly than it did, while a faster one is at hand:
    /// `show` it, or `move` the traffic away until it is itself again.
    #[schemars(extend("enum" = ["show", "move"]))]
    pub(super) on_slow: Option<Parsed<RawOnSlow>>,
    /// Sessions on a server that failed: `keep` them, or `kill` them after `kill_after`, so that their clients connect
    /// anew. Only while another server is known to work.
    #[schemars(extend("enum" = ["keep", "kill"]))]
    pub(super) on_fail: Option<Parsed<RawSessions>>,
    /// The same on a server that was left for a faster one.
    #[schemars(extend("enum" = ["keep", "kill"]))]
    pub(super) on_steer: Option<Parsed<RawSessions>>,
    /// The same on a server that was left because a preferred one is back.
    #[schemars(extend("enum" = ["keep", "kill"]))]
    pub(super) on_failback: Option<Parsed<RawSessions>>,
    /// How long such sessions are left in peace.
    #[serde(deserialize_with = "duration::kill_after")]
    #[schemars(with = "String", extend("x-duration" = duration::KILL_AFTER.range()))]
    pub(super) kill_after: Option<Duration>,
    /// What restarts a server that is degraded or offline, by the server's name. Not while hactl is paused or observes, nor
    /// while nothing at all answers: then it is this host's network.
    #[schemars(extend("examples" = [{"wg1": {"run": ["/usr/bin/systemctl", "restart", "wireproxy@wg1"], "after": "30s"}}]))]
    pub(super) on_offline: BTreeMap<String, RawRestart>,
    /// HAProxy's own address for clients, for `hactl exits` to see what they see; with `[exit]`.
    #[schemars(extend("examples" = ["127.0.0.1:7891"]))]
    pub(super) frontend: Option<Parsed<RawFrontend>>,
    /// For SOCKS servers that ask for user and password; with `password_file`.
    #[schemars(extend("examples" = ["hactl"]))]
    pub(super) username: Option<String>,
    /// The file that holds the password, and nothing else; with `username`. hactl's user has to be able to read it: `root:hactl`,
    /// 0640.
    #[schemars(extend("format" = "path", "examples" = ["/etc/hactl/socks-password"]))]
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

/// It is written as text.
impl<T> JsonSchema for Parsed<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        String::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

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

impl JsonSchema for RawTarget {
    fn schema_name() -> Cow<'static, str> {
        "Target".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<RawTargetTable>();
        json_schema!({ "anyOf": [{ "type": "string" }, table] })
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct RawTargetTable {
    /// The target, as it would be written without a table.
    url: Parsed<Target>,
    /// The HTTP statuses that prove the tunnel; where this is left out any does.
    #[schemars(inner(range(min = 200, max = 599)))]
    #[serde(default)]
    expect: Option<Vec<u16>>,
    /// The name in TLS and of the certificate, where it is not the URL's.
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
