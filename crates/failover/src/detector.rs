//! The failure detector of one server. Evidence goes in; health, and the probes that it wants, come out.
//!
//! ```text
//!            life                         condemned
//!   Fresh ─────────> Trusted <────────┬───────────────────> Condemned
//!     │                │ ^            │                      │   ^
//!     │           lost │ │ life       └────── redeemed ──────┘   │
//!     │                v │                                       │
//!     ├──── lost ───> Lost ──────────── condemned ───────────────┤
//!     └──────────────────────────────── condemned ───────────────┘
//! ```
//!
//! Trusted servers are probed by the clock. An answer that takes longer than usual raises a suspicion, which sends waves of
//! fresh probes; one complete answer refutes it. A suspicion that stands accuses the server, and then the core, which
//! sees all servers, says what follows: *condemned*, it is to blame; *lost*, nothing else answers either, so that
//! nobody can tell whose fault it is.

mod account;
mod evidence;
mod health;
mod recover;
mod routine;
mod running;
mod suspect;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::damping::Damping;
use crate::history::History;
use crate::lateness::Lateness;
use crate::loss::Loss;
use crate::moved::Moved;
use crate::pace::Paces;
use crate::random::Random;
use crate::recovery::Recovery;
use crate::rests::Rests;
use crate::slow::Slow;
use crate::stalls::Stalls;
use crate::suspicion::{Finding, Suspicion};
use crate::zombies::Zombies;
use crate::{Event, Failure, Kind, Order, Probe, ProbeId, Route, ServerId, Settings, TargetId, Time};

pub(crate) use account::Account;
pub use health::{Health, Verdict};
use routine::{Due, Keeping};
use running::{Purpose, Running};

/// What a detector needs of its surroundings while it is called.
pub(crate) struct Desk<'a> {
    pub(crate) now: Time,
    pub(crate) settings: &'a Settings,
    pub(crate) stalls: &'a Stalls,
    pub(crate) random: &'a mut Random,
    pub(crate) next_id: &'a mut u64,
    pub(crate) orders: &'a mut Vec<Order>,
    pub(crate) events: &'a mut Vec<Event>,
}

/// What is settled about the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing yet.
    Fresh,
    /// It carries traffic.
    Trusted,
    /// It does not, and it is to blame.
    Condemned,
    /// It does not, and nothing else answers either.
    Lost,
}

/// What can happen to that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    /// A complete answer came through it.
    Life,
    /// It was good for long enough, or nothing better is left, or it was condemned too early.
    Redeemed,
    /// It was found to blame.
    Condemned,
    /// It was found silent, and so is everything else.
    Lost,
}

impl Phase {
    const fn after(self, news: News) -> Self {
        match (self, news) {
            (Self::Fresh | Self::Trusted | Self::Lost, News::Life) => Self::Trusted,
            (Self::Condemned, News::Life) => Self::Condemned,
            (Self::Condemned, News::Redeemed) => Self::Trusted,
            (Self::Fresh | Self::Trusted | Self::Lost, News::Redeemed) => self,
            (Self::Fresh | Self::Trusted | Self::Condemned | Self::Lost, News::Condemned) => Self::Condemned,
            (Self::Fresh | Self::Trusted | Self::Lost, News::Lost) => Self::Lost,
            (Self::Condemned, News::Lost) => Self::Condemned,
        }
    }
}

/// A connection kept open through the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kept {
    connection: ProbeId,
    target: TargetId,
    since: Time,
}

/// The latest complete answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    /// When its probe was begun: what happened after that it does not speak of.
    pub(crate) began: Time,
    /// When it was complete.
    pub(crate) at: Time,
}

/// The alarm behind the present condemnation.
#[derive(Clone, Copy, Debug)]
struct Alarm {
    /// Since when nothing had been heard.
    silent_since: Time,
    at: Time,
}

/// What the present verdict against it rests on. For people to look at: nothing is decided from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Since when nothing had been heard.
    pub(crate) silent_since: Time,
    pub(crate) at: Time,
    /// Probes that asked for confirmation.
    pub(crate) probes: usize,
    /// It failed at the SOCKS server itself, which no network can be to blame for.
    pub(crate) local: bool,
}

