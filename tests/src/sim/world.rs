//! The world around the one who judges: the ways through the servers, the targets behind them, and the times at which
//! the judge's own process does not run.

use std::time::Duration;

use failover::{Cause, Stage, Time};

use super::path::{Answer, Down, Packet, Path, Trouble};
use super::rng::Rng;
use super::stages::{Hop, Stages};
use super::timeline::{NEVER, Timeline};

/// A SOCKS server on this host answers after this time.
const LOCAL: (Duration, Duration) = (Duration::from_micros(100), Duration::from_micros(500));

/// SOCKS5 replies (RFC 1928 section 6).
const HOST_UNREACHABLE: u8 = 4;
const CONNECTION_REFUSED: u8 = 5;

/// A target that is never down.
const UP: &Timeline<Down> = &Timeline::quiet();

/// Which way a connection goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Through the server of this place in the list.
    Server(usize),
    /// Through none.
    Direct,
}

/// Everything that can go wrong, and when.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) servers: Vec<Path>,
    pub(crate) direct: Path,
    pub(crate) targets: Vec<Timeline<Down>>,
    /// When the judge's process neither sends nor reads nor wakes.
    pub(crate) stalls: Timeline<()>,
    /// How often targets close a kept connection just so, on average; `None` for never.
    pub(crate) whims: Option<Duration>,
}

/// How a stage ended, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Met {
    pub(crate) at: Time,
    /// `Ok` where it was passed.
    pub(crate) how: Result<(), Cause>,
}

/// How a probe of all its stages ended, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visit {
    pub(crate) ended: Time,
    pub(crate) whole: bool,
}

impl World {
    /// When the judge's process really runs for something that is due at this time.
    pub(crate) fn wake(&self, due: Time) -> Time {
        self.stalls.at(due).map_or(due, |stall| stall.to)
    }

    /// One stage of a fresh connection that began at `began`.
    pub(crate) fn stage(&mut self, way: Way, target: usize, (stage, hop): (Stage, Hop), began: Time) -> Met {
        let local = began + self.rng.between(LOCAL.0, LOCAL.1);
        // The control target is another one than those that servers are asked for.
        let (path, down) = match way {
            Way::Server(index) => (&self.servers[index], &self.targets[target]),
            Way::Direct => (&self.direct, UP),
        };
        let gone = path.refused_from(began).unwrap_or(NEVER);
        if gone == began {
            let cause = if stage == Stage::Tcp { Cause::Refused } else { Cause::Closed };
            return Met { at: local, how: Err(cause) };
        }
        let met = match (hop, path.trouble(began)) {
            (Hop::Local, _) => Met { at: local, how: Ok(()) },
            (Hop::Through(Packet::Syn), Some(Trouble::Rejecting(code))) => {
                Met { at: local, how: Err(Cause::Reply(code)) }
            }
            (Hop::Through(packet), _) => {
                let (answer, at) = path.exchange(&mut self.rng, began, packet, down);
                Met { at, how: verdict(stage, answer) }
            }
        };
        if gone < met.at { Met { at: gone, how: Err(Cause::Closed) } } else { met }
    }

    /// One small exchange on a connection that is established already.
    pub(crate) fn exchange(&mut self, server: usize, target: usize, sent: Time) -> Met {
        let (path, down) = (&self.servers[server], &self.targets[target]);
        let (answer, at) = path.exchange(&mut self.rng, sent, Packet::Small, down);
        Met { at, how: verdict(Stage::Http, answer) }
    }

    /// When a connection that is kept from `since` on will be closed by the other side: the SOCKS server's end is seen
    /// at once, the target's as soon as the news is through.
    pub(crate) fn closed_at(&mut self, server: usize, target: usize, since: Time) -> Time {
        let died = self.targets[target].next(since, |down| down == Down::Refusing);
        let left = self.whims.map(|mean| since + self.rng.wait(mean));
        let by_target = [died, left].into_iter().flatten().min();
        let by_target = by_target.map(|sent| self.exchange(server, target, sent).at);
        let by_server = self.servers[server].refused_from(since);
        [by_target, by_server].into_iter().flatten().min().unwrap_or(NEVER)
    }

    /// All stages, one after the other, as a judge sees them who waits for nothing else.
    pub(crate) fn visit(&mut self, server: usize, target: usize, stages: Stages, began: Time) -> Visit {
        let mut at = began;
        for stage in stages {
            let met = self.stage(Way::Server(server), target, *stage, at);
            at = self.wake(met.at);
            if met.how.is_err() {
                return Visit { ended: at, whole: false };
            }
        }
        Visit { ended: at, whole: true }
    }
}

/// What the one who probes sees of it. Behind a SOCKS server the connection to the target is the server's, and what
/// becomes of it is told in a reply, or by closing.
const fn verdict(stage: Stage, answer: Answer) -> Result<(), Cause> {
    match (answer, stage) {
        (Answer::Whole, _) => Ok(()),
        (Answer::Reset, Stage::Connect) => Err(Cause::Reply(CONNECTION_REFUSED)),
        (Answer::GivenUp, Stage::Connect) => Err(Cause::Reply(HOST_UNREACHABLE)),
        (Answer::Reset, Stage::Tcp) => Err(Cause::Refused),
        (Answer::GivenUp, Stage::Tcp) => Err(Cause::Timeout),
        (Answer::Reset | Answer::GivenUp, Stage::Greeting | Stage::Tls | Stage::Http | Stage::Banner) => {
            Err(Cause::Closed)
        }
    }
}
