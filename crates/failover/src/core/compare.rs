//! Blame: a server that is silent is compared with others, and with the direct way where a control target is given,
//! before anything is held against it. Where nothing answers, nobody is to blame.

use std::collections::BTreeSet;

use super::{Core, Key};
use crate::detector::{Detector, Proof, Stance};
use crate::stalls::Stalls;
use crate::suspicion::Finding;
use crate::{
    Cause, Ending, Event, Evidence, Kind, Order, Probe, ProbeId, Route, Saw, ServerId, TargetId, Time,
};

/// Servers that are asked whether they could take over: the successor, and two more in case that it cannot.
const COMPARED_MAX: usize = 3;

/// How long the control target may take before it counts as silent; it is asked directly, and seldom.
const CONTROL_LATE: std::time::Duration = std::time::Duration::from_millis(1500);

/// What comparisons need to know of all servers.
#[derive(Clone, Debug, Default)]
pub(super) struct Comparison {
    /// The server whose latest answer was asked for last, and the same of all others: so that nobody is its own witness.
    latest: Option<(Key, Time)>,
    runner_up: Option<(Key, Time)>,
    /// Accused, and waiting for others to answer.
    accused: BTreeSet<Key>,
    /// Silent together with everything else.
    pub(super) lost: BTreeSet<Key>,
}

impl Comparison {
    fn note(&mut self, key: Key, began: Time) {
        match self.latest {
            Some((known, at)) if known == key => self.latest = Some((key, at.max(began))),
            Some(known) if began < known.1 => {
                if self.runner_up.is_none_or(|(_, at)| at <= began) {
                    self.runner_up = Some((key, began));
                }
            }
            Some(_) | None => {
                self.runner_up = self.latest;
                self.latest = Some((key, began));
            }
        }
    }

    pub(super) fn forget(&mut self, key: Key) {
        self.accused.remove(&key);
        self.lost.remove(&key);
    }

    /// Some other server that answered what was asked at `since` or later.
    fn witness(&self, key: Key, since: Time) -> Option<Key> {
        let other = [self.latest, self.runner_up].into_iter().flatten().find(|(known, _)| *known != key);
        other.filter(|(_, began)| *began >= since).map(|(witness, _)| witness)
    }
}

/// Who answered while a server was silent. For people to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Witness {
    /// The control target, asked directly.
    Control,
    /// Another server; `None` where it has gone since.
    Server(Option<ServerId>),
}

/// The probe of the control target.
#[derive(Clone, Debug, Default)]
pub(super) struct Control {
    running: Option<(ProbeId, Option<Time>)>,
    /// When the latest one that was answered began.
    answered: Option<Time>,
    /// Another one is wanted as soon as this one has ended: it began before it could say anything about the latest
    /// suspicion.
    again: bool,
}

impl Control {
    pub(super) fn is(&self, probe: ProbeId) -> bool {
        self.running.is_some_and(|(id, _)| id == probe)
    }

    pub(super) fn deadline(&self, stalls: &Stalls) -> Option<Time> {
        let (_, began) = self.running?;
        began.map(|began| began + CONTROL_LATE + stalls.since(began))
    }

    pub(super) fn forget(&mut self, orders: &mut Vec<Order>) {
        orders.extend(self.running.take().map(|(id, _)| Order::Drop(id)));
        self.again = false;
    }
}

impl Core {
    /// What follows from a change in one server for the others.
    pub(super) fn react(&mut self, key: Key, before: (Stance, Option<Proof>), now: Time) {
        let Some(detector) = self.detector(key) else { return };
        let proof = detector.proof();
        let news = proof.filter(|_| proof != before.1);
        if detector.wants_comparison() {
            self.compare(key, now);
        }
        if let Some(proof) = news {
            self.comparison.note(key, proof.began);
        }
        if self.detector(key).is_some_and(|detector| detector.accusation().is_some()) {
            self.comparison.accused.insert(key);
        }
        let changed = self.detector(key).is_some_and(|detector| detector.stance() != before.0);
        if changed || news.is_some() || !self.comparison.accused.is_empty() {
            self.judge_accused(now);
        }
        if changed {
            self.watch_lost(key, now);
        }
        self.tell_health(key);
        if changed || (news.is_some() && self.waits(key)) {
            self.decide_for(key, now);
        }
        if let Some(proof) = news {
            self.ask_lost(key, proof, now);
        }
    }

