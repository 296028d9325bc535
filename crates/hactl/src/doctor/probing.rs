//! What the configuration says of probing: is it enough to tell whose fault a failure is, and soon?

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use checker::{Prober, Target};
use failover::Sessions;
use hactld::config::Config;

use super::Group;
use crate::config::{authorities, programs};

/// Clients give up a connection about then.
const NOTICED_MAX: Duration = Duration::from_secs(10);

/// Operators that have several addresses of the kind that people probe.
const OPERATORS: [(&str, &[&str]); 3] = [
    ("Cloudflare", &["1.1.1.1", "1.0.0.1", "one.one.one.one", "cloudflare.com", "cloudflare-dns.com"]),
    ("Google", &["8.8.8.8", "8.8.4.4", "dns.google", "google.com", "gstatic.com"]),
    ("Quad9", &["9.9.9.9", "149.112.112.112", "quad9.net"]),
];

/// The configuration's own checks; what probes can be made with.
pub(super) fn check(config: &Config, group: &mut Group) -> Option<Prober> {
    let prober = match authorities(config) {
        Ok(prober) => Some(prober),
        Err(report) => {
            let why = report.why.map_or_else(String::new, |why| format!(": {why}"));
            group.error("D01", format!("{}{why}", report.what), report.next.unwrap_or_default());
            None
        }
    };
    for report in programs(config) {
        let why = report.why.map_or_else(String::new, |why| format!(": {why}"));
        group.error("D01", format!("{}{why}", report.what), report.next.unwrap_or_default());
    }
    group.settle("D01");
    sessions(config, group);
    speed(config, group);
    listeners(config, group);
    operators(&config.probe.targets, group);
    prober
}

fn sessions(config: &Config, group: &mut Group) {
    let backends = config.instances.iter().flat_map(|instance| &instance.backends);
    for backend in backends.filter(|backend| backend.rules.on_fail == Sessions::Keep) {
        group.warn(
            "D11",
            format!("backend {}: sessions on a server that fails stay there, in a dead tunnel", backend.name),
            "on_fail = \"kill\" in its [[instance.backend]], then hactl reload",
        );
    }
    group.settle("D11");
}

fn speed(config: &Config, group: &mut Group) {
    let noticed = config.probe.cadence().canary + config.probe.settings.ride_through;
    if noticed > NOTICED_MAX {
        let seconds = noticed.as_secs_f64();
        group.warn(
            "D12",
            format!("a dead tunnel is left after {seconds:.0} s at the earliest: `canary` and `ride_through` together"),
            "a smaller `canary` or `ride_through` in [probe], then hactl reload",
        );
    }
    group.settle("D12");
}

/// Nobody but this host is to be told anything, unless somebody wants that.
fn listeners(config: &Config, group: &mut Group) {
    let listen = config.origins.setting(&["web", "listen"]).map(|setting| setting.value.trim_matches('"'));
    let is_open = |listen: &&str| listen.parse().is_ok_and(|at: std::net::SocketAddr| !at.ip().is_loopback());
    if let Some(listen) = listen.filter(is_open) {
        // The configuration takes such an address only where `reach = "network"` is said.
        group.note(
            "D15",
            format!("the page and the metrics at {listen} can be seen from other hosts, without a login"),
            "listen = \"127.0.0.1:9778\" in [web], with a proxy that asks for a login before it",
        );
    }
    group.settle("D15");
}

/// The outage of one operator must not look like the outage of all tunnels.
fn operators(targets: &[Target], group: &mut Group) {
    let operators: BTreeSet<String> = targets.iter().map(operator).collect();
    let only = operators.iter().next().filter(|_| operators.len() == 1);
    if let Some(only) = only {
        let what = match targets.len() {
            1 => "there is one target: its outage cannot be told from that of the tunnels".to_owned(),
            count => {
                format!("all {count} targets are of {only}: an outage there looks like one of the tunnels")
            }
        };
        group.warn(
            "D16",
            what,
            "name targets of several operators in [probe], such as \"https://1.1.1.1/\" and \"https://9.9.9.9/\"",
        );
    }
    group.settle("D16");
}

/// Whose a target is, as far as its name tells.
fn operator(target: &Target) -> String {
    let (host, port) = target.place();
    let is_of = |one: &&str| host == **one || host.ends_with(&format!(".{one}"));
    if let Some((name, _)) = OPERATORS.iter().find(|(_, hosts)| hosts.iter().any(&is_of)) {
        return (*name).to_owned();
    }
    // On this host each port is a service of its own.
    if host == "localhost" {
        return format!("{host}:{port}");
    }
    match host.parse::<IpAddr>() {
        Ok(ip) if ip.is_loopback() => format!("{ip}:{port}"),
        Ok(IpAddr::V4(ip)) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Ok(IpAddr::V6(ip)) => {
            let [a, b, c, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
        Err(_) => {
            let labels: Vec<&str> = host.rsplit('.').take(2).collect();
            labels.into_iter().rev().collect::<Vec<_>>().join(".")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_of_one_operator_are_told_however_they_are_written() {
        let found = |urls: &[&str]| {
            let targets: Vec<Target> = urls.iter().map(|url| url.parse().unwrap()).collect();
            let mut group = Group::new("", "");
            operators(&targets, &mut group);
            group.findings.remove(0).text
        };
        assert!(found(&["https://1.1.1.1/"]).starts_with("there is one target"));
        let text = found(&["https://1.1.1.1/", "https://one.one.one.one/", "https://www.cloudflare.com/"]);
        assert!(text.starts_with("all 3 targets are of Cloudflare"), "{text}");
        assert!(found(&["http://a.example.org/", "http://b.example.org/"]).contains("of example.org"));
        assert!(found(&["http://192.0.2.1/", "http://192.0.2.9/"]).contains("of 192.0.2.0/24"));
        for quiet in [
            &["https://1.1.1.1/", "https://9.9.9.9/"][..],
            &["http://127.0.0.1:1/", "http://127.0.0.1:2/"],
            &["http://a.example.org/", "http://a.example.net/"],
            &["http://[2001:db8:1::1]/", "http://[2001:db8:2::1]/"],
        ] {
            assert_eq!(found(quiet), "", "{quiet:?}");
        }
    }
}
