//! `hactl config`: is the configuration good, what comes of it, and what may stand in it. Nothing is started or changed.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use checker::{Prober, TlsRoots};
use clap::{Args, Subcommand, ValueEnum};
use hactld::config::{Config, DEFAULT_FILE, Flags, ShowOptions, load, show};
use hactld::text::Shown;
use rustix::fs::{Access, access};

use crate::exit::Exit;
use crate::reference;
use crate::report::{Report, print, print_error, sources};
use crate::schema;
use crate::terminal::Terminal;

pub(crate) const CONFIG_HELP: &str =
    "The file is read as hactl run reads it, with the variables HACTL_PROBE__HOLD and
so on over it, and HACTL_HAPROXY and HACTL_SOCKET.

Examples:
  hactl config check /etc/hactl/hactl.toml
  hactl config show --origin --defaults
  hactl config schema > hactl.schema.json

Exit codes:
   0  good    64  it has mistakes, or cannot be read";

#[derive(Debug, Args)]
#[command(after_help = CONFIG_HELP)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Say what is wrong with it, each mistake with file, line and column.
    Check(CheckArgs),
    /// Show what hactl would run with, as TOML.
    Show(ShowArgs),
    /// Print a JSON Schema.
    Schema(SchemaArgs),
    /// Print what each key is, as Markdown: docs/configuration.md.
    #[command(hide = true)]
    Reference,
}

#[derive(Debug, Args)]
struct FileArgs {
    /// The file; without it /etc/hactl/hactl.toml.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The same, as hactl run takes it.
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    config: Option<PathBuf>,
    /// HAProxy's runtime API, over what the file says.
    #[arg(long, value_name = "ADDR", env = "HACTL_HAPROXY", hide_env_values = true)]
    haproxy: Option<String>,
    /// hactl's own socket, over what the file says.
    #[arg(long, value_name = "PATH", env = "HACTL_SOCKET", hide_env_values = true)]
    socket: Option<PathBuf>,
}

impl FileArgs {
    fn flags(&self) -> Flags {
        Flags {
            file: self.file.clone().or_else(|| self.config.clone()),
            haproxy: self.haproxy.clone(),
            socket: self.socket.clone(),
            ..Flags::default()
        }
    }

    fn name(&self) -> String {
        let file = self.flags().file.unwrap_or_else(|| DEFAULT_FILE.into());
        Shown(&file.display().to_string()).to_string()
    }
}

#[derive(Debug, Args)]
#[command(after_help = CONFIG_HELP)]
struct CheckArgs {
    #[command(flatten)]
    file: FileArgs,
    /// Print nothing where it is good.
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Debug, Args)]
#[command(after_help = CONFIG_HELP)]
struct ShowArgs {
    #[command(flatten)]
    file: FileArgs,
    /// Say behind each key where it was set.
    #[arg(long)]
    origin: bool,
    /// Show the keys that nobody has set, too.
    #[arg(long)]
    defaults: bool,
}

