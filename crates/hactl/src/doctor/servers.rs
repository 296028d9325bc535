//! The servers: does each speak SOCKS5 where HAProxy sends the traffic to? Whether there is a tunnel behind it is what probes
//! are for.

use checker::Greeting;
use hactld::config::Instance;
use haproxy_runtime::ServerState;

use super::Group;
use super::haproxy::Seen;
use crate::config::counted;
use crate::init::{address, greetings};

pub(super) async fn check(instance: &Instance, seen: &Seen, name: String) -> Group {
    let mut managed: Vec<(&ServerState, bool)> = Vec::new();
    for backend in &instance.backends {
        let is_managed = |row: &&ServerState| {
            row.be_name == backend.name
                && backend.servers.as_ref().is_none_or(|only| only.contains(&row.srv_name))
        };
        managed
            .extend(seen.servers.iter().filter(is_managed).map(|row| (row, backend.credentials.is_some())));
    }
    let mut group =
        Group::new(name, format!("{} at the addresses that HAProxy has", counted(managed.len(), "server")));
    let found = greetings(managed.iter().filter_map(|(row, _)| address(row)).collect()).await;
    for (row, has_login) in managed {
        let server = row.path();
        let Some(at) = address(row) else {
            let text = format!("{server}: HAProxy has no address for it, so it cannot be probed");
            group.warn("D06", text, "see why its name does not resolve: hactl raw show servers state");
            continue;
        };
        match found.get(&at) {
            None | Some(Greeting::Open) => {}
            Some(Greeting::WantsLogin) if has_login => {}
            Some(Greeting::WantsLogin) => group.error(
                "D06",
                format!("{server}: the SOCKS server at {at} asks for user and password"),
                "username and password_file in its [[instance.backend]]",
            ),
            Some(Greeting::WantsOther) => group.error(
                "D06",
                format!("{server}: the SOCKS server at {at} wants a login that hactl does not know"),
                "have it take no login, or user and password",
            ),
            Some(Greeting::Foreign(why)) => group.error(
                "D06",
                format!("{server}: what listens at {at} does not speak SOCKS5 ({why})"),
                "correct its address in haproxy.cfg, or leave it out of `servers` in [[instance.backend]]",
            ),
            Some(Greeting::Closed(why)) => group.warn(
                "D06",
                format!("{server}: nobody answers at {at} ({why})"),
                "start it, or correct its address in haproxy.cfg",
            ),
            Some(Greeting::Silent) => group.warn(
                "D06",
                format!("{server}: what listens at {at} does not answer a SOCKS greeting"),
                format!("hactl check -v {server}"),
            ),
        }
    }
    group.settle("D06");
    group
}
