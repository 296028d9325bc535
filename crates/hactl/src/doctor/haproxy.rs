//! HAProxy itself: can it be reached, may it be written to, and does it have what the configuration names?

use std::fs::File;
use std::io::Read;

use failover::Policy;
use hactld::config::{Backend, Instance, Lever};
use haproxy_runtime::{
    Address, Client, Command, ExchangeError, Info, Level, Reply, ServerState, SocketOwner, StatKind, StatRow,
};

use super::Group;
use crate::report::sources;

/// Every test runs against the first, and the last one's replies are among them.
const TESTED: [(u32, u32); 2] = [(2, 6), (3, 4)];

/// Names further apart than this are not taken for a slip of the fingers.
const SIMILAR: f64 = 0.75;

/// The permissions that whoever belongs to a socket's group needs to connect to it.
const GROUP_WRITES: u32 = 0o020;

/// Of `/etc/group`; a larger one is not searched for the sake of a name.
const GROUPS_MAX: u64 = 1024 * 1024;

/// What HAProxy says of itself.
pub(super) struct Seen {
    pub(super) info: Info,
    pub(super) level: Option<Level>,
    pub(super) servers: Vec<ServerState>,
    pub(super) stat: Vec<StatRow>,
}

pub(super) async fn check(instance: &Instance, name: String) -> (Group, Option<Seen>) {
    let mut group = Group::new(name, format!("at {}", instance.haproxy));
    exposed(&instance.haproxy, &mut group);
    let seen = match look(&instance.haproxy).await {
        Ok(seen) => seen,
        Err((text, fix)) => {
            group.error("D02", text, fix);
            return (group, None);
        }
    };
    group.ok("D02");
    let level = seen.level.map_or("unknown", Level::as_str);
    group.text = format!("HAProxy {} at {}, level {level}", seen.info.version, instance.haproxy);
    permission(instance, &seen, &mut group);
    version(&seen.info.version, &mut group);
    for backend in &instance.backends {
        names(backend, &seen, &mut group);
        order(backend, &seen, &mut group);
        disabled(backend, &seen, &mut group);
    }
    ["D05", "D07", "D08"].into_iter().for_each(|id| group.settle(id));
    (group, Some(seen))
}

/// Reads all that is needed on one connection, so that one process says it.
async fn look(haproxy: &Address) -> Result<Seen, (String, String)> {
    let commands =
        [Command::ShowInfo, Command::ShowCliLevel, Command::ShowServersState(None), Command::ShowStat];
    let replies = Client::new(haproxy.clone()).exchange(&commands).await.map_err(|error| {
        let why = sources(&error).map_or_else(|| error.to_string(), |sources| format!("{error}: {sources}"));
        (why, fix_of(&error))
    })?;
    let unread = |why: String| (format!("HAProxy at {haproxy}: {why}"), "hactl raw show info".to_owned());
    let (mut info, mut level, mut servers, mut stat) = (None, None, Vec::new(), Vec::new());
    for reply in replies {
        match reply.map_err(|error| unread(error.to_string()))? {
            Reply::Info(read) => info = Some(read),
            Reply::Level(read) => level = Some(read),
            Reply::ServersState(table) => servers = table.rows,
            Reply::Stat(table) => stat = table.rows,
            Reply::Done | Reply::Version(_) | Reply::Backends(_) => {}
        }
    }
    let info = info.ok_or_else(|| unread("it does not say who it is".to_owned()))?;
    Ok(Seen { info, level, servers, stat })
}

fn fix_of(error: &ExchangeError) -> String {
    let fix = match error {
        ExchangeError::Missing(address) | ExchangeError::NotASocket(address) => {
            return format!("correct `haproxy` in [[instance]]; or {}", address.admin_advice());
        }
        ExchangeError::PermissionDenied { address, owner } => return admitted(address, owner.as_ref()),
        ExchangeError::Refused(_) | ExchangeError::NoWorker(_) => "systemctl start haproxy",
        ExchangeError::TimedOut { .. } => {
            "`stats maxconn 50` in the global section of haproxy.cfg, or restart it"
        }
        ExchangeError::EmptyBatch
        | ExchangeError::LineTooLong { .. }
        | ExchangeError::Io { .. }
        | ExchangeError::TooLarge { .. }
        | ExchangeError::Closed(_)
        | ExchangeError::Malformed { .. } => "see what answers there: hactl raw show info",
    };
    fix.to_owned()
}

