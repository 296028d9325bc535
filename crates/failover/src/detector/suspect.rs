//! Doubt, suspicion and its end: what is late, which waves go out, and what one answer refutes.

use std::time::Duration;

use super::routine::RUNNING_MAX;
use super::running::{Clock, Purpose};
use super::{Alarm, Desk, Detector, Found, News, Phase, Verdict};
use crate::history::Entry;
use crate::lateness::Limits;
use crate::loss::WAVE;
use crate::suspicion::{Confirmation, Finding, Standing, Suspicion};
use crate::{Cause, Failure, Kind, ProbeId, Stage, TargetId, Time};

/// Waves for a server of which nothing is settled: nobody relies on it yet, and it may well be dead.
const WAVES_WHEN_FRESH: u32 = 2;

/// How long a late answer is still waited for, unless a suspicion hangs on it: late ones teach, too.
const GIVE_UP_AFTER: Duration = Duration::from_secs(1);

impl Detector {
    /// Everything that is due by the clock.
    pub(crate) fn on_time(&mut self, desk: &mut Desk<'_>) {
        let due: Vec<ProbeId> = self
            .running
            .keys()
            .copied()
            .filter(|id| self.due_of(*id, desk).is_some_and(|due| due <= desk.now))
            .collect();
        for id in due {
            self.on_overdue(id, desk);
        }
        self.waves(desk);
        self.routine(desk);
    }

    /// When `on_time` is to be called next.
    pub(crate) fn next_deadline(&self, desk: &Desk<'_>) -> Option<Time> {
        let wave = self.suspicion.as_ref().and_then(Suspicion::next_wave);
        let running = self.running.keys().filter_map(|id| self.due_of(*id, desk));
        running.chain(wave).chain(self.routine_due(desk.now)).min()
    }

    /// When something follows from this probe's silence.
    fn due_of(&self, id: ProbeId, desk: &Desk<'_>) -> Option<Time> {
        let running = self.running.get(&id)?;
        running.began?;
        let limits = self.limits(running.stage, running.target, desk);
        let limit = match running.clock {
            Clock::InTime if self.may_doubt(running.purpose) => limits.doubt,
            Clock::InTime | Clock::Doubted => limits.late,
            Clock::Late => return self.give_up_at(id),
        };
        Some(running.since + limit + desk.stalls.since(running.since))
    }

    /// What a suspicion hangs on is not given up.
    fn give_up_at(&self, id: ProbeId) -> Option<Time> {
        if self.suspicion.as_ref().is_some_and(|suspicion| suspicion.hangs_on(id)) {
            return None;
        }
        self.running.get(&id).and_then(|running| running.give_up)
    }

    fn may_doubt(&self, purpose: Purpose) -> bool {
        purpose == Purpose::Routine { settled: false }
            && self.phase == Phase::Trusted
            && self.suspicion.is_none()
    }

    fn limits(&self, stage: Stage, target: TargetId, desk: &Desk<'_>) -> Limits {
        self.lateness.limits(stage, target, self.loss.is_quiet(), desk.settings.timeout)
    }

    fn on_overdue(&mut self, id: ProbeId, desk: &mut Desk<'_>) {
        let Some(running) = self.running.get(&id) else { return };
        let (kind, purpose) = (running.kind, running.purpose);
        let (target, stage) = (running.target, running.stage);
        let (clock, since) = (running.clock, running.since);
        let limits = self.limits(stage, target, desk);
        let starved = desk.stalls.since(since);
        // Time in which this process did not run is no evidence: the stage's clock begins anew.
        if clock != Clock::Late && starved >= limits.late / 4 {
            if let Some(running) = self.running.get_mut(&id) {
                running.since = desk.now;
            }
            return;
        }
        match clock {
            Clock::Late => self.give_up(id, desk),
            Clock::InTime if self.may_doubt(purpose) => {
                if let Some(running) = self.running.get_mut(&id) {
                    running.clock = Clock::Doubted;
                }
                self.suspect(since, Some(target), desk);
                if let Some(suspicion) = &mut self.suspicion {
                    suspicion.raised_by(id, kind, stage);
                }
                if desk.now >= since + limits.late + starved {
                    self.on_late(id, desk);
                }
            }
            Clock::InTime | Clock::Doubted => self.on_late(id, desk),
        }
    }

