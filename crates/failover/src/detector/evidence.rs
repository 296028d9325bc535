//! What comes back from probes under way.

use std::time::Duration;

use super::running::{Purpose, Running};
use super::{Desk, Detector, Kept, News, Phase, Proof};
use crate::detector::Verdict;
use crate::history::Entry;
use crate::rests::Why;
use crate::suspicion::{Standing, is_local};
use crate::{
    Cause, Ending, Event, Evidence, Failure, Kind, ProbeId, Saw, Stage, StageTime, Success, TargetId, Time,
};

/// No stage is let run as long as this: what is said to have taken longer did not come from a probe.
const STAGE_MAX: Duration = Duration::from_secs(600);

impl Detector {
    pub(crate) fn on_evidence(&mut self, evidence: &Evidence, desk: &mut Desk<'_>) {
        let (id, at) = (evidence.probe, evidence.at.min(desk.now));
        match &evidence.saw {
            Saw::Began => {
                if let Some(running) = self.running.get_mut(&id) {
                    running.begin(at);
                }
            }
            Saw::Passed(passed) => self.on_passed(id, *passed, at, desk),
            Saw::Ended(Ending::Success(success)) => self.on_success(id, success, at, desk),
            Saw::Ended(Ending::Failed(failure)) => self.on_failure(id, failure, desk),
            Saw::Ended(Ending::Void(_)) => self.on_void(id, desk),
            Saw::Closed => self.on_closed(id, at, desk),
        }
    }

    fn on_passed(&mut self, id: ProbeId, passed: StageTime, at: Time, desk: &mut Desk<'_>) {
        let Some(running) = self.running.get_mut(&id) else { return };
        let before = running.clone();
        let Some(name) = desk.settings.targets.get(usize::from(running.target.0)) else { return };
        running.pass(passed.stage, at, name);
        self.learn(passed, &before, desk);
        if let Some(suspicion) = &mut self.suspicion {
            suspicion.set(id, Standing::Pending, desk.now);
        }
    }

    fn on_success(&mut self, id: ProbeId, success: &Success, at: Time, desk: &mut Desk<'_>) {
        let Some(running) = self.running.remove(&id) else { return };
        let began = running.began.unwrap_or(at);
        self.history.push(Entry::Passed(success.last.took));
        self.learn(success.last, &running, desk);
        if desk.stalls.since(running.since) == Duration::ZERO {
            self.paces.learn(running.target, success.last.took.min(STAGE_MAX), desk.now);
        }
        match running.kind {
            Kind::Open if success.kept => self.keep(id, running.target, at, desk),
            Kind::Open => self.not_kept(running.target, desk),
            Kind::Canary if !success.kept => self.lose_connection(desk),
            Kind::Canary | Kind::Full | Kind::Control => {}
        }
        self.judge_target(running.target, success, desk);
        let counts = running.purpose == Purpose::Recovery && !running.is_late();
        self.on_life(Proof { began, at }, &running, counts, desk);
    }

    fn on_failure(&mut self, id: ProbeId, failure: &Failure, desk: &mut Desk<'_>) {
        let Some(running) = self.running.remove(&id) else { return };
        if !running.is_late() {
            self.history.push(Entry::Failed);
        }
        match running.kind {
            Kind::Canary => self.lose_connection(desk),
            Kind::Open => self.not_kept(running.target, desk),
            Kind::Full | Kind::Control => {}
        }
        if let Some(suspicion) = &mut self.suspicion {
            suspicion.set(id, Standing::Failed(failure.clone()), desk.now);
        }
        match (running.purpose, self.phase) {
            (Purpose::Routine { settled: false }, Phase::Trusted) if self.suspicion.is_none() => {
                // A connection that ends under a canary is no other news than one that ends between two.
                let closed = running.kind == Kind::Canary && failure.cause == Cause::Closed;
                self.suspect(running.since, Some(running.target).filter(|_| !closed), desk);
                if let (false, Some(suspicion)) = (closed, &mut self.suspicion) {
                    suspicion.blame(running.kind, failure.clone());
                }
            }
            (Purpose::Routine { settled: true }, Phase::Trusted) => {
                self.miss(running.target, failure, true, desk);
            }
            (Purpose::Recovery, Phase::Condemned | Phase::Lost) => {
                self.on_setback(running.target, failure, desk);
            }
            (Purpose::Routine { .. } | Purpose::Wave | Purpose::Recovery, _) => {}
        }
    }

    /// This host could not ask. What keeps it from asking does not pass by being tried in a loop.
    fn on_void(&mut self, id: ProbeId, desk: &mut Desk<'_>) {
        let Some(running) = self.running.remove(&id) else { return };
        match running.kind {
            Kind::Canary => self.lose_connection(desk),
            Kind::Open => self.due.open = desk.now + desk.random.around(super::routine::OPEN_AGAIN),
            Kind::Full | Kind::Control => {}
        }
        if let Some(suspicion) = &mut self.suspicion {
            suspicion.forget(id);
            suspicion.fill_up(desk.now);
        }
    }