#[derive(Debug, Args)]
struct SchemaArgs {
    /// Of what.
    #[arg(long, value_enum, default_value = "config", value_name = "WHAT")]
    of: SchemaOf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SchemaOf {
    /// hactl.toml.
    Config,
    /// What hactl status -o json prints.
    Status,
    /// What hactl check -o json prints.
    Check,
    /// What hactl explain -o json prints.
    Explain,
    /// A line of hactl events -o json.
    Event,
    /// A line of hactl events --incidents -o json.
    Incident,
    /// What hactl exits -o json prints.
    Exits,
    /// What maint, drain, ready, auto, pin, pause, resume and failback print with -o json.
    Change,
    /// What any of them prints where it fails.
    Error,
}

pub(crate) fn run(args: &ConfigArgs, terminal: &Terminal) -> ExitCode {
    match &args.command {
        ConfigCommand::Check(args) => check(args, terminal),
        ConfigCommand::Show(args) => {
            let Some(config) = loaded(&args.file.flags(), terminal) else { return Exit::Usage.into() };
            let options = ShowOptions { origin: args.origin, defaults: args.defaults };
            print(&format!(
                "# {}, with the environment over it\n\n{}",
                args.file.name(),
                show(&config, options)
            ));
            Exit::Ok.into()
        }
        ConfigCommand::Reference => {
            print(&reference::markdown());
            Exit::Ok.into()
        }
        ConfigCommand::Schema(args) => {
            let schema = match args.of {
                SchemaOf::Config => hactld::config::schema(),
                SchemaOf::Status => schema::status(),
                SchemaOf::Check => schema::check(),
                SchemaOf::Explain => schema::explain(),
                SchemaOf::Event => schema::event(),
                SchemaOf::Incident => schema::incident(),
                SchemaOf::Exits => schema::exits(),
                SchemaOf::Change => schema::change(),
                SchemaOf::Error => schema::error(),
            };
            print(&format!("{schema:#}\n"));
            Exit::Ok.into()
        }
    }
}

fn check(args: &CheckArgs, terminal: &Terminal) -> ExitCode {
    let Some(config) = loaded(&args.file.flags(), terminal) else { return Exit::Usage.into() };
    if let Err(report) = authorities(&config) {
        report.print(terminal);
        return Exit::Usage.into();
    }
    // No mistake where the file is for another host.
    for report in programs(&config) {
        report.warn(terminal);
    }
    if !args.quiet {
        print(&format!("{} is good: {}\n", args.file.name(), summary(&config)));
    }
    Exit::Ok.into()
}

/// The configuration, or each of its mistakes on standard error.
pub(crate) fn loaded(flags: &Flags, terminal: &Terminal) -> Option<Config> {
    let error = match load(flags) {
        Ok(config) => return Some(config),
        Err(error) => error,
    };
    for problem in error.problems() {
        print_error(&problem.to_string(), terminal);
    }
    None
}

/// Whether the certificate authorities can be used, which `hactl run` finds out when it starts.
pub(crate) fn authorities(config: &Config) -> Result<Prober, Report> {
    let roots = TlsRoots { ca_files: config.probe.ca_file.iter().cloned().collect() };
    Prober::new(&roots).map_err(|error| {
        let report = Report { why: sources(&error), ..Report::new(error.to_string()) };
        report.next("correct ca_file in [probe], or HACTL_PROBE__CA_FILE")
    })
}

/// Programs that could not be run when something happens, as far as this user can tell.
pub(crate) fn programs(config: &Config) -> Vec<Report> {
    let hooks = config.hooks.iter().map(|hook| ("[[hook]]", &hook.command.program));
    let backends = config.instances.iter().flat_map(|instance| &instance.backends);
    let restarts = backends.flat_map(|backend| backend.on_offline.values());
    let restarts = restarts.map(|restart| ("`on_offline`", &restart.command.program));
    let mut told = BTreeSet::new();
    let named = hooks.chain(restarts).filter(|(_, program)| told.insert((*program).clone()));
    let flaw = |(place, program): (&str, &PathBuf)| {
        let why = match program.metadata() {
            Err(error) => error.to_string(),
            Ok(there) if !there.is_file() => "it is no file".to_owned(),
            Ok(_) => access(program, Access::EXEC_OK).err()?.to_string(),
        };
        let report = Report::new(format!("{} cannot be run", program.display())).because(why);
        Some(report.next(format!("install it, make it executable, or correct `run` in {place}")))
    };
    named.filter_map(flaw).collect()
}

/// What it comes to, in a line.
pub(crate) fn summary(config: &Config) -> String {
    let backends: usize = config.instances.iter().map(|instance| instance.backends.len()).sum();
    [(config.instances.len(), "instance"), (backends, "backend"), (config.probe.targets.len(), "target")]
        .map(|(count, what)| counted(count, what))
        .join(", ")
}

/// `1 backend`, `2 backends`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
