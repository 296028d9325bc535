//! The command line: what can be typed, and the help that says so.

mod help;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use haproxy_runtime::Address;

use self::help::{
    CHANGE_HELP, CHECK_HELP, EXIT_CODES, FAILBACK_HELP, PAUSE_HELP, RELOAD_HELP, RUN_HELP, SIMULATE_HELP,
    STATUS_HELP,
};
pub(crate) use self::help::{operators, order_codes};
use crate::events::EventsArgs;
use crate::exits::ExitsArgs;
use crate::explain::ExplainArgs;
use crate::overrides::{AutoArgs, OutArgs, PinArgs, ReadyArgs};
use crate::top::TopArgs;
use crate::wait::WaitArgs;

/// HAProxy says UP, the tunnel is dead: hactl proves that each SOCKS5 upstream carries traffic, and steers HAProxy.
#[derive(Debug, Parser)]
#[command(name = "hactl", version, after_help = EXIT_CODES, disable_help_subcommand = true)]
#[command(override_usage = "hactl [OPTIONS OF STATUS]\n       hactl COMMAND [OPTIONS]")]
pub(crate) struct Cli {
    /// Colours: auto is on a terminal without NO_COLOR.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: Color,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the daemon (also by the name hactld).
    Run(RunArgs),
    /// Show what hactl knows and does (without a command: this).
    Status(StatusArgs),
    /// Watch it live on the whole screen, and set overrides.
    #[command(alias = "ui")]
    Top(TopArgs),
    /// Say why a backend or a server is as it is.
    Explain(ExplainArgs),
    /// Look on until something is as it is wanted.
    Wait(WaitArgs),
    /// Test upstreams now, without the daemon.
    Check(CheckArgs),
    /// Show what was decided on a recording, and with other settings.
    Simulate(SimulateArgs),
    /// Show where traffic leaves from, and whether that is where hactl believes.
    Exits(ExitsArgs),
    /// Have the daemon read its configuration again.
    #[command(after_help = RELOAD_HELP)]
    Reload(SocketArgs),
    /// Have the daemon change nothing in HAProxy.
    Pause(PauseArgs),
    /// End a pause.
    Resume(ResumeArgs),
    /// Have a backend's traffic go back to where it belongs.
    Failback(FailbackArgs),
    /// Take servers out, whatever their probes say.
    Maint(OutArgs),
    /// Have servers take no new connections, whatever their probes say.
    Drain(OutArgs),
    /// Have servers be used, whatever their probes say.
    Ready(ReadyArgs),
    /// Leave servers to their probes again.
    Auto(AutoArgs),
    /// Have one server carry its backend's traffic.
    Pin(PinArgs),
    /// Show what happened, and what happens.
    Events(EventsArgs),
    /// Look for mistakes in the set-up, with what to do about each.
    Doctor(crate::doctor::DoctorArgs),
    /// Make a configuration for the HAProxy that runs here.
    Init(crate::init::InitArgs),
    /// Check and show the configuration.
    Config(crate::config::ConfigArgs),
    /// Send one command to HAProxy's runtime API.
    Raw(crate::raw::RawArgs),
    /// Print the completions of a shell.
    Completions(crate::packaging::CompletionsArgs),
    /// Write the manual pages.
    #[command(hide = true)]
    Man(crate::packaging::ManArgs),
}

