//! From the written configuration to the resolved one: how the values go together, and what else they name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use checker::Target;
use failover::{Cadence, Name, OnExit, Policy, Profile, Rules, Settings};
use haproxy_runtime::{Address, BackendName};
use tracing_subscriber::filter::Targets;

use super::duration::written;
use super::environment::{self, Environment};
use super::exit::{RawFrontend, exit_page};
use super::locate::{Origin, Source};
use super::origins::Origins;
use super::problem::{ConfigError, Place, Problem};
use super::raw::{
    self, Parsed, RawAgent, RawBackend, RawConfig, RawInstance, RawInstanceName, RawLever, RawMode,
    RawOnExit, RawProbe, RawProfile, RawState, RawTarget,
};
use super::rules::{TierProblem, rules, tier_problems};
use super::web::{RawWeb, Web, WebProblem, web};
use super::{
    Backend, Config, DEFAULT_AGENT, DEFAULT_SOCKET, DEFAULT_STATE_DIR, Flags, INSTANCES_MAX, Instance, Lever,
    Probe, State, quickest,
};

/// A doubt about a server asks all targets at once, several times over.
pub(super) const TARGETS_MAX: usize = 32;

pub(super) struct Resolver<'a> {
    pub(super) source: &'a Source,
    environment: &'a Environment,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Resolver<'a> {
    pub(super) const fn new(source: &'a Source, environment: &'a Environment) -> Self {
        Self { source, environment, problems: Vec::new() }
    }

    pub(super) fn config(
        mut self,
        raw: RawConfig,
        flags: &Flags,
        log: Targets,
    ) -> Result<Config, ConfigError> {
        let probe = self.probe(raw.probe);
        let admin_socket = self.admin_socket(raw.admin.socket, flags);
        let operators = self.operators(raw.admin.operators);
        let web = self.web(raw.web);
        let latency = self.latency(&raw.ui);
        let state = self.state(raw.state, flags);
        let events = self.events(raw.events, &state);
        let hooks = self.hooks(raw.hook);
        let exit = exit_page(raw.exit);
        let instances = self.instances(raw.instance, flags);
        if self.problems.is_empty() {
            let origins = Origins::collect(self.source, self.environment, flags);
            let record = flags.record.clone();
            Ok(Config {
                probe,
                admin_socket,
                operators,
                web,
                latency,
                events,
                hooks,
                exit,
                state,
                instances,
                record,
                log,
                origins,
            })
        } else {
            Err(ConfigError::new(self.problems))
        }
    }

    fn probe(&mut self, raw: RawProbe) -> Probe {
        let (Parsed(RawProfile(profile)), canary, interval) = (raw.profile, raw.canary, raw.interval);
        let targets = self.targets(raw.targets);
        let settings = Settings {
            profile,
            timeout: raw.timeout,
            false_alarm_every: raw.false_alarm_every,
            ride_through: raw.ride_through,
            hold: raw.hold,
            hold_max: raw.hold_max,
            control: raw.control.is_some(),
            ..Settings::new(targets.iter().map(|target| target.name().clone()).collect())
        };
        let settings = with_cadence(settings, canary, interval);
        let control = raw.control.map(|RawTarget(target)| target);
        let probe = Probe { targets, control, ca_file: raw.ca_file, settings };
        self.check_cadence(&probe.settings, canary.is_some(), interval.is_some());
        self.check_hold(&probe.settings);
        probe
    }

    fn targets(&mut self, raw: Vec<RawTarget>) -> Vec<Target> {
        let path = ["probe", "targets"];
        if raw.is_empty() {
            let next = "name at least one, such as \"https://1.1.1.1/\", or leave `targets` out";
            self.report("no target to probe", next, &path);
        }
        if raw.len() > TARGETS_MAX {
            let what = format!("{} targets; at most {TARGETS_MAX} are asked", raw.len());
            self.report(&what, "keep a few, of different operators", &path);
        }
        let targets: Vec<Target> = raw.into_iter().map(|RawTarget(target)| target).collect();
        let mut seen = BTreeSet::new();
        for (index, target) in targets.iter().enumerate() {
            if !seen.insert(target.name()) {
                let what = format!("target {target} is named twice");
                self.report(&what, "remove one of them", &["probe", "targets", &index.to_string()]);
            }
        }
        targets
    }

    fn check_hold(&mut self, settings: &Settings) {
        if let Some(Misfit { what, next, key }) = hold_misfit(settings) {
            self.report(&what, &next, &["probe", key]);
        }
    }

    fn check_cadence(&mut self, settings: &Settings, canary_written: bool, interval_written: bool) {
        let by_profile = format!("by profile {}", raw::profile_name(settings.profile));
        let misfit = misfit(settings, canary_written, interval_written, &by_profile);
        if let Some(Misfit { what, next, key }) = misfit {
            self.report(&what, &next, &["probe", key]);
        }
    }

    fn admin_socket(&mut self, raw: Option<PathBuf>, flags: &Flags) -> PathBuf {
        let socket = flags.socket.clone().or(raw).unwrap_or_else(|| DEFAULT_SOCKET.into());
        if socket.as_os_str().is_empty() {
            let next = format!("name a path such as \"{DEFAULT_SOCKET}\", or leave `socket` out");
            self.report("the path is empty", &next, &["admin", "socket"]);
        }
        socket
    }

    fn web(&mut self, raw: RawWeb) -> Option<Web> {
        web(raw).unwrap_or_else(|WebProblem { what, next, key }| {
            self.report(&what, next, &["web", key]);
            None
        })
    }

    fn state(&mut self, raw: RawState, flags: &Flags) -> State {
        let dir = flags.state_dir.clone().or(raw.dir);
        let dir = dir.or_else(|| environment::service_state_dir(self.environment));
        let dir = dir.unwrap_or_else(|| DEFAULT_STATE_DIR.into());
        if dir.as_os_str().is_empty() {
            let next = format!("name a directory such as \"{DEFAULT_STATE_DIR}\", or leave `dir` out");
            self.report("the path is empty", &next, &["state", "dir"]);
        }
        let on_exit = match &flags.on_exit {
            Some(text) => self.flag::<RawOnExit>("--on-exit", text),
            None => raw.on_exit.map(|Parsed(on_exit)| on_exit),
        };
        State { dir, on_exit: on_exit.map_or(OnExit::Keep, |RawOnExit(on_exit)| on_exit) }
    }

    /// Those of the file; where there is one or none, changed or given by the flags.
    fn instances(&mut self, mut raw: Vec<RawInstance>, flags: &Flags) -> Vec<Instance> {
        if raw.len() > INSTANCES_MAX {
            let what = format!("{} instances; one hactl steers at most {INSTANCES_MAX}", raw.len());
            let next = "run another hactl for the rest, with an [admin] socket of its own";
            self.report(&what, next, &["instance", &INSTANCES_MAX.to_string()]);
            return Vec::new();
        }
        if raw.len() > 1 {
            if self.has_flags_of_one(raw.len(), flags) {
                return Vec::new();
            }
        } else {
            raw.resize_with(1, RawInstance::default);
        }
        let several = raw.len() > 1;
        let mut instances = Vec::with_capacity(raw.len());
        for (index, raw) in raw.into_iter().enumerate() {
            let index = index.to_string();
            if several && raw.name.is_none() {
                let next = "say name = \"NAME\" in each [[instance]], so that they can be told apart";
                self.report("one of several instances without a name", next, &["instance", &index]);
            }
            instances.extend(self.instance(raw, &index, flags));
        }
        self.check_different(&instances);
        instances
    }

    /// Flags do not say which of several is meant.
    fn has_flags_of_one(&mut self, instances: usize, flags: &Flags) -> bool {
        let given = [
            (flags.haproxy.is_some(), "--haproxy (or HACTL_HAPROXY)"),
            (!flags.backends.is_empty(), "--backend"),
        ];
        for (_, flag) in given.iter().filter(|(is_given, _)| *is_given) {
            let what =
                format!("the configuration has {instances} instances, and this does not say which is meant");
            let next = "leave it out and change the configuration instead".to_owned();
            self.problems.push(Problem::new(what).next(next).at(Place::Flag(flag)));
        }
        given.iter().any(|(is_given, _)| *is_given)
    }

    fn check_different(&mut self, instances: &[Instance]) {
        for (index, instance) in instances.iter().enumerate() {
            let before = &instances[..index];
            let index = index.to_string();
            if before.iter().any(|other| other.name == instance.name) {
                let what = format!("two instances are called {}", instance.name);
                self.report(&what, "call one of them otherwise", &["instance", &index, "name"]);
            }
            let agent = |instance: &Instance| match instance.lever {
                Lever::Agent(addr) => Some(addr),
                Lever::State => None,
            };
            if let Some(addr) = agent(instance)
                && let Some(other) = before.iter().find(|other| agent(other) == Some(addr))
            {
                let what = format!("instance {} answers agent-checks at {addr} already", other.name);
                self.report(&what, "name another port in `agent`", &["instance", &index, "agent"]);
            }
            let file = &instance.server_state_file;
            if let Some(other) =
                before.iter().find(|other| file.is_some() && other.server_state_file == *file)
            {
                let what = format!("instance {} keeps this file already", other.name);
                let next = "each HAProxy has to load a file of its own";
                self.report(&what, next, &["instance", &index, "server_state_file"]);
            }
            if let Some(other) = before.iter().find(|other| other.haproxy == instance.haproxy) {
                let what = format!("{} is steered by instance {} already", instance.haproxy, other.name);
                let next = "put all its backends into one [[instance]]";
                self.report(&what, next, &["instance", &index, "haproxy"]);
            }
        }
    }

    fn instance(&mut self, raw: RawInstance, index: &str, flags: &Flags) -> Option<Instance> {
        let haproxy = match &flags.haproxy {
            Some(text) => self.flag("--haproxy (or HACTL_HAPROXY)", text),
            None => raw.haproxy.map(|address| address.0),
        };
        if haproxy.is_none() && flags.haproxy.is_none() {
            let next = "say haproxy = \"/run/haproxy/admin.sock\" in [[instance]], or --haproxy ADDR";
            self.report("which HAProxy is not said", next, &["instance", index]);
        }
        let problems = self.problems.len();
        let master = self.master(raw.master, haproxy.as_ref(), index);
        let server_state_file = self.server_state_file(raw.server_state_file, index);
        let lever = self.lever(raw.lever, raw.agent, index);
        let in_file = self.backends(raw.backend, index);
        let backends =
            if flags.backends.is_empty() { in_file } else { self.flag_backends(&flags.backends, &in_file) };
        // Where there was a mistake in one of them, that is what is to be told.
        if backends.is_empty() && haproxy.is_some() && self.problems.len() == problems {
            let next = "name it in [[instance.backend]], or by --backend NAME";
            self.report("no backend to steer", next, &["instance", index]);
        }
        // Only the first one may go without, unless that was told as a mistake.
        let unnamed =
            || if index == "0" { Name::from("haproxy") } else { Name::from(format!("haproxy#{index}")) };
        let name = raw.name.map_or_else(unnamed, |Parsed(RawInstanceName(name))| name);
        let observe = flags.observe || raw.mode.is_some_and(|Parsed(RawMode(observe))| observe);
        if lever != Lever::State {
            self.check_agent_rules(&backends, index);
            if server_state_file.is_some() {
                let what =
                    "a server-state file holds administrative states, which lever = \"agent\" never sets";
                let next = "remove it, or say lever = \"state\"";
                self.report(what, next, &["instance", index, "server_state_file"]);
            }
        }
        Some(Instance { name, haproxy: haproxy?, master, server_state_file, lever, observe, backends })
    }

    /// These rules prefer one server to another by `drain`, for which an agent-check has no answer.
    fn check_agent_rules(&mut self, backends: &[Backend], instance: &str) {
        for (index, backend) in backends.iter().enumerate() {
            for key in rules_by_drain(&backend.rules) {
                let what = format!("`{key}` prefers servers by drain, which lever = \"agent\" cannot do");
                let next = "remove it, or say lever = \"state\"";
                self.report(&what, next, &["instance", instance, "backend", &index.to_string(), key]);
            }
        }
    }

    fn master(&mut self, raw: Option<PathBuf>, haproxy: Option<&Address>, index: &str) -> Option<PathBuf> {
        let path = raw?;
        let next =
            "name the socket behind `-S` in HAProxy's command line, such as \"/run/haproxy-master.sock\"";
        let at = ["instance", index, "master"];
        if path.as_os_str().is_empty() {
            self.report("the path is empty", next, &at);
        } else if haproxy.is_some_and(|haproxy| *haproxy == Address::Unix(path.clone())) {
            // A connection kept there would hold an old worker.
            self.report("`master` is the same socket as `haproxy`", next, &at);
        }
        Some(path)
    }

    /// HAProxy has directories of its own for relative names.
    fn server_state_file(&mut self, raw: Option<PathBuf>, index: &str) -> Option<PathBuf> {
        let path = raw?;
        if !path.is_absolute() || path.file_name().is_none() {
            let what = format!("`{}` is not the absolute path of a file", path.display());
            let next = "write it as haproxy.cfg has it, such as \"/var/lib/hactl/haproxy.state\"";
            self.report(&what, next, &["instance", index, "server_state_file"]);
        }
        Some(path)
    }

    fn lever(
        &mut self,
        lever: Option<Parsed<RawLever>>,
        agent: Option<Parsed<RawAgent>>,
        index: &str,
    ) -> Lever {
        match (lever.map(|lever| lever.0), agent) {
            (Some(RawLever::Agent), agent) => {
                Lever::Agent(agent.map_or(DEFAULT_AGENT, |Parsed(RawAgent(addr))| addr))
            }
            (Some(RawLever::State) | None, None) => Lever::State,
            (Some(RawLever::State) | None, Some(_)) => {
                let next = "say lever = \"agent\" as well, or remove it";
                self.report(
                    "`agent` is of no use without lever = \"agent\"",
                    next,
                    &["instance", index, "agent"],
                );
                Lever::State
            }
        }
    }

    fn backends(&mut self, raw: Vec<RawBackend>, instance: &str) -> Vec<Backend> {
        let mut seen = BTreeSet::new();
        let mut backends = Vec::new();
        for (index, mut backend) in raw.into_iter().enumerate() {
            let index = index.to_string();
            let at = |key| ["instance", instance, "backend", &index, key];
            let on_offline = self.on_offline(&mut backend, &["instance", instance, "backend", &index]);
            let credentials = self.credentials(&backend, &at);
            let rules = rules(&backend);
            for TierProblem { what, next, place } in tier_problems(&backend) {
                let path: Vec<&str> =
                    at("tiers").into_iter().chain(place.iter().map(String::as_str)).collect();
                self.report(&what, next, &path);
            }
            let Some(name) = backend.name.map(|name| name.0) else {
                let next = "say name = \"NAME\" with HAProxy's name of the backend";
                self.report("a backend without a name", next, &at("name"));
                continue;
            };
            if !seen.insert(name.clone()) {
                self.report(&format!("backend {name} is named twice"), "remove one of them", &at("name"));
            }
            let names = |names: Vec<_>| names.into_iter().map(|Parsed(name)| name).collect();
            let servers: Option<BTreeSet<_>> = backend.servers.map(names);
            if servers.as_ref().is_some_and(BTreeSet::is_empty) {
                let next = "name one, or leave `servers` out to steer all that HAProxy lists";
                self.report("no server to steer", next, &at("servers"));
            }
            let frontend = backend.frontend.map(|Parsed(RawFrontend(address))| address);
            backends.push(Backend { name, servers, frontend, credentials, rules, on_offline });
        }
        backends
    }

    /// The backends named by flags: as the file has them, where it does.
    fn flag_backends(&mut self, names: &[String], in_file: &[Backend]) -> Vec<Backend> {
        let mut seen = BTreeSet::new();
        let mut backends = Vec::new();
        for text in names {
            let Some(name) = self.flag::<BackendName>("--backend", text) else { continue };
            if seen.insert(name.clone()) {
                let there = in_file.iter().find(|backend| backend.name == name).cloned();
                let (rules, on_offline) = (Rules::DEFAULT, BTreeMap::new());
                let plain =
                    Backend { name, servers: None, frontend: None, credentials: None, rules, on_offline };
                backends.push(there.unwrap_or(plain));
            }
        }
        backends
    }

    fn flag<T>(&mut self, flag: &'static str, text: &str) -> Option<T>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        text.parse()
            .map_err(|error: T::Err| {
                self.problems.push(Problem::new(error.to_string()).at(Place::Flag(flag)));
            })
            .ok()
    }

    pub(super) fn report(&mut self, what: &str, next: &str, path: &[&str]) {
        let place = environment::of_path(self.environment, path).map_or_else(
            || self.source.place(path, Origin::Value),
            |variable| Place::Variable(variable.to_owned()),
        );
        self.problems.push(Problem::new(what.to_owned()).next(next.to_owned()).at(place));
    }
}

