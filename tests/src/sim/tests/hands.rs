//! What the tests make worlds of, and a prober that they hold in their hands.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use failover::{Evidence, Kind, Order, Probe, ProbeId, Route, Saw, ServerId, TargetId, Time};

use crate::sim::path::{Path, Trouble};
use crate::sim::prober::{FIRST_PORT, Prober};
use crate::sim::rng::Rng;
use crate::sim::timeline::{NEVER, Span, Timeline};
use crate::sim::world::World;

pub(super) const fn ms(millis: u64) -> Time {
    Time::from_millis(millis)
}

pub(super) const fn at(second: u64) -> Time {
    ms(1000 * second)
}

/// Between these milliseconds.
pub(super) const fn during<T>(from: u64, to: u64, what: T) -> Span<T> {
    Span { from: ms(from), to: ms(to), what }
}

pub(super) const fn lasting<T>(from: u64, what: T) -> Span<T> {
    Span { from: ms(from), to: NEVER, what }
}

/// A near exit that is well.
pub(super) fn path(loss: f64) -> Path {
    Path::new(Duration::from_millis(50), loss, Timeline::quiet())
}

/// The same, and this is the matter with it.
pub(super) fn troubled(trouble: Span<Trouble>) -> Path {
    path(0.0).with(Timeline::new(vec![trouble]))
}

/// A world without loss in which all is well: two servers, three targets.
pub(super) fn well(seed: u64) -> World {
    World {
        rng: Rng::new(seed),
        servers: vec![path(0.0); 2],
        direct: path(0.0),
        targets: vec![Timeline::quiet(); 3],
        stalls: Timeline::quiet(),
        whims: None,
    }
}

/// A prober, and all that was seen of its probes.
pub(super) struct Hands {
    prober: Prober,
    number: u64,
    seen: Vec<Evidence>,
}

impl Hands {
    pub(super) const fn new(world: World) -> Self {
        Self { prober: Prober::new(world), number: 0, seen: Vec::new() }
    }

    /// Orders a probe through the first server, to the first target.
    pub(super) fn probe(&mut self, kind: Kind, now: Time) -> ProbeId {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, FIRST_PORT));
        let server = Route::Server { id: ServerId::new("socks", "wg1"), address };
        let route = if kind == Kind::Control { Route::Direct } else { server };
        self.order(kind, route, None, now)
    }

    pub(super) fn canary(&mut self, connection: ProbeId, now: Time) -> ProbeId {
        self.order(Kind::Canary, Route::Direct, Some(connection), now)
    }

    /// Opens a connection at the origin, and forgets what was seen of that.
    pub(super) fn open(&mut self) -> ProbeId {
        let id = self.probe(Kind::Open, Time::ZERO);
        self.until(ms(1_800));
        assert!(matches!(self.seen.last(), Some(Evidence { saw: Saw::Ended(_), .. })), "{:?}", self.seen);
        self.seen.clear();
        id
    }

    pub(super) fn drop(&mut self, id: ProbeId, now: Time) {
        assert!(self.prober.take(Order::Drop(id), now).is_none());
    }

    /// Lets the time pass.
    pub(super) fn until(&mut self, end: Time) -> &[Evidence] {
        while let Some(next) = self.prober.next().filter(|next| *next <= end) {
            self.prober.see(next, &mut self.seen);
        }
        &self.seen
    }

    fn order(&mut self, kind: Kind, route: Route, connection: Option<ProbeId>, now: Time) -> ProbeId {
        self.until(now);
        self.number += 1;
        let id = ProbeId(self.number);
        let probe = Probe { id, kind, route, target: TargetId(0), connection };
        let began = self.prober.take(Order::Probe(probe), now);
        assert_eq!(began, Some(Evidence { probe: id, at: now, saw: Saw::Began }));
        id
    }
}

/// When, which probe, and what in a word: `tcp`, `ok` (`kept`), `connect reply` or `closed`.
pub(super) fn words(seen: &[Evidence]) -> Vec<String> {
    use failover::{Cause, Ending, Success};
    let word = |saw: &Saw| match saw {
        Saw::Began => "began".to_owned(),
        Saw::Passed(passed) => passed.stage.to_string(),
        Saw::Ended(Ending::Success(Success { kept, .. })) => if *kept { "kept" } else { "ok" }.to_owned(),
        Saw::Ended(Ending::Failed(failure)) => match failure.cause {
            Cause::Reply(code) => format!("{} reply {code}", failure.stage),
            cause @ (Cause::Timeout
            | Cause::Refused
            | Cause::Unreachable
            | Cause::Closed
            | Cause::Auth
            | Cause::Protocol
            | Cause::Certificate
            | Cause::Status(_)) => format!("{} {}", failure.stage, cause.as_str()),
        },
        Saw::Ended(Ending::Void(why)) => format!("void {why}"),
        Saw::Closed => "closed".to_owned(),
    };
    seen.iter().map(|evidence| format!("{} {}", evidence.probe, word(&evidence.saw))).collect()
}
