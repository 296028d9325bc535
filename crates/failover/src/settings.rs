//! What can be set about probing and judging.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Name;
use crate::time::micros;

/// How often servers are probed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Always at the quick cadence.
    Fast,
    /// Always at the slow cadence.
    Eco,
    /// Quick while HAProxy reports sessions on the server, slow while it is idle and nobody can be hurt.
    #[default]
    Adaptive,
}

/// The two paces of probing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cadence {
    /// From one canary to the next.
    #[serde(with = "micros")]
    pub canary: Duration,
    /// From one full probe to the next.
    #[serde(with = "micros")]
    pub full: Duration,
}

impl Cadence {
    /// Of the profile `fast`: 150 ms, so that a SOCKS server that rejects is left about as soon as by HAProxy's own
    /// check at 100 ms (measured), and 5 s.
    pub const FAST: Self = Self { canary: Duration::from_millis(150), full: Duration::from_secs(5) };

    /// Of the profile `eco`: 1 s and 10 s.
    pub const ECO: Self = Self { canary: Duration::from_secs(1), full: Duration::from_secs(10) };
}

/// What is done about a server that has become much slower than it was, while a faster one is at hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnSlow {
    /// It is shown.
    #[default]
    Show,
    /// It is taken out until it is itself again.
    Move,
}

/// Which server of a tier is preferred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// As HAProxy prefers them.
    #[default]
    Order,
    /// The clearly fastest.
    Latency,
}

/// When traffic goes back to a server that is preferred and carries traffic again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Failback {
    /// As soon as it has shown itself good for long enough.
    #[default]
    Auto,
    /// When an operator says so.
    Manual,
    /// When the one that is used instead fails.
    Never,
}

/// What is done where no server of a backend carries traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenAllDown {
    /// The last good state of affairs stays.
    #[default]
    LastGood,
    /// All are taken out: clients are told at once.
    FailClosed,
    /// All are put in: HAProxy may try them.
    AllOpen,
}

/// What becomes of the sessions on a server that is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sessions {
    /// They go on.
    Keep,
    /// They are cut, so that their clients connect anew.
    Kill,
}

/// What holds for one backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Which server of a tier is preferred.
    pub policy: Policy,
    /// Its servers by preference, those of one tier as good as each other. Empty: those that are no backups are one tier,
    /// and each backup is one, as HAProxy uses them.
    pub tiers: Vec<Vec<Name>>,
    /// When traffic goes back.
    pub failback: Failback,
    /// Whether a tier behind the first one may be used at all.
    pub allow_exit_change: bool,
    /// What is done where nothing carries traffic.
    pub when_all_down: WhenAllDown,
    /// What is done about slow servers.
    pub on_slow: OnSlow,
    /// Sessions on a server that failed.
    pub on_fail: Sessions,
    /// Sessions on a server that is left for a faster one.
    pub on_steer: Sessions,
    /// Sessions on a server that is left because a preferred one is back.
    pub on_failback: Sessions,
    /// How long they are given to end by themselves before they are cut.
    #[serde(with = "micros")]
    pub kill_after: Duration,
}

impl Rules {
    /// The defaults.
    pub const DEFAULT: Self = Self {
        policy: Policy::Order,
        tiers: Vec::new(),
        failback: Failback::Auto,
        allow_exit_change: true,
        when_all_down: WhenAllDown::LastGood,
        on_slow: OnSlow::Show,
        on_fail: Sessions::Kill,
        on_steer: Sessions::Keep,
        on_failback: Sessions::Keep,
        kill_after: Duration::from_secs(5),
    };
}

/// Everything that a core is told once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The targets, as configured; at least one.
    pub targets: Vec<Name>,
    /// How often.
    pub profile: Profile,
    /// The quick cadence.
    pub fast: Cadence,
    /// The slow cadence.
    pub eco: Cadence,
    /// The most that a stage may take before it is late, whatever the path has shown; also the ceiling while nothing is
    /// known.
    #[serde(with = "micros")]
    pub timeout: Duration,
    /// How seldom a server may be condemned by mistake: decides how much confirmation is asked for.
    #[serde(with = "micros")]
    pub false_alarm_every: Duration,
    /// An interruption that is over within this, from the first request that it swallowed, moves nobody.
    #[serde(with = "micros")]
    pub ride_through: Duration,
    /// How long a server has to be good after its first outage before it is used again.
    #[serde(with = "micros")]
    pub hold: Duration,
    /// The longest that this grows to with further outages; as long as `hold`, and nobody is held for relapses.
    #[serde(with = "micros")]
    pub hold_max: Duration,
    /// There is a control target, asked directly.
    pub control: bool,
    /// By backend, where it has rules of its own.
    pub rules: BTreeMap<Name, Rules>,
    /// Where the jitter begins; two cores with the same seed and inputs do the same.
    pub seed: u64,
}

impl Settings {
    /// The defaults for these targets.
    #[must_use]
    pub const fn new(targets: Vec<Name>) -> Self {
        Self {
            targets,
            profile: Profile::Adaptive,
            fast: Cadence::FAST,
            eco: Cadence::ECO,
            timeout: Duration::from_secs(3),
            false_alarm_every: Duration::from_secs(30 * 24 * 3600),
            ride_through: Duration::ZERO,
            hold: Duration::from_millis(1500),
            hold_max: Duration::from_secs(300),
            control: false,
            rules: BTreeMap::new(),
            seed: 0,
        }
    }

    /// What holds for a backend.
    #[must_use]
    pub fn rules_of(&self, backend: &Name) -> &Rules {
        const DEFAULT: &Rules = &Rules::DEFAULT;
        self.rules.get(backend).unwrap_or(DEFAULT)
    }
}
