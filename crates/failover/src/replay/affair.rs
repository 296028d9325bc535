//! Of whom it speaks that a probe was not answered, and so what a way was like at a moment.

use std::time::Duration;

use super::world::{Crossing, End, Path, Sample};
use crate::suspicion::{is_large, is_local, is_targets};
use crate::{Cause, TargetId, Time};

/// How far around what failed at once others may have been answered for it to be its own affair.
const BESIDE: Duration = Duration::from_millis(500);

/// Of whom it speaks that a probe was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Affair {
    /// Of everything that goes this way.
    Way,
    /// Of fresh connections, whose packets are larger.
    Fresh,
    /// Of nobody else: a lost packet, a target in trouble.
    Own,
}

impl Path {
    /// Whose affair it is that a probe was not answered; `None` where it was, or could not be made.
    pub(super) fn affair(&self, sample: &Sample) -> Option<Affair> {
        let beside = match &sample.end {
            End::Answered(_) | End::Void(_) => return None,
            // The connection was closed, or a status was wrong.
            End::Failed(failure) if sample.is_canary() && failure.cause != Cause::Timeout => {
                return Some(Affair::Own);
            }
            End::Failed(failure) if is_targets(failure) => return Some(Affair::Own),
            End::Failed(failure) if is_local(failure) => return Some(Affair::Way),
            End::Failed(failure) if failure.cause != Cause::Timeout => BESIDE,
            End::Failed(_) | End::Silent => Duration::ZERO,
        };
        let from = Time::ZERO + sample.began.since(Time::ZERO + beside);
        let is_large = sample.stuck_at().is_some_and(|stage| is_large(sample.kind, stage));
        let mut affair = Affair::Way;
        for crossing in self.crossings(from, sample.until + beside) {
            if crossing.is_large || !is_large {
                return Some(Affair::Own);
            }
            affair = Affair::Fresh;
        }
        Some(affair)
    }

    /// What stops everything that is sent this way at `at`.
    pub(super) fn stops_the_way(&self, at: Time) -> Option<&Sample> {
        self.stops(at, Affair::Way)
    }

    /// What stops fresh connections alone.
    pub(super) fn stops_fresh(&self, at: Time) -> Option<&Sample> {
        self.stops(at, Affair::Fresh)
    }

    /// One that was silent stays so until something has crossed; when between a crossing and a silence that began, is not
    /// known, so that the nearer one counts.
    fn stops(&self, at: Time, affair: Affair) -> Option<&Sample> {
        let stopped = |sample: &&Sample| self.affair(sample) == Some(affair);
        let counts = |crossing: &Crossing| affair == Affair::Way || crossing.is_large;
        let latest = self.crossed_before(at).find(|(_, crossing)| counts(crossing)).map(|(began, _)| began);
        let mut before =
            self.before(at).take_while(|sample| latest.is_none_or(|latest| sample.began >= latest));
        if let Some(before) = before.find(stopped) {
            return Some(before);
        }
        let next = self.crossed_after(at).find(|(_, crossing)| counts(crossing)).map(|(began, _)| began);
        let after = self.after(at).take_while(|sample| next.is_none_or(|next| sample.began < next));
        let nearer = |sample: &&Sample| latest.is_none_or(|latest| sample.began.since(at) < at.since(latest));
        after.take_while(nearer).find(stopped)
    }

    /// What other probes of this target through this server met while the way carried traffic, where that is more than
    /// a chance: it failed at once, or it was silent twice in a row.
    pub(super) fn troubles(&self, target: TargetId, at: Time) -> Option<&Sample> {
        let of = |sample: &&Sample| sample.target == target && !sample.is_canary();
        let mut nearest = self.around(at).map(|(_, sample)| sample).filter(of);
        let first = nearest.next().filter(|first| self.affair(first) == Some(Affair::Own))?;
        let at_once = matches!(&first.end, End::Failed(failure) if failure.cause != Cause::Timeout);
        let mut again = || nearest.next().is_some_and(|second| self.affair(second) == Some(Affair::Own));
        (at_once || again()).then_some(first)
    }
}
