//! What another configuration changes, in words: one line for each change, as `hactl reload` prints them.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::Path;

use failover::Settings;
use haproxy_runtime::ServerName;

use super::duration::written;
use super::raw::profile_name;
use super::resolve::rules_by_drain;
use super::{Backend, Config, Instance, Lever, Probe};

/// What `now` changes in `before`; what needs a restart is said to.
pub(crate) fn difference(before: &Config, now: &Config) -> Vec<String> {
    let mut lines = probe(&before.probe, &now.probe);
    if before.admin_socket != now.admin_socket {
        let (old, new) = (before.admin_socket.display(), now.admin_socket.display());
        lines.push(format!("[admin] socket: {new} needs a restart of hactl; until then it stays {old}"));
    }
    if before.web != now.web {
        let (old, new) = (or_none(before.web.as_ref()), or_none(now.web.as_ref()));
        lines.push(format!(
            "[web]: what is written there ({new}) needs a restart of hactl; until then it is {old}"
        ));
    }
    if before.state != now.state {
        let (old, new) = (before.state.dir.display(), now.state.dir.display());
        lines.push(format!(
            "[state]: what is written there ({new}) needs a restart of hactl; until then it is {old}"
        ));
    }
    if before.events != now.events {
        lines.push("[events] needs a restart of hactl; until then it is as before".to_owned());
    }
    if before.operators != now.operators {
        lines.push("[admin] operators: others may change something from now on".to_owned());
    }
    if before.latency != now.latency {
        let bounds = |config: &Config| format!("[{}, {}]", config.latency.raised, config.latency.high);
        lines.push(format!("[ui] latency_ms: {} (was {})", bounds(now), bounds(before)));
    }
    if before.hooks != now.hooks {
        lines.push(format!("[[hook]]: {} from now on (there were {})", now.hooks.len(), before.hooks.len()));
    }
    if before.exit != now.exit {
        let page = |config: &Config| {
            let page = config.exit.as_ref();
            or_none(page.map(|exit| format!("{} every {}", exit.page, written(exit.every))))
        };
        lines.push(format!("[exit]: {} (was {})", page(now), page(before)));
    }
    for instance in &before.instances {
        if now.of_haproxy(instance).is_none() {
            lines.push(format!("instance {}: no longer steered", instance.name));
        }
    }
    for instance in &now.instances {
        match before.of_haproxy(instance) {
            Some(known) => lines.extend(instance_lines(known, instance)),
            None => {
                let backends: Vec<&str> =
                    instance.backends.iter().map(|backend| backend.name.as_str()).collect();
                let (name, haproxy) = (&instance.name, &instance.haproxy);
                lines.push(format!("instance {name}: new, steers {} at {haproxy}", backends.join(", ")));
            }
        }
    }
    lines
}

impl Config {
    /// The instance of the same HAProxy, whatever it is called.
    pub(crate) fn of_haproxy(&self, instance: &Instance) -> Option<&Instance> {
        self.instances.iter().find(|known| known.haproxy == instance.haproxy)
    }

    /// What does not go together once what stays until a restart is as it was, and HAProxies have one name each.
    pub(crate) fn misfits(&self) -> Vec<String> {
        let mut misfits = Vec::new();
        for (index, instance) in self.instances.iter().enumerate() {
            let name = &instance.name;
            if let Some(other) =
                self.instances[..index].iter().find(|other| other.haproxy == instance.haproxy)
            {
                misfits.push(format!(
                    "instance {name}: {} is steered by instance {} already\n  next: put all its backends into one [[instance]]",
                    instance.haproxy, other.name
                ));
            }
            if instance.lever == Lever::State {
                continue;
            }
            for backend in &instance.backends {
                misfits.extend(rules_by_drain(&backend.rules).map(|key| {
                    format!(
                        "instance {name}: backend {}: `{key}` prefers servers by drain, which lever = \"agent\" cannot \
                         do\n  next: remove it, or restart hactl with lever = \"state\"",
                        backend.name
                    )
                }));
            }
        }
        misfits
    }
}

impl Instance {
    /// By what its HAProxy is watched and steered stays as `before` until a restart.
    pub(crate) fn keep_means(&mut self, before: &Self) {
        self.lever = before.lever;
        self.master.clone_from(&before.master);
        self.server_state_file.clone_from(&before.server_state_file);
    }
}

