//! Which server is to be restarted, and when: out of events and the time, which is an argument. Runs nothing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Restart;
use crate::journal::Entry;

const HOUR: Duration = Duration::from_secs(3600);

/// A server of a backend of an instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) instance: String,
    pub(crate) backend: String,
    pub(crate) server: String,
}

impl Key {
    fn of(entry: &Entry) -> Option<Self> {
        let Entry { instance, backend, server, .. } = entry;
        Some(Self { instance: instance.clone()?, backend: backend.clone()?, server: server.clone()? })
    }
}

/// What is known of the servers.
#[derive(Debug, Default)]
pub(super) struct Restarts {
    /// Those that are degraded or offline, since when, and the event that said so.
    failing: BTreeMap<Key, (Instant, Arc<Entry>)>,
    /// When each was restarted within the last hour.
    runs: BTreeMap<Key, VecDeque<Instant>>,
    under_way: BTreeSet<Key>,
    /// Servers of which an operator has ordered a state: `maint` and `drain` say that somebody works there, `ready` that
    /// clients are to be sent there as it is, and a restart would cut them off.
    ordered: BTreeSet<Key>,
    /// When the last order about a server ended: whoever has worked there is given as long as a server that has just failed.
    left_alone: BTreeMap<Key, Instant>,
    /// The same of a pause, which is about all.
    resumed: Option<Instant>,
    /// Instances in which nothing answers: it may be this host's network, which no restart of a tunnel mends.
    frozen: BTreeSet<String>,
}

impl Restarts {
    pub(super) fn take(&mut self, entry: &Arc<Entry>, now: Instant) {
        match (entry.kind.as_str(), &entry.instance) {
            ("health", _) => self.health(entry, now),
            ("gone", _) => self.forget(entry),
            // A pin has its server carry traffic, which a restart may help it to.
            ("override", _) => self.order(entry),
            ("override_kept", _) if entry.to.as_deref() != Some("pin") => self.order(entry),
            ("override_expired", _) if entry.from.as_deref() != Some("pin") => self.leave(entry, now),
            ("auto", _) => self.leave(entry, now),
            ("resumed", _) => self.resumed = Some(now),
            ("frozen", Some(instance)) => {
                self.frozen.insert(instance.clone());
            }
            ("thawed", Some(instance)) => {
                self.frozen.remove(instance);
            }
            _ => {}
        }
    }

    fn order(&mut self, entry: &Entry) {
        self.ordered.extend(Key::of(entry));
    }

    /// It is left to its probes again, and from now on to its hook as well.
    fn leave(&mut self, entry: &Entry, now: Instant) {
        let Some(key) = Key::of(entry) else { return };
        if self.ordered.remove(&key) {
            self.left_alone.insert(key, now);
        }
    }

    fn forget(&mut self, entry: &Entry) {
        if let Some(key) = Key::of(entry) {
            self.failing.remove(&key);
            self.left_alone.remove(&key);
        }
    }

    fn health(&mut self, entry: &Arc<Entry>, now: Instant) {
        let Some(key) = Key::of(entry) else { return };
        if matches!(entry.to.as_deref(), Some("degraded" | "offline")) {
            self.failing.entry(key).or_insert_with(|| (now, Arc::clone(entry)));
        } else {
            self.forget(entry);
        }
    }

    /// One that was done before, as it was told.
    pub(super) fn was_run(&mut self, entry: &Entry, at: Instant) {
        if let Some(key) = Key::of(entry) {
            self.runs.entry(key).or_default().push_back(at);
        }
    }

    /// When the next one is to be restarted.
    pub(super) fn due(&self, rules: &BTreeMap<Key, Restart>) -> Option<Instant> {
        self.failing.keys().filter_map(|key| self.due_of(key, rules.get(key)?)).min()
    }

    /// How many are being restarted.
    pub(super) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Those that are to be restarted now, the longest due first and no more than `most`, each with the event that said that it
    /// failed.
    pub(super) fn take_due(
        &mut self,
        rules: &BTreeMap<Key, Restart>,
        now: Instant,
        most: usize,
    ) -> Vec<(Key, Arc<Entry>)> {
        let due = self.failing.iter().filter_map(|(key, (_, entry))| {
            let due = self.due_of(key, rules.get(key)?).filter(|due| *due <= now)?;
            Some((due, key.clone(), Arc::clone(entry)))
        });
        let mut due: Vec<_> = due.collect();
        due.sort_by_key(|(due, ..)| *due);
        due.truncate(most);
        let due: Vec<_> = due.into_iter().map(|(_, key, entry)| (key, entry)).collect();
        for (key, _) in &due {
            let runs = self.runs.entry(key.clone()).or_default();
            runs.retain(|run| now.duration_since(*run) < HOUR);
            runs.push_back(now);
            self.under_way.insert(key.clone());
        }
        due
    }

    pub(super) fn ended(&mut self, key: &Key) {
        self.under_way.remove(key);
    }

    fn due_of(&self, key: &Key, rule: &Restart) -> Option<Instant> {
        if self.under_way.contains(key) || self.ordered.contains(key) || self.frozen.contains(&key.instance) {
            return None;
        }
        let (failing, _) = self.failing.get(key)?;
        let left_alone = self.left_alone.get(key).into_iter().chain(&self.resumed).copied();
        let mut due = left_alone.fold(*failing, Instant::max) + rule.after;
        if let Some(runs) = self.runs.get(key) {
            due = due.max(runs.back().map_or(due, |last| *last + rule.cooldown));
            // Where there were as many as are allowed, the first of them has to be an hour ago.
            let first = runs.iter().rev().nth(usize::try_from(rule.per_hour).ok()?.checked_sub(1)?);
            due = due.max(first.map_or(due, |first| *first + HOUR));
        }
        Some(due)
    }
}

#[cfg(test)]
mod tests;
