//! What would have come of a probe that nobody made: an estimate, from those that were made through the same server.
//!
//! 1. The way carried traffic at that moment if the probe made nearest to it was answered, whatever it asked. One that was
//!    not speaks of the way only if no other one that was begun while it waited was answered; otherwise what it met is its
//!    own affair: a lost packet, a target in trouble, packets too large for the way.
//! 2. Where the way carried traffic, the probe meets what the nearest of its sort met: the same pace, or the same trouble
//!    if that was its own affair. A sort is a target, and whether it was a fresh connection or a canary.
//! 3. Where it did not, the probe meets the same silence or refusal.
//!
//! What this cannot know: when between two probes a fault began or ended; whether a request that the daemon gave up
//! would have been answered later; what a server did that was not probed for a minute. Probes that were not made cost the
//! servers nothing here, and traffic that would have moved elsewhere slows nobody down.

use std::time::Duration;

use super::world::{End, Path, Sample, World, way_of};
use crate::suspicion::{is_local, is_targets};
use crate::{Cause, Ending, Failure, Kind, Name, Probe, Saw, Stage, StageTime, Success, TargetId, Time};

/// A fresh connection that asked another target is as good as one that asked the same this much farther away ...
const OTHER_TARGET: Duration = Duration::from_secs(15);

/// ... a canary, of which there are many, this much ...
const OTHER_CANARY: Duration = Duration::from_secs(2);

/// ... and a canary instead of a fresh connection, or the other way round, this much.
const OTHER_KIND: Duration = Duration::from_secs(20);

/// How far around what failed at once others may have been answered for it to be its own affair.
const BESIDE: Duration = Duration::from_millis(500);

/// What a stage takes that does not leave this host, where none was seen.
const NEAR: Duration = Duration::from_micros(100);

/// For so long what was seen of the control target holds.
const CONTROL_HOLDS: Duration = Duration::from_secs(5);

/// What is seen of a probe, and how long after it was ordered.
pub(super) type Said = (Duration, Saw);

impl World {
    /// What is seen of a probe that is ordered at `at`; `None` where the recording does not say.
    pub(super) fn answer(&self, probe: &Probe, target: &Name, at: Time) -> Option<Vec<Said>> {
        let path = self.path(&way_of(probe));
        match probe.kind {
            Kind::Control => Some(control(path, at)),
            Kind::Full | Kind::Open | Kind::Canary => {
                let path = path?;
                Some(path.shape(path.fate(probe, at)?, probe, target, at))
            }
        }
    }
}

impl Path {
    /// The probe whose fate this one shares.
    fn fate(&self, probe: &Probe, at: Time) -> Option<&Sample> {
        let (_, nearest) = self.around(at).next()?;
        if nearest.is_void() {
            return Some(nearest);
        }
        let way = self.around(at).map(|(_, sample)| sample).find(|sample| self.speaks_of_the_way(sample));
        let own = self.nearest_of_sort(probe, at, |_| true);
        match (own, way) {
            (Some(own), Some(way)) if own.is_answered() && !way.is_answered() => Some(way),
            (Some(own), _) if own.is_answered() || self.is_own_affair(own) => Some(own),
            (_, Some(way)) if way.is_answered() => self.nearest_of_sort(probe, at, Sample::is_answered),
            (own, way) => own.or(way),
        }
    }

    fn speaks_of_the_way(&self, sample: &Sample) -> bool {
        sample.is_answered() || !(sample.is_void() || self.is_own_affair(sample))
    }

