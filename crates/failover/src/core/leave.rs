//! Sessions on servers that were left: when they are to be cut. Never while nobody can tell what works, and only while
//! another server is known to serve those that come back.

use std::collections::{BTreeMap, BTreeSet};

use super::Core;
use crate::policy::{Cause, Choice, ServerView, Want};
use crate::{Name, ObservedBackend, Policy, Rules, Sessions, Time};

/// Why a server was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// It failed.
    Failed,
    /// Another one is faster.
    Steered,
    /// A preferred one is back.
    Back,
}

/// Since when a server is left, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    how: Leave,
    since: Time,
    /// It may still be used: it is only not the one that is.
    spare: bool,
}

impl Left {
    /// HAProxy sends it no new connections any more although it works.
    const fn spare(how: Leave, since: Time) -> Self {
        Self { how, since, spare: true }
    }

    /// When its sessions are to be cut, where the rules say so.
    pub(super) fn cut_at(&self, rules: &Rules) -> Option<Time> {
        let rule = match self.how {
            Leave::Failed => rules.on_fail,
            Leave::Steered => rules.on_steer,
            Leave::Back => rules.on_failback,
        };
        match rule {
            Sessions::Keep => None,
            Sessions::Kill => Some(self.since + rules.kill_after),
        }
    }
}

/// How it is left once this is wanted of it.
pub(super) fn left_by(before: Option<Left>, choice: &Choice, now: Time) -> Option<Left> {
    let since = |how: Leave| {
        let same = before.filter(|left| left.how == how).map_or(now, |left| left.since);
        Some(Left { how, since: same, spare: false })
    };
    match (choice.want, &choice.cause) {
        // Whoever ordered it has said what is to become of them.
        (Want::Maint | Want::Drain, Cause::Ordered(_)) => before,
        (Want::Maint, Cause::Health) => since(Leave::Failed),
        (Want::Maint, Cause::Slow) | (Want::Drain, Cause::Faster(_)) => since(Leave::Steered),
        (Want::Drain, _) => since(Leave::Back),
        (Want::Maint | Want::Shut, _) => before,
        (Want::Ready, _) => before.filter(|left| left.spare),
        (Want::Open | Want::AsIs | Want::Unknown, _) => None,
    }
}

/// Whether the sessions on the server at `index` are to be cut now, were the time for it there; `was` so until now.
pub(super) fn may_cut(views: &[ServerView], choices: &[Choice], index: usize, was: bool) -> bool {
    let heirs = views
        .iter()
        .zip(choices)
        .enumerate()
        .filter(|(other, (_, choice))| *other != index && choice.want == Want::Ready);
    let mut heirs = heirs.filter(|(_, (view, _))| view.available && !view.lost);
    heirs.any(|(_, (view, _))| view.verified || was)
}

impl Core {
    /// HAProxy sends new connections to others than before. Whoever still could take them was left for a better one;
    /// whoever takes them again is not left any more.
    pub(super) fn note_left(&mut self, name: &Name, from: &[Name], seen: &ObservedBackend, now: Time) {
        let (from, to): (BTreeSet<&Name>, BTreeSet<Name>) =
            (from.iter().collect(), seen.in_service().into_iter().collect());
        let latency = self.settings.rules_of(name).policy == Policy::Latency;
        let Some(backend) = self.backends.get(name) else { return };
        let wishes = self.desired.get(name);
        let is_ready = |server: &Name| {
            wishes.and_then(|wishes| wishes.get(server)).is_some_and(|wish| wish.want == Want::Ready)
        };
        let tiers: BTreeMap<Name, usize> = self
            .view(name, backend, now)
            .servers
            .into_iter()
            .map(|server| (server.name, server.tier))
            .collect();
        let best = to.iter().filter_map(|server| tiers.get(server)).min();
        let for_a_better_one = to.iter().all(is_ready);
        let usable: BTreeSet<&Name> =
            seen.servers.iter().filter(|server| server.is_usable()).map(|server| &server.name).collect();
        for key in backend.servers.clone() {
            let Some(server) = self.servers.get_mut(&key) else { continue };
            let id = &server.id.server;
            if to.contains(id) {
                server.left = server.left.filter(|left| !left.spare);
            } else if for_a_better_one && from.contains(id) && usable.contains(id) && is_ready(id) {
                let steered = latency && tiers.get(id) == best;
                server.left = Some(Left::spare(if steered { Leave::Steered } else { Leave::Back }, now));
            }
        }
    }
}
