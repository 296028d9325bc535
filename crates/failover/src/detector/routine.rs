//! What is probed by the clock: the kept connection and its canaries, full probes over the targets in rotation, and the
//! probes of a server that is out.

use std::time::Duration;

use super::running::{Clock, Purpose};
use super::{Desk, Detector, Phase};
use crate::moved::Moved;
use crate::{Cadence, Kind, Profile, Settings, TargetId, Time};

/// Before another connection is opened for canaries, where the last one could not be kept.
pub(super) const OPEN_AGAIN: Duration = Duration::from_secs(1);

/// A kept connection that is closed sooner is not kept ...
const KEPT_MIN: Duration = Duration::from_secs(2);

/// ... if that happens this often in a row.
const SHORT_LIVED_MAX: u8 = 3;

/// A target that does not keep connections is asked again whether it does after this.
const UNKEPT_FOR: Duration = Duration::from_secs(600);

/// While no target keeps a connection, full probes take the canary's part, at this many times its period: each moves ten
/// times as much ...
const FULL_FOR_CANARY: u32 = 4;

/// ... but not more often than this.
const FULL_FOR_CANARY_MIN: Duration = Duration::from_secs(1);

/// Between full probes while the way to some target is not known yet.
const GETTING_TO_KNOW: Duration = Duration::from_millis(500);

/// Full probes for each target to get to know it: eight stages, two or three of which one probe passes.
const GETTING_TO_KNOW_MAX: u32 = 4;

/// Full probes beside the canary, by which the first of the possible successors shows that it could take over.
const CHALLENGE_PROBES: usize = 2;

/// Before it is looked again whether a probe has had its turn.
const WAITING_AGAIN: Duration = Duration::from_secs(1);

/// With this many probes under way a server is not asked by more of them for the sake of others, and those of a suspicion
/// that is over are dropped.
pub(super) const RUNNING_MAX: usize = 24;

/// When what is due.
#[derive(Clone, Debug)]
pub(super) struct Due {
    pub(super) canary: Time,
    pub(super) open: Time,
    pub(super) full: Time,
    pub(super) recovery: Time,
}

impl Due {
    pub(super) const fn at(now: Time) -> Self {
        Self { canary: now, open: now, full: now, recovery: now }
    }
}

/// Which targets keep a connection open.
#[derive(Clone, Debug)]
pub(super) struct Keeping {
    refused_until: Vec<Time>,
    short_lived: Vec<u8>,
    told: bool,
}

impl Keeping {
    pub(super) fn new(targets: usize) -> Self {
        Self { refused_until: vec![Time::ZERO; targets], short_lived: vec![0; targets], told: false }
    }

    pub(super) fn rearrange(&mut self, moved: &Moved) {
        moved.rearrange(&mut self.refused_until);
        moved.rearrange(&mut self.short_lived);
    }

    pub(super) fn kept(&mut self, target: TargetId) {
        self.told = false;
        if let Some(until) = self.refused_until.get_mut(usize::from(target.0)) {
            *until = Time::ZERO;
        }
    }

    /// It does not; true where none is left that does, and that is news.
    pub(super) fn refused(&mut self, target: TargetId, now: Time) -> bool {
        if let Some(until) = self.refused_until.get_mut(usize::from(target.0)) {
            *until = now + UNKEPT_FOR;
        }
        let none = self.refused_until.iter().all(|until| *until > now);
        let news = none && !self.told;
        self.told |= none;
        news
    }

    pub(super) fn closed(&mut self, target: TargetId, after: Duration, now: Time) {
        let Some(short) = self.short_lived.get_mut(usize::from(target.0)) else { return };
        *short = if after < KEPT_MIN { short.saturating_add(1) } else { 0 };
        if *short >= SHORT_LIVED_MAX {
            *short = 0;
            self.refused(target, now);
        }
    }

    /// The server has fallen: that is why its connections were closed.
    pub(super) fn excuse(&mut self) {
        self.short_lived.fill(0);
    }

    fn refuses(&self, target: TargetId, now: Time) -> bool {
        self.refused_until.get(usize::from(target.0)).is_none_or(|until| *until > now)
    }

    fn refused_by_all(&self, now: Time) -> bool {
        self.refused_until.iter().all(|until| *until > now)
    }
}