/// The detector of one server at one address.
#[derive(Clone, Debug)]
pub(crate) struct Detector {
    id: ServerId,
    address: SocketAddr,
    phase: Phase,
    health: Health,
    /// HAProxy has sessions on it.
    busy: bool,
    lateness: Lateness,
    loss: Loss,
    slow: Slow,
    paces: Paces,
    rests: Rests,
    damping: Damping,
    zombies: Zombies,
    history: History,
    running: BTreeMap<ProbeId, Running>,
    kept: Option<Kept>,
    keeping: Keeping,
    /// Full probes made by the clock: the first ones get to know the targets.
    full_probes: u32,
    due: Due,
    /// Where the next choice of targets begins.
    rotation: usize,
    suspicion: Option<Suspicion>,
    recovery: Recovery,
    alarm: Option<Alarm>,
    found: Option<Found>,
    proof: Option<Proof>,
    /// Since when it is asked whether it could take over, as long as it has not answered.
    challenged: Option<Time>,
    trusted_since: Time,
}

/// What others may have to react to. Compared before and after each call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stance {
    pub(crate) verdict: Verdict,
    pub(crate) lost: bool,
    pub(crate) in_doubt: bool,
    pub(crate) doubted: bool,
    pub(crate) answers: bool,
    pub(crate) slow: bool,
}

impl Detector {
    /// A server of which nothing is known yet: it is asked at once.
    pub(crate) fn new(id: ServerId, address: SocketAddr, desk: &mut Desk<'_>) -> Self {
        let targets = desk.settings.targets.len();
        let mut detector = Self {
            id,
            address,
            phase: Phase::Fresh,
            health: Health { verdict: Verdict::Unknown, reason: None, since: desk.now },
            busy: false,
            lateness: Lateness::new(targets),
            loss: Loss::new(),
            slow: Slow::new(targets),
            paces: Paces::new(targets),
            rests: Rests::new(targets),
            damping: Damping::new(),
            zombies: Zombies::default(),
            history: History::default(),
            running: BTreeMap::new(),
            kept: None,
            keeping: Keeping::new(targets),
            full_probes: 0,
            due: Due::at(desk.now),
            rotation: 0,
            suspicion: None,
            recovery: Recovery::new(desk.now, true),
            alarm: None,
            found: None,
            proof: None,
            challenged: None,
            trusted_since: desk.now,
        };
        detector.suspect(desk.now, None, desk);
        detector
    }

    pub(crate) const fn health(&self) -> &Health {
        &self.health
    }

    pub(crate) const fn history(&self) -> &History {
        &self.history
    }

    /// The latest complete answer through it.
    pub(crate) const fn proof(&self) -> Option<Proof> {
        self.proof
    }

    pub(crate) fn stance(&self) -> Stance {
        Stance {
            verdict: self.health.verdict,
            lost: self.phase == Phase::Lost,
            in_doubt: self.suspicion.is_some() || self.challenged.is_some(),
            doubted: self.is_doubted(),
            answers: self.phase == Phase::Condemned && self.recovery.answers_somehow(),
            slow: self.slow.since().is_some(),
        }
    }

    /// This probe has left the connection that canaries go over.
    pub(crate) fn keeps(&self, probe: ProbeId) -> bool {
        self.kept.is_some_and(|kept| kept.connection == probe)
    }

    /// It answers much more slowly than it used to, since then.
    pub(crate) const fn slow_since(&self) -> Option<Time> {
        self.slow.since()
    }

    /// What one exchange through it takes now.
    pub(crate) fn pace(&self) -> Option<std::time::Duration> {
        self.slow.pace()
    }

    /// What an exchange with each target takes through it now.
    pub(crate) const fn paces(&self) -> &Paces {
        &self.paces
    }

    /// There is a suspicion against it, and more to it than an answer that takes its time.
    pub(crate) fn is_doubted(&self) -> bool {
        self.suspicion.as_ref().is_some_and(Suspicion::has_failure)
    }

    /// It carries traffic, as far as is known.
    pub(crate) fn is_trusted(&self) -> bool {
        self.phase == Phase::Trusted
    }

    /// A suspicion against it is open, and something may still refute it.
    pub(crate) fn is_being_confirmed(&self) -> bool {
        self.suspicion.as_ref().is_some_and(|suspicion| suspicion.finding() == Finding::Open)
    }

    /// Nothing answered when it fell silent, and nothing has come through it since.
    pub(crate) fn is_lost(&self) -> bool {
        self.phase == Phase::Lost
    }

    /// The suspicion against it has been confirmed as far as it can be by itself.
    pub(crate) fn accusation(&self) -> Option<Finding> {
        match self.suspicion.as_ref()?.finding() {
            Finding::Open => None,
            finding @ (Finding::Local(_) | Finding::Beyond(_)) => Some(finding),
        }
    }

