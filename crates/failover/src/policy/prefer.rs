//! Which of the healthy servers HAProxy is to use, where it would use others by itself: those are drained. HAProxy cannot
//! be reordered at run time.

use std::collections::BTreeSet;

use super::{BackendView, Cause, Choice, Want};
use crate::observed::in_service;
use crate::{Policy, Rules};

/// Drains what HAProxy would use in place of, or beside, what the rules prefer. Where they prefer what HAProxy prefers,
/// nothing is drained.
pub(super) fn prefer(rules: &Rules, view: &BackendView, choices: &mut [Choice]) {
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
        if begins || servers[index].previous == Want::Drain {
            let name = servers[first].name.clone();
            let cause = if servers[index].tier == best { Cause::Faster(name) } else { Cause::Tier(name) };
            choices[index] = Choice { want: Want::Drain, cause };
        }
    }
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
