//! What a recording shows of the ways through the servers: every probe that was made, with what came of it. It is kept
//! for as long as somebody may ask what the way was like then, and no longer.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::{
    Ending, Evidence, Failure, Kind, Order, Probe, ProbeId, Route, Saw, ServerId, StageTime, Success,
    TargetId, Time,
};

/// What is farther away than this says nothing of a way any more.
pub(super) const BEHIND: Duration = Duration::from_secs(60);

/// Probes that are looked at for one answer. More of them in a minute are not made by any settings; a recording that
/// somebody made up is not to cost more.
pub(super) const LOOKED_AT_MAX: usize = 2000;

/// Stages that one probe can pass.
const STAGES_MAX: usize = 5;

/// What one exchange takes, as long as none was seen.
const PACE_AT_START: Duration = Duration::from_millis(300);

/// A probe that was dropped was silent if nothing had come for so many times what an exchange takes. One that was dropped
/// sooner, because another had answered, says nothing.
const SILENT_AFTER: u32 = 3;

/// Through which server, at which address; `None` is past all of them.
pub(super) type Way = Option<(ServerId, SocketAddr)>;

pub(super) fn way_of(probe: &Probe) -> Way {
    match &probe.route {
        Route::Server { id, address } => Some((id.clone(), *address)),
        Route::Direct => None,
    }
}

/// A probe that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) kind: Kind,
    pub(super) target: TargetId,
    pub(super) began: Time,
    pub(super) passed: Vec<StageTime>,
    pub(super) end: End,
    /// When it ended or was dropped.
    pub(super) until: Time,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    Answered(Success),
    Failed(Failure),
    /// Nothing came, for as long as it was waited for.
    Silent,
    /// This host could not ask.
    Void(String),
}

impl Sample {
    pub(super) const fn is_answered(&self) -> bool {
        matches!(self.end, End::Answered(_))
    }

    pub(super) const fn is_void(&self) -> bool {
        matches!(self.end, End::Void(_))
    }

    pub(super) fn is_canary(&self) -> bool {
        self.kind == Kind::Canary
    }

    /// How long the stage took that it ended in.
    pub(super) fn last_took(&self) -> Duration {
        let passed: Duration = self.passed.iter().map(|passed| passed.took).sum();
        self.until.since(self.began + passed)
    }
}

/// A probe under way.
#[derive(Clone, Debug)]
struct Asked {
    way: Way,
    kind: Kind,
    target: TargetId,
    began: Option<Time>,
    passed: Vec<StageTime>,
}

/// One way, as far as it is known.
#[derive(Clone, Debug)]
pub(super) struct Path {
    samples: BTreeMap<(Time, ProbeId), Sample>,
    /// What the latest exchange took.
    pace: Duration,
}

/// A kept connection was closed by the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Closure {
    pub(super) way: Way,
    pub(super) target: TargetId,
    pub(super) at: Time,
}

/// All ways.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    ways: BTreeMap<Way, Path>,
    under_way: BTreeMap<ProbeId, Asked>,
    /// Kept connections.
    kept: BTreeMap<ProbeId, (Way, TargetId)>,
}

impl World {
    pub(super) fn path(&self, way: &Way) -> Option<&Path> {
        self.ways.get(way)
    }

    /// Takes in what was seen of a probe; a closed connection is news for others, too.
    pub(super) fn saw(&mut self, evidence: &Evidence) -> Option<Closure> {
        let Evidence { probe, at, saw } = evidence;
        match saw {
            Saw::Began => {
                if let Some(asked) = self.under_way.get_mut(probe) {
                    asked.began = Some(*at);
                }
            }
            Saw::Passed(passed) => {
                if let Some(asked) =
                    self.under_way.get_mut(probe).filter(|asked| asked.passed.len() < STAGES_MAX)
                {
                    asked.passed.push(*passed);
                }
            }
            Saw::Ended(ending) => {
                let end = match ending {
                    Ending::Success(success) => End::Answered(*success),
                    Ending::Failed(failure) => End::Failed(failure.clone()),
                    Ending::Void(why) => End::Void(why.clone()),
                };
                self.end(*probe, end, *at);
            }
            Saw::Closed => {
                let (way, target) = self.kept.remove(probe)?;
                return Some(Closure { way, target, at: *at });
            }
        }
        None
    }

    /// Takes in what was ordered.
    pub(super) fn ordered(&mut self, order: &Order, now: Time) {
        match order {
            Order::Probe(probe) => {
                let Probe { id, kind, target, .. } = *probe;
                let asked = Asked { way: way_of(probe), kind, target, began: None, passed: Vec::new() };
                self.under_way.insert(id, asked);
            }
            Order::Drop(id) => {
                self.kept.remove(id);
                let Some(asked) = self.under_way.get(id) else { return };
                let passed: Duration = asked.passed.iter().map(|passed| passed.took).sum();
                let waited = asked.began.map(|began| now.since(began + passed)).unwrap_or_default();
                let pace = self.ways.get(&asked.way).map_or(PACE_AT_START, |path| path.pace);
                if waited >= pace * SILENT_AFTER {
                    self.end(*id, End::Silent, now);
                } else {
                    self.under_way.remove(id);
                }
            }
        }
    }

    /// Forgets what nobody asks for any more.
    pub(super) fn forget(&mut self, now: Time) {
        let horizon = Time::ZERO + now.since(Time::ZERO + BEHIND);
        for path in self.ways.values_mut() {
            while path.samples.first_key_value().is_some_and(|((began, _), _)| *began < horizon) {
                path.samples.pop_first();
            }
        }
        self.ways.retain(|_, path| !path.samples.is_empty());
    }

    fn end(&mut self, probe: ProbeId, end: End, at: Time) {
        let Some(Asked { way, kind, target, began, passed }) = self.under_way.remove(&probe) else { return };
        let path = self
            .ways
            .entry(way.clone())
            .or_insert_with(|| Path { samples: BTreeMap::new(), pace: PACE_AT_START });
        if let End::Answered(success) = &end {
            path.pace = success.last.took;
            if kind == Kind::Open && success.kept {
                self.kept.insert(probe, (way, target));
            }
        }
        let began = began.unwrap_or(at);
        path.samples.insert((began, probe), Sample { kind, target, began, passed, end, until: at });
    }
}

impl Path {
    /// The probes around `at`, the nearest first, each with how far away it is.
    pub(super) fn around(&self, at: Time) -> impl Iterator<Item = (Duration, &Sample)> {
        let mut before = self.samples.range(..(at, ProbeId(0))).rev().peekable();
        let mut after = self.samples.range((at, ProbeId(0))..).peekable();
        let nearest = std::iter::from_fn(move || {
            let earlier = before.peek().map(|((began, _), _)| at.since(*began));
            let later = after.peek().map(|((began, _), _)| began.since(at));
            match (earlier, later) {
                (Some(far), later) if later.is_none_or(|later| far < later) => {
                    before.next().map(|(_, sample)| (far, sample))
                }
                (_, Some(far)) => after.next().map(|(_, sample)| (far, sample)),
                (_, None) => None,
            }
        });
        nearest.take_while(|(far, _)| *far <= BEHIND).take(LOOKED_AT_MAX)
    }

    /// The probes that were begun from `from` to `to`.
    pub(super) fn begun_within(&self, from: Time, to: Time) -> impl Iterator<Item = &Sample> {
        let begun = self.samples.range((from, ProbeId(0))..).map(|(_, sample)| sample);
        begun.take_while(move |sample| sample.began <= to).take(LOOKED_AT_MAX)
    }
}
