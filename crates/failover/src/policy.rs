//! From health to what HAProxy should be told, by the rules of a backend. Unhealthy servers go out and healthy ones in, so
//! that HAProxy's own order does the rest; where another one is wanted than HAProxy would use, the healthy servers that
//! HAProxy prefers are drained. What is decided depends on what it is given and on nothing before that.

mod ordered;
mod prefer;

use std::collections::BTreeMap;
use std::net::SocketAddr;

pub(crate) use ordered::{Forced, Pinned};

use crate::{Balance, Failback, Insist, Name, Rules, Verdict, WhenAllDown};

/// What is wanted of one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// In rotation: it was proved to carry traffic.
    Ready,
    /// In rotation although nothing is proved: `when_all_down = all-open`.
    Open,
    /// It carries traffic, and is to take no new connections, because another one is preferred to it.
    Drain,
    /// Out of rotation: it was proved not to carry traffic, or has to wait. Never so that nothing is left.
    Maint,
    /// Out of rotation whatever is left: `allow_exit_change = false` or `when_all_down = fail-closed`.
    Shut,
    /// As it is: it was proved not to carry traffic, but there is nothing better.
    AsIs,
    /// As it is: nothing is proved yet.
    Unknown,
}

/// What is wanted of one server at the address that it was judged at. At another address nothing is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// What is wanted.
    pub want: Want,
    /// Why, in words, where it is not wanted in rotation; as it was when that began.
    pub why: Option<Name>,
    /// Where it was probed; `None` where HAProxy had no address for it.
    pub address: Option<SocketAddr>,
    /// Its sessions are to be cut, once it takes no new ones and those that come anew are served by another one.
    pub kill: bool,
    /// How firmly.
    pub insist: Insist,
}

/// What is wanted of every managed server of every backend.
pub type Desired = BTreeMap<Name, BTreeMap<Name, Wish>>;

/// One managed server, as the policy sees it.
#[derive(Clone, Debug)]
pub(crate) struct ServerView {
    /// Its name.
    pub(crate) name: Name,
    /// Declared `backup`.
    pub(crate) backup: bool,
    /// From 0, the most preferred.
    pub(crate) tier: usize,
    /// HAProxy would use it, or would once we give it back.
    pub(crate) available: bool,
    /// What the detector says.
    pub(crate) verdict: Verdict,
    /// It is being found out what it is.
    pub(crate) unsettled: bool,
    /// It could take over, as far as is known at this moment.
    pub(crate) verified: bool,
    /// It fell silent together with everything else, so that nobody knows whose fault that was.
    pub(crate) lost: bool,
    /// It has become so slow that it is to make room for a faster one.
    pub(crate) too_slow: bool,
    /// We took it out, and have not let it back since.
    pub(crate) out: bool,
    /// What was wanted of it until now.
    pub(crate) previous: Want,
    /// What an operator has ordered of it.
    pub(crate) forced: Option<Forced>,
    /// An operator wants the backend's traffic on it.
    pub(crate) pinned: Option<Pinned>,
}

/// One backend, as the policy sees it.
#[derive(Clone, Debug)]
pub(crate) struct BackendView {
    /// Its managed servers, in HAProxy's order of preference.
    pub(crate) servers: Vec<ServerView>,
    /// How HAProxy spreads connections.
    pub(crate) balance: Balance,
    /// HAProxy has a usable server here that hactl was told to leave alone: traffic may go to it.
    pub(crate) other_usable: bool,
    /// Nothing answers, so that nobody can be blamed.
    pub(crate) frozen: bool,
    /// The one that was found to be clearly faster than the others of its tier.
    pub(crate) steered: Option<Name>,
}

/// Why something is wanted, where that is not plain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// What is known of its health.
    Health,
    /// It makes room for a faster one.
    Slow,
    /// It is good again, and waits for as long as this one works.
    FailBack(Name),
    /// It is behind the first tier, which is not to be left.
    Exit,
    /// Nothing carries traffic.
    AllDown,
    /// This one is of a better tier.
    Tier(Name),
    /// This one is clearly faster.
    Faster(Name),
    /// An operator has ordered it.
    Ordered(Forced),
    /// An operator wants the traffic on this one.
    Pinned(Name, Pinned),
}

