//! A suspicion against one server: waves of fresh probes, and what became of each. It counts; whether the server is to
//! blame is decided by who can compare it with others.
//!
//! ```text
//!                 a complete answer
//!   waves go out ───────────────────> (refuted: the suspicion is dropped)
//!        │
//!        ├─ all probes of all waves late or failed ──> Beyond: something behind the SOCKS server is dead
//!        └─ all failed at the SOCKS server itself ───> Local: no network can be to blame
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use crate::loss::WAVE;
use crate::{Cause, Failure, Kind, ProbeId, Stage, TargetId, Time};

/// Between waves that fail at once: a server that was just restarted answers again within milliseconds, and what was
/// refused twice with a pause is not an accident.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(10);

/// Before a wave is made up for that this host could not send.
const PAUSE_AFTER_VOID: Duration = Duration::from_millis(500);

/// What became of one probe of a wave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is under way and in time.
    Pending,
    /// Its present stage is late.
    Late(Failure),
    /// It ended without an answer.
    Failed(Failure),
}

/// How a suspicion stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// Something may still come.
    Open,
    /// The SOCKS server itself refuses or does not speak SOCKS.
    Local(Failure),
    /// Nothing comes back from behind it.
    Beyond(Failure),
}

/// How a suspicion is to be confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Confirmation {
    /// Waves of probes.
    pub(crate) waves: u32,
    /// From one wave to the next.
    pub(crate) spacing: Duration,
    /// The last wave does not go out before this has passed since the first request that was not answered.
    pub(crate) ride: Duration,
    /// As `ride`, where nothing fails outright: the path has come back from such a silence before.
    pub(crate) patience: Duration,
}

#[derive(Clone, Debug)]
pub(crate) struct Suspicion {
    /// When the first request that was not answered was sent.
    opened: Time,
    /// When the other servers were asked, if they were: who answered before says nothing about now.
    challenged: Option<Time>,
    confirmation: Confirmation,
    sent: u32,
    next_wave: Option<Time>,
    /// What raised it, where that is a probe that may still answer.
    origin: Option<ProbeId>,
    origin_failure: Option<Failure>,
    /// The target of what raised it.
    accused: Option<TargetId>,
    /// What raised it is nothing that a kept connection would notice, because it is large or was refused: only an answer
    /// on a fresh one refutes it.
    fresh: bool,
    members: BTreeMap<ProbeId, Member>,
}

#[derive(Clone, Debug)]
struct Member {
    target: TargetId,
    standing: Standing,
}

impl Suspicion {
    /// The first wave is due at `now`.
    pub(crate) const fn new(
        opened: Time,
        now: Time,
        accused: Option<TargetId>,
        confirmation: Confirmation,
    ) -> Self {
        Self {
            opened,
            challenged: None,
            confirmation,
            sent: 0,
            next_wave: Some(now),
            origin: None,
            origin_failure: None,
            accused,
            fresh: false,
            members: BTreeMap::new(),
        }
    }

    /// It was raised by this probe, which may still answer.
    pub(crate) const fn raised_by(&mut self, probe: ProbeId, kind: Kind, stage: Stage) {
        self.origin = Some(probe);
        self.fresh = is_large(kind, stage);
    }

    /// It was raised by this failure of a probe of this kind.
    pub(crate) fn blame(&mut self, kind: Kind, failure: Failure) {
        let refused = matches!(kind, Kind::Full | Kind::Open) && failure.cause != Cause::Timeout;
        self.fresh = refused || is_large(kind, failure.stage);
        self.origin_failure = Some(failure);
    }

    /// Whether an answer to such a probe refutes it.
    pub(crate) const fn is_refuted_by(&self, kind: Kind) -> bool {
        match kind {
            Kind::Full | Kind::Open => true,
            Kind::Canary | Kind::Control => !self.fresh,
        }
    }

    /// There is more to it than an answer that takes its time, or a closed connection or port: something is late or
    /// has failed that others could share.
    pub(crate) fn looks_beyond(&self) -> bool {
        let beyond = |standing: &Standing| match standing {
            Standing::Pending => false,
            Standing::Late(_) => true,
            Standing::Failed(failure) => !is_local(failure),
        };
        self.origin_failure.as_ref().is_some_and(|failure| !is_local(failure))
            || self.members.values().any(|member| beyond(&member.standing))
    }

    /// Something was late or has failed.
    pub(crate) fn has_failure(&self) -> bool {
        let failed = |member: &Member| match member.standing {
            Standing::Pending => false,
            Standing::Late(_) | Standing::Failed(_) => true,
        };
        self.origin_failure.is_some() || self.members.values().any(failed)
    }

    /// The targets that did not answer so far, each with how.
    pub(crate) fn silent_targets(&self) -> BTreeMap<TargetId, Failure> {
        let members = self.members.values().filter_map(|member| match &member.standing {
            Standing::Pending => None,
            Standing::Late(failure) | Standing::Failed(failure) => Some((member.target, failure)),
        });
        let origin = self.accused.zip(self.origin_failure.as_ref());
        members.chain(origin).map(|(target, failure)| (target, failure.clone())).collect()
    }

    pub(crate) const fn opened(&self) -> Time {
        self.opened
    }

    pub(crate) const fn challenged(&self) -> Option<Time> {
        self.challenged
    }

    pub(crate) const fn challenge(&mut self, now: Time) {
        self.challenged = Some(now);
    }