/// How hactl's user gets to write to the socket: by its group, where that may.
fn admitted(address: &Address, owner: Option<&SocketOwner>) -> String {
    let again = "then restart hactl: groups are read at the start (or repeat this with sudo)";
    match owner {
        Some(owner) if owner.gid != 0 && owner.mode & GROUP_WRITES == GROUP_WRITES => {
            let group = name_of_group(owner.gid).unwrap_or_else(|| owner.gid.to_string());
            format!("usermod -aG {group} hactl, {again}")
        }
        Some(_) => format!(
            "its group may not write to it, or is root's: write `stats socket {address} user haproxy group haproxy mode 660 \
             level admin` into haproxy.cfg and reload HAProxy; usermod -aG haproxy hactl, {again}"
        ),
        None => format!("usermod -aG haproxy hactl, {again}"),
    }
}

fn name_of_group(gid: u32) -> Option<String> {
    let mut groups = String::new();
    File::open("/etc/group").ok()?.take(GROUPS_MAX).read_to_string(&mut groups).ok()?;
    let gid = gid.to_string();
    let is_it = |line: &&str| line.split(':').nth(2) == Some(gid.as_str());
    Some(groups.lines().find(is_it)?.split(':').next()?.to_owned())
}

/// HAProxy asks nobody on TCP who they are.
fn exposed(haproxy: &Address, group: &mut Group) {
    let Address::Tcp { host, .. } = haproxy else { return };
    let ip: Result<std::net::IpAddr, _> = host.parse();
    if host != "localhost" && !ip.is_ok_and(|ip| ip.is_loopback()) {
        group.warn(
            "D15",
            format!("HAProxy's runtime API at {haproxy} takes commands from whoever reaches that port"),
            "use a unix socket, or have it listen on 127.0.0.1 alone",
        );
    }
}

fn permission(instance: &Instance, seen: &Seen, group: &mut Group) {
    let needs_admin = instance.lever == Lever::State && !instance.observe;
    match seen.level {
        Some(level) if level < Level::Admin && needs_admin => group.error(
            "D03",
            format!("its socket is of level {level}; to steer, hactl needs admin: HAProxy answers \"Permission denied\""),
            instance.haproxy.admin_advice(),
        ),
        Some(_) | None => group.ok("D03"),
    }
}

fn version(version: &str, group: &mut Group) {
    let mut parts = version.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    let [oldest, newest] = TESTED;
    let range = format!("hactl is tested with {}.{} to {}.{}", oldest.0, oldest.1, newest.0, newest.1);
    match (parts.next(), parts.next()) {
        (Some(major), Some(minor)) if (oldest..=newest).contains(&(major, minor)) => group.ok("D04"),
        (Some(major), Some(minor)) if (major, minor) > newest => {
            group.note("D04", format!("HAProxy {version} is newer than what is tested; {range}"), "");
        }
        (Some(_), Some(_)) => {
            group.warn(
                "D04",
                format!("HAProxy {version} is older than what is tested; {range}"),
                "upgrade HAProxy",
            );
        }
        _ => group.note("D04", format!("HAProxy's version {version} is none that is known; {range}"), ""),
    }
}

/// What the configuration names has to be there.
fn names(backend: &Backend, seen: &Seen, group: &mut Group) {
    let of_it: Vec<&str> = seen
        .servers
        .iter()
        .filter(|row| row.be_name == backend.name)
        .map(|row| row.srv_name.as_str())
        .collect();
    let name = backend.name.as_str();
    if of_it.is_empty() {
        let others: Vec<&str> = seen.servers.iter().map(|row| row.be_name.as_str()).collect();
        let is_there = seen.stat.iter().any(|row| row.kind == StatKind::Backend && row.pxname == name);
        if is_there {
            group.error(
                "D05",
                format!("backend {name} has no servers in HAProxy"),
                "add them to haproxy.cfg",
            );
        } else {
            let meant = did_you_mean(name, &others);
            group.error(
                "D05",
                format!("HAProxy has no backend {name}{meant}"),
                "correct `name` in [[instance.backend]]",
            );
        }
        return;
    }
    let listed = backend.servers.iter().flatten().map(|server| server.as_str());
    let mut told = Vec::new();
    for server in listed.chain(backend.rules.tiers.iter().flatten().map(|name| name.as_str())) {
        if !of_it.contains(&server) && !told.contains(&server) {
            told.push(server);
            let meant = did_you_mean(server, &of_it);
            let fix = "correct `servers` or `tiers` in [[instance.backend]]";
            group.error("D05", format!("HAProxy has no server {name}/{server}{meant}"), fix);
        }
    }
}