impl Cause {
    /// A rule of the operator's, not what is known of the server itself.
    pub(crate) const fn is_rule(&self) -> bool {
        match self {
            Self::Health | Self::Slow => false,
            Self::FailBack(_)
            | Self::Exit
            | Self::AllDown
            | Self::Tier(_)
            | Self::Faster(_)
            | Self::Ordered(_)
            | Self::Pinned(..) => true,
        }
    }

    /// How firmly that is wanted which follows from it.
    pub(crate) const fn insist(&self) -> Insist {
        match self {
            Self::Ordered(Forced { force: false, .. }) => Insist::Asked,
            Self::Ordered(Forced { force: true, .. }) => Insist::Forced,
            Self::Pinned(_, Pinned { force: true }) => Insist::Pinned,
            Self::Pinned(_, Pinned { force: false })
            | Self::Health
            | Self::Slow
            | Self::FailBack(_)
            | Self::Exit
            | Self::AllDown
            | Self::Tier(_)
            | Self::Faster(_) => Insist::No,
        }
    }
}

/// What is wanted of a server, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) want: Want,
    pub(crate) cause: Cause,
}

/// The tier of each server, which are in HAProxy's order of preference; from 0, and the last one for those that the rules
/// leave out.
pub(crate) fn tiers(rules: &Rules, servers: &[(&Name, bool)]) -> Vec<usize> {
    if rules.tiers.is_empty() {
        let active = servers.iter().filter(|(_, backup)| !backup).count();
        let backup = |index: usize| index - active + usize::from(active > 0);
        return (0..servers.len()).map(|index| if index < active { 0 } else { backup(index) }).collect();
    }
    let of = |name: &Name| rules.tiers.iter().position(|tier| tier.contains(name));
    servers.iter().map(|(name, _)| of(name).unwrap_or(rules.tiers.len())).collect()
}

/// What is wanted of each of the view's servers.
pub(crate) fn decide(rules: &Rules, view: &BackendView) -> Vec<Choice> {
    let mut choices = by_health(rules, view);
    if is_all_down(rules, view) {
        let want = match rules.when_all_down {
            WhenAllDown::LastGood => None,
            WhenAllDown::FailClosed => Some(Want::Shut),
            WhenAllDown::AllOpen => Some(Want::Open),
        };
        for (server, choice) in view.servers.iter().zip(&mut choices) {
            let by_rule = is_permitted(rules, server) && server.forced.is_none();
            if let (Some(want), true) = (want, by_rule) {
                *choice = Choice { want, cause: Cause::AllDown };
            }
        }
    }
    prefer::prefer(rules, view, &mut choices);
    choices
}

/// Whether the rules let it be used at all; an operator's word is stronger.
pub(crate) fn is_permitted(rules: &Rules, server: &ServerView) -> bool {
    permits(rules, server.tier, server.forced, server.pinned)
}

/// The same of a server of this tier.
pub(crate) fn permits(rules: &Rules, tier: usize, forced: Option<Forced>, pinned: Option<Pinned>) -> bool {
    let by_pin = pinned.is_some_and(|pinned| pinned.force);
    forced.map_or(rules.allow_exit_change || tier == 0 || by_pin, Forced::is_in)
}

/// Clients are served by it, or were until nobody could tell any more; or nobody can tell yet.
pub(crate) fn works(rules: &Rules, server: &ServerView) -> bool {
    let online = matches!(server.verdict, Verdict::Online) || server.lost || server.unsettled;
    is_permitted(rules, server) && online && !server.too_slow && server.available
}

