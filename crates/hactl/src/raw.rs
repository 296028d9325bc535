//! `hactl raw`: one command to HAProxy's runtime API, as it was typed. It finds the socket, keeps to a closed list and changes
//! nothing unless that is asked for.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use hactld::admin::RAW_PATH;
use hactld::config::DEFAULT_SOCKET;
use hactld::text::Shown;
use haproxy_runtime::{Address, Client, ExchangeError, Limits, RawCommand};
use serde_json::json;
use tokio::runtime::Builder;

use crate::client::{self, ClientError};
use crate::exit::Exit;
use crate::refusal::report_of;
use crate::report::{Report, print, sources};
use crate::steered;
use crate::terminal::Terminal;

/// HAProxy answers within milliseconds, large tables within some hundred.
const DEADLINE: Duration = Duration::from_secs(5);

/// A table with a hundred thousand entries.
const REPLY_MAX: usize = 64 * 1024 * 1024;

/// Commands that are like what was typed: those that are most like it come first.
const LIKE_MAX: usize = 3;

/// The exit code where HAProxy does not do it.
const REFUSED: u8 = 2;

pub(crate) const RAW_HELP: &str =
    "Without --write only `show ...` is sent. With it also `set server BACKEND/SERVER
state|weight|health|agent ...`, `set weight`, `enable server`, `disable server`
and `shutdown sessions server`; nothing else ever is.
Without --haproxy it is the HAProxy that the daemon steers, then that of the
configuration. Where hactl steers it too, `hactl maint` and its like are better:
hactl puts right what it did not do itself. A change becomes one of its events
(kind raw, with who and what), where the user is one of its operators.

Examples:
  hactl raw show servers state
  hactl raw 'show stat' | cut -d, -f1,2,18
  hactl raw --write set server socks_back_7891/wg1 weight 10

Exit codes:
   0  answered    2  HAProxy refuses    3  HAProxy cannot be reached
  64  usage error    77  permission denied on HAProxy's socket";

#[derive(Debug, Args)]
#[command(after_help = RAW_HELP)]
pub(crate) struct RawArgs {
    /// The command, in one word or several.
    #[arg(required = true, value_name = "COMMAND", allow_negative_numbers = true)]
    command: Vec<String>,
    /// HAProxy's runtime API: PATH, unix:PATH, master:PATH or tcp:HOST:PORT.
    #[arg(long, value_name = "ADDR", env = "HACTL_HAPROXY", hide_env_values = true)]
    haproxy: Option<Address>,
    /// Send also what changes something.
    #[arg(long)]
    write: bool,
    /// hactl's own socket, to ask which HAProxy it steers.
    #[arg(long, value_name = "PATH", env = "HACTL_SOCKET", hide_env_values = true, default_value = DEFAULT_SOCKET)]
    socket: PathBuf,
}

impl RawArgs {
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }
}

pub(crate) fn run(args: &RawArgs, terminal: &Terminal) -> ExitCode {
    let sent = command(args).and_then(|command| {
        let haproxy = haproxy(args)?;
        send(&command, haproxy.clone()).map(|reply| (command, haproxy, reply))
    });
    match sent {
        Ok((command, haproxy, reply)) => {
            if command.writes() && reply.trim_ascii().is_empty() {
                tell(args, &command, &haproxy, terminal);
            }
            answered(&command, &reply, terminal)
        }
        Err((report, exit)) => {
            report.print(terminal);
            exit.into()
        }
    }
}

/// The daemon has it among its events who has changed what. Where none runs there is nobody to tell.
fn tell(args: &RawArgs, command: &RawCommand, haproxy: &Address, terminal: &Terminal) {
    let body = json!({ "command": command.to_string(), "haproxy": haproxy.to_string() });
    let Err(error) = client::post(&args.socket, RAW_PATH, &body) else { return };
    let runs = match &error {
        ClientError::Connect(error) => error.kind() == io::ErrorKind::PermissionDenied,
        ClientError::TooSlow
        | ClientError::Silent
        | ClientError::CutOff
        | ClientError::NotHactl
        | ClientError::Exchange(_)
        | ClientError::Runtime(_)
        | ClientError::Refused { .. }
        | ClientError::Contract { .. } => true,
    };
    if runs {
        let what = "it was sent, and is not among the events of hactl".to_owned();
        report_of(what, &args.socket, &error).warn(terminal);
    }
}

fn command(args: &RawArgs) -> Result<RawCommand, (Report, Exit)> {
    let typed = args.command.join(" ");
    let refused = |why: String, next: String| {
        (Report::new(format!("`{typed}` is not sent")).because(why).next(next), Exit::Usage)
    };
    let command: RawCommand = typed.parse().map_err(|error: haproxy_runtime::RawError| {
        let why = sources(&error).map_or_else(|| error.to_string(), |sources| format!("{error}: {sources}"));
        refused(why, "see hactl raw --help".to_owned())
    })?;
    if command.writes() && !args.write {
        let why = "it changes something in HAProxy".to_owned();
        return Err(refused(why, format!("hactl raw --write {command}")));
    }
    Ok(command)
}

/// As named; else that of the daemon, of the configuration, of Debian.
fn haproxy(args: &RawArgs) -> Result<Address, (Report, Exit)> {
    if let Some(address) = &args.haproxy {
        return Ok(address.clone());
    }
    let known = steered::haproxies(steered::status(&args.socket).as_ref());
    match known.as_slice() {
        [only] => Ok(only.clone()),
        several => {
            let list = several.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let report = Report::new("which HAProxy is meant is not said".to_owned());
            Err((
                report.because(format!("hactl steers {list}")).next("name one of them with --haproxy ADDR"),
                Exit::Usage,
            ))
        }
    }
}

fn send(command: &RawCommand, haproxy: Address) -> Result<Vec<u8>, (Report, Exit)> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| {
        (Report::new("this command could not run".to_owned()).because(error.to_string()), Exit::Unknown)
    })?;
    let limits = Limits { deadline: DEADLINE, max_reply: REPLY_MAX };
    let at = haproxy.to_string();
    let asked = Client::new(haproxy).with_limits(limits);
    runtime.block_on(asked.raw(command)).map_err(|error| {
        let why = sources(&error).map_or_else(|| error.to_string(), |sources| format!("{error}: {sources}"));
        let report = Report::new(format!("cannot ask HAProxy at {at}")).because(why);
        let next = "name HAProxy's stats socket with --haproxy ADDR; `hactl doctor` looks for what is wrong";
        (report.next(next), exit_of(&error))
    })
}

const fn exit_of(error: &ExchangeError) -> Exit {
    match error {
        ExchangeError::PermissionDenied { .. } => Exit::Permission,
        ExchangeError::EmptyBatch
        | ExchangeError::LineTooLong { .. }
        | ExchangeError::Missing(_)
        | ExchangeError::Refused(_)
        | ExchangeError::NotASocket(_)
        | ExchangeError::NoWorker(_)
        | ExchangeError::TimedOut { .. }
        | ExchangeError::Io { .. }
        | ExchangeError::TooLarge { .. }
        | ExchangeError::Closed(_)
        | ExchangeError::Malformed { .. } => Exit::Unknown,
    }
}

fn answered(command: &RawCommand, reply: &[u8], terminal: &Terminal) -> ExitCode {
    let text = String::from_utf8_lossy(reply);
    let text = text.trim_end_matches('\n');
    if is_refusal(command, text) {
        refused(command, text).print(terminal);
        return REFUSED.into();
    }
    // Whoever looks at it is not to have the cursor moved; a program gets what HAProxy has said.
    let lines: String = match terminal.width {
        Some(_) => text.lines().map(|line| format!("{}\n", Shown(line))).collect(),
        None => text.lines().map(|line| format!("{line}\n")).collect(),
    };
    print(&lines);
    Exit::Ok.into()
}

/// Where HAProxy knows no such command, it names some that are like it, a line each, with what they do behind a colon.
fn refused(command: &RawCommand, text: &str) -> Report {
    let mut lines = text.lines();
    let why = Shown(lines.next().unwrap_or_default().trim_end_matches(':')).to_string();
    let like: Vec<String> = lines
        .filter_map(|line| Some(line.split_once(" : ")?.0.trim()))
        .filter(|like| like.starts_with("show ") || command.writes())
        .take(LIKE_MAX)
        .map(|like| format!("`{}`", Shown(like)))
        .collect();
    let report = Report::new(format!("HAProxy does not do `{command}`")).because(why);
    if text.starts_with("Permission denied") {
        report.next("use a stats socket of level admin: --haproxy ADDR")
    } else if like.is_empty() {
        report.next("hactl raw 'show servers state' names backends and servers")
    } else {
        report.next(format!("it knows {}", like.join(", ")))
    }
}

/// HAProxy has no codes, only texts.
fn is_refusal(command: &RawCommand, reply: &str) -> bool {
    const REFUSALS: [&str; 4] = ["Permission denied", "Unknown command", "Can't find backend.", "No such "];
    if command.writes() { !reply.is_empty() } else { REFUSALS.iter().any(|text| reply.starts_with(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_are_like_what_was_typed_are_named() {
        let told = |text: &str| refused(&"show server state".parse().unwrap(), text);
        let report = told(
            "Unknown command, but maybe one of the following ones is a better match:\n  show servers state [<backend>]         : dump volatile server information\n  set server x : y\n  help : list",
        );
        assert_eq!(report.next.as_deref(), Some("it knows `show servers state [<backend>]`"));
        assert_eq!(
            report.why.as_deref(),
            Some("Unknown command, but maybe one of the following ones is a better match")
        );
        assert!(told("No such server.").next.unwrap().contains("show servers state"));
    }

    #[test]
    fn texts_of_haproxy_are_answers_or_refusals() {
        let is = |command: &str, reply: &str| is_refusal(&command.parse().unwrap(), reply);
        assert!(!is("set server b/s state maint", ""));
        assert!(is("set server b/s state maint", "No such server."));
        assert!(is("show errors", "Permission denied"));
        assert!(is("show foo", "Unknown command, but maybe one of"));
        assert!(!is("show env", "PATH=/bin"));
    }
}
