//! Everybody but hactl: operators, other controllers, reloads, HAProxy's own checks, and what happens to tunnels.

use std::time::Duration;

use tokio::time::Instant;

use super::chance::Chance;
use super::haproxy::{CMAINT, FMAINT, Haproxy, Server, Who};
use crate::world::{Fault, TARGETS, Trouble, World};

/// Milliseconds that a HAProxy hangs, and that a reload takes to switch over, at most (both measured).
const HANGS_MAX: u64 = 2500;
const SWITCH_MAX: u64 = 120;

/// Milliseconds that this process does not run.
const STALL_MAX: u64 = 1500;

/// Servers that there are at most.
const SERVERS_MAX: usize = 5;

/// What somebody did.
pub(crate) struct Deed {
    pub(crate) text: String,
    /// This process does not run for so long from now on.
    pub(crate) stall: Duration,
}

/// One deed, by chance; what others change in HAProxy at most so often.
pub(crate) fn act(
    chance: &mut Chance,
    world: &mut World,
    haproxy: &mut Haproxy,
    others: &mut u32,
) -> Option<Deed> {
    let turn = chance.below(20);
    // While HAProxy hangs it does what nobody says.
    if haproxy.hangs() && (8..=18).contains(&turn) {
        return None;
    }
    if matches!(turn, 8..=12 | 18) {
        *others = others.checked_sub(1)?;
    }
    let text = match turn {
        0..=5 => tunnel(chance, world, haproxy),
        6 => target(chance, world),
        7 => {
            world.uplink = !world.uplink || !chance.one_in(3);
            Some(format!("uplink {}", world.uplink))
        }
        8..=11 => operator(chance, haproxy),
        12 => other_controller(chance, haproxy),
        13 => reload(chance, haproxy),
        14 => {
            haproxy.hangs_until = Some(Instant::now() + chance.millis(HANGS_MAX));
            Some("HAProxy hangs".to_owned())
        }
        15 => {
            haproxy.refuses = if chance.one_in(2) { any(chance, haproxy) } else { None };
            Some(format!("refuses {:?}", haproxy.refuses))
        }
        16 => own_check(chance, haproxy),
        17 => weight(chance, haproxy),
        18 => add_or_delete(chance, haproxy),
        _ => {
            let stall = chance.millis(STALL_MAX);
            return Some(Deed { text: format!("hactl does not decide for {stall:?}"), stall });
        }
    };
    text.map(|text| Deed { text, stall: Duration::ZERO })
}

/// Everything is well from now on; what others set stays set.
pub(crate) fn make_peace(world: &mut World, haproxy: &mut Haproxy) {
    for server in &haproxy.servers {
        world.break_(&server.name, Fault::None);
    }
    for target in 0..TARGETS.len() {
        world.trouble(target, Trouble::None);
    }
    world.uplink = true;
    (haproxy.refuses, haproxy.hangs_until) = (None, None);
    for server in &mut haproxy.servers {
        (server.up, server.weight) = (true, 1);
    }
}

fn tunnel(chance: &mut Chance, world: &mut World, haproxy: &Haproxy) -> Option<String> {
    let name = any(chance, haproxy)?;
    let fault = chance.of(&[
        Fault::None,
        Fault::None,
        Fault::BlackHole,
        Fault::Refused,
        Fault::Rejects(1),
        Fault::Mute,
        Fault::Mtu,
    ]);
    world.break_(&name, fault);
    Some(format!("{name} has {fault:?}"))
}

fn target(chance: &mut Chance, world: &mut World) -> Option<String> {
    let index = usize::try_from(chance.below(TARGETS.len() as u64)).ok()?;
    let trouble = chance.of(&[Trouble::None, Trouble::Silent, Trouble::Refuses, Trouble::Status(429)]);
    world.trouble(index, trouble);
    Some(format!("target {index} has {trouble:?}"))
}

