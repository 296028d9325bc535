//! From health to wishes, backend by backend, and what is told about it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::leave::{left_by, may_cut};
use super::{Backend, Core, Key, Server};
use crate::detector::{Detector, Verdict};
use crate::policy::{self, BackendView, Cause, Choice, ServerView, Want, Wish};
use crate::{Event, Failback, Insist, Name, OnSlow, Policy, Rules, Time, WhenAllDown};

/// How much faster another server has to be for a slow one to count as slow: less is not worth a move ...
const FASTER: u32 = 3;

/// ... and for it to go on counting as slow.
const STILL_FASTER: u32 = 2;

impl Core {
    pub(super) fn decide_for(&mut self, key: Key, now: Time) {
        if let Some(backend) = self.servers.get(&key).map(|server| server.id.backend.clone()) {
            self.decide(&backend, now);
        }
    }

    /// Where something has changed that holds for every backend.
    pub(super) fn decide_all_if_due(&mut self, now: Time) {
        if !std::mem::take(&mut self.undecided) {
            return;
        }
        for name in self.backends.keys().cloned().collect::<Vec<Name>>() {
            self.decide(&name, now);
        }
    }

    /// Something in the server's backend waits for a successor to be verified.
    pub(super) fn waits(&self, key: Key) -> bool {
        let backend = self.servers.get(&key).and_then(|server| self.backends.get(&server.id.backend));
        backend.is_some_and(|backend| backend.waits)
    }

    pub(super) fn decide(&mut self, name: &Name, now: Time) {
        self.use_held(name, now);
        self.watch_slow(name, now);
        self.let_back(name, now);
        self.steer(name, now);
        let Some(backend) = self.backends.get(name) else { return };
        let view = self.view(name, backend, now);
        let choices = policy::decide(self.settings.rules_of(name), &view);
        let waits_for = choices.iter().find_map(|choice| match &choice.cause {
            Cause::FailBack(in_use) => Some(in_use.clone()),
            Cause::Health
            | Cause::Slow
            | Cause::Exit
            | Cause::AllDown
            | Cause::Tier(_)
            | Cause::Faster(_)
            | Cause::Ordered(_)
            | Cause::Pinned(..) => None,
        });
        let (wishes, waits) = self.wish(name, &view, &choices, now);
        if self.desired.get(name) != Some(&wishes) {
            self.desired.insert(name.clone(), wishes);
        }
        if let Some(backend) = self.backends.get_mut(name) {
            backend.waits = waits;
            backend.waits_for = waits_for;
        }
        self.set_alarm(name, now);
        self.watch_blackout(name, now);
    }

    /// What was chosen, as wishes, and whether some of them wait for a successor to be verified.
    fn wish(
        &mut self,
        name: &Name,
        view: &BackendView,
        choices: &[Choice],
        now: Time,
    ) -> (BTreeMap<Name, Wish>, bool) {
        let rules = self.settings.rules_of(name).clone();
        let keys = self.backends.get(name).map(|backend| backend.servers.clone()).unwrap_or_default();
        let online = view.servers.iter().any(|server| server.verdict == Verdict::Online);
        let withheld = self.withheld;
        let (mut wishes, mut waits) = (BTreeMap::new(), false);
        for (index, key) in keys.into_iter().enumerate() {
            let Some(id) = self.servers.get(&key).map(|server| server.id.clone()) else { continue };
            let (order, cut) = (self.order_text(&id), self.is_cut_by_order(&id));
            let (Some(server), Some(choice)) = (self.servers.get_mut(&key), choices.get(index)) else {
                continue;
            };
            let before = self.desired.get(name).and_then(|wishes| wishes.get(&server.id.server));
            let before = before.filter(|wish| wish.address == server.address);
            let same = before
                .filter(|wish| wish.want == choice.want && server.cause.as_ref() == Some(&choice.cause));
            let by_order = matches!(choice.cause, Cause::Ordered(_) | Cause::Pinned(..));
            let why = match same {
                // Their words may be others.
                _ if by_order => order.filter(|_| choice.want != Want::Ready),
                Some(wish) => wish.why.clone(),
                None => why(server, choice, &rules),
            };
            server.left = left_by(server.left, choice, now).filter(|_| !withheld);
            let due = server.left.and_then(|left| left.cut_at(&rules)).is_some_and(|at| at <= now);
            let was = before.is_some_and(|wish| wish.kill);
            let insist = choice.cause.insist();
            let (due, forced) = (due || (by_order && cut), insist == Insist::Forced && cut);
            let kill = due && (forced || (!view.frozen && may_cut(&view.servers, choices, index, was)));
            waits |= (online && choice.want == Want::AsIs) || (due && !kill);
            server.follow(choice, withheld);
            self.events.extend(kept_out(server, choice, why.as_ref()).filter(|_| same.is_none()));
            let wish = Wish { want: choice.want, why, address: server.address, kill, insist };
            wishes.insert(server.id.server.clone(), wish);
        }
        (wishes, waits)
    }