    /// Asks those that could take over, and the direct way, at the moment of the suspicion.
    fn compare(&mut self, key: Key, now: Time) {
        self.touch_only(key, now, |detector, desk| detector.compared(desk.now));
        for (index, peer) in self.peers(key).into_iter().enumerate() {
            self.touch(peer, now, |detector, desk| detector.challenge(index == 0, desk));
        }
        self.ask_control();
    }

    fn ask_control(&mut self) {
        if !self.settings.control {
            return;
        }
        if self.control.running.is_some() {
            self.control.again = true;
            return;
        }
        let id = ProbeId(self.next_id);
        self.next_id += 1;
        let (kind, route, target) = (Kind::Control, Route::Direct, TargetId(0));
        self.orders.push(Order::Probe(Probe { id, kind, route, target, connection: None }));
        self.control.running = Some((id, None));
    }

    /// The servers that could take over or are being asked whether they work, in HAProxy's order; where there is none,
    /// one of another backend that at least shares the network.
    fn peers(&self, key: Key) -> Vec<Key> {
        let fit = |peer: &Detector| peer.is_trusted() || peer.is_being_confirmed();
        let fit = |peer: &Key| *peer != key && self.detector(*peer).is_some_and(fit);
        let Some(server) = self.servers.get(&key) else { return Vec::new() };
        let own = self.backends.get(&server.id.backend).map(|backend| backend.servers.as_slice());
        let own = own.unwrap_or_default().iter().copied().filter(fit).take(COMPARED_MAX);
        let own: Vec<Key> = own.collect();
        if own.is_empty() { self.servers.keys().copied().filter(fit).take(1).collect() } else { own }
    }

    fn judge_accused(&mut self, now: Time) {
        for key in self.comparison.accused.clone() {
            self.judge(key, now);
        }
    }

    fn judge(&mut self, key: Key, now: Time) {
        let Some(detector) = self.detector(key) else { return };
        let (finding, since) = (detector.accusation(), detector.comparable_since());
        match finding {
            None => {
                self.comparison.accused.remove(&key);
                return;
            }
            Some(Finding::Local(_)) => {
                self.touch_only(key, now, Detector::condemn);
                self.excuse_peers(key, since, now);
            }
            Some(Finding::Beyond(_) | Finding::Open) => {
                let Some(since) = since else { return };
                if let Some(witness) = self.witness(key, since) {
                    self.touch_only(key, now, Detector::condemn);
                    if let Some(server) = self.servers.get_mut(&key) {
                        server.witness = Some(witness);
                    }
                } else if self.may_be_answered(key, since) || self.ask_others(key, since, now) {
                    return;
                } else {
                    self.touch_only(key, now, Detector::lose);
                }
            }
        }
        self.comparison.accused.remove(&key);
        self.watch_lost(key, now);
        self.tell_health(key);
        self.decide_for(key, now);
    }

    /// Who shows that it is not this host's network: answered what was asked at `since` or later.
    fn witness(&self, key: Key, since: Time) -> Option<Witness> {
        if self.control.answered.is_some_and(|began| began >= since) {
            return Some(Witness::Control);
        }
        let other = self.comparison.witness(key, since)?;
        Some(Witness::Server(self.servers.get(&other).map(|server| server.id.clone())))
    }

    /// A closed port is nobody else's affair: those who were asked because of it owe no answer.
    fn excuse_peers(&mut self, key: Key, since: Option<Time>, now: Time) {
        let Some(since) = since else { return };
        for peer in self.peers(key) {
            self.touch_only(peer, now, |detector, _| detector.excuse(since));
        }
    }

