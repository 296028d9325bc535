//! The failure detector of one server: rounds in, health and the time of the next round out. This is the one place
//! that decides whether a server carries traffic; whoever makes it better changes this file.
//!
//! ```text
//!             good                          failed (2nd in a row)
//!   Fresh ──────────────> Trusted ───────────────────────────────> Condemned
//!     │                      ^                                       │    ^
//!     │                      └───────────── good (2nd in a row) ─────┘    │
//!     └──────────────────────────── failed (2nd in a row) ────────────────┘
//! ```
//!
//! A first failed round is only a suspicion: the second follows at once, over all targets. A void round (this host
//! could not ask) moves nothing.

use std::fmt;
use std::num::NonZeroU8;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Failure, Finding, Round, Stage, Time};

/// What is known of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// No round has settled it yet.
    Unknown,
    /// It carries traffic.
    Online,
    /// Its port listens, but it does not carry traffic.
    Degraded,
    /// Its port does not listen.
    Offline,
}

impl Verdict {
    /// The word in status, events and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Online => "online",
            Self::Degraded => "degraded",
            Self::Offline => "offline",
        }
    }

    /// Whether this server was found unable to carry traffic.
    #[must_use]
    pub const fn is_condemned(self) -> bool {
        matches!(self, Self::Degraded | Self::Offline)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A verdict with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The verdict.
    pub verdict: Verdict,
    /// The latest failure; `Some` exactly while the verdict is `Degraded` or `Offline`.
    pub reason: Option<Failure>,
    /// When the verdict became this one.
    pub since: Time,
}

/// How many rounds it takes, and how far apart they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Failed rounds in a row that condemn.
    pub condemn_after: NonZeroU8,
    /// Good rounds in a row that redeem a condemned server. At start one is enough.
    pub redeem_after: NonZeroU8,
    /// Between the end of a round and the start of the next.
    pub interval: Duration,
}

impl Thresholds {
    /// Two failed rounds condemn and two good ones redeem, `interval` apart.
    #[must_use]
    pub const fn with_interval(interval: Duration) -> Self {
        const TWO: NonZeroU8 = NonZeroU8::MIN.saturating_add(1);
        Self { condemn_after: TWO, redeem_after: TWO, interval }
    }
}

/// Which targets a round asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// One target in rotation and, where it fails, all the others.
    One,
    /// All targets in parallel from the start: when an answer is wanted quickly.
    All,
}

/// When the detector wants its next round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// Not before this.
    pub at: Time,
    /// Over which targets.
    pub ask: Ask,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Fresh { failed: u8 },
    Trusted { failed: u8 },
    Condemned { good: u8 },
}

/// The detector of one server.
#[derive(Clone, Debug)]
pub struct Detector {
    thresholds: Thresholds,
    state: State,
    health: Health,
    next: Next,
}

impl Detector {
    /// A server of which nothing is known yet; its first round is due at once.
    #[must_use]
    pub const fn new(thresholds: Thresholds, now: Time) -> Self {
        Self {
            thresholds,
            state: State::Fresh { failed: 0 },
            health: Health { verdict: Verdict::Unknown, reason: None, since: now },
            next: Next { at: now, ask: Ask::All },
        }
    }

    /// The present verdict.
    #[must_use]
    pub const fn health(&self) -> &Health {
        &self.health
    }

    /// When the next round is wanted, and over which targets.
    #[must_use]
    pub const fn next(&self) -> Next {
        self.next
    }

    /// Takes in one round; true where the verdict is another one than before.
    pub fn on_round(&mut self, round: &Round) -> bool {
        let before = self.health.verdict;
        let finding = round.finding();
        self.state = self.after(finding);
        match self.state {
            State::Fresh { .. } => {}
            State::Trusted { .. } => self.settle(Verdict::Online, None, round.finished),
            State::Condemned { .. } => {
                if let Finding::Failed(failure) = finding {
                    self.settle(finding.verdict(), Some(failure.clone()), round.finished);
                }
            }
        }
        self.next = match finding {
            // What keeps this host from asking does not pass by being tried in a loop.
            Finding::Void => Next { at: round.finished + self.thresholds.interval, ask: Ask::All },
            Finding::Good(_) | Finding::Failed(_) => self.schedule(round.finished),
        };
        self.health.verdict != before
    }

    fn after(&self, finding: Finding<'_>) -> State {
        let condemn = self.thresholds.condemn_after.get();
        let redeem = self.thresholds.redeem_after.get();
        match (self.state, finding) {
            (state, Finding::Void) => state,
            (State::Fresh { .. } | State::Trusted { .. }, Finding::Good(_)) => State::Trusted { failed: 0 },
            (State::Fresh { failed } | State::Trusted { failed }, Finding::Failed(_))
                if failed.saturating_add(1) >= condemn =>
            {
                State::Condemned { good: 0 }
            }
            (State::Fresh { failed }, Finding::Failed(_)) => {
                State::Fresh { failed: failed.saturating_add(1) }
            }
            (State::Trusted { failed }, Finding::Failed(_)) => {
                State::Trusted { failed: failed.saturating_add(1) }
            }
            (State::Condemned { good }, Finding::Good(_)) if good.saturating_add(1) >= redeem => {
                State::Trusted { failed: 0 }
            }
            (State::Condemned { good }, Finding::Good(_)) => {
                State::Condemned { good: good.saturating_add(1) }
            }
            (State::Condemned { .. }, Finding::Failed(_)) => State::Condemned { good: 0 },
        }
    }

    fn settle(&mut self, verdict: Verdict, reason: Option<Failure>, now: Time) {
        if self.health.verdict != verdict {
            self.health.since = now;
        }
        self.health.verdict = verdict;
        self.health.reason = reason;
    }

    fn schedule(&self, now: Time) -> Next {
        match self.state {
            State::Fresh { failed: 1.. } | State::Trusted { failed: 1.. } => Next { at: now, ask: Ask::All },
            State::Fresh { failed: 0 } => Next { at: now + self.thresholds.interval, ask: Ask::All },
            State::Trusted { failed: 0 } | State::Condemned { .. } => {
                Next { at: now + self.thresholds.interval, ask: Ask::One }
            }
        }
    }
}

impl Finding<'_> {
    /// What this one round alone makes of the server. `offline` is the TCP stage alone: the port does not listen.
    /// Whatever fails later is `degraded`.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::Good(_) => Verdict::Online,
            Self::Failed(Failure { stage: Stage::Tcp, .. }) => Verdict::Offline,
            Self::Failed(_) => Verdict::Degraded,
            Self::Void => Verdict::Unknown,
        }
    }
}

#[cfg(test)]
#[path = "detector_tests.rs"]
mod tests;
