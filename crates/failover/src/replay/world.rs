//! What a recording shows of the ways through the servers: every probe that was made, with what came of it. It is kept
//! for as long as somebody may ask what the way was like then, and no longer.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::answer::USED_LATELY;
use crate::suspicion::is_large;
use crate::{
    Ending, Evidence, Failure, Kind, Order, Probe, ProbeId, Route, Saw, ServerId, Stage, StageTime, Success,
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
    id: ProbeId,
    pub(super) kind: Kind,
    pub(super) target: TargetId,
    pub(super) began: Time,
    pub(super) passed: Vec<StageTime>,
    pub(super) end: End,
    /// When it ended or was dropped.
    pub(super) until: Time,
    /// How often others shared its fate lately, and when the last one did.
    uses: (u32, Time),
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
    /// Where it stands among the others.
    pub(super) const fn key(&self) -> (Time, ProbeId) {
        (self.began, self.id)
    }

    pub(super) fn uses_lately(&self, at: Time) -> u32 {
        let (uses, latest) = self.uses;
        if at.since(latest) <= USED_LATELY { uses } else { 0 }
    }

    pub(super) fn is_canary(&self) -> bool {
        self.kind == Kind::Canary
    }

    pub(super) const fn is_answered(&self) -> bool {
        matches!(self.end, End::Answered(_))
    }

    /// The stage that it did not pass; a canary has one exchange, which is as good as any that leaves the SOCKS server.
    pub(super) fn stuck_at(&self) -> Option<Stage> {
        match &self.end {
            End::Answered(_) | End::Void(_) => None,
            End::Failed(_) | End::Silent if self.kind == Kind::Canary => Some(Stage::Connect),
            End::Failed(failure) => Some(failure.stage),
            End::Silent => Some(match self.passed.last().map(|passed| passed.stage) {
                None => Stage::Tcp,
                Some(Stage::Tcp) => Stage::Greeting,
                Some(Stage::Greeting) => Stage::Connect,
                Some(Stage::Connect) => Stage::Tls,
                Some(Stage::Tls | Stage::Http | Stage::Banner) => Stage::Http,
            }),
        }
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

/// An exchange with the far side that was completed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crossing {
    /// It was that of a fresh connection behind CONNECT, whose packets are larger.
    pub(super) is_large: bool,
}

/// One way, as far as it is known.
#[derive(Clone, Debug)]
pub(super) struct Path {
    samples: BTreeMap<(Time, ProbeId), Sample>,
    /// By when each was begun.
    crossed: BTreeMap<(Time, ProbeId), Crossing>,
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
    pub(super) fn path(&mut self, way: &Way) -> Option<&mut Path> {
        self.ways.get_mut(way)
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
            Saw::Passed(passed) => self.passed(*probe, *passed, *at),
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
        let horizon = (Time::ZERO + now.since(Time::ZERO + BEHIND), ProbeId(0));
        for path in self.ways.values_mut() {
            path.samples = path.samples.split_off(&horizon);
            path.crossed = path.crossed.split_off(&horizon);
        }
        self.ways.retain(|_, path| !path.samples.is_empty() || !path.crossed.is_empty());
    }

    fn passed(&mut self, probe: ProbeId, passed: StageTime, at: Time) {
        let Some(asked) = self.under_way.get_mut(&probe).filter(|asked| asked.passed.len() < STAGES_MAX)
        else {
            return;
        };
        asked.passed.push(passed);
        let (way, kind) = (asked.way.clone(), asked.kind);
        self.ways.entry(way).or_default().cross(probe, kind, passed, at);
    }

    fn end(&mut self, probe: ProbeId, end: End, at: Time) {
        let Some(Asked { way, kind, target, began, passed }) = self.under_way.remove(&probe) else { return };
        let path = self.ways.entry(way.clone()).or_default();
        if let End::Answered(success) = &end {
            path.cross(probe, kind, success.last, at);
            if kind == Kind::Open && success.kept {
                self.kept.insert(probe, (way, target));
            }
        }
        let began = began.unwrap_or(at);
        let sample = Sample { id: probe, kind, target, began, passed, end, until: at, uses: (0, at) };
        path.samples.insert(sample.key(), sample);
    }
}

impl Default for Path {
    fn default() -> Self {
        Self { samples: BTreeMap::new(), crossed: BTreeMap::new(), pace: PACE_AT_START }
    }
}

impl Path {
    /// A stage was passed at `at`.
    fn cross(&mut self, probe: ProbeId, kind: Kind, passed: StageTime, at: Time) {
        if matches!(passed.stage, Stage::Tcp | Stage::Greeting) {
            return;
        }
        let began = Time::ZERO + at.since(Time::ZERO + passed.took);
        self.pace = passed.took;
        self.crossed.insert((began, probe), Crossing { is_large: is_large(kind, passed.stage) });
    }

    /// What has crossed that was begun from `from` to `to`.
    pub(super) fn crossings(&self, from: Time, to: Time) -> impl Iterator<Item = &Crossing> {
        let from = self.crossed_after(from).take_while(move |(began, _)| *began <= to);
        from.map(|(_, crossing)| crossing)
    }

    /// What has crossed that was begun at `at` or before it, the latest first.
    pub(super) fn crossed_before(&self, at: Time) -> impl Iterator<Item = (Time, &Crossing)> {
        let before = self.crossed.range(..=(at, ProbeId(u64::MAX))).rev();
        before.map(|((began, _), crossing)| (*began, crossing)).take(LOOKED_AT_MAX)
    }

    /// What has crossed that was begun at `at` or after it.
    pub(super) fn crossed_after(&self, at: Time) -> impl Iterator<Item = (Time, &Crossing)> {
        let after = self.crossed.range((at, ProbeId(0))..);
        after.map(|((began, _), crossing)| (*began, crossing)).take(LOOKED_AT_MAX)
    }

    /// The probe of that key, whose fate another one shares from now on.
    pub(super) fn used(&mut self, key: (Time, ProbeId), at: Time) -> Option<Sample> {
        let sample = self.samples.get_mut(&key)?;
        sample.uses = (sample.uses_lately(at).saturating_add(1), at);
        Some(sample.clone())
    }

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

    /// Those begun before `at`, the latest first.
    pub(super) fn before(&self, at: Time) -> impl Iterator<Item = &Sample> {
        let before = self.samples.range(..(at, ProbeId(0))).rev().map(|(_, sample)| sample);
        before.take_while(move |sample| at.since(sample.began) <= BEHIND).take(LOOKED_AT_MAX)
    }

    /// Those begun at `at` or after it.
    pub(super) fn after(&self, at: Time) -> impl Iterator<Item = &Sample> {
        self.begun_within(at, at + BEHIND)
    }

    /// The probes that were begun from `from` to `to`.
    pub(super) fn begun_within(&self, from: Time, to: Time) -> impl Iterator<Item = &Sample> {
        let begun = self.samples.range((from, ProbeId(0))..).map(|(_, sample)| sample);
        begun.take_while(move |sample| sample.began <= to).take(LOOKED_AT_MAX)
    }
}
