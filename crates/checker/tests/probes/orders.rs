//! The driver as a core would use it: orders in, evidence out, each probe's put together again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use checker::{Clock, Credentials, Prober, Probes, Settings};
use failover::{
    Cause, Ending, Evidence, Failure, Kind, Order, Probe, ProbeId, Route, Saw, ServerId, Stage, StageTime,
    Success, TargetId, Time,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::Instant;

use crate::fakes::*;

/// Hands out ids and keeps what is read while it is looking for something else.
pub(crate) struct Driver {
    probes: Probes,
    orders: u64,
    stories: BTreeMap<ProbeId, Story>,
}

/// All that was seen of one probe.
#[derive(Clone, Debug, Default)]
pub(crate) struct Story {
    pub(crate) began: Option<Time>,
    pub(crate) passed: Vec<(Time, StageTime)>,
    pub(crate) ended: Option<(Time, Ending)>,
    pub(crate) closed: bool,
}

impl Driver {
    pub(crate) fn new(targets: &[&str]) -> Self {
        Self::with(prober(), settings(targets, AMPLE))
    }

    pub(crate) fn with(prober: Prober, settings: Settings) -> Self {
        let probes = Probes::new(prober, settings, Clock::new(Instant::now()));
        Self { probes, orders: 0, stories: BTreeMap::new() }
    }

    /// Orders a probe of the first target.
    pub(crate) fn order(&mut self, kind: Kind, address: SocketAddr) -> ProbeId {
        self.order_with(kind, address, TargetId(0), None)
    }

    pub(crate) fn order_with(
        &mut self,
        kind: Kind,
        address: SocketAddr,
        target: TargetId,
        credentials: Option<&Credentials>,
    ) -> ProbeId {
        let route = Route::Server { id: ServerId::new("back", "wg1"), address };
        self.obey(kind, route, target, None, credentials)
    }

    pub(crate) fn control(&mut self) -> ProbeId {
        self.obey(Kind::Control, Route::Direct, TargetId(0), None, None)
    }

    /// Orders a canary on the connection that `open` left behind.
    pub(crate) fn canary(&mut self, open: ProbeId) -> ProbeId {
        self.canary_of(open, TargetId(0))
    }

    pub(crate) fn canary_of(&mut self, open: ProbeId, target: TargetId) -> ProbeId {
        let address = "127.0.0.1:1".parse().unwrap();
        let route = Route::Server { id: ServerId::new("back", "wg1"), address };
        self.obey(Kind::Canary, route, target, Some(open), None)
    }

    pub(crate) fn drop_probe(&mut self, id: ProbeId) {
        self.probes.obey(&Order::Drop(id), None);
    }

    pub(crate) fn obey(
        &mut self,
        kind: Kind,
        route: Route,
        target: TargetId,
        connection: Option<ProbeId>,
        credentials: Option<&Credentials>,
    ) -> ProbeId {
        self.orders += 1;
        let id = ProbeId(self.orders);
        let probe = Probe { id, kind, route, target, connection };
        self.probes.obey(&Order::Probe(probe), credentials);
        id
    }

    /// The next evidence, which must fit what was seen of its probe before.
    pub(crate) async fn next(&mut self) -> Evidence {
        let evidence = self.probes.next().await;
        self.stories.entry(evidence.probe).or_default().add(&evidence);
        evidence
    }

    /// Everything about `id`, once it has ended.
    pub(crate) async fn story(&mut self, id: ProbeId) -> Story {
        loop {
            if let Some(story) = self.stories.get(&id).filter(|story| story.ended.is_some()) {
                return story.clone();
            }
            self.next().await;
        }
    }

    /// How `id` ended.
    pub(crate) async fn ending(&mut self, id: ProbeId) -> Ending {
        self.story(id).await.ending()
    }

    pub(crate) async fn success(&mut self, id: ProbeId) -> Success {
        let ending = self.ending(id).await;
        let Ending::Success(success) = ending else { panic!("{ending:?}") };
        success
    }

    /// Why `id` failed; the text must be fit to print.
    pub(crate) async fn failure(&mut self, id: ProbeId) -> Failure {
        let ending = self.ending(id).await;
        let Ending::Failed(failure) = &ending else { panic!("{ending:?}") };
        assert!(failure.text.chars().count() <= 200, "{}", failure.text);
        assert!(!failure.text.chars().any(char::is_control), "{:?}", failure.text);
        failure.clone()
    }

    pub(crate) async fn void(&mut self, id: ProbeId) -> String {
        let ending = self.ending(id).await;
        let Ending::Void(why) = &ending else { panic!("{ending:?}") };
        why.clone()
    }

    pub(crate) async fn assert_failed(&mut self, id: ProbeId, stage: Stage, cause: Cause, text: &str) {
        let failure = self.failure(id).await;
        assert_eq!((failure.stage, failure.cause, failure.text.as_str()), (stage, cause, text));
    }

    /// A connection through the server at `address`, ready for canaries.
    pub(crate) async fn open(&mut self, address: SocketAddr) -> ProbeId {
        let open = self.order(Kind::Open, address);
        assert!(self.success(open).await.kept);
        open
    }

    /// Waits until the connection that `open` left behind has been reported closed.
    pub(crate) async fn closed(&mut self, open: ProbeId) {
        while !self.was_closed(open) {
            self.next().await;
        }
    }

    /// Whether its beginning has been read.
    pub(crate) fn has_begun(&self, id: ProbeId) -> bool {
        self.stories.get(&id).is_some_and(|story| story.began.is_some())
    }

    pub(crate) fn was_closed(&self, open: ProbeId) -> bool {
        self.stories.get(&open).is_some_and(|story| story.closed)
    }

    /// The connection that `open` left behind is gone, and nobody was told that it was closed.
    pub(crate) async fn assert_gone_unannounced(&mut self, open: ProbeId) {
        let canary = self.canary(open);
        let failure = self.failure(canary).await;
        assert_eq!((failure.stage, failure.cause), (Stage::Http, Cause::Closed), "{failure}");
        assert!(!self.was_closed(open));
    }
}

impl Story {
    pub(crate) fn ending(&self) -> Ending {
        self.ended.clone().unwrap().1
    }

    /// All stages that were passed, with a success's last.
    pub(crate) fn stages(&self) -> Vec<Stage> {
        let mut stages: Vec<Stage> = self.passed.iter().map(|(_, passed)| passed.stage).collect();
        if let Ending::Success(success) = self.ending() {
            stages.push(success.last.stage);
        }
        stages
    }

    #[track_caller]
    fn add(&mut self, evidence: &Evidence) {
        let latest = self.passed.last().map(|(at, _)| *at).or(self.began);
        assert!(latest.is_none_or(|latest| latest <= evidence.at), "{self:?} {evidence:?}");
        match &evidence.saw {
            Saw::Began => {
                assert!(self.began.is_none() && self.ended.is_none(), "{self:?} {evidence:?}");
                self.began = Some(evidence.at);
            }
            Saw::Passed(passed) => {
                assert!(self.began.is_some() && self.ended.is_none(), "{self:?} {evidence:?}");
                self.passed.push((evidence.at, *passed));
            }
            Saw::Ended(ending) => {
                assert!(self.ended.is_none(), "{self:?} {evidence:?}");
                self.ended = Some((evidence.at, ending.clone()));
            }
            Saw::Closed => {
                let was_kept = matches!(self.ending(), Ending::Success(Success { kept: true, .. }));
                assert!(was_kept && !self.closed, "{self:?} {evidence:?}");
                self.closed = true;
            }
        }
    }
}

/// For tests that need more connections at once than the usual limit leaves to those that run beside them.
pub(crate) fn allow_many_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}

