//! What would have come of a probe that nobody made: an estimate, from those that were made through the same server.
//!
//! 1. That a probe was not answered speaks of everything that goes through this server, unless an exchange was completed
//!    that was begun while it waited. Then it speaks of fresh connections, if only small exchanges were and it was a large
//!    one; otherwise it was by chance, or the target's doing (`affair.rs`).
//! 2. Where the way was stopped, the probe meets the same silence or refusal. Between an exchange and a silence the nearer
//!    one counts; a way that was silent stays so until something has crossed it.
//! 3. A target that failed at once, or was silent twice in a row, though others were answered, fails this probe, too.
//! 4. Otherwise the probe takes what a similar one took: of the same kind and target if one is near, else of another; each
//!    exchange of a fresh connection what a canary took, if none is. What was used a moment ago counts as farther away:
//!    what befell one probe by chance does not befall several at once.
//!
//! What this cannot know: when between two probes a fault began or ended; whether a request that the daemon gave up
//! would have been answered later; what a server did that was not probed for a minute. Probes that were not made cost the
//! servers nothing here, and traffic that would have moved elsewhere slows nobody down.

use std::time::Duration;

use super::affair::Affair;
use super::world::{End, Path, Sample, World, way_of};
use crate::suspicion::is_local;
use crate::{Cause, Ending, Failure, Kind, Name, Probe, Saw, Stage, StageTime, Success, Time};

/// A probe of another kind is as good as one of the same that is this much farther away.
const OTHER_KIND: Duration = Duration::from_secs(2);

/// The same of a fresh connection that asked another target, and of a canary; of canaries there are several in a second.
const OTHER_TARGET: Duration = Duration::from_secs(1);
const OTHER_CANARY: Duration = Duration::from_millis(500);

/// How much farther away a fresh connection or a canary counts with each use ...
const USED_FRESH: Duration = Duration::from_secs(2);
const USED_CANARY: Duration = Duration::from_millis(500);

/// ... within this: probes that are further apart do not speak for or against a server together.
pub(super) const USED_LATELY: Duration = Duration::from_secs(1);

/// How a way refused fresh connections is told by one as near as this.
const SAME_MANNER: Duration = Duration::from_secs(5);

/// What a stage takes that does not leave this host, where none was seen.
const NEAR: Duration = Duration::from_micros(100);

/// For so long what was seen of the control target holds.
const CONTROL_HOLDS: Duration = Duration::from_secs(5);

/// What is seen of a probe, and how long after it was ordered.
pub(super) type Said = (Duration, Saw);

impl World {
    /// What is seen of a probe that is ordered at `at`; `None` where the recording does not say.
    pub(super) fn answer(&mut self, probe: &Probe, target: &Name, at: Time) -> Option<Vec<Said>> {
        let path = self.path(&way_of(probe));
        match probe.kind {
            Kind::Control => Some(control(path.as_deref(), at)),
            Kind::Full | Kind::Open | Kind::Canary => path?.answer(probe, target, at),
        }
    }
}

/// Whose fate a probe shares.
enum Like {
    /// That of one probe.
    One(Sample),
    /// That of a canary for each of its exchanges.
    Canaries,
}

/// What a stage meets.
enum Met {
    /// It is passed after so long; the last one with such a success.
    Passed(Duration, Option<Success>),
    Failed(Duration, Failure),
    /// Nothing comes.
    Silence,
}

impl Path {
    fn answer(&mut self, probe: &Probe, target: &Name, at: Time) -> Option<Vec<Said>> {
        let (_, nearest) = self.around(at).next()?;
        if let End::Void(why) = &nearest.end {
            return Some(vec![(Duration::ZERO, Saw::Ended(Ending::Void(why.clone())))]);
        }
        let like = match self.stop(probe, at).cloned() {
            Some(stop) => Like::One(stop),
            None => {
                let similar = self.similar(probe, at)?;
                let exchanges = similar.is_canary() && probe.kind != Kind::Canary;
                let key = similar.key();
                if exchanges { Like::Canaries } else { Like::One(self.used(key, at)?) }
            }
        };
        Some(self.walk(&like, probe, target, at))
    }