    pub(crate) const fn next_wave(&self) -> Option<Time> {
        self.next_wave
    }

    pub(crate) fn is_origin(&self, probe: ProbeId) -> bool {
        self.origin == Some(probe)
    }

    /// What raised it has become late.
    pub(crate) fn has_late_origin(&self) -> bool {
        self.origin_failure.as_ref().is_some_and(|failure| failure.cause == Cause::Timeout)
    }

    /// A wave goes out with these probes.
    pub(crate) fn send(&mut self, probes: impl Iterator<Item = (ProbeId, TargetId)>, now: Time) {
        let pending = |(probe, target)| (probe, Member { target, standing: Standing::Pending });
        self.members.extend(probes.map(pending));
        self.sent += 1;
        self.next_wave = None;
        if self.sent < self.confirmation.waves {
            let next = now + self.confirmation.spacing;
            let Confirmation { ride, patience, .. } = self.confirmation;
            self.next_wave = Some(self.last_not_before(ride.max(patience), next));
        }
    }

    /// A probe of a wave has another standing; where all sent so far have failed outright, nobody waits for more.
    pub(crate) fn set(&mut self, probe: ProbeId, standing: Standing, now: Time) {
        if self.is_origin(probe) {
            self.origin_failure = match standing {
                Standing::Pending => None,
                Standing::Late(failure) | Standing::Failed(failure) => Some(failure),
            };
            return;
        }
        if let Some(known) = self.members.get_mut(&probe) {
            known.standing = standing;
        }
        let failed = |member: &Member| matches!(member.standing, Standing::Failed(_));
        if let Some(next) = self.next_wave
            && self.sent > 0
            && self.members.values().all(failed)
        {
            let ride = self.confirmation.ride;
            self.next_wave = Some(next.min(self.last_not_before(ride, now + PAUSE_AFTER_FAILURE)));
        }
    }

    /// A probe that this host could not make says nothing.
    pub(crate) fn forget(&mut self, probe: ProbeId) {
        if self.is_origin(probe) {
            self.origin = None;
        }
        self.members.remove(&probe);
    }

    /// Where too few probes said anything, another wave is due after a pause.
    pub(crate) fn fill_up(&mut self, now: Time) {
        let wanted = self.sent as usize * WAVE as usize;
        if self.next_wave.is_none() && self.members.len() * 2 < wanted {
            self.sent -= 1;
            self.next_wave = Some(now + PAUSE_AFTER_VOID);
        }
    }

    /// Whether it raised the suspicion or was made because of it.
    pub(crate) fn hangs_on(&self, probe: ProbeId) -> bool {
        self.is_origin(probe) || self.members.contains_key(&probe)
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = ProbeId> {
        self.members.keys().copied()
    }

    /// Waves that went out, and how many there will be at the most.
    pub(crate) const fn waves(&self) -> (u32, u32) {
        (self.sent, self.confirmation.waves)
    }

    /// How many probes were made in waves.
    pub(crate) fn size(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn finding(&self) -> Finding {
        let waits_for_origin = self.origin.is_some() && self.origin_failure.is_none();
        if self.next_wave.is_some() || waits_for_origin {
            return Finding::Open;
        }
        // A target that refused through the tunnel is the target's affair, as long as another one says something.
        let mut failures: Vec<&Failure> = Vec::with_capacity(self.members.len());
        let mut targets = Vec::new();
        for member in self.members.values() {
            match &member.standing {
                Standing::Pending => return Finding::Open,
                Standing::Late(failure) => failures.push(failure),
                Standing::Failed(failure) if is_targets(failure) => targets.push(failure),
                Standing::Failed(failure) => failures.push(failure),
            }
        }
        if failures.is_empty() {
            failures = targets;
        }
        let Some(furthest) = failures.iter().max_by_key(|failure| failure.stage) else {
            return Finding::Open;
        };
        if failures.iter().all(|failure| is_local(failure)) {
            Finding::Local((*furthest).clone())
        } else {
            Finding::Beyond((*furthest).clone())
        }
    }

    fn last_not_before(&self, silence: Duration, next: Time) -> Time {
        let last = self.sent + 1 >= self.confirmation.waves;
        if last { next.max(self.opened + silence) } else { next }
    }
}

/// What stops behind CONNECT on a fresh connection may stop for its size: a handshake's packets are large.
pub(crate) const fn is_large(kind: Kind, stage: Stage) -> bool {
    let behind = matches!(stage, Stage::Tls | Stage::Http | Stage::Banner);
    behind && matches!(kind, Kind::Full | Kind::Open)
}

/// A failure that no network can have caused: the SOCKS server's port is closed, or what answers there is no SOCKS
/// server that lets us in.
pub(crate) const fn is_local(failure: &Failure) -> bool {
    match failure.stage {
        Stage::Tcp | Stage::Greeting => match failure.cause {
            Cause::Refused | Cause::Closed | Cause::Auth | Cause::Protocol => true,
            Cause::Timeout | Cause::Unreachable | Cause::Reply(_) | Cause::Certificate | Cause::Status(_) => {
                false
            }
        },
        Stage::Connect | Stage::Tls | Stage::Http | Stage::Banner => false,
    }
}

/// "Connection refused" (RFC 1928 section 6): the target's host answered.
pub(crate) const fn is_targets(failure: &Failure) -> bool {
    matches!(failure.cause, Cause::Reply(5))
}

#[cfg(test)]
#[path = "suspicion_tests.rs"]
mod tests;