/// While some server could take over, what is online is wanted ready, and what is condemned or too slow is wanted out.
/// Where none could at this moment, nobody is moved to an unverified one; what fell silent together with everything else
/// is not moved before it was compared; and where none carries traffic at all, the last good state of affairs stays: what
/// was out stays out, everything else stays as it is.
fn by_health(rules: &Rules, view: &BackendView) -> Vec<Choice> {
    let in_use = in_use(rules, view);
    let held = |index: usize| in_use.filter(|in_use| waits_for(rules, view, index, *in_use));
    let fit = |index: &usize| {
        let server = &view.servers[*index];
        let online = server.verdict == Verdict::Online && !server.too_slow;
        online && is_permitted(rules, server) && held(*index).is_none()
    };
    let stays = |index: &usize| {
        let server = &view.servers[*index];
        let lost = server.lost && !was_out(server) && is_permitted(rules, server);
        fit(index) || (lost && server.verdict.is_condemned())
    };
    // Traffic moves to the first that is left, so that is the one that has to be verified. What fell silent together with
    // everything else is left, too.
    let first = (0..view.servers.len()).filter(stays).min_by_key(|index| (view.servers[*index].tier, *index));
    let first = first.map(|first| &view.servers[first]);
    let successor = view.other_usable || first.is_some_and(|first| first.verified && !first.lost);
    let choice = |(index, server): (usize, &ServerView)| {
        if let Some(forced) = server.forced {
            return forced.choice(server.verdict);
        }
        if !is_permitted(rules, server) {
            return Choice { want: Want::Shut, cause: Cause::Exit };
        }
        if let Some(in_use) = held(index) {
            return Choice { want: Want::Maint, cause: Cause::FailBack(view.servers[in_use].name.clone()) };
        }
        let cause = if server.verdict == Verdict::Online { Cause::Slow } else { Cause::Health };
        Choice { want: of_one(server, successor), cause }
    };
    view.servers.iter().enumerate().map(choice).collect()
}

const fn was_out(server: &ServerView) -> bool {
    matches!(server.previous, Want::Maint | Want::Shut)
}

fn of_one(server: &ServerView, successor: bool) -> Want {
    let was_out = was_out(server);
    match (server.verdict, successor) {
        (Verdict::Online, _) if server.too_slow && (successor || was_out) => Want::Maint,
        (Verdict::Online, _) => Want::Ready,
        (Verdict::Unknown, _) => Want::Unknown,
        (Verdict::Degraded | Verdict::Offline, true) if server.lost && !was_out => Want::AsIs,
        (Verdict::Degraded | Verdict::Offline, true) => Want::Maint,
        (Verdict::Degraded | Verdict::Offline, false) if was_out => Want::Maint,
        (Verdict::Degraded | Verdict::Offline, false) => Want::AsIs,
    }
}

/// The most preferred of those that work and were not taken out: what traffic is on, or will be.
fn in_use(rules: &Rules, view: &BackendView) -> Option<usize> {
    let servers = view.servers.iter().enumerate();
    let works = servers.filter(|(_, server)| works(rules, server) && !server.out);
    works.min_by_key(|(index, server)| (server.tier, *index)).map(|(index, _)| index)
}

/// It is good again, would take traffic from the one in use, and that is not to happen by itself.
fn waits_for(rules: &Rules, view: &BackendView, index: usize, in_use: usize) -> bool {
    let by_itself = match rules.failback {
        Failback::Auto => true,
        Failback::Manual | Failback::Never => false,
    };
    let (server, other) = (&view.servers[index], &view.servers[in_use]);
    let share = view.balance == Balance::Spread && !server.backup && !other.backup;
    let precedes = server.tier < other.tier || (server.tier == other.tier && index < in_use && !share);
    !by_itself && server.out && server.pinned.is_none() && server.verdict == Verdict::Online && precedes
}

/// Every server that may be used was found unable to carry traffic, and that is not this host's fault.
fn is_all_down(rules: &Rules, view: &BackendView) -> bool {
    let mut permitted = view.servers.iter().filter(|server| is_permitted(rules, server)).peekable();
    !view.frozen
        && !view.other_usable
        && permitted.peek().is_some()
        && permitted.all(|server| server.verdict.is_condemned() && !server.lost)
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