    fn on_late(&mut self, id: ProbeId, desk: &mut Desk<'_>) {
        let Some(running) = self.running.get_mut(&id) else { return };
        running.clock = Clock::Late;
        let patience = match running.purpose {
            // It may have come back slower than it was, which only whole answers show.
            Purpose::Recovery => GIVE_UP_AFTER.max(desk.settings.timeout),
            Purpose::Routine { .. } | Purpose::Wave => GIVE_UP_AFTER,
        };
        running.give_up = Some(desk.now + patience);
        let (kind, purpose, target) = (running.kind, running.purpose, running.target);
        let Some(name) = desk.settings.targets.get(usize::from(target.0)) else { return };
        let failure = running.lateness(name, desk.now.since(running.since));
        self.history.push(Entry::Failed);
        if let Some(suspicion) = &mut self.suspicion {
            suspicion.set(id, Standing::Late(failure.clone()), desk.now);
        }
        match (purpose, self.phase) {
            (Purpose::Routine { settled: true }, Phase::Trusted) => {
                // It was not late yet when another probe spoke for the server.
                self.loss.late();
                self.miss(target, &failure, false, desk);
                if kind == Kind::Canary {
                    self.give_up(id, desk);
                }
            }
            // Left over from a suspicion that another target's answer has refuted.
            (Purpose::Wave, Phase::Trusted) if self.suspicion.is_none() => {
                self.miss(target, &failure, false, desk);
            }
            (Purpose::Recovery, Phase::Condemned | Phase::Lost) => self.on_late_again(failure, desk),
            (Purpose::Routine { .. } | Purpose::Wave | Purpose::Recovery, _) => {}
        }
    }

    /// Asks for confirmation. `opened`: when the first request was sent that should have been answered by now; waves
    /// begin with another target than `but_first`.
    pub(super) fn suspect(&mut self, opened: Time, but_first: Option<TargetId>, desk: &mut Desk<'_>) {
        if let Some(target) = but_first {
            self.rotation = usize::from(target.0) + 1;
        }
        let waves = if self.phase == Phase::Fresh {
            WAVES_WHEN_FRESH
        } else {
            self.loss.waves(self.pace_of(desk.settings).canary, desk.settings)
        };
        let targets = self.rests.available(self.rotation, desk.now);
        let late = targets.iter().map(|target| self.limits(Stage::Connect, *target, desk).late).min();
        let late = late.unwrap_or(desk.settings.timeout);
        let confirmation = Confirmation {
            waves,
            spacing: late / 4,
            ride: desk.settings.ride_through,
            // The last wave has to be late itself before anything follows.
            patience: self.loss.patience(desk.now).saturating_sub(late),
        };
        self.suspicion = Some(Suspicion::new(opened, desk.now, but_first, confirmation));
        self.waves(desk);
    }

    fn waves(&mut self, desk: &mut Desk<'_>) {
        let due = self.suspicion.as_ref().and_then(Suspicion::next_wave).is_some_and(|due| due <= desk.now);
        let Some(mut suspicion) = self.suspicion.take_if(|_| due) else { return };
        let targets = self.rests.telling(self.rotation, desk.now);
        let chosen = targets.iter().cycle().take(WAVE as usize).copied();
        // One that rests because it was silent may be back; one that never answered would only be waited for.
        let known = |target: &TargetId| self.lateness.is_known(*target);
        let silent = self.rests.silent(desk.now).into_iter().filter(known).take(WAVE as usize);
        let chosen: Vec<TargetId> = chosen.chain(silent.filter(|_| suspicion.size() == 0)).collect();
        let probes: Vec<(ProbeId, TargetId)> = chosen
            .into_iter()
            .map(|target| (self.order(Kind::Full, target, Purpose::Wave, desk), target))
            .collect();
        suspicion.send(probes.into_iter(), desk.now);
        self.suspicion = Some(suspicion);
    }

    /// How long nothing has been heard although something was asked.
    pub(super) fn silence(&self, now: Time) -> Duration {
        let Some(suspicion) = &self.suspicion else { return Duration::ZERO };
        now.since(self.silent_since(suspicion))
    }

    fn silent_since(&self, suspicion: &Suspicion) -> Time {
        self.proof.map_or(suspicion.opened(), |proof| proof.at.max(suspicion.opened()))
    }