fn probe(before: &Probe, now: &Probe) -> Vec<String> {
    let names = |probe: &Probe| -> Vec<String> {
        probe.targets.iter().map(|target| target.name().to_string()).collect()
    };
    let mut lines = Vec::new();
    let mut changed = |key: &str, old: &dyn Display, new: &dyn Display| {
        let (old, new) = (old.to_string(), new.to_string());
        if old != new {
            lines.push(format!("[probe] {key}: {new} (was {old})"));
        }
    };
    changed("targets", &names(before).join(", "), &names(now).join(", "));
    let control = |probe: &Probe| or_none(probe.control.as_ref().map(|target| target.name()));
    changed("control", &control(before), &control(now));
    let ca_file = |probe: &Probe| or_none(probe.ca_file.as_deref().map(Path::display));
    changed("ca_file", &ca_file(before), &ca_file(now));
    let (old, new) = (&before.settings, &now.settings);
    changed("profile", &profile_name(old.profile), &profile_name(new.profile));
    let canary = |settings: &Settings| {
        format!("{} fast, {} eco", written(settings.fast.canary), written(settings.eco.canary))
    };
    changed("canary", &canary(old), &canary(new));
    let interval = |settings: &Settings| {
        format!("{} fast, {} eco", written(settings.fast.full), written(settings.eco.full))
    };
    changed("interval", &interval(old), &interval(new));
    changed("timeout", &written(old.timeout), &written(new.timeout));
    changed("false_alarm_every", &written(old.false_alarm_every), &written(new.false_alarm_every));
    changed("ride_through", &written(old.ride_through), &written(new.ride_through));
    changed("hold", &written(old.hold), &written(new.hold));
    changed("hold_max", &written(old.hold_max), &written(new.hold_max));
    if names(before) == names(now) && before.targets != now.targets {
        lines.push("[probe] targets: what is expected of them is changed".to_owned());
    }
    lines
}

fn instance_lines(before: &Instance, now: &Instance) -> Vec<String> {
    let name = &now.name;
    let mut lines = Vec::new();
    if before.name != *name {
        lines.push(format!("instance {name}: was called {}", before.name));
    }
    match (before.observe, now.observe) {
        (false, true) => {
            lines.push(format!("instance {name}: observe: nothing is changed in HAProxy from now on"))
        }
        (true, false) => lines.push(format!("instance {name}: active")),
        (true, true) | (false, false) => {}
    }
    let means = [
        ("lever", before.lever != now.lever),
        ("master", before.master != now.master),
        ("server_state_file", before.server_state_file != now.server_state_file),
    ];
    for (key, _) in means.iter().filter(|(_, changed)| *changed) {
        lines.push(format!("instance {name}: {key} needs a restart of hactl; until then it is as before"));
    }
    let known = |backends: &[Backend], backend: &Backend| {
        backends.iter().find(|known| known.name == backend.name).cloned()
    };
    for backend in &before.backends {
        if known(&now.backends, backend).is_none() {
            lines.push(format!("instance {name}: backend {} is no longer steered", backend.name));
        }
    }
    for backend in &now.backends {
        match known(&before.backends, backend) {
            Some(known) => lines.extend(backend_lines(name.as_str(), &known, backend)),
            None => lines.push(format!("instance {name}: backend {} is steered from now on", backend.name)),
        }
    }
    lines
}

fn backend_lines(instance: &str, before: &Backend, now: &Backend) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = |what: String| lines.push(format!("instance {instance}: backend {}: {what}", now.name));
    if before.servers != now.servers {
        line(format!("servers: {} (was {})", servers(now), servers(before)));
    }
    if before.rules != now.rules {
        line("its rules are changed".to_owned());
    }
    if before.on_offline != now.on_offline {
        line("what restarts its servers is changed".to_owned());
    }
    if before.frontend != now.frontend {
        line(format!("frontend: {} (was {})", or_none(now.frontend), or_none(before.frontend)));
    }
    // Neither of the two is for anybody's eyes.
    if before.credentials != now.credentials {
        line("user or password is changed".to_owned());
    }
    lines
}

fn servers(backend: &Backend) -> String {
    let join =
        |only: &BTreeSet<ServerName>| only.iter().map(ServerName::as_str).collect::<Vec<_>>().join(", ");
    backend.servers.as_ref().map_or_else(|| "all".to_owned(), join)
}

fn or_none(value: Option<impl Display>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}