impl Detector {
    /// HAProxy has sessions on it, or not. Quicker from now on means from now on.
    pub(crate) fn set_busy(&mut self, busy: bool, desk: &mut Desk<'_>) {
        if busy && !self.busy {
            self.not_later_than(desk.settings.fast, desk);
        }
        self.busy = busy;
    }

    /// What is due later than at this pace is due sooner.
    pub(super) fn not_later_than(&mut self, pace: Cadence, desk: &mut Desk<'_>) {
        self.due.canary = self.due.canary.min(desk.now + desk.random.within(pace.canary));
        self.due.full = self.due.full.min(desk.now + desk.random.within(pace.full));
    }

    pub(super) const fn pace_of(&self, settings: &Settings) -> Cadence {
        match settings.profile {
            Profile::Fast => settings.fast,
            Profile::Eco => settings.eco,
            Profile::Adaptive if self.busy => settings.fast,
            Profile::Adaptive => settings.eco,
        }
    }

    /// It could take over, as far as is known now: it is trusted, not in doubt, has answered since it was last asked
    /// for that, and not long ago.
    pub(crate) fn is_verified(&self, now: Time, settings: &Settings) -> bool {
        let pace = self.pace_of(settings);
        let period = if self.kept.is_some() { pace.canary } else { pace.full };
        let recent = |proof: super::Proof| now.since(proof.at) <= period * 2 + settings.timeout;
        self.phase == Phase::Trusted
            && self.suspicion.is_none()
            && self.challenged.is_none()
            && self.proof.is_some_and(recent)
    }

    /// Asks it whether it could take over. `first` in line is asked with all means.
    pub(crate) fn challenge(&mut self, first: bool, desk: &mut Desk<'_>) {
        if self.phase != Phase::Trusted || self.suspicion.is_some() {
            return;
        }
        self.challenged = Some(desk.now);
        if let (Some(kept), false) = (self.kept, self.runs(Kind::Canary)) {
            self.order(Kind::Canary, kept.target, Purpose::Routine { settled: false }, desk);
        }
        let targets = self.rests.available(self.rotation, desk.now);
        let room = RUNNING_MAX.saturating_sub(self.running.len());
        for target in targets.into_iter().take(if first { CHALLENGE_PROBES } else { 1 }.min(room)) {
            self.order(Kind::Full, target, Purpose::Routine { settled: false }, desk);
        }
    }

    /// It is trusted, and has neither been asked since then whether it could take over nor answered what was asked since.
    pub(crate) fn can_be_asked(&self, since: Time) -> bool {
        self.phase == Phase::Trusted
            && self.suspicion.is_none()
            && self.challenged.is_none_or(|asked| asked < since)
            && self.proof.is_none_or(|proof| proof.began < since)
    }

    /// What it was asked because of, since then, turned out to concern nobody else: what it showed before will do.
    pub(crate) fn excuse(&mut self, since: Time) {
        if self.challenged == Some(since) {
            self.challenged = None;
        }
    }

    /// It is being asked whether it could take over, and may still answer in time.
    pub(crate) fn may_answer_challenge(&self) -> bool {
        self.challenged.is_some_and(|since| {
            let asked = |running: &super::Running| running.began.is_none_or(|began| began >= since);
            self.phase == Phase::Trusted
                && self.running.values().any(|running| asked(running) && running.clock != Clock::Late)
        })
    }

    /// More than a canary is under way, or a suspicion sends its own probes.
    pub(crate) fn is_being_asked(&self) -> bool {
        self.suspicion.is_some() || self.phase == Phase::Fresh || self.runs(Kind::Full)
    }

    /// The next full probe is due now; one of a server that is out only where its budget allows it.
    pub(crate) fn hasten(&mut self, desk: &mut Desk<'_>) {
        self.due.full = self.due.full.min(desk.now);
        self.due.recovery = self.due.recovery.min(desk.now);
        self.routine(desk);
    }

    pub(super) fn runs(&self, kind: Kind) -> bool {
        self.running.values().any(|running| running.kind == kind)
    }

    /// Orders what is due.
    pub(super) fn routine(&mut self, desk: &mut Desk<'_>) {
        match self.phase {
            Phase::Trusted if self.suspicion.is_none() => {
                self.canary_if_due(desk);
                self.open_if_due(desk);
                self.full_if_due(desk);
            }
            Phase::Condemned | Phase::Lost => self.recovery_if_due(desk),
            Phase::Fresh | Phase::Trusted => {}
        }
    }

