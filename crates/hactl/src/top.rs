//! `hactl top`: the status live on the whole screen, and the keys that change something. What is shown follows from
//! `model` alone, which knows neither a clock nor a terminal; `source` speaks to the daemon, `screen` to the terminal.

mod change;
mod key;
mod look;
mod modal;
mod model;
mod rows;
mod screen;
mod source;
mod text;
mod view;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use clap::Args;

use self::look::Look;
use self::model::Model;
use crate::cli::SocketArgs;
use crate::exit::Exit;
use crate::refusal::exit_of;
use crate::report::Report;
use crate::status;
use crate::terminal::Terminal;

/// Faster is flicker, slower is no live screen.
const INTERVAL_MIN: Duration = Duration::from_millis(200);
const INTERVAL_MAX: Duration = Duration::from_secs(60);

/// For the first status: as long as `hactl status` waits for one.
const START_LIMIT: Duration = Duration::from_secs(5);

/// Inputs that wait to be taken in: a sender waits for room, so that a slow terminal slows them down.
const INPUTS_MAX: usize = 64;

/// Requests that wait for the one under way. One is made for each status and for each change.
const ASKS_MAX: usize = 8;

const HELP: &str = "Keys: ? lists them, q quits. m, d, r and a set and end overrides, p pauses hactl; each
asks first. c has the chosen server probed now, one probe at a time. Root, the
user that hactl runs as and [admin] operators may do that; for others it is
read-only.

On standard output that is no terminal there is nothing to show: see
hactl status -w.

Exit codes:
   0  left by q, ^C or SIGTERM    3  hactl does not run or does not answer
  64  usage error, or no terminal    77  permission denied on its socket";

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct TopArgs {
    #[command(flatten)]
    pub(crate) socket: SocketArgs,
    /// No keys that change something.
    #[arg(short = 'n', long)]
    pub(crate) read_only: bool,
    /// How often it is renewed where nothing happens, from 200ms to 60s.
    #[arg(short, long, value_name = "DURATION", default_value = "1s", value_parser = interval)]
    pub(crate) interval: Duration,
}

fn interval(text: &str) -> Result<Duration, String> {
    let given = hactld::config::parse_timeout(text).ok();
    given
        .filter(|given| (INTERVAL_MIN..=INTERVAL_MAX).contains(given))
        .ok_or_else(|| "write it from 200ms to 60s, as in 500ms or 2s".to_owned())
}

pub(crate) fn run(args: &TopArgs, terminal: &Terminal) -> ExitCode {
    if let Some(report) = no_terminal() {
        report.print(terminal);
        return Exit::Usage.into();
    }
    let socket = &args.socket.socket;
    // Before the screen is taken: what is wrong from the start is told as `hactl status` tells it.
    let status = match status::fetch_within(socket, START_LIMIT) {
        Ok((status, _)) => status,
        Err(error) => {
            status::report_of(socket, &error).print(terminal);
            return exit_of(&error).into();
        }
    };
    let read_only = args.read_only.then(|| "it was started with --read-only".to_owned());
    let (inputs, incoming) = sync_channel(INPUTS_MAX);
    let (asks, asked) = sync_channel(ASKS_MAX);
    source::start(socket, args.interval, &inputs, asked);
    screen::listen(&inputs);
    let model = Model::new(status, args.interval, read_only, hactld::zone::local());
    match screen::show(model, Look::of(terminal), &incoming, &asks) {
        Ok(()) => Exit::Ok.into(),
        Err(error) => {
            Report::new("the screen cannot be drawn".to_owned())
                .because(error.to_string())
                .next("hactl status -w")
                .print(terminal);
            Exit::Unknown.into()
        }
    }
}

/// Why there is nothing to draw on.
fn no_terminal() -> Option<Report> {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    let why = match (std::io::stdout().is_terminal(), std::io::stdin().is_terminal(), dumb) {
        (true, true, false) => return None,
        (false, ..) => "standard output is none",
        (true, false, _) => "standard input is none",
        (true, true, true) => "TERM names none that can move its cursor",
    };
    let report = Report::new("hactl top needs a terminal".to_owned());
    Some(report.because(why).next("hactl status -w"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_neither_flicker_nor_forever() {
        assert_eq!(interval("500ms"), Ok(Duration::from_millis(500)));
        for wrong in ["100ms", "61s", "fast", ""] {
            assert_eq!(interval(wrong), Err("write it from 200ms to 60s, as in 500ms or 2s".to_owned()));
        }
    }
}
