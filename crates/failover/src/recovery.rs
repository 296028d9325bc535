//! Coming back: how often a condemned server is probed, and when it has shown enough to be trusted again.

use std::time::Duration;

use crate::{Failure, TargetId, Time};

/// Good probes that it takes at the least.
pub(crate) const GOOD_MIN: u32 = 3;

/// Late answers in a row after which the count begins again: one alone is a lost packet.
const LATE_MAX: u32 = 2;

/// From one probe to the next, by how long the outage has lasted: quick at first, because most are short, then less
/// often, because each probe of a dead tunnel leaves a zombie behind.
const CADENCE: [(Duration, Duration); 3] = [
    (Duration::from_secs(15), Duration::from_millis(500)),
    (Duration::from_secs(45), Duration::from_secs(1)),
    (Duration::from_secs(90), Duration::from_secs(2)),
];

/// After those.
const SLOWEST: Duration = Duration::from_secs(4);

/// Where asking leaves nothing behind (a closed port).
const QUICK: Duration = Duration::from_millis(500);

/// While it answers: a sixth of what it has to show, between these, so that its end is not missed by much.
const ANSWERS: (u32, Duration, Duration) = (6, Duration::from_millis(250), Duration::from_secs(1));

/// A closed port is not asked more often than this once it has been closed for long.
const QUICK_LATER: Duration = Duration::from_secs(1);

/// What has been seen of a server since it was condemned.
#[derive(Clone, Debug)]
pub(crate) struct Recovery {
    since: Time,
    good: u32,
    first_good: Option<Time>,
    late_in_row: u32,
    /// The target that answered last.
    answered: Option<TargetId>,
    /// One that failed right after another one had answered.
    suspect: Option<(TargetId, Failure)>,
    /// The last answer was late, but complete.
    whole: bool,
    /// The last failure came at once, so it cost the SOCKS server nothing.
    cheap: bool,
}

impl Recovery {
    pub(crate) const fn new(now: Time, cheap: bool) -> Self {
        Self {
            since: now,
            good: 0,
            first_good: None,
            late_in_row: 0,
            answered: None,
            suspect: None,
            whole: false,
            cheap,
        }
    }

    /// A complete answer in time.
    pub(crate) fn good(&mut self, target: TargetId, now: Time) {
        self.answered = Some(target);
        self.whole = false;
        self.good = self.good.saturating_add(1);
        self.first_good.get_or_insert(now);
        self.late_in_row = 0;
    }

    /// An answer is late.
    pub(crate) fn late(&mut self) {
        self.cheap = false;
        self.late_in_row = self.late_in_row.saturating_add(1);
        if self.late_in_row >= LATE_MAX {
            self.forget();
        }
    }

    /// A late answer was complete in the end: better than nothing where nothing else works.
    pub(crate) const fn late_but_whole(&mut self) {
        self.whole = true;
    }

    /// A probe was given up.
    pub(crate) const fn silent(&mut self) {
        self.whole = false;
    }

    /// A probe failed outright.
    pub(crate) fn failed(&mut self, cheap: bool) {
        self.cheap = cheap;
        self.whole = false;
        self.forget();
    }

    fn forget(&mut self) {
        self.good = 0;
        self.first_good = None;
        self.answered = None;
        self.suspect = None;
    }

    /// A failure at `target`. True where it may be the target's own: another one answered last, and nothing has failed
    /// since.
    pub(crate) fn suspect(&mut self, target: TargetId, failure: &Failure) -> bool {
        let other_answers = self.answered.is_some_and(|answered| answered != target);
        let may_be = other_answers && self.suspect.is_none();
        if may_be {
            self.suspect = Some((target, failure.clone()));
        }
        may_be
    }

    /// An answer from `target`: the other one that had failed is to blame for that itself.
    pub(crate) fn acquit(&mut self, target: TargetId) -> Option<(TargetId, Failure)> {
        self.suspect.take().filter(|(suspect, _)| *suspect != target)
    }

    /// It answers, as far as is known.
    pub(crate) const fn answers(&self) -> bool {
        self.good > 0
    }

    /// The same, or it answers late; good enough where nothing else works.
    pub(crate) const fn answers_somehow(&self) -> bool {
        self.good > 0 || self.whole
    }

    /// Good answers so far, and since when.
    pub(crate) fn shown(&self) -> Option<(u32, Time)> {
        Some((self.good, self.first_good?))
    }