/// Nothing that no sight could show: over our maint an operator's is no change, and what is changed twice between two
/// sights was changed once.
fn operator(chance: &mut Chance, haproxy: &mut Haproxy) -> Option<String> {
    let name = any(chance, haproxy)?;
    let state = chance.of(&["maint", "drain", "ready", "ready"]);
    let server = haproxy.server(&name)?;
    if server.news || (state == "maint" && server.admin & FMAINT != 0) {
        return None;
    }
    haproxy.set_by_them(&name, state);
    Some(format!("an operator sets {name} to {state}"))
}

/// It wants all servers ready.
fn other_controller(chance: &mut Chance, haproxy: &mut Haproxy) -> Option<String> {
    let name = any(chance, haproxy)?;
    let server = haproxy.server(&name)?;
    if server.news || server.by != Who::Us {
        return None;
    }
    haproxy.set_by_them(&name, "ready");
    Some(format!("another controller sets {name} to ready"))
}

fn reload(chance: &mut Chance, haproxy: &mut Haproxy) -> Option<String> {
    if haproxy.reloads_at.is_some() || haproxy.deleted || haproxy.servers.iter().any(|server| server.news) {
        return None;
    }
    haproxy.reloads_at = Some(Instant::now() + chance.millis(SWITCH_MAX));
    Some("HAProxy is reloaded".to_owned())
}

fn own_check(chance: &mut Chance, haproxy: &mut Haproxy) -> Option<String> {
    let name = any(chance, haproxy)?;
    let server = haproxy.server(&name)?;
    (server.up, server.news) = (!server.up, true);
    // In maint it is not asked; in drain it is.
    if server.admin & FMAINT == 0 {
        server.changed = Instant::now();
    }
    Some(format!("HAProxy's own check of {name} says {}", server.up))
}

fn weight(chance: &mut Chance, haproxy: &mut Haproxy) -> Option<String> {
    let name = any(chance, haproxy)?;
    let server = haproxy.server(&name)?;
    (server.weight, server.news) = (1 - server.weight, true);
    Some(format!("an operator sets the weight of {name} to {}", server.weight))
}

/// Only what is in maint can be deleted, and what is added begins in maint.
fn add_or_delete(chance: &mut Chance, haproxy: &mut Haproxy) -> Option<String> {
    if haproxy.reloads_at.is_some() || haproxy.deleted {
        return None;
    }
    let gone = haproxy.servers.iter().position(|server| server.admin & FMAINT != 0 && !server.news);
    match gone {
        Some(index) if haproxy.servers.len() > 2 => {
            let gone = haproxy.servers.remove(index);
            haproxy.deleted = true;
            Some(format!("an operator deletes {}", gone.name))
        }
        Some(_) | None if haproxy.servers.len() < SERVERS_MAX => {
            let id = haproxy.next_id;
            haproxy.next_id += 1;
            let name = chance.of(&["wg1", "wg2", "cloudflare_warp", "wg3", "wg4"]).to_owned();
            if haproxy.server(&name).is_some() {
                return None;
            }
            let text = format!("an operator adds {name}");
            let (port, admin) = (19000 + u16::try_from(id).ok()?, FMAINT);
            let server = Server {
                id,
                name,
                port,
                admin,
                up: true,
                weight: 1,
                by: Who::Them,
                changed: Instant::now(),
                news: true,
            };
            haproxy.servers.push(server);
            Some(text)
        }
        Some(_) | None => None,
    }
}

fn any(chance: &mut Chance, haproxy: &Haproxy) -> Option<String> {
    let index = usize::try_from(chance.below(haproxy.servers.len() as u64)).ok()?;
    haproxy.servers.get(index).map(|server| server.name.clone())
}

/// One of the servers is `disabled` in the configuration.
pub(crate) fn disable(haproxy: &mut Haproxy, name: &str) {
    if let Some(server) = haproxy.server(name) {
        (server.admin, server.by) = (FMAINT | CMAINT, Who::Them);
    }
}