    /// The nearest in time, where what asked for something else counts as farther away.
    fn nearest_of_sort(&self, probe: &Probe, at: Time, wanted: impl Fn(&Sample) -> bool) -> Option<&Sample> {
        let mut best: Option<(Duration, &Sample)> = None;
        for (far, sample) in self.around(at) {
            if best.is_some_and(|(least, _)| far >= least) {
                break;
            }
            if sample.is_void() || !wanted(sample) || !can_stand_for(sample, probe.kind) {
                continue;
            }
            let cost = far + strangeness(sample, probe);
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, sample));
            }
        }
        best.map(|(_, sample)| sample)
    }

    /// What was not answered although the way carried others.
    fn is_own_affair(&self, sample: &Sample) -> bool {
        let around = match &sample.end {
            End::Answered(_) | End::Void(_) => return false,
            // The connection was closed, or a status was wrong.
            End::Failed(failure) if sample.is_canary() && failure.cause != Cause::Timeout => return true,
            End::Failed(failure) if is_targets(failure) => return true,
            End::Failed(failure) if is_local(failure) => return false,
            End::Failed(failure) if failure.cause != Cause::Timeout => BESIDE,
            End::Failed(_) | End::Silent => Duration::ZERO,
        };
        let from = Time::ZERO + sample.began.since(Time::ZERO + around);
        let is_other =
            |other: &Sample| other.target != sample.target || other.is_canary() != sample.is_canary();
        self.begun_within(from, sample.until + around).any(|other| other.is_answered() && is_other(other))
    }

    /// What is seen of `probe` where it shares the fate of `sample`.
    fn shape(&self, sample: &Sample, probe: &Probe, target: &Name, at: Time) -> Vec<Said> {
        if let End::Void(why) = &sample.end {
            return vec![(Duration::ZERO, Saw::Ended(Ending::Void(why.clone())))];
        }
        let mut said = vec![(Duration::ZERO, Saw::Began)];
        let mut elapsed = Duration::ZERO;
        let stages = stages(probe.kind, target);
        let stuck = stuck_at(sample);
        for stage in stages {
            if stuck.is_some_and(|stuck| *stage >= stuck) {
                said.extend(
                    stopped(sample, probe.kind).map(|(after, end)| (elapsed + after, Saw::Ended(end))),
                );
                return said;
            }
            let took = self.took(sample, *stage, at);
            elapsed += took;
            let passed = StageTime { stage: *stage, took };
            let saw = match (&sample.end, stages.last() == Some(stage)) {
                (End::Answered(success), true) => {
                    let kept = self.is_kept(sample, success, probe, at);
                    // Who is refused by one target is not refused by all.
                    let status = success.status.filter(|_| sample.target == probe.target);
                    Saw::Ended(Ending::Success(Success { last: passed, status, kept, ..*success }))
                }
                _ => Saw::Passed(passed),
            };
            said.push((elapsed, saw));
        }
        said
    }

    /// What a stage took, or would have: one exchange, if it leaves this host.
    fn took(&self, sample: &Sample, stage: Stage, at: Time) -> Duration {
        let of = |sample: &Sample| {
            sample.passed.iter().find(|passed| passed.stage == stage).map(|passed| passed.took)
        };
        let exchange = || match &sample.end {
            End::Answered(success) => success.last.took,
            End::Failed(_) | End::Silent | End::Void(_) => NEAR,
        };
        let seen = || self.around(at).find_map(|(_, other)| of(other));
        match stage {
            Stage::Tcp | Stage::Greeting => of(sample).or_else(seen).unwrap_or(NEAR),
            Stage::Connect | Stage::Tls | Stage::Http | Stage::Banner => of(sample).unwrap_or_else(exchange),
        }
    }

    fn is_kept(&self, sample: &Sample, success: &Success, probe: &Probe, at: Time) -> bool {
        match probe.kind {
            Kind::Full | Kind::Control => false,
            Kind::Canary if sample.is_canary() => success.kept,
            Kind::Open if sample.kind == Kind::Open => success.kept,
            Kind::Canary | Kind::Open => self.keeps(probe.target, at),
        }
    }

    /// Whether the target keeps connections open; they do, unless one was seen not to.
    fn keeps(&self, target: TargetId, at: Time) -> bool {
        let of = |sample: &Sample| match &sample.end {
            End::Answered(success) if sample.kind == Kind::Open && sample.target == target => {
                Some(success.kept)
            }
            End::Answered(_) | End::Failed(_) | End::Silent | End::Void(_) => None,
        };
        self.around(at).find_map(|(_, sample)| of(sample)).unwrap_or(true)
    }
}