    /// For how long it has answered.
    pub(crate) fn good_for(&self, now: Time) -> Duration {
        self.first_good.map_or(Duration::ZERO, |first| now.since(first))
    }

    /// Enough good answers over at least `hold`.
    pub(crate) fn is_complete(&self, hold: Duration, now: Time) -> bool {
        self.good >= GOOD_MIN && self.good_for(now) >= hold
    }

    /// Until the next probe. While it answers, often enough that the end of `hold` is met.
    pub(crate) fn pause(&self, hold: Duration, now: Time) -> Duration {
        let lasted = now.since(self.since);
        if self.answers() {
            let (part, least, most) = ANSWERS;
            return (hold / part).clamp(least, most);
        }
        let step = CADENCE.iter().find(|(until, _)| lasted < *until).map_or(SLOWEST, |(_, pause)| *pause);
        if self.cheap { step.min(if lasted < CADENCE[2].0 { QUICK } else { QUICK_LATER }) } else { step }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cause, Stage};

    const A: TargetId = TargetId(0);
    const B: TargetId = TargetId(1);

    const HOLD: Duration = Duration::from_secs(3);

    fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    #[test]
    fn it_takes_three_good_answers_over_the_whole_hold() {
        let mut recovery = Recovery::new(at(0), false);
        recovery.good(A, at(100));
        recovery.good(A, at(200));
        recovery.good(A, at(300));
        assert!(!recovery.is_complete(HOLD, at(3099)));
        assert!(recovery.is_complete(HOLD, at(3100)));
        let mut two = Recovery::new(at(0), false);
        two.good(A, at(0));
        two.good(A, at(9000));
        assert!(!two.is_complete(HOLD, at(9000)));
    }

    #[test]
    fn one_late_answer_is_forgiven_and_two_in_a_row_or_a_failure_are_not() {
        let mut recovery = Recovery::new(at(0), false);
        for millis in [0, 1000, 2000] {
            recovery.good(A, at(millis));
            recovery.late();
        }
        assert!(recovery.is_complete(HOLD, at(3000)));
        recovery.late();
        assert!(!recovery.answers());
        recovery.good(A, at(4000));
        assert!(recovery.answers());
        recovery.failed(true);
        assert!(!recovery.answers());
    }

    #[test]
    fn a_dead_tunnel_is_asked_less_and_less_often_and_a_closed_port_goes_on_being_asked() {
        let pauses = |cheap: bool| {
            let recovery = Recovery::new(at(0), cheap);
            [0, 14_000, 20_000, 40_000, 90_000].map(|millis| recovery.pause(HOLD, at(millis)).as_millis())
        };
        assert_eq!(pauses(false), [500, 500, 1000, 1000, 4000]);
        assert_eq!(pauses(true), [500, 500, 500, 500, 1000]);
        let mut recovery = Recovery::new(at(0), false);
        recovery.good(A, at(90_000));
        assert_eq!(recovery.pause(HOLD, at(90_000)).as_millis(), 500);
    }

    #[test]
    fn a_target_that_fails_between_answers_of_others_is_to_blame_and_two_failures_in_a_row_are_not_its() {
        let failure = Failure { stage: Stage::Connect, cause: Cause::Reply(5), text: String::new() };
        let mut recovery = Recovery::new(at(0), false);
        assert!(!recovery.suspect(B, &failure), "nothing has answered yet");
        recovery.good(A, at(0));
        assert!(!recovery.suspect(A, &failure), "it answered a moment ago");
        assert!(recovery.suspect(B, &failure));
        assert_eq!(recovery.acquit(A), Some((B, failure.clone())));
        recovery.good(A, at(500));
        assert!(recovery.answers());
        assert!(recovery.suspect(B, &failure));
        assert!(!recovery.suspect(B, &failure) && !recovery.suspect(A, &failure));
        recovery.failed(true);
        assert!(!recovery.answers());
        assert_eq!(recovery.acquit(A), None);
    }

    #[test]
    fn a_complete_answer_that_is_late_is_better_than_none() {
        let mut recovery = Recovery::new(at(0), false);
        recovery.late_but_whole();
        assert!(recovery.answers_somehow() && !recovery.answers());
        recovery.silent();
        assert!(!recovery.answers_somehow());
    }
}