pub(crate) fn settings(targets: &[&str], timeout: Duration) -> Settings {
    Settings::new(targets.iter().map(|target| parse(target)).collect(), timeout).unwrap()
}

/// Has `attempt` made with more and more time until it runs out in `stage`, however slow the machine is on the way
/// there. `attempt` returns the failure, or nothing where the time was too short to get as far.
pub(crate) async fn assert_runs_out<A, F>(stage: Stage, beginning: &str, mut attempt: A)
where
    A: FnMut(Duration) -> F,
    F: Future<Output = Option<Failure>>,
{
    let mut timeout = BRIEF / 3;
    loop {
        let failure = attempt(timeout).await;
        if let Some(found) = failure.filter(|failure| failure.stage == stage) {
            assert_eq!(found.cause, Cause::Timeout, "{found}");
            assert!(found.text.starts_with(beginning) && found.text.ends_with('s'), "{found}");
            return;
        }
        assert!(timeout < AMPLE, "never ran out in {stage}");
        timeout *= 2;
    }
}

/// Asserts that two times are the same but for what is cut off where a point in time is in whole microseconds.
pub(crate) fn assert_same_micros(between: Duration, took: Duration) {
    assert!(between.abs_diff(took) < Duration::from_micros(1), "{between:?} is not {took:?}");
}