impl Command {
    /// hactl's own socket, of those that ask there.
    pub(crate) fn socket(&self) -> Option<&Path> {
        match self {
            Self::Status(args) => Some(&args.socket),
            Self::Top(args) => Some(&args.socket.socket),
            Self::Explain(args) => Some(args.socket()),
            Self::Wait(args) => Some(args.socket()),
            Self::Exits(args) => Some(&args.socket),
            Self::Reload(args) => Some(&args.socket),
            Self::Pause(args) => Some(&args.ask.socket),
            Self::Resume(args) => Some(&args.ask.socket),
            Self::Failback(args) => Some(&args.ask.socket),
            Self::Maint(args) | Self::Drain(args) => Some(args.socket()),
            Self::Ready(args) => Some(args.socket()),
            Self::Auto(args) => Some(args.socket()),
            Self::Pin(args) => Some(args.socket()),
            Self::Events(args) => Some(args.socket()),
            Self::Doctor(args) => args.socket(),
            Self::Raw(args) => Some(args.socket()),
            Self::Check(args) => Some(&args.socket),
            Self::Run(_)
            | Self::Simulate(_)
            | Self::Init(_)
            | Self::Config(_)
            | Self::Completions(_)
            | Self::Man(_) => None,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Debug, Args)]
#[command(after_help = RUN_HELP)]
pub(crate) struct RunArgs {
    /// Configuration file.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// HAProxy's runtime API: PATH, unix:PATH, master:PATH or tcp:HOST:PORT.
    #[arg(long, value_name = "ADDR", env = "HACTL_HAPROXY", hide_env_values = true)]
    pub(crate) haproxy: Option<String>,
    /// A backend to steer; may be repeated.
    #[arg(long, value_name = "NAME")]
    pub(crate) backend: Vec<String>,
    /// hactl's own socket.
    #[arg(long, value_name = "PATH", env = "HACTL_SOCKET", hide_env_values = true)]
    pub(crate) socket: Option<PathBuf>,
    /// Write what is seen to a new file, for hactl simulate.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Where what outlives hactl is kept.
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// What becomes of our maint at the end: keep or restore.
    #[arg(long, value_name = "WHAT")]
    pub(crate) on_exit: Option<String>,
    /// Change nothing in HAProxy: list what would be sent.
    #[arg(long)]
    pub(crate) observe: bool,
}

#[derive(Debug, Args)]
#[command(after_help = STATUS_HELP)]
pub(crate) struct StatusArgs {
    /// Only this: INSTANCE, BACKEND (or INSTANCE:BACKEND) or BACKEND/SERVER.
    #[arg(value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) name: Option<String>,
    /// hactl's own socket.
    #[arg(long, value_name = "PATH", env = "HACTL_SOCKET", hide_env_values = true, default_value = hactld::config::DEFAULT_SOCKET)]
    pub(crate) socket: PathBuf,
    /// How to print it: for people, hactl/v1 for programs, csv, or the names alone.
    #[arg(short, long, value_enum, default_value = "table", value_name = "FORMAT")]
    pub(crate) output: StatusFormat,
    /// Go on, and show it anew each INTERVAL (2s) and on every change.
    #[arg(short, long, value_name = "INTERVAL", num_args = 0..=1, require_equals = true, default_missing_value = "2s", value_parser = parse_watch)]
    pub(crate) watch: Option<Duration>,
    /// Without headings.
    #[arg(long)]
    pub(crate) no_header: bool,
    /// Print nothing: the exit code says it.
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// For the daemon to answer, from 50ms to 120s.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = hactld::config::parse_timeout)]
    pub(crate) timeout: Duration,
    /// Exit with 0 in place of 1 and 2.
    #[arg(long)]
    pub(crate) exit_zero: bool,
}

#[derive(Debug, Args)]
#[command(after_help = CHANGE_HELP)]
pub(crate) struct SocketArgs {
    /// hactl's own socket.
    #[arg(long, value_name = "PATH", env = "HACTL_SOCKET", hide_env_values = true, default_value = hactld::config::DEFAULT_SOCKET)]
    pub(crate) socket: PathBuf,
}

/// Of commands that change something: whom to ask, and how to print what came of it.
#[derive(Debug, Args)]
pub(crate) struct AskArgs {
    /// hactl's own socket.
    #[arg(long, value_name = "PATH", env = "HACTL_SOCKET", hide_env_values = true, default_value = hactld::config::DEFAULT_SOCKET)]
    pub(crate) socket: PathBuf,
    /// How to print it: for people, or hactl/v1 for programs.
    #[arg(short, long, value_enum, default_value = "table", value_name = "FORMAT")]
    pub(crate) output: AskFormat,
}

impl AskArgs {
    /// Programs read it.
    pub(crate) fn json(&self) -> bool {
        self.output == AskFormat::Json
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AskFormat {
    Table,
    Json,
}

#[derive(Debug, Args)]
#[command(after_help = PAUSE_HELP)]
pub(crate) struct PauseArgs {
    #[command(flatten)]
    pub(crate) ask: AskArgs,
    /// For how long, from 1s to 30d; without it, until hactl resume.
    #[arg(long = "for", value_name = "DURATION", value_parser = hactld::config::parse_pause)]
    pub(crate) lasts: Option<Duration>,
    /// Why, for those who find it paused.
    #[arg(short = 'm', long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = CHANGE_HELP)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    pub(crate) ask: AskArgs,
}

#[derive(Debug, Args)]
#[command(after_help = FAILBACK_HELP)]
pub(crate) struct FailbackArgs {
    #[command(flatten)]
    pub(crate) ask: AskArgs,
    /// A backend; where several instances have one of this name, INSTANCE:BACKEND.
    #[arg(value_name = "BACKEND", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) backend: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StatusFormat {
    Table,
    Wide,
    Json,
    Csv,
    Name,
}

/// How often `--watch` shows it: what a daemon's stream takes.
fn parse_watch(text: &str) -> Result<Duration, String> {
    let every = hactld::config::parse_timeout(text)?;
    if (Duration::from_millis(200)..=Duration::from_secs(60)).contains(&every) {
        Ok(every)
    } else {
        Err("out of range; from 200ms to 60s is allowed".to_owned())
    }
}

#[derive(Debug, Args)]
#[command(after_help = CHECK_HELP)]
pub(crate) struct CheckArgs {
    /// backend/server, server, PORT, HOST:PORT, socks5[h]://[USER@]HOST:PORT, or - for a list on standard input.
    #[arg(required = true, value_name = "UPSTREAM")]
    pub(crate) upstreams: Vec<String>,
    /// What to ask for through it; may be repeated, and one answer is enough. Without it what the daemon asks for; else
    /// https://1.1.1.1/, https://8.8.8.8/ and https://9.9.9.9/.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Vec<String>,
    /// A further certificate authority, PEM.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// For the whole of one request, from 50ms to 120s.
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = hactld::config::parse_timeout)]
    pub(crate) timeout: Duration,
    /// HAProxy's runtime API, for upstreams given by server name, in place of what the daemon knows of them.
    #[arg(long, value_name = "ADDR", env = "HACTL_HAPROXY", hide_env_values = true)]
    pub(crate) haproxy: Option<Address>,
    /// hactl's own socket, for upstreams given by server name.
    #[arg(long, value_name = "PATH", env = "HACTL_SOCKET", hide_env_values = true, default_value = hactld::config::DEFAULT_SOCKET)]
    pub(crate) socket: PathBuf,
    /// How to print it; csv is UPSTREAM,HEALTH,MILLISECONDS.
    #[arg(short, long, value_enum, default_value = "table", value_name = "FORMAT")]
    pub(crate) output: CheckFormat,
    /// Ask so often, up to 100, a moment apart: the worst is shown, with the median of the times.
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) count: u32,
    /// Show every stage with its time.
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Exit with 0 in place of 1 and 2.
    #[arg(long)]
    pub(crate) exit_zero: bool,
}

#[derive(Debug, Args)]
#[command(after_help = SIMULATE_HELP)]
pub(crate) struct SimulateArgs {
    /// What hactl run --record wrote.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Set this otherwise; may be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value = "table", value_name = "FORMAT")]
    pub(crate) output: SimulateFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SimulateFormat {
    Table,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    Table,
    Csv,
    Json,
}

#[cfg(test)]
mod tests;