    /// When something is to be decided although nothing happens.
    fn set_alarm(&mut self, name: &Name, now: Time) {
        let rules = self.settings.rules_of(name);
        let Some(backend) = self.backends.get(name) else { return };
        let cuts = self.servers_of(backend).filter_map(|server| server.left?.cut_at(rules));
        let steer = (rules.policy == Policy::Latency).then_some(backend.steer.due);
        let alarm = cuts.chain(steer).filter(|at| *at > now).min();
        if let Some(backend) = self.backends.get_mut(name) {
            backend.alarm = alarm;
        }
    }

    /// Tells the verdict, where it is another one than was told last.
    pub(super) fn tell_health(&mut self, key: Key) {
        let Some(server) = self.servers.get_mut(&key) else { return };
        let Some(detector) = &server.detector else { return };
        let health = detector.health();
        if health.verdict == server.told {
            return;
        }
        let before = std::mem::replace(&mut server.told, health.verdict);
        let latency = if health.verdict == Verdict::Online { detector.history().last() } else { None };
        self.events.push(Event::Health {
            server: server.id.clone(),
            from: before,
            to: health.verdict,
            reason: health.reason.clone(),
            latency,
            silent: detector.silent_before(),
        });
    }

    /// A backend in the policy's eyes, its servers in the order of its keys.
    pub(super) fn view(&self, name: &Name, backend: &Backend, now: Time) -> BackendView {
        let previous = self.desired.get(name);
        let names: Vec<(&Name, bool)> =
            self.servers_of(backend).map(|server| (&server.id.server, server.backup)).collect();
        let tiers = policy::tiers(self.settings.rules_of(name), &names);
        let servers = self.servers_of(backend).zip(tiers);
        BackendView {
            servers: servers.map(|(server, tier)| self.server_view(server, tier, previous, now)).collect(),
            balance: backend.balance,
            other_usable: backend.other_usable,
            frozen: self.frozen.is_some(),
            steered: backend.steer.chosen.clone(),
        }
    }

    fn server_view(
        &self,
        server: &Server,
        tier: usize,
        previous: Option<&BTreeMap<Name, Wish>>,
        now: Time,
    ) -> ServerView {
        let wish = previous.and_then(|wishes| wishes.get(&server.id.server));
        let same = wish.filter(|wish| wish.address == server.address);
        let detector = server.detector.as_ref();
        let (forced, pinned) = (self.forced(&server.id), self.pinned(&server.id));
        ServerView {
            name: server.id.server.clone(),
            backup: server.backup,
            tier,
            available: server.available,
            verdict: verdict(server),
            unsettled: detector.is_some() && verdict(server) == Verdict::Unknown,
            verified: detector.is_some_and(|detector| detector.is_verified(now, &self.settings)),
            lost: detector.is_some_and(Detector::is_lost),
            too_slow: server.slow_since.is_some()
                && pinned.is_none()
                && self.settings.rules_of(&server.id.backend).on_slow == OnSlow::Move,
            out: server.out,
            previous: same.map_or(Want::Unknown, |wish| wish.want),
            forced,
            pinned,
        }
    }

    /// A server that is held although it answers is used at once when nothing else is.
    fn use_held(&mut self, name: &Name, now: Time) {
        let Some(backend) = self.backends.get(name) else { return };
        let permitted = self.permitted(name, backend);
        let online = self
            .servers_of(backend)
            .zip(&permitted)
            .any(|(server, permitted)| *permitted && verdict(server) == Verdict::Online);
        if backend.other_usable || online {
            return;
        }
        for key in backend.servers.clone() {
            self.touch_only(key, now, Detector::redeem_if_it_answers);
            self.tell_health(key);
        }
    }

    /// A server is called slow where a faster one is at hand.
    fn watch_slow(&mut self, name: &Name, now: Time) {
        let Some(backend) = self.backends.get(name) else { return };
        let keys = backend.servers.clone();
        let paces: Vec<(Key, Duration, bool)> =
            keys.iter().filter_map(|key| self.pace_of(*key, now)).collect();
        let wishes = self.desired.get(name);
        for key in keys {
            let Some(server) = self.servers.get_mut(&key) else { continue };
            let Some(detector) = &server.detector else { continue };
            let (since, pace) = (detector.slow_since(), detector.pace().unwrap_or_default());
            // To begin with, the faster one has to be fit to take over, unless it has done so already; a doubt about it
            // later ends nothing.
            let out = wishes
                .and_then(|wishes| wishes.get(&server.id.server))
                .is_some_and(|wish| wish.want == Want::Maint);
            let (times, begins) =
                if server.slow_since.is_some() { (STILL_FASTER, false) } else { (FASTER, !out) };
            let faster = paces
                .iter()
                .any(|(other, quick, fit)| *other != key && *quick * times <= pace && (*fit || !begins));
            let is_slow = since.filter(|_| faster);
            if is_slow.is_some() != server.slow_since.is_some() {
                let server_id = server.id.clone();
                self.events.push(Event::Slow { server: server_id, slow: is_slow.is_some(), takes: pace });
            }
            server.slow_since = is_slow;
        }
    }

