//! Configuration: TOML, then `HACTL_*` environment variables, then flags. `raw` mirrors what is written, this module
//! makes of it the resolved form that the daemon runs with; nothing else sees the raw one.
//!
//! Whatever cannot be used is an error that says where it stands, what was found and what is allowed.

mod duration;
mod locate;
mod problem;
mod raw;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use checker::{Credentials, Target};
use failover::Name;
use figment::Figment;
use figment::providers::{Env, Format, Toml};
use haproxy_runtime::{Address, BackendName, ServerName};

pub use self::duration::parse_timeout;
use self::locate::{Origin, Source};
pub use self::problem::{ConfigError, Place, Problem};
use self::raw::{RawBackend, RawConfig, RawInstance};

/// The file that is read when neither `--config` nor both of `--haproxy` and `--backend` are given.
pub const DEFAULT_FILE: &str = "/etc/hactl/hactl.toml";

/// Three operators, so that the outage of one condemns nobody, by address, so that no name server is needed.
pub const DEFAULT_TARGETS: [&str; 3] = ["https://1.1.1.1/", "https://8.8.8.8/", "https://9.9.9.9/"];

/// Where hactl's own socket is, unless said otherwise.
pub const DEFAULT_SOCKET: &str = "/run/hactl/hactl.sock";

/// Variables that begin with `HACTL_` and are not configuration.
const OTHER_VARIABLES: [&str; 4] = ["SOCKET", "HAPROXY", "LOG", "SOCKS_PASSWORD"];

/// What was said on the command line.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// `--haproxy`.
    pub haproxy: Option<String>,
    /// `--backend`, once or more.
    pub backends: Vec<String>,
    /// `--socket`.
    pub socket: Option<PathBuf>,
}

/// The resolved configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// How upstreams are probed.
    pub probe: Probe,
    /// hactl's own socket.
    pub admin_socket: PathBuf,
    /// The HAProxy to steer.
    pub instance: Instance,
}

/// How upstreams are probed.
#[derive(Clone, Debug)]
pub struct Probe {
    /// What probes ask for; at least one.
    pub targets: Vec<Target>,
    /// Between two rounds.
    pub interval: Duration,
    /// The deadline of one probe.
    pub timeout: Duration,
    /// Further certificate authorities, PEM.
    pub ca_file: Option<PathBuf>,
}

/// One HAProxy.
#[derive(Clone, Debug)]
pub struct Instance {
    /// What it is called here.
    pub name: String,
    /// Its runtime API.
    pub haproxy: Address,
    /// The backends to steer; at least one.
    pub backends: Vec<Backend>,
}

/// One backend.
#[derive(Clone, Debug)]
pub struct Backend {
    /// Its name in HAProxy.
    pub name: BackendName,
    /// The servers to steer; `None` for all that HAProxy lists.
    pub servers: Option<BTreeSet<ServerName>>,
    /// For SOCKS servers that ask for user and password.
    pub credentials: Option<Credentials>,
}

impl Backend {
    /// The name in the core's words.
    #[must_use]
    pub fn core_name(&self) -> Name {
        Name::from(self.name.as_str())
    }
}

/// Reads file, environment and flags.
///
/// # Errors
/// Everything that is wrong with them, as far as it can be told at once.
pub fn load(flags: &Flags) -> Result<Config, ConfigError> {
    let file = match &flags.file {
        Some(file) => Some(file.clone()),
        None if flags.haproxy.is_some() && !flags.backends.is_empty() => None,
        None => Some(PathBuf::from(DEFAULT_FILE)),
    };
    let text = file.as_deref().map(|path| read(path, flags.file.is_some())).transpose()?;
    resolve(file.as_deref().zip(text.as_deref()), flags)
}

fn read(path: &Path, asked_for: bool) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|error| {
        let next = if asked_for {
            "name a file that you may read, or say `--haproxy ADDR --backend NAME`, which needs none"
                .to_owned()
        } else {
            format!("write {DEFAULT_FILE}, or say `--config FILE`, or `--haproxy ADDR --backend NAME`")
        };
        Problem::new(format!("cannot read {}", path.display())).because(error.to_string()).next(next).into()
    })
}

fn resolve(file: Option<(&Path, &str)>, flags: &Flags) -> Result<Config, ConfigError> {
    let source = Source::parse(file)?;
    check_variables()?;
    let mut figment = Figment::new();
    if let Some((_, text)) = file {
        figment = figment.merge(Toml::string(text));
    }
    // Only names with `__` are configuration: HACTL_PROBE__INTERVAL is `interval` in `[probe]`.
    let variables = Env::prefixed("HACTL_").filter(|name| name.as_str().contains("__")).split("__");
    let raw: RawConfig =
        figment.merge(variables).extract().map_err(|error| locate::figment_problems(error, &source))?;
    Resolver { source: &source, problems: Vec::new() }.config(raw, flags)
}

/// A misspelt variable would otherwise be silently nothing.
fn check_variables() -> Result<(), ConfigError> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let unknown: Vec<Problem> = names
        .filter_map(|name| {
            let rest = name.strip_prefix("HACTL_")?;
            let known = rest.contains("__") || OTHER_VARIABLES.contains(&rest);
            (!known).then(|| {
                Problem::new(format!("unknown environment variable {name}"))
                    .next("configuration is HACTL_SECTION__KEY, such as HACTL_PROBE__INTERVAL=2s".to_owned())
            })
        })
        .collect();
    if unknown.is_empty() { Ok(()) } else { Err(ConfigError::new(unknown)) }
}

struct Resolver<'a> {
    source: &'a Source,
    problems: Vec<Problem>,
}