/// How much farther away it counts because it asked for something else.
fn strangeness(sample: &Sample, probe: &Probe) -> Duration {
    let canary = probe.kind == Kind::Canary;
    let target = match (sample.target == probe.target, canary) {
        (true, _) => Duration::ZERO,
        (false, true) => OTHER_CANARY,
        (false, false) => OTHER_TARGET,
    };
    if sample.is_canary() == canary { target } else { target + OTHER_KIND }
}

/// What became of a canary's connection says nothing of a fresh one.
fn can_stand_for(sample: &Sample, kind: Kind) -> bool {
    match &sample.end {
        End::Failed(failure) => {
            kind == Kind::Canary || !sample.is_canary() || failure.cause == Cause::Timeout
        }
        End::Answered(_) | End::Silent | End::Void(_) => true,
    }
}

/// The control target was asked whenever there was a doubt; where there was none, nothing speaks against this host.
fn control(path: Option<&Path>, at: Time) -> Vec<Said> {
    let nearest = path.and_then(|path| path.around(at).next()).filter(|(far, _)| *far <= CONTROL_HOLDS);
    let mut said = vec![(Duration::ZERO, Saw::Began)];
    let end = match nearest.map(|(_, sample)| (&sample.end, sample)) {
        Some((End::Silent, _)) => return said,
        Some((End::Answered(success), sample)) => {
            (sample.until.since(sample.began), Ending::Success(*success))
        }
        Some((End::Failed(failure), sample)) => {
            (sample.until.since(sample.began), Ending::Failed(failure.clone()))
        }
        Some((End::Void(why), _)) => (Duration::ZERO, Ending::Void(why.clone())),
        None => {
            let last = StageTime { stage: Stage::Http, took: NEAR };
            (NEAR, Ending::Success(Success { last, status: None, received: 0, kept: false }))
        }
    };
    said.push((end.0, Saw::Ended(end.1)));
    said
}

fn stages(kind: Kind, target: &Name) -> &'static [Stage] {
    use Stage::{Banner, Connect, Greeting, Http, Tcp, Tls};
    match kind {
        Kind::Canary => &[Http],
        Kind::Full | Kind::Open | Kind::Control if target.as_str().starts_with("https:") => {
            &[Tcp, Greeting, Connect, Tls, Http]
        }
        Kind::Full | Kind::Open | Kind::Control if target.as_str().starts_with("tcp:") => {
            &[Tcp, Greeting, Connect, Banner]
        }
        Kind::Full | Kind::Open | Kind::Control => &[Tcp, Greeting, Connect, Http],
    }
}

/// The stage that it did not pass; a canary has one exchange, which is as good as any that leaves the SOCKS server.
fn stuck_at(sample: &Sample) -> Option<Stage> {
    match &sample.end {
        End::Answered(_) | End::Void(_) => None,
        End::Failed(_) | End::Silent if sample.is_canary() => Some(Stage::Connect),
        End::Failed(failure) => Some(failure.stage),
        End::Silent => Some(match sample.passed.last().map(|passed| passed.stage) {
            None => Stage::Tcp,
            Some(Stage::Tcp) => Stage::Greeting,
            Some(Stage::Greeting) => Stage::Connect,
            Some(Stage::Connect) => Stage::Tls,
            Some(Stage::Tls | Stage::Http | Stage::Banner) => Stage::Http,
        }),
    }
}

/// How a probe ends that stops where `sample` did; `None` where nothing comes any more.
fn stopped(sample: &Sample, kind: Kind) -> Option<(Duration, Ending)> {
    let End::Failed(failure) = &sample.end else { return None };
    let same = (kind == Kind::Canary) == sample.is_canary();
    if same {
        return Some((sample.last_took(), Ending::Failed(failure.clone())));
    }
    // A SOCKS server whose port is closed has closed its connections; beyond it they stand still.
    let closed = Failure { stage: Stage::Http, cause: Cause::Closed, text: failure.text.clone() };
    (kind == Kind::Canary && is_local(failure)).then_some((Duration::ZERO, Ending::Failed(closed)))
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