fn did_you_mean(found: &str, known: &[&str]) -> String {
    let similar = known.iter().map(|name| (strsim::jaro_winkler(found, name), *name));
    let best = similar
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    best.map_or_else(String::new, |(_, name)| format!("; did you mean {name}?"))
}

/// Who gets the traffic while all are well. Below operator level HAProxy does not say how it balances.
fn order(backend: &Backend, seen: &Seen, group: &mut Group) {
    let name = backend.name.as_str();
    let rows: Vec<&StatRow> = seen.stat.iter().filter(|row| row.pxname == name).collect();
    let servers = || rows.iter().filter(|row| row.kind == StatKind::Server);
    let algorithm = rows.iter().find(|row| row.kind == StatKind::Backend).and_then(|row| row.algo.as_deref());
    let primaries: Vec<&str> =
        servers().filter(|row| row.bck != Some(1)).map(|row| row.svname.as_str()).collect();
    if primaries.is_empty() && servers().count() > 1 {
        group.note(
            "D07",
            format!(
                "backend {name}: all servers are `backup`; that works, but among backups HAProxy does no redispatch, \
                 no maxconn overflow and no shutdown-backup-sessions"
            ),
            "take `backup` from all but the last, with `balance first` the order stays",
        );
    }
    let by_order = backend.rules.policy == Policy::Order && backend.rules.tiers.is_empty();
    if let Some(algorithm) = algorithm.filter(|algorithm| *algorithm != "first")
        && primaries.len() > 1
        && by_order
    {
        group.warn(
            "D07",
            format!("backend {name}: {} share the traffic (balance {algorithm}), so clients change their exit", primaries.join(", ")),
            "`balance first` in haproxy.cfg, `backup` on all but the first, or `tiers` in [[instance.backend]]",
        );
    }
}

fn disabled(backend: &Backend, seen: &Seen, group: &mut Group) {
    let is_managed = |row: &&ServerState| {
        row.be_name == backend.name
            && backend.servers.as_ref().is_none_or(|only| only.contains(&row.srv_name))
    };
    for row in seen.servers.iter().filter(is_managed) {
        if controller::flags(row).contains(&"cmaint") {
            group.warn(
                "D08",
                format!("{}: `disabled` in haproxy.cfg puts it into maint at each reload, and hactl leaves it there", row.path()),
                "take `disabled` from its line in haproxy.cfg, or the server from `servers`",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_apart_by_what_was_tested() {
        let mark = |text: &str| {
            let mut group = Group::new("", "");
            version(text, &mut group);
            group.worst()
        };
        use crate::doctor::Mark;
        assert_eq!(["2.6.12-1+deb12u4", "3.4.0", "3.0-dev3"].map(mark), [Mark::Ok; 3]);
        assert_eq!(["2.4.22", "1.8"].map(mark), [Mark::Warning; 2]);
        assert_eq!(["3.6.1", "x"].map(mark), [Mark::Note; 2]);
    }

    #[test]
    fn the_way_to_a_socket_is_by_its_group_where_that_may_write() {
        let fix = |gid: u32, mode: u32| {
            let owner = Some(SocketOwner { uid: 0, gid, mode });
            fix_of(&ExchangeError::PermissionDenied { address: "/run/a.sock".parse().unwrap(), owner })
        };
        assert!(fix(4_294_967_000, 0o660).starts_with("usermod -aG 4294967000 hactl, "));
        assert_eq!(name_of_group(0).as_deref(), Some("root"));
        for (gid, mode) in [(0, 0o660), (105, 0o600)] {
            let fix = fix(gid, mode);
            assert!(
                fix.contains("`stats socket /run/a.sock user haproxy group haproxy mode 660 level admin`"),
                "{fix}"
            );
        }
    }

    #[test]
    fn a_runtime_api_that_others_reach_is_told() {
        let found = |text: &str| {
            let mut group = Group::new("", "");
            exposed(&text.parse().unwrap(), &mut group);
            group.findings.len()
        };
        assert_eq!(["/run/a.sock", "tcp:127.0.0.1:1", "tcp:localhost:1", "tcp:[::1]:1"].map(found), [0; 4]);
        assert_eq!(["tcp:192.0.2.1:1", "tcp:haproxy.test:1"].map(found), [1; 2]);
    }
}