    /// What an exchange takes through a server that carries traffic, and whether it could take over.
    fn pace_of(&self, key: Key, now: Time) -> Option<(Key, Duration, bool)> {
        let detector = self.detector(key).filter(|detector| detector.is_trusted())?;
        Some((key, detector.pace()?, detector.is_verified(now, &self.settings)))
    }

    /// Which of the backend's servers the rules let be used.
    fn permitted(&self, name: &Name, backend: &Backend) -> Vec<bool> {
        let rules = self.settings.rules_of(name);
        let names: Vec<(&Name, bool)> =
            self.servers_of(backend).map(|server| (&server.id.server, server.backup)).collect();
        let tiers = policy::tiers(rules, &names).into_iter().zip(self.servers_of(backend));
        tiers
            .map(|(tier, server)| {
                policy::permits(rules, tier, self.forced(&server.id), self.pinned(&server.id))
            })
            .collect()
    }

    /// A blackout: servers there are, every one that may be used was judged, and none carries traffic.
    fn watch_blackout(&mut self, name: &Name, now: Time) {
        let Some(backend) = self.backends.get(name) else { return };
        let permitted = self.permitted(name, backend);
        let permitted = || self.servers_of(backend).zip(&permitted).filter(|(_, permitted)| **permitted);
        let online = permitted().find(|(server, _)| verdict(server) == Verdict::Online);
        let online = online.map(|(server, _)| server.id.server.clone());
        // Where an operator's orders leave none to judge, clients are not served by choice.
        let all_condemned = permitted().next().is_some()
            && !backend.other_usable
            && permitted().all(|(server, _)| verdict(server).is_condemned());
        let when = self.settings.rules_of(name).when_all_down;
        let then = if self.frozen.is_some() { WhenAllDown::LastGood } else { when };
        let Some(backend) = self.backends.get_mut(name) else { return };
        match (backend.blackout, online) {
            (None, _) if all_condemned => {
                backend.blackout = Some(now);
                self.events.push(Event::Blackout { backend: name.clone(), then });
            }
            (Some(since), Some(server)) => {
                backend.blackout = None;
                let lasted = now.since(since);
                self.events.push(Event::BlackoutOver { backend: name.clone(), server, lasted });
            }
            (None | Some(_), _) => {}
        }
    }
}

impl Server {
    /// What follows for later from what is wanted now.
    fn follow(&mut self, choice: &Choice, withheld: bool) {
        match (choice.want, &choice.cause) {
            (Want::Maint, _) | (Want::Shut, Cause::AllDown) | (Want::Drain, Cause::Ordered(_)) => {
                self.out |= !withheld;
            }
            (Want::Ready | Want::Drain, _) => self.out = false,
            (Want::Shut | Want::Open | Want::AsIs | Want::Unknown, _) => {}
        }
        self.cause = Some(choice.cause.clone());
    }
}

/// Why, in words, where it is not wanted in rotation because it was proved to carry traffic.
fn why(server: &Server, choice: &Choice, rules: &Rules) -> Option<Name> {
    let backend = &server.id.backend;
    let text = match (choice.want, &choice.cause) {
        (Want::Ready | Want::Unknown, _) | (_, Cause::Ordered(_) | Cause::Pinned(..)) => return None,
        (_, Cause::Slow) => "it is much slower than usual".to_owned(),
        (_, Cause::Health) => {
            let reason = server.detector.as_ref().and_then(|detector| detector.health().reason.as_ref());
            reason.map_or_else(|| "nothing is known of it".to_owned(), ToString::to_string)
        }
        (_, Cause::FailBack(in_use)) if rules.failback == Failback::Never => {
            format!("failback = never: it is used again when {in_use} fails")
        }
        (_, Cause::FailBack(in_use)) => {
            format!(
                "failback = manual: it is used again when {in_use} fails, or after `hactl failback {backend}`"
            )
        }
        (_, Cause::Exit) => "allow_exit_change = false: only the first tier is used".to_owned(),
        (Want::Open, Cause::AllDown) => "no server carries traffic, and when_all_down = all-open".to_owned(),
        (_, Cause::AllDown) => "no server carries traffic, and when_all_down = fail-closed".to_owned(),
        (_, Cause::Tier(preferred)) => format!("{preferred}, of a better tier, is used instead"),
        (_, Cause::Faster(faster)) => format!("{faster} is clearly faster, and used instead"),
    };
    Some(Name::from(text))
}

/// Told once where a server that carries traffic is not used because of a rule.
fn kept_out(server: &Server, choice: &Choice, why: Option<&Name>) -> Option<Event> {
    let is_told = match &choice.cause {
        Cause::Exit => true,
        Cause::FailBack(_) | Cause::Tier(_) => verdict(server) == Verdict::Online,
        // Moves are told as such, and so is a blackout.
        Cause::Faster(_)
        | Cause::AllDown
        | Cause::Health
        | Cause::Slow
        | Cause::Ordered(_)
        | Cause::Pinned(..) => false,
    };
    let why = why.filter(|_| is_told)?;
    Some(Event::KeptOut { server: server.id.clone(), why: why.to_string() })
}

pub(super) fn verdict(server: &Server) -> Verdict {
    server.detector.as_ref().map_or(Verdict::Unknown, |detector| detector.health().verdict)
}
