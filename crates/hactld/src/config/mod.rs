//! Configuration: TOML, then `HACTL_*` environment variables, then flags. `raw` mirrors what is written, this module
//! makes of it the resolved form that the daemon runs with; nothing else sees the raw one.
//!
//! Whatever cannot be used is an error that says where it stands, what was found and what is allowed.

mod change;
mod credentials;
mod difference;
mod duration;
mod environment;
mod exit;
mod hooks;
mod keys;
mod layers;
mod locate;
mod operators;
mod origins;
mod problem;
mod raw;
mod resolve;
mod rules;
mod schema;
mod show;
mod ui;
mod web;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};

use checker::{Credentials, Target};
use failover::status::LatencyBounds;
use failover::{Cadence, Name, OnExit, Profile, Rules, Settings};
use haproxy_runtime::{Address, BackendName, ServerName};
use tracing_subscriber::filter::Targets;

use crate::admin::Operators;
use crate::journal::EventsFile;

pub use self::change::{change, check_recorded};
pub(crate) use self::difference::difference;
pub use self::duration::{PAUSE_MAX, PAUSE_MIN, parse_pause, parse_timeout};
use self::environment::{Environment, Variable};
pub use self::exit::ExitPage;
pub use self::hooks::{Command, Hook, Restart};
pub use self::keys::{Key, Section, sections};
use self::layers::Layer;
use self::locate::Source;
pub(crate) use self::locate::closest;
pub(crate) use self::locate::suggestion;
pub use self::origins::{Origins, SetBy, Setting, quoted};
pub use self::problem::{ConfigError, Place, Problem};
use self::resolve::Resolver;
pub use self::schema::schema;
pub use self::show::{ShowOptions, show};
pub use self::web::Web;

/// The file that is read when neither `--config` nor both of `--haproxy` and `--backend` are given.
pub const DEFAULT_FILE: &str = "/etc/hactl/hactl.toml";

/// Three operators, so that the outage of one condemns nobody, by address, so that no name server is needed.
pub const DEFAULT_TARGETS: [&str; 3] = ["https://1.1.1.1/", "https://8.8.8.8/", "https://9.9.9.9/"];

/// Where hactl's own socket is, unless said otherwise.
pub const DEFAULT_SOCKET: &str = "/run/hactl/hactl.sock";

/// Where what outlives hactl is kept, unless said otherwise.
pub const DEFAULT_STATE_DIR: &str = "/var/lib/hactl";

/// Where agent-checks are answered, unless said otherwise.
pub const DEFAULT_AGENT: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9777));

/// A configuration of a thousand servers has some 100 kB; a larger file is some other file.
const FILE_MAX: u64 = 4 * 1024 * 1024;

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
    /// `--record`.
    pub record: Option<PathBuf>,
    /// `--state-dir`.
    pub state_dir: Option<PathBuf>,
    /// `--on-exit`.
    pub on_exit: Option<String>,
    /// `--observe`.
    pub observe: bool,
}

/// The resolved configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// How upstreams are probed.
    pub probe: Probe,
    /// hactl's own socket.
    pub admin_socket: PathBuf,
    /// Who may change something over it, beside root and the daemon's own user.
    pub operators: Operators,
    /// Where events are written, if anywhere.
    pub events: Option<EventsFile>,
    /// What is run when something happens.
    pub hooks: Vec<Hook>,
    /// The listener for browsers and scrapers, if there is one.
    pub web: Option<Web>,
    /// From which latency on it is shown as raised, and as high.
    pub latency: LatencyBounds,
    /// What outlives hactl, and what does not.
    pub state: State,
    /// Where it is asked from which address traffic leaves, if anywhere.
    pub exit: Option<ExitPage>,
    /// The HAProxies to steer; at least one, each with a name of its own.
    pub instances: Vec<Instance>,
    /// Where what is seen is recorded, if anywhere.
    pub record: Option<PathBuf>,
    /// What is logged, from `HACTL_LOG`.
    pub log: Targets,
    /// Where each key was set.
    pub origins: Origins,
}

/// What outlives hactl, and what does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The directory for it.
    pub dir: PathBuf,
    /// What becomes of our `maint` at the end.
    pub on_exit: OnExit,
}

/// How upstreams are probed.
#[derive(Clone, Debug)]
pub struct Probe {
    /// What probes ask for; at least one, in the order of the settings' `targets`.
    pub targets: Vec<Target>,
    /// What is asked directly, past all servers, to tell whether it is this host's network that fails.
    pub control: Option<Target>,
    /// Further certificate authorities, PEM.
    pub ca_file: Option<PathBuf>,
    /// What every core is told, but for its own backends' rules, and the seed, which is 0.
    pub settings: Settings,
}

impl Probe {
    /// The quickest that servers are probed at.
    #[must_use]
    pub const fn cadence(&self) -> Cadence {
        quickest(&self.settings)
    }
}

