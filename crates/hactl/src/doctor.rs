//! `hactl doctor`: looks for the mistakes that set-ups have, and says of each what to do. It reads, greets and probes; it
//! changes nothing, neither here nor in HAProxy.

mod daemon;
mod haproxy;
mod host;
mod probing;
mod render;
mod servers;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use checker::Prober;
use clap::{Args, ValueEnum};
use hactld::config::{Config, DEFAULT_FILE, Flags, load};
use tokio::runtime::Builder;

use crate::config::summary;
use crate::exit::Exit;
use crate::report::{Report, print};
use crate::terminal::Terminal;

pub(crate) const DOCTOR_HELP: &str =
    "Notes are for your information and change no exit code. What is checked:
  D01 the configuration        D09 the server-state file's place
  D02 HAProxy's socket         D10 nobody else steers this HAProxy
  D03 the socket's level       D11 sessions on failed servers
  D04 HAProxy's version        D12 how soon a dead tunnel is left
  D05 backends and servers     D13 the control target, directly
  D06 the SOCKS servers        D14 state directory and limits
  D07 order and backups        D15 what listens beyond this host
  D08 `disabled` servers       D16 targets of several operators
  D17 the daemon, if it runs   D18 a whole probe of each server
  D19 something to compare with

Examples:
  hactl doctor
  hactl doctor --pre --config /etc/hactl/hactl.toml
  hactl doctor --short

Exit codes:
   0  nothing found    1  warnings    2  errors    64  usage error";

#[derive(Debug, Args)]
#[command(after_help = DOCTOR_HELP)]
pub(crate) struct DoctorArgs {
    /// Configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// HAProxy's runtime API: PATH, unix:PATH, master:PATH or tcp:HOST:PORT.
    #[arg(long, value_name = "ADDR", env = "HACTL_HAPROXY", hide_env_values = true)]
    haproxy: Option<String>,
    /// A backend to steer; may be repeated.
    #[arg(long, value_name = "NAME")]
    backend: Vec<String>,
    /// hactl's own socket.
    #[arg(long, value_name = "PATH", env = "HACTL_SOCKET", hide_env_values = true)]
    socket: Option<PathBuf>,
    /// Before the daemon is started: that it does not run is right.
    #[arg(long)]
    pre: bool,
    /// One line, for chats.
    #[arg(long, conflicts_with = "output")]
    short: bool,
    /// How to print it.
    #[arg(short, long, value_enum, default_value = "table", value_name = "FORMAT")]
    output: DoctorFormat,
}

impl DoctorArgs {
    pub(crate) fn socket(&self) -> Option<&Path> {
        self.socket.as_deref()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DoctorFormat {
    Table,
    Json,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Ok,
    Note,
    Warning,
    Error,
}

/// What came of one check; a check may find several things.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    /// `D03`.
    id: &'static str,
    mark: Mark,
    /// What is wrong; empty where nothing is.
    text: String,
    /// What to do.
    fix: String,
}

/// What belongs together.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    name: String,
    /// What was looked at.
    text: String,
    findings: Vec<Finding>,
}

impl Group {
    fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), findings: Vec::new() }
    }

    fn ok(&mut self, id: &'static str) {
        self.add(id, Mark::Ok, "", "");
    }

    fn note(&mut self, id: &'static str, text: impl Into<String>, fix: impl Into<String>) {
        self.add(id, Mark::Note, text, fix);
    }

    fn warn(&mut self, id: &'static str, text: impl Into<String>, fix: impl Into<String>) {
        self.add(id, Mark::Warning, text, fix);
    }

    fn error(&mut self, id: &'static str, text: impl Into<String>, fix: impl Into<String>) {
        self.add(id, Mark::Error, text, fix);
    }

    fn add(&mut self, id: &'static str, mark: Mark, text: impl Into<String>, fix: impl Into<String>) {
        self.findings.push(Finding { id, mark, text: text.into(), fix: fix.into() });
    }

    /// Says that a check found nothing, unless it did.
    fn settle(&mut self, id: &'static str) {
        if !self.findings.iter().any(|finding| finding.id == id) {
            self.ok(id);
        }
    }

    fn worst(&self) -> Mark {
        self.findings.iter().map(|finding| finding.mark).max().unwrap_or(Mark::Ok)
    }
}

pub(crate) fn run(args: &DoctorArgs, terminal: &Terminal) -> ExitCode {
    let groups = match examine(args) {
        Ok(groups) => groups,
        Err(error) => {
            let report = Report::new("this command could not run".to_owned());
            report.because(error.to_string()).print(terminal);
            return Exit::Unknown.into();
        }
    };
    let text = match args.output {
        DoctorFormat::Json => render::json(&groups),
        DoctorFormat::Table if args.short => render::short(&groups),
        DoctorFormat::Table => render::table(&groups, terminal),
    };
    print(&text);
    exit_code(&groups).into()
}

/// As a check of Nagios has it.
fn exit_code(groups: &[Group]) -> u8 {
    match groups.iter().map(Group::worst).max() {
        Some(Mark::Error) => 2,
        Some(Mark::Warning) => 1,
        Some(Mark::Note | Mark::Ok) | None => 0,
    }
}

fn examine(args: &DoctorArgs) -> io::Result<Vec<Group>> {
    let flags = Flags {
        file: args.config.clone(),
        haproxy: args.haproxy.clone(),
        backends: args.backend.clone(),
        socket: args.socket.clone(),
        ..Flags::default()
    };
    let mut group = Group::new("config", "");
    let config = match load(&flags) {
        Ok(config) => config,
        Err(error) => {
            let is_missing = args.config.is_none() && !Path::new(DEFAULT_FILE).exists();
            let fix = if is_missing { "sudo hactl init --write" } else { "" };
            let mistakes = error.problems().iter().map(ToString::to_string);
            mistakes.for_each(|mistake| group.error("D01", mistake, fix));
            "it cannot be used, so nothing else was looked at".clone_into(&mut group.text);
            return Ok(vec![group]);
        }
    };
    group.text = summary(&config);
    let prober = probing::check(&config, &mut group);
    let daemon = daemon::Daemon::of(&config);
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let looked = runtime.block_on(async {
        let mut groups = vec![group];
        for instance in &config.instances {
            groups.extend(of_instance(&config, instance, prober.as_ref()).await);
        }
        groups.push(host::check(&config, prober.as_ref(), &daemon).await);
        groups
    });
    let asked = (!args.pre).then(|| daemon.check(&config));
    Ok(looked.into_iter().chain(asked).collect())
}

async fn of_instance(
    config: &Config,
    instance: &hactld::config::Instance,
    prober: Option<&Prober>,
) -> Vec<Group> {
    let of_several = |what: &str| {
        if config.instances.len() > 1 { format!("{what} {}", instance.name) } else { what.to_owned() }
    };
    let (haproxy, seen) = haproxy::check(instance, of_several("haproxy")).await;
    let Some(seen) = seen else { return vec![haproxy] };
    let asker = prober.and_then(|prober| servers::Asker::new(prober, config));
    let has_control = config.probe.control.is_some();
    vec![haproxy, servers::check(instance, &seen, asker, has_control, of_several("servers")).await]
}

#[cfg(test)]
mod tests;
