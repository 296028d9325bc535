//! Which of the healthy servers HAProxy is to use, where it would use others by itself: those are drained. HAProxy cannot
//! be reordered at run time.

use std::collections::BTreeSet;

use super::{BackendView, Cause, Choice, Want};
use crate::observed::in_service;
use crate::{Policy, Rules};

/// Drains what HAProxy would use in place of, or beside, what an operator or the rules prefer. Where they prefer what
/// HAProxy prefers, nothing is drained.
pub(super) fn prefer(rules: &Rules, view: &BackendView, choices: &mut [Choice]) {
    if pin(view, choices) {
        return;
    }
    let servers = &view.servers;
    let usable: Vec<usize> = (0..servers.len())
        .filter(|index| choices[*index].want == Want::Ready && servers[*index].available)
        .collect();
    let Some(best) = usable.iter().map(|index| servers[*index].tier).min() else { return };
    let mut liked: Vec<usize> = usable.iter().copied().filter(|index| servers[*index].tier == best).collect();
    if rules.policy == Policy::Latency
        && let Some(steered) =
            liked.iter().copied().find(|index| view.steered.as_ref() == Some(&servers[*index].name))
    {
        liked = vec![steered];
    }
    let Some(first) = liked.first().copied() else { return };
    // Nothing is moved to a server in doubt; what was moved before stays there until it is worse than that.
    let begins = liked.iter().any(|index| servers[*index].verified);
    for index in in_the_way(view, &usable, &liked) {
        let by_order = servers[index].forced.is_some();
        if !by_order && (begins || servers[index].previous == Want::Drain) {
            let name = servers[first].name.clone();
            let cause = if servers[index].tier == best { Cause::Faster(name) } else { Cause::Tier(name) };
            choices[index] = Choice { want: Want::Drain, cause };
        }
    }
}

/// The same for the server that an operator prefers, as long as it can be used. False where there is none.
fn pin(view: &BackendView, choices: &mut [Choice]) -> bool {
    let servers = &view.servers;
    let pinned = servers.iter().enumerate().find_map(|(index, server)| Some((index, server.pinned?)));
    let Some((first, pin)) = pinned.filter(|(first, _)| servers[*first].available) else { return false };
    let is_out = servers[first].forced.is_some_and(|forced| !forced.is_in());
    let is_fit = choices[first].want == Want::Ready;
    if is_out || !(is_fit || pin.force) {
        return false;
    }
    if !is_fit {
        let name = servers[first].name.clone();
        choices[first] = Choice { want: Want::Open, cause: Cause::Pinned(name, pin) };
    }
    let may_be_used = |index: &usize| match choices[*index].want {
        Want::Ready => servers[*index].available,
        // Of two orders of an operator's, the pin says where the traffic is to be.
        Want::Open if servers[*index].forced.is_some() => servers[*index].available,
        Want::Open | Want::AsIs | Want::Unknown => pin.force && servers[*index].available,
        Want::Drain | Want::Maint | Want::Shut => false,
    };
    let usable: Vec<usize> = (0..servers.len()).filter(may_be_used).collect();
    for index in in_the_way(view, &usable, &[first]) {
        if servers[first].verified || pin.force || servers[index].previous == Want::Drain {
            let cause = Cause::Pinned(servers[first].name.clone(), pin);
            choices[index] = Choice { want: Want::Drain, cause };
        }
    }
    true
}

/// The usable servers that HAProxy would send connections to although they are not liked.
fn in_the_way(view: &BackendView, usable: &[usize], liked: &[usize]) -> BTreeSet<usize> {
    let liked: BTreeSet<usize> = liked.iter().copied().collect();
    let mut drained = BTreeSet::new();
    // Each turn drains at least one of them.
    for _ in usable {
        let left = usable.iter().filter(|index| !drained.contains(*index));
        let left: Vec<(bool, usize)> = left.map(|index| (view.servers[*index].backup, *index)).collect();
        let before = drained.len();
        drained.extend(in_service(view.balance, &left).into_iter().filter(|index| !liked.contains(index)));
        if drained.len() == before {
            break;
        }
    }
    drained
}