impl Resolver<'_> {
    fn config(mut self, raw: RawConfig, flags: &Flags) -> Result<Config, ConfigError> {
        self.targets(&raw.probe.targets);
        let instance = self.instance(raw.instance, flags);
        let socket = flags.socket.clone().or(raw.admin.socket).unwrap_or_else(|| DEFAULT_SOCKET.into());
        match instance {
            Some(instance) if self.problems.is_empty() => Ok(Config {
                probe: Probe {
                    targets: raw.probe.targets.into_iter().map(|target| target.0).collect(),
                    interval: raw.probe.interval,
                    timeout: raw.probe.timeout,
                    ca_file: raw.probe.ca_file,
                },
                admin_socket: socket,
                instance,
            }),
            Some(_) | None => Err(ConfigError::new(self.problems)),
        }
    }

    fn targets(&mut self, targets: &[raw::RawTarget]) {
        if targets.is_empty() {
            self.report(
                Problem::new("no target to probe".to_owned())
                    .next("name at least one, such as \"https://1.1.1.1/\"".to_owned()),
                &["probe", "targets"],
            );
        }
        let mut seen = BTreeSet::new();
        for (index, target) in targets.iter().enumerate() {
            if !seen.insert(target.0.name()) {
                self.report(
                    Problem::new(format!("target {} is named twice", target.0.name())),
                    &["probe", "targets", &index.to_string()],
                );
            }
        }
    }

    /// The one instance: from the file, changed or given by the flags.
    fn instance(&mut self, raw: Vec<RawInstance>, flags: &Flags) -> Option<Instance> {
        if raw.len() > 1 {
            self.report(
                Problem::new(format!("{} instances; this version steers one", raw.len()))
                    .next("run one hactl for each HAProxy, each with its own [admin] socket".to_owned()),
                &["instance", "1"],
            );
            return None;
        }
        let raw = raw.into_iter().next().unwrap_or_default();
        let haproxy = match &flags.haproxy {
            Some(text) => self.flag("--haproxy", text),
            None => raw.haproxy.map(|address| address.0),
        };
        let backends = if flags.backends.is_empty() {
            self.backends(raw.backend)
        } else {
            flags.backends.iter().filter_map(|text| self.flag_backend(text)).collect()
        };
        if haproxy.is_none() && flags.haproxy.is_none() {
            self.report(
                Problem::new("which HAProxy is not said".to_owned()).next(
                    "say haproxy = \"/run/haproxy/admin.sock\" in [[instance]], or --haproxy ADDR".to_owned(),
                ),
                &["instance", "0"],
            );
        }
        if backends.is_empty() && self.problems.is_empty() {
            self.report(
                Problem::new("no backend to steer".to_owned())
                    .next("name it in [[instance.backend]], or by --backend NAME".to_owned()),
                &["instance", "0"],
            );
        }
        Some(Instance { name: raw.name.unwrap_or_else(|| "haproxy".to_owned()), haproxy: haproxy?, backends })
    }

    fn backends(&mut self, raw: Vec<RawBackend>) -> Vec<Backend> {
        let mut seen = BTreeSet::new();
        let mut backends = Vec::new();
        for (index, backend) in raw.into_iter().enumerate() {
            let index = index.to_string();
            let path = ["instance", "0", "backend", &index];
            if !seen.insert(backend.name.0.clone()) {
                self.report(Problem::new(format!("backend {} is named twice", backend.name.0)), &path);
            }
            let credentials = self.credentials(&backend, &path);
            let servers =
                backend.servers.map(|names| names.into_iter().map(|name| name.0).collect::<BTreeSet<_>>());
            if servers.as_ref().is_some_and(BTreeSet::is_empty) {
                self.report(
                    Problem::new("no server to steer".to_owned())
                        .next("leave `servers` out to steer all that HAProxy lists".to_owned()),
                    &["instance", "0", "backend", &index, "servers"],
                );
            }
            backends.push(Backend { name: backend.name.0, servers, credentials });
        }
        backends
    }

    fn credentials(&mut self, backend: &RawBackend, path: &[&str]) -> Option<Credentials> {
        let (user, file) = match (&backend.username, &backend.password_file) {
            (None, None) => return None,
            (Some(user), Some(file)) => (user, file),
            (Some(_), None) | (None, Some(_)) => {
                self.report(
                    Problem::new("`username` and `password_file` go together".to_owned())
                        .next("say both, or neither".to_owned()),
                    path,
                );
                return None;
            }
        };
        let read = std::fs::read_to_string(file).map_err(|error| error.to_string());
        let credentials = read.and_then(|text| {
            Credentials::new(user, text.trim_end_matches(['\r', '\n'])).map_err(|error| error.to_string())
        });
        match credentials {
            Ok(credentials) => Some(credentials),
            Err(why) => {
                let what = format!("cannot use the password in {}", file.display());
                self.report(Problem::new(what).because(why), path);
                None
            }
        }
    }

    fn flag_backend(&mut self, text: &str) -> Option<Backend> {
        let name = self.flag("--backend", text)?;
        Some(Backend { name, servers: None, credentials: None })
    }

    fn flag<T>(&mut self, flag: &str, text: &str) -> Option<T>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        text.parse()
            .map_err(|error: T::Err| {
                self.problems.push(Problem::new(error.to_string()).at(Place::Flag(flag.to_owned())));
            })
            .ok()
    }

    fn report(&mut self, problem: Problem, path: &[&str]) {
        let place = self.source.place(path, Origin::Value);
        self.problems.push(problem.at(place));
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