    /// When `routine` has something to do next.
    pub(super) fn routine_due(&self, now: Time) -> Option<Time> {
        match self.phase {
            Phase::Trusted if self.suspicion.is_none() => {
                let canary = (self.kept.is_some() && !self.runs(Kind::Canary)).then_some(self.due.canary);
                let open = self.may_open(now).then_some(self.due.open);
                [canary, open, Some(self.due.full)].into_iter().flatten().min()
            }
            Phase::Condemned | Phase::Lost => Some(self.due.recovery),
            Phase::Fresh | Phase::Trusted => None,
        }
    }

    fn canary_if_due(&mut self, desk: &mut Desk<'_>) {
        let Some(kept) = self.kept else { return };
        if self.due.canary > desk.now || self.runs(Kind::Canary) {
            return;
        }
        self.order(Kind::Canary, kept.target, Purpose::Routine { settled: false }, desk);
        self.due.canary = desk.now + desk.random.around(self.pace_of(desk.settings).canary);
    }

    fn may_open(&self, now: Time) -> bool {
        self.kept.is_none() && !self.runs(Kind::Open) && !self.keeping.refused_by_all(now)
    }

    fn open_if_due(&mut self, desk: &mut Desk<'_>) {
        if self.due.open > desk.now || !self.may_open(desk.now) {
            return;
        }
        let available = self.rests.available(self.rotation, desk.now);
        let keeps = available.into_iter().find(|target| !self.keeping.refuses(*target, desk.now));
        self.due.open = desk.now + desk.random.around(OPEN_AGAIN);
        if let Some(target) = keeps {
            self.rotation = self.rotation.wrapping_add(1);
            self.order(Kind::Open, target, Purpose::Routine { settled: false }, desk);
        }
    }

    fn full_if_due(&mut self, desk: &mut Desk<'_>) {
        if self.due.full > desk.now {
            return;
        }
        if self.has_waiting() {
            self.due.full = desk.now + desk.random.around(WAITING_AGAIN);
            return;
        }
        let available = self.rests.available(self.rotation, desk.now);
        let unknown = available.iter().copied().find(|target| !self.lateness.is_known(*target));
        let count = u32::try_from(desk.settings.targets.len()).unwrap_or(u32::MAX);
        let learning = self.full_probes < count.saturating_mul(GETTING_TO_KNOW_MAX);
        let unknown = unknown.filter(|_| learning);
        let in_question = self.rests.in_question().filter(|target| available.contains(target));
        let Some(target) = unknown.or(in_question).or(available.first().copied()) else { return };
        self.full_probes = self.full_probes.saturating_add(1);
        self.rotation = self.rotation.wrapping_add(1);
        self.order(Kind::Full, target, Purpose::Routine { settled: false }, desk);
        let pace = self.pace_of(desk.settings);
        let period = if unknown.is_some() {
            GETTING_TO_KNOW.min(pace.full)
        } else if self.keeping.refused_by_all(desk.now) {
            (pace.canary * FULL_FOR_CANARY).max(FULL_FOR_CANARY_MIN).min(pace.full)
        } else {
            pace.full
        };
        self.due.full = desk.now + desk.random.around(period);
    }

    fn recovery_if_due(&mut self, desk: &mut Desk<'_>) {
        if self.due.recovery > desk.now {
            return;
        }
        let room = self.zombies.room_at(desk.now);
        if room > desk.now || self.has_waiting() {
            self.due.recovery = room.max(desk.now + desk.random.around(WAITING_AGAIN));
            return;
        }
        let telling = self.rests.telling(self.rotation, desk.now);
        self.rotation = self.rotation.wrapping_add(1);
        if let Some(target) = telling.first().copied() {
            self.order(Kind::Full, target, Purpose::Recovery, desk);
            self.zombies.asked(desk.now);
        }
        self.schedule_recovery(desk);
    }

    /// Some probe waits for its turn, because too many are under way: more of them would only wait behind it.
    fn has_waiting(&self) -> bool {
        self.running.values().any(|running| running.began.is_none())
    }

    pub(super) fn schedule_recovery(&mut self, desk: &mut Desk<'_>) {
        let pause = self.recovery.pause(self.damping.hold(), desk.now);
        self.due.recovery = desk.now + desk.random.around(pause);
    }
}
