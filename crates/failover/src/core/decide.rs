//! From health to wishes, backend by backend, and what is told about it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Core, Key, Server};
use crate::detector::{Detector, Verdict};
use crate::policy::{BackendView, ServerView, Want, Wish, order};
use crate::{Event, Name, OnSlow, Time};

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

    /// Something in the server's backend waits for a successor to be verified.
    pub(super) fn waits(&self, key: Key) -> bool {
        let backend = self.servers.get(&key).and_then(|server| self.backends.get(&server.id.backend));
        backend.is_some_and(|backend| backend.waits)
    }

    pub(super) fn decide(&mut self, name: &Name, now: Time) {
        self.use_held(name, now);
        self.watch_slow(name, now);
        let Some(backend) = self.backends.get(name) else { return };
        let previous = self.desired.get(name);
        let view = BackendView {
            servers: self.servers_of(backend).map(|server| self.view(server, previous, now)).collect(),
            other_usable: backend.other_usable,
        };
        let wants = order(&view);
        let wishes: BTreeMap<Name, Wish> = self
            .servers_of(backend)
            .filter_map(|server| {
                let want = *wants.get(&server.id.server)?;
                let before = previous.and_then(|wishes| wishes.get(&server.id.server));
                let before = before.filter(|wish| wish.want == want && wish.address == server.address);
                let why = before.map_or_else(|| why(server, want), |wish| wish.why.clone());
                Some((server.id.server.clone(), Wish { want, why, address: server.address }))
            })
            .collect();
        let online = view.servers.iter().any(|server| server.verdict == Verdict::Online);
        let waits = online && wishes.values().any(|wish| wish.want == Want::AsIs);
        if self.desired.get(name) != Some(&wishes) {
            self.desired.insert(name.clone(), wishes);
        }
        if let Some(backend) = self.backends.get_mut(name) {
            backend.waits = waits;
        }
        self.watch_blackout(name, now);
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
        });
    }

    fn view(&self, server: &Server, previous: Option<&BTreeMap<Name, Wish>>, now: Time) -> ServerView {
        let wish = previous.and_then(|wishes| wishes.get(&server.id.server));
        let same = wish.filter(|wish| wish.address == server.address);
        let detector = server.detector.as_ref();
        ServerView {
            name: server.id.server.clone(),
            verdict: detector.map_or(Verdict::Unknown, |detector| detector.health().verdict),
            verified: detector.is_some_and(|detector| detector.is_verified(now, &self.settings)),
            lost: detector.is_some_and(Detector::is_lost),
            too_slow: server.slow_since.is_some()
                && self.settings.rules_of(&server.id.backend).on_slow == OnSlow::Move,
            previous: same.map_or(Want::Unknown, |wish| wish.want),
        }
    }

    /// A server that is held although it answers is used at once when nothing else is.
    fn use_held(&mut self, name: &Name, now: Time) {
        let Some(backend) = self.backends.get(name) else { return };
        let online = self.servers_of(backend).any(|server| verdict(server) == Verdict::Online);
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

    /// A blackout: servers there are, every one was judged, and none carries traffic.
    fn watch_blackout(&mut self, name: &Name, now: Time) {
        let Some(backend) = self.backends.get(name) else { return };
        let online = self.servers_of(backend).find(|server| verdict(server) == Verdict::Online);
        let online = online.map(|server| server.id.server.clone());
        let all_condemned = !backend.servers.is_empty()
            && !backend.other_usable
            && self.servers_of(backend).all(|server| verdict(server).is_condemned());
        let Some(backend) = self.backends.get_mut(name) else { return };
        match (backend.blackout, online) {
            (None, _) if all_condemned => {
                backend.blackout = Some(now);
                self.events.push(Event::Blackout { backend: name.clone() });
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

fn why(server: &Server, want: Want) -> Option<Name> {
    match want {
        Want::Ready | Want::Unknown => None,
        Want::Maint | Want::AsIs => {
            let reason = server.detector.as_ref().and_then(|detector| detector.health().reason.as_ref());
            Some(reason.map_or_else(|| Name::from("slow"), |reason| Name::from(reason.to_string())))
        }
    }
}

fn verdict(server: &Server) -> Verdict {
    server.detector.as_ref().map_or(Verdict::Unknown, |detector| detector.health().verdict)
}