    /// A complete answer after this much of silence: what was suspected of the server is not so.
    pub(super) fn refute(&mut self, answered: TargetId, silence: Duration, desk: &mut Desk<'_>) {
        let Some(suspicion) = self.suspicion.as_ref() else { return };
        if suspicion.has_late_origin() {
            self.loss.late();
            self.loss.survived(silence, desk.now);
        }
        let mut silent = suspicion.silent_targets();
        silent.remove(&answered);
        self.end_suspicion(desk);
        for (target, failure) in silent {
            self.miss(target, &failure, failure.cause != Cause::Timeout, desk);
        }
        let stuck = |id: &ProbeId| {
            self.running.get(id).is_some_and(|canary| canary.kind == Kind::Canary && canary.is_late())
        };
        if let Some(canary) = self.running.keys().copied().find(stuck) {
            self.give_up(canary, desk);
        }
    }

    /// The suspicion is over, and what raised it raises nothing more. Its probes go on where there is room for them:
    /// what they show of the path's pace, and of silent targets, is of use.
    pub(super) fn end_suspicion(&mut self, desk: &mut Desk<'_>) {
        let Some(suspicion) = self.suspicion.take() else { return };
        if self.running.len() > RUNNING_MAX {
            let members: Vec<ProbeId> = suspicion.members().collect();
            for id in members {
                self.give_up(id, desk);
            }
        }
        for running in self.running.values_mut() {
            if running.clock != Clock::InTime
                && let Purpose::Routine { settled } = &mut running.purpose
            {
                *settled = true;
            }
        }
    }

    /// It is to blame.
    pub(crate) fn condemn(&mut self, desk: &mut Desk<'_>) {
        let Some((failure, silent_since)) = self.confirmed() else { return };
        self.found = self.finding(silent_since, desk.now);
        let good_for =
            if self.phase == Phase::Trusted { desk.now.since(self.trusted_since) } else { Duration::MAX };
        self.alarm = (self.phase == Phase::Trusted).then_some(Alarm { silent_since, at: desk.now });
        self.damping.down(good_for, desk.settings, desk.now);
        self.fall(News::Condemned, failure, desk);
    }

    /// How long nothing was heard before the present verdict, also where everything else fell silent with it; `None` where
    /// that was not an alarm about a trusted server.
    pub(crate) fn silent_before(&self) -> Option<Duration> {
        if self.phase == Phase::Lost {
            let found = self.found.filter(|found| found.at == self.health.since)?;
            return Some(found.at.since(found.silent_since));
        }
        let alarm = self.alarm.as_ref().filter(|alarm| alarm.at == self.health.since)?;
        Some(alarm.at.since(alarm.silent_since))
    }

    /// It is silent, and so is everything else.
    pub(crate) fn lose(&mut self, desk: &mut Desk<'_>) {
        let Some((failure, silent_since)) = self.confirmed() else { return };
        if self.phase == Phase::Lost {
            self.end_suspicion(desk);
            return;
        }
        self.found = self.finding(silent_since, desk.now);
        self.fall(News::Lost, failure, desk);
    }

    /// Something else answers again: whether this one does, too, is asked at once.
    pub(crate) fn ask_again(&mut self, desk: &mut Desk<'_>) {
        if self.phase == Phase::Lost && self.suspicion.is_none() {
            self.suspect(desk.now, None, desk);
        }
    }

    fn fall(&mut self, news: News, failure: Failure, desk: &mut Desk<'_>) {
        self.news(news);
        // Its probes go on for a while: an answer to one of them shows that this came too early.
        self.suspicion = None;
        self.challenged = None;
        self.keeping.excuse();
        self.restart_recovery(&failure, desk);
        self.settle(Verdict::of_failure(&failure), Some(failure), desk.now);
    }

    fn finding(&self, silent_since: Time, at: Time) -> Option<Found> {
        let suspicion = self.suspicion.as_ref()?;
        let local = matches!(suspicion.finding(), Finding::Local(_));
        Some(Found { silent_since, at, probes: suspicion.size(), local })
    }

    /// The failure that the suspicion has confirmed, with how much confirmed it, and since when nothing was heard.
    fn confirmed(&self) -> Option<(Failure, Time)> {
        let suspicion = self.suspicion.as_ref()?;
        let (Finding::Local(mut failure) | Finding::Beyond(mut failure)) = suspicion.finding() else {
            return None;
        };
        if failure.cause == Cause::Timeout {
            failure.text.push_str(&format!(" ({} probes)", suspicion.size()));
        }
        Some((failure, self.silent_since(suspicion)))
    }
}
