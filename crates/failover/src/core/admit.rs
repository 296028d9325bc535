//! Which orders of an operator are refused, and what came of one that was not.

use thiserror::Error;

use super::decide::verdict;
use super::{Core, Server};
use crate::detector::Verdict;
use crate::event::held_text;
use crate::policy::{Forced, permits, tiers};
use crate::{
    Admin, Agent, Haproxy, Name, Observed, ObservedServer, OverrideChange, Owner, ServerId, Writes, plan,
};

/// Why an order is refused; what was ordered is not part of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OverrideRefusal {
    /// HAProxy was not seen yet, or does not have it.
    #[error("{0} was not seen in HAProxy yet; `hactl status` says why")]
    UnseenBackend(Name),
    /// The backend has no such server.
    #[error("{} has no server called {}", .server.backend, .server.server)]
    UnknownServer {
        /// As it was named.
        server: ServerId,
        /// Those that there are.
        known: Vec<Name>,
    },
    /// hactl was told to leave it alone.
    #[error("`servers` in the configuration leaves it out, so hactl never writes to it")]
    NotManaged(ServerId),
    /// Nothing would be left.
    #[error("{}", last_text(.server, .servers, .others))]
    LastUsable {
        /// The server.
        server: ServerId,
        /// All that were to be taken out at once, of the same backend.
        servers: Vec<Name>,
        /// The others, each with what keeps it from being used.
        others: Vec<(Name, String)>,
        /// One of them that is out only by an order.
        ordered: Option<Name>,
    },
    /// Nothing would be left of another backend.
    #[error("{follower} tracks it, and {} has no other usable server", .follower.backend)]
    Tracked {
        /// The server.
        server: ServerId,
        /// One that goes with it.
        follower: ServerId,
    },
    /// By the agent lever.
    #[error("its HAProxy is steered by agent-checks, which know up and down and no drain")]
    NoDrain(ServerId),
    /// By the agent lever.
    #[error(
        "its HAProxy is steered by agent-checks, which know no drain, by which the others would make room"
    )]
    NoPin(ServerId),
    /// Clients would leave from another address than the configuration allows.
    #[error("allow_exit_change = false, and it is not of the first tier of {}", .0.backend)]
    ExitChange(ServerId),
    /// A pin to what carries no traffic.
    #[error("it is {verdict}: {why}")]
    Dead {
        /// The server.
        server: ServerId,
        /// What is known of it.
        verdict: Verdict,
        /// Why.
        why: String,
    },
    /// A pin to what is out by an order of its own.
    #[error("it is in {} by {by}", .state.as_str())]
    OrderedOut {
        /// The server.
        server: ServerId,
        /// How.
        state: Admin,
        /// By whom.
        by: String,
    },
    /// A pin to what somebody else has taken out.
    #[error("somebody else put it into {}, and what others set is not undone", .state.as_str())]
    Theirs {
        /// The server.
        server: ServerId,
        /// How.
        state: Admin,
    },
}

impl OverrideRefusal {
    /// The server.
    #[must_use]
    pub const fn server(&self) -> Option<&ServerId> {
        match self {
            Self::UnseenBackend(_) => None,
            Self::UnknownServer { server, .. }
            | Self::NotManaged(server)
            | Self::LastUsable { server, .. }
            | Self::Tracked { server, .. }
            | Self::NoDrain(server)
            | Self::NoPin(server)
            | Self::ExitChange(server)
            | Self::Dead { server, .. }
            | Self::OrderedOut { server, .. }
            | Self::Theirs { server, .. } => Some(server),
        }
    }

    /// Who insists is obeyed.
    #[must_use]
    pub const fn yields_to_force(&self) -> bool {
        matches!(
            self,
            Self::LastUsable { .. } | Self::Tracked { .. } | Self::ExitChange(_) | Self::Dead { .. }
        )
    }
}

