//! `policy = "latency"`: which server of a tier is clearly the fastest, over time, and how often traffic may move because of
//! that. A doubt about the chosen one ends it; so does everything that takes it out.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Core, Server};
use crate::observed::in_service;
use crate::pace::is_clearly_faster;
use crate::policy::{BackendView, works};
use crate::{Event, Name, Policy, Time, Verdict};

/// From one evaluation to the next: some canaries at either cadence, so that each has seen something new.
const EVALUATE_EVERY: Duration = Duration::from_secs(5);

/// Evaluations in a row that a server has to win before traffic is moved to it: half a minute, in which jitter evens out.
const EVALUATIONS: u32 = 6;

/// From one voluntary move to the next: who moves more often than this follows noise.
const BETWEEN_MOVES: Duration = Duration::from_secs(300);

/// Voluntary moves within [`MOVES_WITHIN`]: each may give clients another address ...
const MOVES_MAX: usize = 4;

/// ... in any hour.
const MOVES_WITHIN: Duration = Duration::from_secs(3600);

/// What is known of one backend.
#[derive(Clone, Debug, Default)]
pub(super) struct Steer {
    /// The one that traffic was moved to.
    pub(super) chosen: Option<Name>,
    /// Who won the latest evaluations, and how many of them.
    rival: Option<(Name, u32)>,
    /// When the next evaluation is.
    pub(super) due: Time,
    /// The latest voluntary moves, oldest first.
    moves: VecDeque<Time>,
}

impl Steer {
    /// What was measured before says nothing about now.
    pub(super) fn forget(&mut self) {
        self.rival = None;
    }

    fn may_move(&self, now: Time) -> bool {
        let recent = self.moves.iter().filter(|at| now.since(**at) < MOVES_WITHIN).count();
        recent < MOVES_MAX && self.moves.back().is_none_or(|at| now.since(*at) >= BETWEEN_MOVES)
    }

    fn note_move(&mut self, now: Time) {
        if self.moves.len() == MOVES_MAX {
            self.moves.pop_front();
        }
        self.moves.push_back(now);
    }

    /// Counts an evaluation; the winner where it has won enough of them.
    fn count(&mut self, winner: Option<Name>) -> Option<Name> {
        let Some(winner) = winner else {
            self.rival = None;
            return None;
        };
        let won = match self.rival.take() {
            Some((name, won)) if name == winner => won.saturating_add(1),
            Some(_) | None => 1,
        };
        self.rival = Some((winner.clone(), won));
        (won >= EVALUATIONS).then_some(winner)
    }
}

/// A server with how much faster it is.
struct Faster {
    name: Name,
    takes: Duration,
    instead: Duration,
}

impl Core {
    /// Whether it is time to look which server is the fastest, and what comes of it.
    pub(super) fn steer(&mut self, name: &Name, now: Time) {
        let rules = self.settings.rules_of(name);
        let Some(backend) = self.backends.get(name).filter(|_| rules.policy == Policy::Latency) else {
            return;
        };
        let view = self.view(name, backend, now);
        let among = self.in_question(name, &view);
        let chosen = backend.steer.chosen.clone();
        let chosen = chosen.filter(|chosen| among.iter().any(|(_, server)| server.id.server == *chosen));
        let lost = chosen.is_none() && backend.steer.chosen.is_some();
        let is_due = now >= backend.steer.due && !view.frozen;
        let faster = if is_due && !lost { fastest(&view, &among, chosen.as_ref(), now) } else { None };
        let Some(backend) = self.backends.get_mut(name) else { return };
        let steer = &mut backend.steer;
        steer.chosen = chosen;
        if lost || now >= steer.due {
            steer.due = now + EVALUATE_EVERY;
        }
        if lost {
            steer.forget();
        }
        if !is_due {
            return;
        }
        let winner = steer.count(faster.as_ref().map(|faster| faster.name.clone()));
        if let (Some(to), Some(Faster { takes, instead, .. })) = (winner, faster)
            && steer.may_move(now)
        {
            steer.note_move(now);
            steer.chosen = Some(to.clone());
            steer.forget();
            self.events.push(Event::Steered { backend: name.clone(), to, takes, instead });
        }
    }

    /// The servers of the best tier that carry traffic and are not in doubt, each with its place in the view.
    fn in_question(&self, name: &Name, view: &BackendView) -> Vec<(usize, &Server)> {
        let rules = self.settings.rules_of(name);
        let fit = |(_, server): &(usize, &crate::policy::ServerView)| {
            works(rules, server) && !server.out && server.verdict == Verdict::Online
        };
        let fit = || view.servers.iter().enumerate().filter(fit);
        let best = fit().map(|(_, server)| server.tier).min();
        let keys = self.backends.get(name).map(|backend| backend.servers.as_slice()).unwrap_or_default();
        let doubted = |server: &Server| server.detector.as_ref().is_none_or(|one| one.is_doubted());
        fit()
            .filter(|(_, server)| Some(server.tier) == best)
            .filter_map(|(index, _)| Some((index, self.servers.get(keys.get(index)?)?)))
            .filter(|(_, server)| !doubted(server))
            .collect()
    }
}

/// The fastest of those that are clearly faster than all that take the traffic now.
fn fastest(
    view: &BackendView,
    among: &[(usize, &Server)],
    chosen: Option<&Name>,
    now: Time,
) -> Option<Faster> {
    let current: Vec<&Server> = match among.iter().find(|(_, server)| Some(&server.id.server) == chosen) {
        Some((_, chosen)) => vec![*chosen],
        None => {
            let usable: Vec<(bool, &Server)> =
                among.iter().map(|(index, server)| (view.servers[*index].backup, *server)).collect();
            in_service(view.balance, &usable)
        }
    };
    let faster = |(_, server): &(usize, &Server)| {
        let others = current.iter().filter(|other| other.id != server.id);
        let beside: Option<Vec<(Duration, Duration)>> =
            others.map(|other| beside(server, other, now)).collect();
        let nearest = beside?.into_iter().min_by_key(|(_, other)| *other)?;
        let (takes, instead) = nearest;
        is_clearly_faster(takes, instead).then(|| Faster { name: server.id.server.clone(), takes, instead })
    };
    among.iter().filter_map(faster).min_by_key(|faster| faster.takes)
}

fn beside(server: &Server, other: &Server, now: Time) -> Option<(Duration, Duration)> {
    let (server, other) = (server.detector.as_ref()?, other.detector.as_ref()?);
    server.paces().beside(other.paces(), now)
}
