//! HAProxy's rows in the words of the domain. This is the only file that interprets HAProxy's admin bits.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use failover::{Admin, Agent, Balance, Name, ObservedBackend, ObservedServer, Operational, Owner, ServerId};
use haproxy_runtime::{OpState, ServerName, ServerPath, ServerState, StatKind, StatRow};
use jiff::Timestamp;

use crate::ledger::{Identity, Ledger, Seen};
use crate::sessions::Sessions;

// include/haproxy/server-t.h, the same in 2.6 and 3.4 but for the last one, which has no influence on traffic.
/// Put into maint by the runtime API or an agent.
const FMAINT: u32 = 0x01;
/// In maint because the server that it tracks is.
const IMAINT: u32 = 0x02;
/// `disabled` in the configuration; stays set after `ready` (measured), so by itself it says nothing.
const CMAINT: u32 = 0x04;
/// Put into drain by the runtime API or an agent.
const FDRAIN: u32 = 0x08;
/// In drain because the server that it tracks is.
const IDRAIN: u32 = 0x10;
/// In maint because its name does not resolve.
const RMAINT: u32 = 0x20;

const NAMES: [(u32, &str); 6] = [
    (FMAINT, "fmaint"),
    (IMAINT, "imaint"),
    (CMAINT, "cmaint"),
    (FDRAIN, "fdrain"),
    (IDRAIN, "idrain"),
    (RMAINT, "rmaint"),
];

/// The flags of a server's administrative state: `fmaint`, `imaint`, `cmaint`, `fdrain`, `idrain`, `rmaint`. `cmaint` says
/// that haproxy.cfg has it `disabled`.
#[must_use]
pub fn flags(row: &ServerState) -> Vec<&'static str> {
    let bits = row.srv_admin_state.bits();
    NAMES.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name).collect()
}

/// What `show stat` adds to the servers' rows; but for the sessions it changes only with the process or the set of
/// servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// By which `show stat` is narrowed.
    pub(crate) proxy_id: u32,
    pub(crate) balance: Balance,
    pub(crate) backups: BTreeSet<String>,
    /// By server, the one that it tracks.
    pub(crate) tracks: BTreeMap<String, ServerId>,
    pub(crate) sessions: Sessions,
    /// What each server's agent-check says; nothing of a server that has none.
    agents: BTreeMap<String, Agent>,
}

impl Facts {
    pub(crate) fn from_stat(proxy_id: u32, rows: &[StatRow]) -> Self {
        let of = |kind: StatKind| rows.iter().filter(move |row| row.kind == kind);
        let backups = of(StatKind::Server).filter(|row| row.bck == Some(1)).map(|row| row.svname.clone());
        let tracks = of(StatKind::Server).filter_map(|row| {
            let path: ServerPath = row.get("tracked")?.parse().ok()?;
            Some((row.svname.clone(), ServerId::new(path.backend.as_str(), path.server.as_str())))
        });
        // Absent below operator level.
        let first = of(StatKind::Backend).any(|row| row.algo.as_deref() == Some("first"));
        let balance = if first { Balance::First } else { Balance::Spread };
        let mut facts = Self {
            proxy_id,
            balance,
            backups: backups.collect(),
            tracks: tracks.collect(),
            sessions: Sessions::default(),
            agents: BTreeMap::new(),
        };
        facts.count(rows);
        facts
    }

    /// What the server's agent-check says; `None` where it has none.
    pub(crate) fn agent_of(&self, row: &ServerState) -> Option<Agent> {
        self.agents.get(row.srv_name.as_str()).copied()
    }

    /// Takes in what changes all the time.
    pub(crate) fn count(&mut self, rows: &[StatRow]) {
        self.sessions.count(rows);
        for row in rows.iter().filter(|row| row.kind == StatKind::Server) {
            match agent(row) {
                Some(agent) => self.agents.insert(row.svname.clone(), agent),
                None => self.agents.remove(&row.svname),
            };
        }
    }
}

/// One backend as the rows show it.
pub(crate) fn backend(
    name: &Name,
    rows: &[ServerState],
    facts: &Facts,
    only: Option<&BTreeSet<ServerName>>,
    ledger: &Ledger,
) -> ObservedBackend {
    let servers = rows
        .iter()
        .map(|row| {
            let id = ServerId { backend: name.clone(), server: Name::from(row.srv_name.as_str()) };
            let bits = row.srv_admin_state.bits();
            ObservedServer {
                address: address(row),
                backup: facts.backups.contains(row.srv_name.as_str()),
                admin: admin(bits),
                owner: owner(bits, &id, ledger),
                reopened: ledger.is_reopened(&id),
                agent: None,
                tracks: facts.tracks.get(row.srv_name.as_str()).cloned(),
                flags: flags(row),
                operational: operational(row.srv_op_state),
                weight: row.srv_uweight,
                busy: facts.sessions.is_busy(row.srv_name.as_str()),
                managed: only.is_none_or(|only| only.contains(&row.srv_name)),
                name: id.server,
            }
        })
        .collect();
    ObservedBackend { balance: facts.balance, servers }
}