const fn quickest(settings: &Settings) -> Cadence {
    match settings.profile {
        Profile::Fast | Profile::Adaptive => settings.fast,
        Profile::Eco => settings.eco,
    }
}

/// HAProxies that one daemon steers: each is asked ten times a second, and has its part of the probes that may be under
/// way at once (256), which is enough for every one of them to confirm a doubt.
pub const INSTANCES_MAX: usize = 16;

/// One HAProxy.
#[derive(Clone, Debug)]
pub struct Instance {
    /// What it is called here.
    pub name: Name,
    /// Its runtime API.
    pub haproxy: Address,
    /// Its master CLI, to be watched for reloads.
    pub master: Option<PathBuf>,
    /// The server-state file that is kept for it.
    pub server_state_file: Option<PathBuf>,
    /// By what its servers are steered.
    pub lever: Lever,
    /// Everything but the commands: they are listed in place of being sent.
    pub observe: bool,
    /// The backends to steer; at least one.
    pub backends: Vec<Backend>,
}

/// By what servers are put out of rotation and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lever {
    /// Their administrative states, by commands of the runtime API.
    State,
    /// What HAProxy's agent-checks are answered at this address, which is loopback.
    Agent(SocketAddr),
}

impl Instance {
    /// What its core is told, but for the seed, which is 0.
    #[must_use]
    pub fn settings(&self, probe: &Probe) -> Settings {
        let own = self.backends.iter().filter(|backend| backend.rules != Rules::DEFAULT);
        let rules = own.map(|backend| (backend.core_name(), backend.rules.clone())).collect();
        Settings { rules, ..probe.settings.clone() }
    }
}

/// One backend.
#[derive(Clone, Debug)]
pub struct Backend {
    /// Its name in HAProxy.
    pub name: BackendName,
    /// The servers to steer; `None` for all that HAProxy lists.
    pub servers: Option<BTreeSet<ServerName>>,
    /// HAProxy's own address for the clients of it.
    pub frontend: Option<SocketAddr>,
    /// For SOCKS servers that ask for user and password.
    pub credentials: Option<Credentials>,
    /// What else holds for it; the probe's settings have it too.
    pub rules: Rules,
    /// What restarts its servers, for those that have something.
    pub on_offline: BTreeMap<ServerName, Restart>,
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
/// Everything that is wrong with them: first what cannot be read at all, then every key and value, then how they go
/// together.
pub fn load(flags: &Flags) -> Result<Config, ConfigError> {
    let environment = environment::of_this_process()?;
    let path = match &flags.file {
        Some(file) => file.clone(),
        None if flags.haproxy.is_some() && !flags.backends.is_empty() => {
            return resolve(None, &environment, flags);
        }
        None => PathBuf::from(DEFAULT_FILE),
    };
    let text = read(&path, flags)?;
    resolve(Some((&path, &text)), &environment, flags)
}

fn read(path: &Path, flags: &Flags) -> Result<String, ConfigError> {
    let bytes = read_at_most(path, FILE_MAX).map_err(|error| {
        let next = if flags.file.is_none() && flags.haproxy.is_some() {
            format!("say which backend with --backend NAME, which needs no file, or write {DEFAULT_FILE}")
        } else if flags.file.is_some() {
            "name a file that you may read, or say `--haproxy ADDR --backend NAME`, which needs none"
                .to_owned()
        } else {
            format!("write {DEFAULT_FILE}, or say `--config FILE`, or `--haproxy ADDR --backend NAME`")
        };
        Problem::new(format!("cannot read {}", path.display())).because(error.to_string()).next(next)
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let readable = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
        let end = readable.len()..readable.len();
        let next = "save the file as UTF-8".to_owned();
        Problem::new("not UTF-8".to_owned()).at(locate::place_of(path, &readable, end)).next(next).into()
    })
}

/// The whole file, unless it has more than `most` bytes.
fn read_at_most(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if read as u64 > most {
        return Err(io::Error::other(format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}

/// The same for what was read already; `environment` holds the variables that begin with `HACTL_`.
fn resolve(
    file: Option<(&Path, &str)>,
    environment: &Environment,
    flags: &Flags,
) -> Result<Config, ConfigError> {
    let source = Source::parse(file)?;
    let mut problems = Vec::new();
    let mut layers: Vec<Layer> = Vec::new();
    if let Some((_, text)) = file {
        match Layer::of_file(text, &source) {
            Ok(layer) => layers.push(layer),
            Err(problem) => problems.push(*problem),
        }
    }
    let mut log = None;
    for variable in environment {
        match environment::read(variable) {
            Ok(Variable::Setting(layer)) => layers.push(layer),
            Ok(Variable::Log(filter)) => log = Some(*filter),
            Ok(Variable::Other) => {}
            Err(problem) => problems.push(*problem),
        }
    }
    let raw = layers::extract(layers, &source, problems)?;
    let log = log.unwrap_or_else(crate::log::default_filter);
    Resolver::new(&source, environment).config(raw, flags, log)
}

#[cfg(test)]
mod tests;