fn last_text(server: &ServerId, servers: &[Name], others: &[(Name, String)]) -> String {
    let backend = &server.backend;
    let what = if let [_] = servers {
        format!("it is the only usable server of {backend}")
    } else {
        let names: Vec<&str> = servers.iter().map(Name::as_str).collect();
        format!("without {} {backend} has no usable server", names.join(", "))
    };
    let others: Vec<String> = others.iter().map(|(name, how)| format!("{name} {how}")).collect();
    if others.is_empty() { what } else { format!("{what} ({})", others.join(", ")) }
}

/// What came of an order so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// HAProxy was read again since, and is as ordered.
    Confirmed,
    /// It will be.
    Pending,
    /// It is not, for as long as this is so.
    Stuck(String),
}

impl Core {
    /// Whether an order can be taken in, on a HAProxy that was last seen like this.
    ///
    /// # Errors
    /// Why not.
    pub fn may_override(&self, change: &OverrideChange, observed: &Observed) -> Result<(), OverrideRefusal> {
        match change {
            OverrideChange::Inherit(_) | OverrideChange::Clock => Ok(()),
            OverrideChange::End { servers, .. } => {
                // What is no longer there can be ended, too.
                let ordered = self.overrides.of();
                let mut unknown = servers.iter().filter(|server| !ordered.contains(server));
                unknown.try_for_each(|server| self.known(server, observed).map(drop))
            }
            OverrideChange::Set(servers, ordered) => {
                for server in servers {
                    let (there, known) = self.known(server, observed)?;
                    if ordered.state == Admin::Drain && there.agent.is_some() {
                        return Err(OverrideRefusal::NoDrain(server.clone()));
                    }
                    let is_in = ordered.state == Admin::Ready;
                    if is_in && !ordered.given.force && !self.is_of_first_tier(known) {
                        return Err(OverrideRefusal::ExitChange(server.clone()));
                    }
                }
                if ordered.state == Admin::Ready || ordered.given.force {
                    return Ok(());
                }
                servers.iter().try_for_each(|server| self.leaves_another(server, servers, observed))?;
                leaves_followers(servers, observed)
            }
            OverrideChange::Pin(server, given) => self.may_pin(server, given.force, observed),
        }
    }

    fn may_pin(&self, id: &ServerId, force: bool, observed: &Observed) -> Result<(), OverrideRefusal> {
        let (there, known) = self.known(id, observed)?;
        let server = id.clone();
        if there.agent.is_some() {
            return Err(OverrideRefusal::NoPin(server));
        }
        let ordered = self.overrides.servers.get(id).filter(|ordered| ordered.state != Admin::Ready);
        if let Some(ordered) = ordered {
            let (state, by) = (ordered.state, ordered.given.by.clone());
            return Err(OverrideRefusal::OrderedOut { server, state, by });
        }
        if let (state @ (Admin::Drain | Admin::Maint), Owner::Theirs) = there.position() {
            return Err(OverrideRefusal::Theirs { server, state });
        }
        if force {
            return Ok(());
        }
        if !self.is_of_first_tier(known) {
            return Err(OverrideRefusal::ExitChange(server));
        }
        match verdict(known) {
            Verdict::Online => Ok(()),
            verdict @ (Verdict::Unknown | Verdict::Degraded | Verdict::Offline) => {
                Err(OverrideRefusal::Dead { server, verdict, why: why(known) })
            }
        }
    }