    /// What stops this probe.
    fn stop(&self, probe: &Probe, at: Time) -> Option<&Sample> {
        let canary = probe.kind == Kind::Canary;
        if let Some(stop) = self.stops_the_way(at) {
            let near = self.around(at).take_while(|(far, _)| *far <= SAME_MANNER);
            let mut near = near.map(|(_, sample)| sample).filter(|sample| sample.is_canary() == canary);
            return near.find(|sample| self.affair(sample) == Some(Affair::Way)).or(Some(stop));
        }
        if canary { None } else { self.stops_fresh(at).or_else(|| self.troubles(probe.target, at)) }
    }

    /// The nearest one, where what asked for something else, or was used lately, counts as farther away. What was not
    /// answered by chance may be it, for the same kind and target.
    fn similar(&self, probe: &Probe, at: Time) -> Option<&Sample> {
        let canary = probe.kind == Kind::Canary;
        let same = |sample: &Sample| sample.is_canary() == canary && sample.target == probe.target;
        self.cheapest(at, |sample| {
            let stands = sample.is_answered() || (same(sample) && self.affair(sample) == Some(Affair::Own));
            stands.then(|| match (sample.is_canary() == canary, sample.target == probe.target, canary) {
                (false, ..) => OTHER_KIND,
                (true, true, _) => Duration::ZERO,
                (true, false, true) => OTHER_CANARY,
                (true, false, false) => OTHER_TARGET,
            })
        })
    }

    /// A canary whose request crossed the way alone, answered or lost.
    fn some_canary(&mut self, at: Time) -> Option<Sample> {
        let lost = |sample: &Sample| sample.end == End::Silent && self.affair(sample) == Some(Affair::Own);
        let wanted = |sample: &Sample| {
            (sample.is_canary() && (sample.is_answered() || lost(sample))).then_some(Duration::ZERO)
        };
        let canary = self.cheapest(at, wanted)?.key();
        self.used(canary, at)
    }

    /// `wanted` has those that can be it, and how much farther away they count.
    fn cheapest(&self, at: Time, wanted: impl Fn(&Sample) -> Option<Duration>) -> Option<&Sample> {
        let mut best: Option<(Duration, &Sample)> = None;
        for (far, sample) in self.around(at) {
            if best.is_some_and(|(least, _)| far >= least) {
                break;
            }
            let each = if sample.is_canary() { USED_CANARY } else { USED_FRESH };
            let cost = far + sample.uses_lately(at) * each;
            if let Some(more) = wanted(sample)
                && best.is_none_or(|(least, _)| cost + more < least)
            {
                best = Some((cost + more, sample));
            }
        }
        best.map(|(_, sample)| sample)
    }

    /// From stage to stage, until it is over or nothing comes any more.
    fn walk(&mut self, like: &Like, probe: &Probe, target: &Name, at: Time) -> Vec<Said> {
        let mut said = vec![(Duration::ZERO, Saw::Began)];
        let mut elapsed = Duration::ZERO;
        let stages = stages(probe.kind, target);
        for stage in stages {
            let met = match like {
                Like::One(sample) => self.meet(sample, probe, *stage, at),
                Like::Canaries if is_near(*stage) => Met::Passed(self.near(*stage, at), None),
                Like::Canaries => match self.some_canary(at) {
                    Some(canary) => self.meet(&canary, probe, *stage, at),
                    None => Met::Silence,
                },
            };
            let is_last = stages.last() == Some(stage);
            match met {
                Met::Passed(took, success) => {
                    elapsed += took;
                    let last = StageTime { stage: *stage, took };
                    let ended = success.filter(|_| is_last);
                    let ended = ended.map(|success| Saw::Ended(Ending::Success(Success { last, ..success })));
                    said.push((elapsed, ended.unwrap_or(Saw::Passed(last))));
                }
                Met::Failed(after, failure) => {
                    said.push((elapsed + after, Saw::Ended(Ending::Failed(failure))));
                    return said;
                }
                Met::Silence => return said,
            }
        }
        said
    }

    /// What a stage of `probe` meets, if it shares the fate of `sample`.
    fn meet(&self, sample: &Sample, probe: &Probe, stage: Stage, at: Time) -> Met {
        if sample.stuck_at().is_some_and(|stuck| stage >= stuck) {
            return stopped(sample, probe.kind);
        }
        let seen = sample.passed.iter().find(|passed| passed.stage == stage).map(|passed| passed.took);
        let success = match &sample.end {
            End::Answered(success) => Some(self.success(success, sample, probe, at)),
            End::Failed(_) | End::Silent | End::Void(_) => None,
        };
        let exchange = success.map_or(NEAR, |success| success.last.took);
        let took = seen.unwrap_or_else(|| if is_near(stage) { self.near(stage, at) } else { exchange });
        Met::Passed(took, success)
    }