    fn on_closed(&mut self, connection: ProbeId, at: Time, desk: &mut Desk<'_>) {
        let Some(kept) = self.kept.filter(|kept| kept.connection == connection) else { return };
        self.kept = None;
        self.due.open = desk.now;
        self.keeping.closed(kept.target, at.since(kept.since), desk.now);
        // A SOCKS server that ends takes its connections along: this is the first that is heard of it.
        if self.phase == Phase::Trusted && self.suspicion.is_none() {
            self.suspect(at, None, desk);
        }
    }

    /// A complete answer. `counts`: it was one of those that a condemned server has to give, and in time.
    fn on_life(&mut self, proof: Proof, running: &Running, counts: bool, desk: &mut Desk<'_>) {
        let silence = self.silence(desk.now);
        if self.proof.is_none_or(|known| known.began <= proof.began) {
            self.proof = Some(proof);
        }
        if self.challenged.is_some_and(|since| proof.began >= since) {
            self.challenged = None;
        }
        let before = self.phase;
        self.news(News::Life);
        match before {
            Phase::Fresh | Phase::Lost => self.trust(desk),
            Phase::Trusted => {
                if self.suspicion.as_ref().is_some_and(|suspicion| suspicion.is_refuted_by(running.kind)) {
                    self.refute(running.target, silence, desk);
                }
            }
            Phase::Condemned => self.on_answer(proof, running.target, counts, desk),
        }
    }

    /// What an answer says of the target itself.
    fn judge_target(&mut self, target: TargetId, success: &Success, desk: &mut Desk<'_>) {
        match success.status {
            Some(status) if success.is_blocked() => {
                if self.rests.blocked(target, status, desk.now) {
                    self.rest(target, desk);
                }
            }
            Some(_) | None => {
                if self.rests.answered(target)
                    && let Some(name) = desk.settings.targets.get(usize::from(target.0))
                {
                    desk.events.push(Event::TargetBack { server: self.id.clone(), target: name.clone() });
                }
            }
        }
    }

    /// The target did not answer although another did, through the same server.
    pub(super) fn miss(&mut self, target: TargetId, failure: &Failure, definite: bool, desk: &mut Desk<'_>) {
        if !is_local(failure) && self.rests.missed(target, failure, definite, desk.now) {
            self.rest(target, desk);
        }
    }

    /// A target is rested from now on, for canaries, too.
    fn rest(&mut self, target: TargetId, desk: &mut Desk<'_>) {
        self.tell_rest(target, desk);
        if self.kept.is_some_and(|kept| kept.target == target) {
            self.lose_connection(desk);
        }
    }

    fn tell_rest(&self, target: TargetId, desk: &mut Desk<'_>) {
        let Some(name) = desk.settings.targets.get(usize::from(target.0)) else { return };
        let why = match self.rests.why(target) {
            Some(Why::Blocked(status)) => format!("it answers with status {status}"),
            Some(Why::Failed(failure)) => format!("others answer, but {}", failure.text),
            None => return,
        };
        let (server, target) = (self.id.clone(), name.clone());
        desk.events.push(Event::TargetRests { server, target, why });
    }

    fn keep(&mut self, connection: ProbeId, target: TargetId, at: Time, desk: &mut Desk<'_>) {
        self.lose_connection(desk);
        self.kept = Some(Kept { connection, target, since: at });
        self.due.canary = desk.now + desk.random.within(self.pace_of(desk.settings).canary);
        self.keeping.kept(target);
    }

    fn not_kept(&mut self, target: TargetId, desk: &mut Desk<'_>) {
        self.due.open = desk.now + desk.random.around(super::routine::OPEN_AGAIN);
        if self.keeping.refused(target, desk.now) {
            desk.events.push(Event::NoCanary { server: self.id.clone() });
        }
    }

    /// What a passed stage teaches, of which `running` was waiting. The pace of a condemned server is not its usual one,
    /// and time in which this process was starved is nobody's.
    fn learn(&mut self, passed: StageTime, running: &Running, desk: &Desk<'_>) {
        let took = passed.took.min(STAGE_MAX);
        if desk.stalls.since(running.since) > Duration::ZERO {
            return;
        }
        let (target, late) = (running.target, running.is_late());
        let far = !matches!(passed.stage, Stage::Tcp | Stage::Greeting);
        if self.phase == Phase::Condemned && self.lateness.is_known(target) {
            if far {
                self.slow.learn(target, took, true, desk.now);
            }
            if far && running.purpose == Purpose::Recovery {
                self.lateness.learn_outside(target, took, late);
            }
            return;
        }
        self.lateness.learn(passed.stage, target, took, late);
        if far {
            // Those of a wave are many at one moment, which would make a single lost packet look like few.
            if !late && matches!(running.purpose, Purpose::Routine { .. }) {
                self.loss.on_time();
            }
            self.slow.learn(target, took, late, desk.now);
        }
    }

    pub(super) fn trust(&mut self, desk: &mut Desk<'_>) {
        self.end_suspicion(desk);
        self.alarm = None;
        self.found = None;
        self.trusted_since = desk.now;
        self.due = super::routine::Due::at(desk.now);
        self.settle(Verdict::Online, None, desk.now);
    }
}