    /// A server that hactl may write to, as it was seen and as it is known.
    fn known<'a>(
        &'a self,
        server: &ServerId,
        observed: &'a Observed,
    ) -> Result<(&'a ObservedServer, &'a Server), OverrideRefusal> {
        let unseen = || OverrideRefusal::UnseenBackend(server.backend.clone());
        let seen = observed.backends.get(&server.backend).ok_or_else(unseen)?;
        let unknown = || OverrideRefusal::UnknownServer {
            server: server.clone(),
            known: seen.by_preference().map(|there| there.name.clone()).collect(),
        };
        let there = seen.server(&server.server).ok_or_else(unknown)?;
        if !there.managed {
            return Err(OverrideRefusal::NotManaged(server.clone()));
        }
        let backend = self.backends.get(&server.backend).ok_or_else(unseen)?;
        let known = self.servers_of(backend).find(|known| known.id == *server).ok_or_else(unseen)?;
        Ok((there, known))
    }

    /// Something that carries traffic is left once all of `servers` are out. What takes no traffic takes none away.
    fn leaves_another(
        &self,
        server: &ServerId,
        servers: &[ServerId],
        observed: &Observed,
    ) -> Result<(), OverrideRefusal> {
        let (there, _) = self.known(server, observed)?;
        let Some(backend) = self.backends.get(&server.backend) else { return Ok(()) };
        if !there.is_usable() || backend.other_usable {
            return Ok(());
        }
        let goes = |id: &ServerId| servers.contains(id);
        let others: Vec<(Name, String)> = self
            .servers_of(backend)
            .filter(|known| !goes(&known.id))
            .filter_map(|known| Some((known.id.server.clone(), self.unusable(known, observed)?)))
            .collect();
        let left = self.servers_of(backend).filter(|known| !goes(&known.id)).count();
        if others.len() < left {
            return Ok(());
        }
        let of_backend = servers.iter().filter(|other| other.backend == server.backend);
        let servers = of_backend.map(|other| other.server.clone()).collect();
        let is_ordered_out = |name: &Name| {
            let id = ServerId::new(server.backend.clone(), name.clone());
            self.forced(&id).is_some_and(|forced| !forced.is_in())
        };
        let ordered = others.iter().map(|(name, _)| name.clone()).find(is_ordered_out);
        Err(OverrideRefusal::LastUsable { server: server.clone(), servers, others, ordered })
    }

    /// What keeps a server from being used, in a few words.
    fn unusable(&self, known: &Server, observed: &Observed) -> Option<String> {
        if let Some(ordered) = self.overrides.servers.get(&known.id)
            && ordered.state != Admin::Ready
        {
            return Some(format!("in {} by {}", ordered.state.as_str(), ordered.given.by));
        }
        let verdict = verdict(known);
        if verdict != Verdict::Online {
            return Some(verdict.to_string());
        }
        if !self.is_of_first_tier(known) && self.forced(&known.id).is_none() {
            return Some("not of the first tier, and allow_exit_change = false".to_owned());
        }
        let seen = observed.backends.get(&known.id.backend)?.server(&known.id.server)?;
        if seen.is_available() && seen.agent != Some(Agent::Absent) {
            return None;
        }
        Some(match seen.position() {
            (Admin::Ready, _) => "down by HAProxy's own check".to_owned(),
            (admin, _) => format!("in {}, not by hactl", admin.as_str()),
        })
    }

    /// The configuration lets clients leave from there.
    fn is_of_first_tier(&self, server: &Server) -> bool {
        let Some(backend) = self.backends.get(&server.id.backend) else { return true };
        let rules = self.settings.rules_of(&server.id.backend);
        let names: Vec<(&Name, bool)> =
            self.servers_of(backend).map(|known| (&known.id.server, known.backup)).collect();
        let mut tiers = tiers(rules, &names).into_iter().zip(&names);
        let tier = tiers.find(|(_, (name, _))| **name == server.id.server).map_or(0, |(tier, _)| tier);
        permits(rules, tier, None::<Forced>, None)
    }

    /// What came of the orders about this server, or of their end, by what was seen since `since`.
    #[must_use]
    pub fn outcome(&self, id: &ServerId, since: crate::Time, observed: &Observed) -> Outcome {
        let stuck = |why: &str| Outcome::Stuck(why.to_owned());
        match &observed.haproxy {
            Haproxy::Unseen => return stuck("HAProxy was not seen yet"),
            Haproxy::Away { why, .. } => return Outcome::Stuck(format!("HAProxy does not answer: {why}")),
            Haproxy::Present { .. } if observed.read < since => return Outcome::Pending,
            Haproxy::Present { .. } => {}
        }
        let seen = observed.backends.get(&id.backend);
        if seen.is_none_or(|seen| seen.server(&id.server).is_none()) {
            return stuck("HAProxy has no such server now");
        }
        let ordered = self.overrides.servers.get(id).map(|ordered| ordered.state);
        // A pin rests while its server is ordered out.
        let is_in = ordered.is_none_or(|state| state == Admin::Ready);
        let pinned = is_in && self.overrides.pin_to(id).is_some();
        let plan = plan(self.desired(), observed);
        if let Some(held) = plan.held.iter().find(|held| held.server == *id) {
            // What is left to its probes is as ordered, whatever these can do.
            let is_ordered = pinned || ordered.is_some();
            let why = held_text(&held.server, held.because);
            return if is_ordered { Outcome::Stuck(why) } else { Outcome::Confirmed };
        }
        let concerns = |server: &ServerId| if pinned { server.backend == id.backend } else { server == id };
        if plan.steps.iter().any(|step| concerns(&step.server)) {
            return waits(&observed.writes);
        }
        let serves = seen.map(crate::ObservedBackend::in_service).unwrap_or_default();
        let carries = serves.iter().all(|server| *server == id.server) && !serves.is_empty();
        if pinned {
            return if carries {
                Outcome::Confirmed
            } else {
                let names: Vec<&str> = serves.iter().map(Name::as_str).collect();
                let on = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                Outcome::Stuck(format!("the traffic of {} is on {on}", id.backend))
            };
        }
        let there = seen.and_then(|seen| seen.server(&id.server));
        match ordered.zip(there) {
            Some((state, there)) if !is_as_ordered(there, state) => {
                self.short_of(id, state, &observed.writes)
            }
            Some(_) | None => Outcome::Confirmed,
        }
    }

    /// It is not as ordered, and no command about it is due: another one comes first, or a pin.
    fn short_of(&self, id: &ServerId, state: Admin, writes: &Writes) -> Outcome {
        match self.overrides.pins.get(&id.backend) {
            Some(pin) if state == Admin::Ready => Outcome::Stuck(format!(
                "{} is pinned to {}, for which it makes room; `hactl auto {}/{}` ends that",
                id.backend, pin.server, id.backend, pin.server
            )),
            Some(_) | None => waits(writes),
        }
    }
}