/// What is written takes the place of the profile's own figures. `adaptive` has two of each: there the quick one is
/// meant, and the slow one is never quicker than it.
pub(super) fn with_cadence(
    settings: Settings,
    canary: Option<Duration>,
    interval: Option<Duration>,
) -> Settings {
    let written =
        |own: Cadence| Cadence { canary: canary.unwrap_or(own.canary), full: interval.unwrap_or(own.full) };
    let (fast, eco) = (settings.fast, settings.eco);
    match settings.profile {
        Profile::Fast => Settings { fast: written(fast), ..settings },
        Profile::Eco => Settings { eco: written(eco), ..settings },
        Profile::Adaptive => {
            let (quick, slow) = (written(fast), written(eco));
            let slow = Cadence { canary: slow.canary.max(eco.canary), full: slow.full.max(eco.full) };
            Settings { fast: quick, eco: slow, ..settings }
        }
    }
}

/// How `canary` and `interval` do not go together.
pub(super) struct Misfit {
    pub(super) what: String,
    pub(super) next: String,
    /// The one to change.
    pub(super) key: &'static str,
}

/// Small requests that are rarer than whole ones are of no use. What is not written is so `otherwise`.
pub(super) fn misfit(
    settings: &Settings,
    canary_written: bool,
    interval_written: bool,
    otherwise: &str,
) -> Option<Misfit> {
    let Cadence { canary, full } = quickest(settings);
    if canary <= full {
        return None;
    }
    let by = |is_written: bool| if is_written { String::new() } else { format!(" {otherwise}") };
    let (canary, full) = (written(canary), written(full));
    let what = format!(
        "`canary` ({canary}{}) is longer than `interval` ({full}{})",
        by(canary_written),
        by(interval_written)
    );
    let next = format!("write a `canary` of {full} or less, or an `interval` of {canary} or more");
    Some(Misfit { what, next, key: if canary_written { "canary" } else { "interval" } })
}

/// The keys of rules that prefer one server to another by `drain`.
pub(super) fn rules_by_drain(rules: &Rules) -> impl Iterator<Item = &'static str> {
    let used = [("policy", rules.policy != Policy::Order), ("tiers", !rules.tiers.is_empty())];
    used.into_iter().filter_map(|(key, used)| used.then_some(key))
}

/// How `hold` and `hold_max` do not go together.
pub(super) fn hold_misfit(settings: &Settings) -> Option<Misfit> {
    if settings.hold <= settings.hold_max {
        return None;
    }
    let (hold, most) = (written(settings.hold), written(settings.hold_max));
    let what = format!("`hold` ({hold}) is longer than `hold_max` ({most})");
    let next = format!("write a `hold` of {most} or less, or a `hold_max` of {hold} or more");
    Some(Misfit { what, next, key: "hold" })
}
