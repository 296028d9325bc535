//! What a detector knows, as plain facts for people to look at. Nothing is decided from it.

use std::time::Duration;

use super::{Detector, Found, Phase};
use crate::history::Entry;
use crate::rests::Why;
use crate::{Cadence, Failure, Name, Settings, Time};

/// Why a target rests, until when.
#[derive(Clone, Debug)]
pub(crate) struct Resting {
    pub(crate) target: Name,
    pub(crate) until: Time,
    pub(crate) why: String,
}

/// A suspicion that is open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Doubt {
    pub(crate) since: Time,
    /// Waves that went out ...
    pub(crate) sent: u32,
    /// ... of these.
    pub(crate) waves: u32,
}

/// How a server comes back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Return {
    /// Good answers so far, and since when.
    pub(crate) shown: Option<(u32, Time)>,
    /// How long it has to be good.
    pub(crate) hold: Duration,
    /// Nothing redeems it before this, unless it is good for `hold_max`.
    pub(crate) suppressed_until: Option<Time>,
    /// From one probe to the next.
    pub(crate) every: Duration,
}

/// All of it.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// Nothing is settled yet.
    pub(crate) is_fresh: bool,
    /// It fell silent together with everything else.
    pub(crate) is_lost: bool,
    /// It was condemned.
    pub(crate) is_condemned: bool,
    pub(crate) reason: Option<Failure>,
    pub(crate) last_answer: Option<Time>,
    /// Remembered probes, those that failed, and those at the end that failed in a row.
    pub(crate) remembered: usize,
    pub(crate) failed: usize,
    pub(crate) failed_in_row: usize,
    pub(crate) last: Option<Duration>,
    pub(crate) p50: Option<Duration>,
    pub(crate) p95: Option<Duration>,
    pub(crate) found: Option<Found>,
    pub(crate) doubt: Option<Doubt>,
    pub(crate) resting: Vec<Resting>,
    /// Of its targets, these many.
    pub(crate) targets: usize,
    pub(crate) back: Return,
    /// Probes that its SOCKS server may still hold.
    pub(crate) zombies: usize,
    pub(crate) slow: Option<(Time, Option<Duration>)>,
    pub(crate) cadence: Cadence,
    pub(crate) is_kept: bool,
    /// What a false alarm as seldom as configured asks for.
    pub(crate) waves: u32,
}

impl Detector {
    pub(crate) fn account(&self, settings: &Settings, now: Time) -> Account {
        let failed = |entry: &Entry| *entry == Entry::Failed;
        let entries: Vec<Entry> = self.history.latest(usize::MAX).collect();
        let cadence = self.pace_of(settings);
        let hold = self.damping.hold();
        Account {
            is_fresh: self.phase == Phase::Fresh,
            is_lost: self.phase == Phase::Lost,
            is_condemned: self.phase == Phase::Condemned,
            reason: self.health.reason.clone(),
            last_answer: self.proof.map(|proof| proof.at),
            remembered: entries.len(),
            failed: entries.iter().filter(|entry| failed(entry)).count(),
            failed_in_row: entries.iter().rev().take_while(|entry| failed(entry)).count(),
            last: self.history.last(),
            p50: self.history.percentile(50),
            p95: self.history.percentile(95),
            found: self.found,
            doubt: self.suspicion.as_ref().map(|suspicion| {
                let (sent, waves) = suspicion.waves();
                Doubt { since: suspicion.opened(), sent, waves }
            }),
            resting: self.resting(settings, now),
            targets: settings.targets.len(),
            back: Return {
                shown: self.recovery.shown().filter(|(good, _)| *good > 0),
                hold,
                suppressed_until: self.damping.suppressed_until(now),
                every: self.recovery.pause(hold, now),
            },
            zombies: self.zombies.count(now),
            slow: self.slow.since().map(|since| (since, self.slow.pace())),
            cadence,
            is_kept: self.kept.is_some(),
            waves: self.loss.waves(cadence.canary, settings),
        }
    }

    /// It answers again and is held: since when, and until when at the least.
    pub(crate) fn returning(&self, now: Time) -> Option<(Time, Time)> {
        let (_, since) = self.recovery.shown().filter(|_| self.phase == Phase::Condemned)?;
        Some((since, self.damping.trusted_at(since, now)))
    }

    fn resting(&self, settings: &Settings, now: Time) -> Vec<Resting> {
        let resting = self.rests.resting(now).filter_map(|(target, until, why)| {
            let target = settings.targets.get(usize::from(target.0))?.clone();
            let why = match why {
                Why::Blocked(status) => format!("it answers {status} to this exit"),
                Why::Failed(failure) => failure.text.clone(),
            };
            Some(Resting { target, until, why })
        });
        resting.collect()
    }
}