/// Whether HAProxy has it as an operator wants it. An agent-check has one answer for both ways of being out.
fn is_as_ordered(there: &ObservedServer, state: Admin) -> bool {
    let wanted = match (state, there.agent) {
        (Admin::Drain, Some(_)) => Admin::Maint,
        (Admin::Ready | Admin::Drain | Admin::Maint, _) => state,
    };
    there.position().0 == wanted
}

/// Something has to be sent first.
fn waits(writes: &Writes) -> Outcome {
    let stuck = |why: &str| Outcome::Stuck(why.to_owned());
    match writes {
        Writes::Applied => Outcome::Pending,
        Writes::Withheld { .. } => stuck(
            "nothing is changed in HAProxy while hactl is paused or observes; `hactl status` says which",
        ),
        Writes::Denied { why } => Outcome::Stuck(format!("nothing can be changed in HAProxy: {why}")),
        Writes::Refused { why } => Outcome::Stuck(format!("HAProxy refuses a command: {why}")),
    }
}

/// Whoever tracks one of `servers` leaves its backend with another usable server.
fn leaves_followers(servers: &[ServerId], observed: &Observed) -> Result<(), OverrideRefusal> {
    let out_with = |server: &ObservedServer| {
        observed.tracked_by(server).map(|(id, _)| id.clone()).find(|id| servers.contains(id))
    };
    for (name, backend) in &observed.backends {
        let goes = |server: &ObservedServer| {
            servers.iter().any(|id| id.backend == *name && id.server == server.name)
                || out_with(server).is_some()
        };
        let mut usable = backend.servers.iter().filter(|server| server.is_usable()).peekable();
        let follower = usable.clone().find_map(|server| Some((server, out_with(server)?)));
        if let (Some((follower, server)), true) = (follower, usable.all(goes)) {
            let follower = ServerId { backend: name.clone(), server: follower.name.clone() };
            return Err(OverrideRefusal::Tracked { server, follower });
        }
    }
    Ok(())
}

fn why(server: &Server) -> String {
    let reason = server.detector.as_ref().and_then(|detector| detector.health().reason.as_ref());
    reason.map_or_else(|| "nothing is known of it yet".to_owned(), ToString::to_string)
}
