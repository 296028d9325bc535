//! Which servers there are, from what HAProxy shows.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::{Core, Key, Server};
use crate::detector::{Desk, Detector, Verdict};
use crate::{Admin, Event, Name, Observed, ObservedBackend, ObservedServer, Owner, ServerId, Time, Writes};

impl Core {
    /// Takes in a sight of HAProxy: which servers there are, where they listen, which are in service, and which have
    /// sessions.
    pub fn on_observed(&mut self, observed: &Observed, now: Time) {
        self.notice(now);
        self.withheld = matches!(observed.writes, Writes::Withheld { .. });
        for (name, seen) in &observed.backends {
            self.adopt_servers(name, seen, now);
            let backend = self.backends.entry(name.clone()).or_default();
            backend.other_usable = seen.servers.iter().any(|server| !server.managed && server.is_usable());
            backend.balance = seen.balance;
            let to = seen.in_service();
            let from = backend.in_service.as_ref().map(|(names, _)| names.clone());
            if from.as_ref() != Some(&to) {
                backend.in_service = Some((to.clone(), now));
                self.note_left(name, from.as_deref().unwrap_or_default(), seen, now);
                self.events.push(Event::InService { backend: name.clone(), from, to });
            }
            self.miss_in_tiers(name, seen);
        }
        self.forget_backends(observed, now);
        for name in observed.backends.keys() {
            self.decide(name, now);
        }
    }

    fn adopt_servers(&mut self, name: &Name, seen: &ObservedBackend, now: Time) {
        let known = self.backends.get(name).map(|backend| backend.servers.clone()).unwrap_or_default();
        let mut left: BTreeMap<(Name, Option<SocketAddr>), Key> = known
            .into_iter()
            .filter_map(|key| {
                self.servers.get(&key).map(|server| ((server.id.server.clone(), server.address), key))
            })
            .collect();
        let mut keys = Vec::new();
        for there in seen.by_preference().filter(|server| server.managed) {
            let same = left.remove(&(there.name.clone(), there.address));
            let id = ServerId { backend: name.clone(), server: there.name.clone() };
            let key = same.unwrap_or_else(|| self.add(id, there, now));
            if let Some(server) = self.servers.get_mut(&key) {
                (server.backup, server.available) = (there.backup, there.is_available());
            }
            self.touch(key, now, |detector, desk| detector.set_busy(there.busy, desk));
            keys.push(key);
        }
        for ((server, _), key) in left {
            // The same one at another address is judged anew.
            let is_gone = seen.server(&server).is_none_or(|there| !there.managed);
            self.remove(key, is_gone, now);
        }
        self.backends.entry(name.clone()).or_default().servers = keys;
    }

    /// Backends that HAProxy has no more. While it is away nothing is forgotten.
    fn forget_backends(&mut self, observed: &Observed, now: Time) {
        let gone = self.backends.keys().filter(|name| !observed.backends.contains_key(*name));
        for name in gone.cloned().collect::<Vec<Name>>() {
            self.desired.remove(&name);
            for key in self.backends.remove(&name).map(|backend| backend.servers).unwrap_or_default() {
                self.remove(key, true, now);
            }
        }
    }

    /// Tells which of the servers that the backend's tiers name are not there, once.
    fn miss_in_tiers(&mut self, name: &Name, seen: &ObservedBackend) {
        let named = self.settings.rules_of(name).tiers.iter().flatten();
        let missing: Vec<String> = named
            .filter(|server| seen.server(server).is_none())
            .map(|server| {
                format!("`tiers` names {name}/{server}, which HAProxy does not have; correct its name in the configuration")
            })
            .collect();
        let Some(backend) = self.backends.get_mut(name) else { return };
        let before = std::mem::replace(&mut backend.missing, missing);
        for what in backend.missing.iter().filter(|what| !before.contains(what)) {
            self.events.push(Event::Missing { what: what.clone() });
        }
    }

    fn add(&mut self, id: ServerId, there: &ObservedServer, now: Time) -> Key {
        let address = there.address;
        let key = Key(self.next_key);
        self.next_key += 1;
        let ordered = self.orders.len();
        let detector = address.map(|address| {
            let mut desk = Desk {
                now,
                settings: &self.settings,
                stalls: &self.stalls,
                random: &mut self.random,
                next_id: &mut self.next_id,
                orders: &mut self.orders,
                events: &mut self.events,
            };
            Detector::new(id.clone(), address, &mut desk)
        });
        self.servers.insert(
            key,
            Server {
                id,
                address,
                detector,
                backup: there.backup,
                available: there.is_available(),
                // What an earlier run took out and did not let back still waits.
                out: there.position() == (Admin::Maint, Owner::Ours),
                left: None,
                cause: None,
                witness: None,
                slow_since: None,
                since: now,
                told: Verdict::Unknown,
                deadline: None,
            },
        );
        self.own(key, ordered);
        key
    }

    fn remove(&mut self, key: Key, is_gone: bool, now: Time) {
        self.touch_only(key, now, Detector::drop_all);
        self.set_deadline(key, None);
        if let Some(server) = self.servers.remove(&key)
            && is_gone
            && server.told != Verdict::Unknown
        {
            self.events.push(Event::Gone { server: server.id });
        }
        self.comparison.forget(key);
        self.settle_frozen(now);
    }
}