    /// When the others were asked because of the suspicion against it.
    pub(crate) fn comparable_since(&self) -> Option<Time> {
        self.suspicion.as_ref().and_then(Suspicion::challenged)
    }

    /// It is under suspicion of something that others could share, and they have not been asked yet.
    pub(crate) fn wants_comparison(&self) -> bool {
        self.suspicion.as_ref().is_some_and(|suspicion| {
            suspicion.challenged().is_none() && (self.phase != Phase::Trusted || suspicion.looks_beyond())
        })
    }

    /// The others are being asked.
    pub(crate) fn compared(&mut self, now: Time) {
        if let Some(suspicion) = &mut self.suspicion {
            suspicion.challenge(now);
        }
    }

    /// All that is under way is dropped: after a gap nobody knows what it would have said, and what was seen before it
    /// says nothing of what is now.
    pub(crate) fn on_gap(&mut self, desk: &mut Desk<'_>) {
        self.drop_all(desk);
        self.suspicion = None;
        self.challenged = None;
        self.alarm = None;
        self.proof = None;
        self.recovery = Recovery::new(desk.now, true);
        self.due = Due::at(desk.now);
        if matches!(self.phase, Phase::Fresh | Phase::Lost) {
            self.suspect(desk.now, None, desk);
        }
    }

    /// Other settings hold from now on, with the targets in other places where they have `moved`: then what is under way
    /// asks for what is not known by these numbers any more.
    pub(crate) fn on_settings(&mut self, moved: Option<&Moved>, desk: &mut Desk<'_>) {
        if let Some(moved) = moved {
            self.lateness.rearrange(moved);
            self.slow.rearrange(moved);
            self.rests.rearrange(moved);
            self.keeping.rearrange(moved);
            self.full_probes = 0;
            self.on_gap(desk);
        }
        self.not_later_than(self.pace_of(desk.settings), desk);
    }

    /// Drops everything under way and the kept connection.
    pub(crate) fn drop_all(&mut self, desk: &mut Desk<'_>) {
        let kept = self.kept.take().map(|kept| kept.connection);
        desk.orders.extend(self.running.keys().copied().chain(kept).map(Order::Drop));
        self.running.clear();
    }

    fn news(&mut self, news: News) {
        self.phase = self.phase.after(news);
    }

    fn order(&mut self, kind: Kind, target: TargetId, purpose: Purpose, desk: &mut Desk<'_>) -> ProbeId {
        let id = ProbeId(*desk.next_id);
        *desk.next_id += 1;
        let connection = match kind {
            Kind::Canary => self.kept.map(|kept| kept.connection),
            Kind::Full | Kind::Open | Kind::Control => None,
        };
        let route = Route::Server { id: self.id.clone(), address: self.address };
        desk.orders.push(Order::Probe(Probe { id, kind, route, target, connection }));
        self.running.insert(id, Running::new(kind, target, purpose, desk.now));
        id
    }

    /// Stops waiting for a probe.
    fn give_up(&mut self, id: ProbeId, desk: &mut Desk<'_>) {
        let Some(running) = self.running.remove(&id) else { return };
        desk.orders.push(Order::Drop(id));
        if let (true, Some(began)) = (running.is_beyond() && running.is_late(), running.began) {
            self.zombies.add(began);
        }
        if running.purpose == Purpose::Recovery {
            self.recovery.silent();
        }
        if running.kind == Kind::Canary {
            self.lose_connection(desk);
        }
    }

    /// The kept connection is of no use any more.
    fn lose_connection(&mut self, desk: &mut Desk<'_>) {
        if let Some(kept) = self.kept.take() {
            desk.orders.push(Order::Drop(kept.connection));
            self.due.open = desk.now;
        }
    }

    fn settle(&mut self, verdict: Verdict, reason: Option<Failure>, now: Time) {
        if self.health.verdict != verdict {
            self.health.since = now;
        }
        self.health.verdict = verdict;
        // One verdict has one reason, whichever target shows it next, until what fails is something else.
        let kind = |failure: &Failure| (failure.stage, failure.cause);
        if self.health.reason.as_ref().map(kind) != reason.as_ref().map(kind) {
            self.health.reason = reason;
        }
    }
}

#[cfg(test)]
#[path = "detector_tests.rs"]
mod tests;