    /// One of those who were asked may still answer in time.
    fn may_be_answered(&self, key: Key, since: Time) -> bool {
        let in_time = |(_, began): (ProbeId, Option<Time>)| began.is_none_or(|began| began >= since);
        self.control.again
            || self.control.running.is_some_and(in_time)
            || self
                .peers(key)
                .into_iter()
                .any(|peer| self.detector(peer).is_some_and(Detector::is_being_confirmed))
            || self.servers.iter().any(|(other, server)| {
                *other != key && server.detector.as_ref().is_some_and(Detector::may_answer_challenge)
            })
    }

    /// All who were asked are silent, too: asks those that were not, of any backend. False where there are none left.
    fn ask_others(&mut self, key: Key, since: Time, now: Time) -> bool {
        let own = self.servers.get(&key).map(|server| server.id.backend.clone());
        let fit = |(other, server): (&Key, &super::Server)| {
            let unasked = server.detector.as_ref().is_some_and(|detector| detector.can_be_asked(since));
            (*other != key && unasked).then_some((Some(&server.id.backend) != own.as_ref(), *other))
        };
        let mut others: Vec<(bool, Key)> = self.servers.iter().filter_map(fit).collect();
        others.sort_unstable();
        others.truncate(COMPARED_MAX);
        for (_, other) in &others {
            self.touch(*other, now, |detector, desk| detector.challenge(true, desk));
        }
        !others.is_empty()
    }

    /// Something answers: whoever fell silent together with everything else is asked again at once.
    fn ask_lost(&mut self, key: Key, proof: Proof, now: Time) {
        self.watch_lost(key, now);
        let others = self.comparison.lost.iter().copied().filter(|other| *other != key);
        for other in others.collect::<Vec<Key>>() {
            let lost_before = self.detector(other).is_some_and(|other| proof.began >= other.health().since);
            if lost_before {
                self.touch(other, now, Detector::ask_again);
            }
        }
    }

    /// Keeps account of who is lost, and tells when nothing can be decided any more and when it can again.
    fn watch_lost(&mut self, key: Key, now: Time) {
        if self.detector(key).is_some_and(Detector::is_lost) {
            self.comparison.lost.insert(key);
        } else {
            self.comparison.lost.remove(&key);
        }
        self.settle_frozen(now);
    }

    pub(super) fn settle_frozen(&mut self, now: Time) {
        match (self.frozen, self.comparison.lost.is_empty()) {
            (None, false) => {
                self.frozen = Some(now);
                self.events.push(Event::Frozen { control: self.settings.control });
                self.undecided = true;
            }
            (Some(since), true) => {
                self.frozen = None;
                self.events.push(Event::Thawed { lasted: now.since(since) });
                self.undecided = true;
            }
            (None, true) | (Some(_), false) => {}
        }
    }

    pub(super) fn on_control(&mut self, evidence: &Evidence, now: Time) {
        match &evidence.saw {
            Saw::Began => {
                if let Some((_, began)) = &mut self.control.running {
                    *began = Some(evidence.at.min(now));
                }
            }
            Saw::Ended(ending) => {
                let began = self.control.running.take().and_then(|(_, began)| began);
                let heard = match ending {
                    Ending::Success(_) => true,
                    Ending::Failed(failure) => is_from_afar(failure.cause),
                    Ending::Void(_) => false,
                };
                if heard {
                    self.control.answered = began.or(Some(now));
                }
                self.control_again();
                self.judge_accused(now);
            }
            Saw::Passed(_) | Saw::Closed => {}
        }
    }

    pub(super) fn control_if_late(&mut self, now: Time) {
        if self.control.deadline(&self.stalls).is_some_and(|due| due <= now) {
            let again = self.control.again;
            self.control.forget(&mut self.orders);
            self.control.again = again;
            self.control_again();
            self.judge_accused(now);
        }
    }

    fn control_again(&mut self) {
        if std::mem::take(&mut self.control.again) {
            self.ask_control();
        }
    }
}

/// Only somebody at the far end can have said so: this host's network works.
const fn is_from_afar(cause: Cause) -> bool {
    match cause {
        Cause::Refused | Cause::Closed | Cause::Protocol | Cause::Certificate | Cause::Status(_) => true,
        Cause::Timeout | Cause::Unreachable | Cause::Auth | Cause::Reply(_) => false,
    }
}