/// Adds what HAProxy has from the servers' agent-checks, as far as they are those that `asks_here` knows.
pub(crate) fn agents(
    backend: &mut ObservedBackend,
    rows: &[ServerState],
    facts: &Facts,
    asks_here: impl Fn(&ServerState) -> bool,
) {
    for (server, row) in backend.servers.iter_mut().zip(rows) {
        let says = facts.agent_of(row).filter(|_| asks_here(row));
        server.agent = Some(says.unwrap_or(Agent::Absent));
    }
}

/// HAProxy shows an agent-check's health only where it is enabled; below its `rise` the server is down by it, whatever
/// else keeps it down as well.
fn agent(row: &StatRow) -> Option<Agent> {
    let number = |column| row.get(column)?.parse::<u32>().ok();
    let (health, rise) = (number("agent_health")?, number("agent_rise")?);
    Some(if health < rise { Agent::Down } else { Agent::Up })
}

/// The same for the ledger; the process has run for `uptime` seconds, and it is `now`.
pub(crate) fn seen(row: &ServerState, uptime: u64, now: Timestamp) -> Seen {
    let bits = row.srv_admin_state.bits();
    let uptime = i64::try_from(uptime).unwrap_or(i64::MAX);
    Seen {
        identity: Identity { srv_id: row.srv_id },
        set: forced(bits),
        disabled: bits & CMAINT != 0,
        ready: admin(bits) == Admin::Ready,
        changed: uptime.saturating_sub(row.srv_time_since_last_change),
        // Before all time is before any command of ours.
        changed_at: Timestamp::from_second(now.as_second().saturating_sub(row.srv_time_since_last_change))
            .unwrap_or(Timestamp::MIN),
    }
}

/// We have put it where it is now, and that is not into service.
pub(crate) fn is_out_by_us(row: &ServerState, server: &ServerId, ledger: &Ledger) -> bool {
    let bits = row.srv_admin_state.bits();
    admin(bits) != Admin::Ready && owner(bits, server, ledger) == Owner::Ours
}

fn owner(bits: u32, server: &ServerId, ledger: &Ledger) -> Owner {
    let ours = match admin(bits) {
        Admin::Ready => true,
        admin @ (Admin::Drain | Admin::Maint) => is_forced_alone(bits) && ledger.is_ours(server, admin),
    };
    if ours { Owner::Ours } else { Owner::Theirs }
}

/// Nothing but the runtime API or an agent keeps it out.
const fn is_forced_alone(bits: u32) -> bool {
    bits & (IMAINT | RMAINT | IDRAIN) == 0
}

/// As the runtime API or an agent has set it, whatever else keeps it out.
const fn forced(bits: u32) -> Admin {
    if bits & FMAINT != 0 {
        Admin::Maint
    } else if bits & FDRAIN != 0 {
        Admin::Drain
    } else {
        Admin::Ready
    }
}

fn admin(bits: u32) -> Admin {
    if bits & (FMAINT | IMAINT | RMAINT) != 0 {
        Admin::Maint
    } else if bits & (FDRAIN | IDRAIN) != 0 {
        Admin::Drain
    } else {
        Admin::Ready
    }
}

const fn operational(state: OpState) -> Operational {
    match state {
        // A state that nobody knows is not one to send traffic to.
        OpState::Stopped | OpState::Other(_) => Operational::Stopped,
        OpState::Starting => Operational::Starting,
        OpState::Running => Operational::Running,
        OpState::Stopping => Operational::Stopping,
    }
}

/// `-` stands for a name that does not resolve and for a unix socket: neither can be probed over TCP.
fn address(row: &ServerState) -> Option<SocketAddr> {
    let ip: IpAddr = row.srv_addr.parse().ok()?;
    (row.srv_port != 0 && !ip.is_unspecified()).then(|| SocketAddr::new(ip, row.srv_port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bits_mean_what_was_measured() {
        let table = [
            (0x00, Admin::Ready, Admin::Ready, true),
            (0x01, Admin::Maint, Admin::Maint, true),
            (0x02, Admin::Maint, Admin::Ready, false),
            (0x03, Admin::Maint, Admin::Maint, false),
            (0x04, Admin::Ready, Admin::Ready, true),
            (0x05, Admin::Maint, Admin::Maint, true),
            (0x08, Admin::Drain, Admin::Drain, true),
            (0x0c, Admin::Drain, Admin::Drain, true),
            (0x10, Admin::Drain, Admin::Ready, false),
            (0x18, Admin::Drain, Admin::Drain, false),
            (0x20, Admin::Maint, Admin::Ready, false),
            (0x21, Admin::Maint, Admin::Maint, false),
            (0x40, Admin::Ready, Admin::Ready, true),
            (0x41, Admin::Maint, Admin::Maint, true),
        ];
        for (bits, expected, by_command, alone) in table {
            assert_eq!(admin(bits), expected, "{bits:#x}");
            assert_eq!((forced(bits), is_forced_alone(bits)), (by_command, alone), "{bits:#x}");
        }
    }
}
