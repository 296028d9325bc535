//! Out of service: what is seen of the server meanwhile, and how it comes back.

use std::time::Duration;

use super::{Desk, Detector, Found, News, Phase, Proof, Verdict};
use crate::recovery::Recovery;
use crate::suspicion::is_local;
use crate::{Cause, Failure, TargetId};

/// An answer that comes no later than this after the server was condemned, to what was asked before, shows that it was
/// only slow. Whatever comes later was lost and sent again: SYN after one second and three (RFC 6298).
const EARLY_WITHIN: Duration = Duration::from_secs(1);

impl Detector {
    pub(super) fn restart_recovery(&mut self, failure: &Failure, desk: &mut Desk<'_>) {
        self.recovery = Recovery::new(desk.now, failure.cause != Cause::Timeout);
        self.schedule_recovery(desk);
    }

    /// A complete answer through a condemned server.
    pub(super) fn on_answer(&mut self, proof: Proof, target: TargetId, counts: bool, desk: &mut Desk<'_>) {
        if self.damping.is_suppressed(Duration::ZERO, desk.now) {
            self.alarm = None;
        }
        // What was under way before it was condemned has come through after all: that was too early.
        let early =
            self.alarm.filter(|alarm| proof.began <= alarm.at && proof.at.since(alarm.at) <= EARLY_WITHIN);
        if let Some(alarm) = early {
            self.loss.late();
            self.loss.survived(proof.at.since(alarm.silent_since), desk.now);
            self.slow.was_silent(desk.now);
            self.redeem(desk);
            return;
        }
        if let Some((other, failure)) = self.recovery.acquit(target) {
            self.miss(other, &failure, true, desk);
        }
        if !counts {
            self.recovery.late_but_whole();
            return;
        }
        let first = !self.recovery.answers();
        self.recovery.good(target, desk.now);
        if first {
            self.schedule_recovery(desk);
        }
        let good = self.recovery.good_for(desk.now);
        if self.recovery.is_complete(self.damping.hold(), desk.now)
            && !self.damping.is_suppressed(good, desk.now)
        {
            self.redeem(desk);
        }
    }

    /// A late answer while it is out.
    pub(super) fn on_late_again(&mut self, failure: Failure, desk: &mut Desk<'_>) {
        self.recovery.late();
        self.show(failure, desk);
    }

    /// An outright failure while it is out. Where another target has just answered through it, the one that failed may
    /// be to blame: the next answer or failure says.
    pub(super) fn on_setback(&mut self, target: TargetId, failure: &Failure, desk: &mut Desk<'_>) {
        if !is_local(failure) && self.recovery.suspect(target, failure) {
            return;
        }
        self.recovery.failed(failure.cause != Cause::Timeout);
        self.show(failure.clone(), desk);
        // Nobody has to be compared with to know whose fault a closed port is.
        if self.phase == Phase::Lost && is_local(failure) {
            self.news(News::Condemned);
            let silent_since = self.found.map_or(desk.now, |found| found.silent_since);
            self.found = Some(Found { silent_since, at: desk.now, probes: 1, local: true });
            self.damping.down(Duration::MAX, desk.settings, desk.now);
            self.restart_recovery(failure, desk);
        }
    }

    fn show(&mut self, failure: Failure, desk: &Desk<'_>) {
        if !self.recovery.answers() {
            self.settle(Verdict::of_failure(&failure), Some(failure), desk.now);
        }
    }

    /// It is trusted again, however long it has been good: when nothing better is left.
    pub(crate) fn redeem_if_it_answers(&mut self, desk: &mut Desk<'_>) {
        if self.phase == Phase::Condemned && self.recovery.answers_somehow() {
            self.redeem(desk);
        }
    }

    fn redeem(&mut self, desk: &mut Desk<'_>) {
        self.news(News::Redeemed);
        self.lose_connection(desk);
        self.trust(desk);
    }
}
