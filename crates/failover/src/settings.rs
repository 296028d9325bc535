//! What can be set about probing and judging.

use std::collections::BTreeSet;
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
    /// Of the profile `fast`: 200 ms, so that a SOCKS server that rejects is left sooner than HAProxy's own check at 100 ms
    /// leaves it (measured), and 5 s.
    pub const FAST: Self = Self { canary: Duration::from_millis(200), full: Duration::from_secs(5) };

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
    /// Backends whose slow servers are taken out.
    pub move_slow: BTreeSet<Name>,
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
            move_slow: BTreeSet::new(),
            seed: 0,
        }
    }
}