    fn success(&self, success: &Success, sample: &Sample, probe: &Probe, at: Time) -> Success {
        // Who is refused by one target is not refused by all.
        let status = success.status.filter(|_| sample.target == probe.target);
        let kept = match probe.kind {
            Kind::Full | Kind::Control => false,
            Kind::Canary if sample.is_canary() => success.kept,
            Kind::Open if sample.kind == Kind::Open => success.kept,
            Kind::Canary | Kind::Open => self.keeps(probe, at),
        };
        Success { status, kept, ..*success }
    }

    /// Whether the target keeps connections open; they do, unless one was seen not to.
    fn keeps(&self, probe: &Probe, at: Time) -> bool {
        let of = |sample: &Sample| match &sample.end {
            End::Answered(success) if sample.kind == Kind::Open && sample.target == probe.target => {
                Some(success.kept)
            }
            End::Answered(_) | End::Failed(_) | End::Silent | End::Void(_) => None,
        };
        self.around(at).find_map(|(_, sample)| of(sample)).unwrap_or(true)
    }

    /// What a stage takes that does not leave this host.
    fn near(&self, stage: Stage, at: Time) -> Duration {
        let of = |sample: &Sample| sample.passed.iter().find(|passed| passed.stage == stage).copied();
        self.around(at).find_map(|(_, sample)| of(sample)).map_or(NEAR, |passed| passed.took)
    }
}

const fn is_near(stage: Stage) -> bool {
    matches!(stage, Stage::Tcp | Stage::Greeting)
}

/// How a probe is stopped by what stopped `sample`.
fn stopped(sample: &Sample, kind: Kind) -> Met {
    let End::Failed(failure) = &sample.end else { return Met::Silence };
    if (kind == Kind::Canary) == sample.is_canary() {
        return Met::Failed(sample.last_took(), failure.clone());
    }
    // A SOCKS server whose port is closed has closed its connections; beyond it they stand still.
    if kind == Kind::Canary && is_local(failure) {
        let text = failure.text.clone();
        return Met::Failed(Duration::ZERO, Failure { stage: Stage::Http, cause: Cause::Closed, text });
    }
    Met::Silence
}

/// The control target was asked whenever there was a doubt; where there was none, nothing speaks against this host.
fn control(path: Option<&Path>, at: Time) -> Vec<Said> {
    let nearest = path.and_then(|path| path.around(at).next()).filter(|(far, _)| *far <= CONTROL_HOLDS);
    let took = |sample: &Sample| sample.until.since(sample.began);
    let ended = match nearest.map(|(_, sample)| (&sample.end, sample)) {
        Some((End::Silent, _)) => None,
        Some((End::Answered(success), sample)) => Some((took(sample), Ending::Success(*success))),
        Some((End::Failed(failure), sample)) => Some((took(sample), Ending::Failed(failure.clone()))),
        Some((End::Void(why), _)) => Some((Duration::ZERO, Ending::Void(why.clone()))),
        None => {
            let last = StageTime { stage: Stage::Http, took: NEAR };
            Some((NEAR, Ending::Success(Success { last, status: None, received: 0, kept: false })))
        }
    };
    let ended = ended.map(|(after, ending)| (after, Saw::Ended(ending)));
    [(Duration::ZERO, Saw::Began)].into_iter().chain(ended).collect()
}

fn stages(kind: Kind, target: &Name) -> &'static [Stage] {
    use Stage::{Banner, Connect, Greeting, Http, Tcp, Tls};
    let scheme = target.as_str().split(':').next();
    match (kind, scheme) {
        (Kind::Canary, _) => &[Http],
        (Kind::Full | Kind::Open | Kind::Control, Some("https")) => &[Tcp, Greeting, Connect, Tls, Http],
        (Kind::Full | Kind::Open | Kind::Control, Some("tcp")) => &[Tcp, Greeting, Connect, Banner],
        (Kind::Full | Kind::Open | Kind::Control, _) => &[Tcp, Greeting, Connect, Http],
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
