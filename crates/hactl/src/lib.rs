//! What a person types: `hactl run`, `hactl status`, `hactl check` and so on. The daemon does not need this crate's commands.

mod change;
mod check;
mod cli;
mod client;
mod config;
mod doctor;
mod events;
mod exit;
mod exits;
mod explain;
mod init;
mod moment;
mod overrides;
mod packaging;
mod raw;
mod reference;
mod refusal;
mod report;
mod schema;
mod simulate;
mod status;
mod steered;
mod table;
mod terminal;
mod top;
mod typed;
mod upstream;
mod wait;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};

use crate::cli::{Cli, Color, Command, RunArgs};
use crate::exit::Exit;
use crate::overrides::State;
use crate::refusal::failed;
use crate::report::Report;
use crate::terminal::Terminal;

/// Runs the program with this process's arguments. Called as `hactld` it is `hactl run`.
#[must_use]
pub fn main() -> ExitCode {
    let mut cli = Cli::command();
    let typed = typed::arguments(std::env::args_os(), &cli);
    let read = cli.try_get_matches_from_mut(&typed).and_then(|matches| Cli::from_arg_matches(&matches));
    let code = match read {
        Ok(cli) => dispatch(cli),
        Err(error) => unread(&error, &typed, &cli),
    };
    match report::unwritten() {
        Some(report) => {
            report.print(&Terminal::of_this_process(Color::Auto));
            Exit::Unwritten.into()
        }
        None => code,
    }
}

/// Help that was asked for, or what is wrong with what was typed.
fn unread(error: &clap::Error, typed: &[OsString], cli: &clap::Command) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let colored = Terminal::of_this_process(Color::Auto).color;
        let text = error.render();
        report::print(&if colored { text.ansi().to_string() } else { text.to_string() });
        return Exit::Ok.into();
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        // Nobody is left to tell where not even this can be printed.
        let _ = error.print();
        return Exit::Usage.into();
    }
    let terminal = Terminal::of_this_process(Color::Auto);
    failed(Exit::Usage, &typed::mistake(error, typed, cli), typed::wants_json(typed), &terminal)
}

fn dispatch(cli: Cli) -> ExitCode {
    let command = cli.command;
    let terminal = Terminal::of_this_process(cli.color).asking(command.socket());
    match command {
        Command::Run(args) => run(args, &terminal),
        Command::Status(args) => status::run(&args, &terminal),
        Command::Top(args) => top::run(&args, &terminal),
        Command::Explain(args) => explain::run(&args, &terminal),
        Command::Wait(args) => wait::run(&args, &terminal),
        Command::Check(args) => check::run(&args, &terminal),
        Command::Simulate(args) => simulate::run(&args, &terminal),
        Command::Exits(args) => exits::run(&args, &terminal),
        Command::Reload(args) => change::reload(&args, &terminal),
        Command::Pause(args) => change::pause(&args, &terminal),
        Command::Resume(args) => change::resume(&args, &terminal),
        Command::Events(args) => events::run(&args, &terminal),
        Command::Failback(args) => change::failback(&args, &terminal),
        Command::Maint(args) => overrides::out(State::Maint, &args, &terminal),
        Command::Drain(args) => overrides::out(State::Drain, &args, &terminal),
        Command::Ready(args) => overrides::ready(&args, &terminal),
        Command::Auto(args) => overrides::auto(&args, &terminal),
        Command::Pin(args) => overrides::pin(&args, &terminal),
        Command::Doctor(args) => doctor::run(&args, &terminal),
        Command::Init(args) => init::run(&args, &terminal),
        Command::Config(args) => config::run(&args, &terminal),
        Command::Raw(args) => raw::run(&args, &terminal),
        Command::Completions(args) => packaging::completions(&args),
        Command::Man(args) => packaging::man(&args, &terminal),
    }
}

fn run(args: RunArgs, terminal: &Terminal) -> ExitCode {
    let flags = hactld::config::Flags {
        file: args.config,
        haproxy: args.haproxy,
        backends: args.backend,
        socket: args.socket,
        record: args.record,
        state_dir: args.state_dir,
        on_exit: args.on_exit,
        observe: args.observe,
    };
    let config = match hactld::config::load(&flags) {
        Ok(config) => config,
        Err(error) => {
            for problem in error.problems() {
                report::print_error(&problem.to_string(), terminal);
            }
            return Exit::Usage.into();
        }
    };
    match hactld::run(config, flags, terminal.color_errors) {
        Ok(code) => code,
        Err(error) => {
            Report::of_start(&error).print(terminal);
            exit::of_start(&error).into()
        }
    }
}
