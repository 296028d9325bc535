//! `hactl wait`: looks on until something is as it is wanted, or the time is over. A daemon that is started again meanwhile
//! is waited for, too.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use failover::Verdict;
use failover::status::{BackendStatus, ServerStatus, Status};
use hactld::admin::STATUS_STREAM_PATH;
use hactld::text::Shown;
use tokio::time::{Instant, sleep, timeout_at};

use crate::client::{self, ClientError};
use crate::exit::Exit;
use crate::refusal::exit_of;
use crate::report::{Report, print};
use crate::status::{NotThere, named, report_of, unknown_name};
use crate::terminal::{Terminal, span};

/// How often what has not changed is told: what is waited for is a change, which is told at once.
const INTERVAL_MS: u64 = 1000;

/// Before a daemon that does not answer is asked again: it starts within a second.
const AGAIN: Duration = Duration::from_millis(250);

const HELP: &str = "Without NAME, of everything: online is every server online, degraded and offline
are any server so, applied is nothing that is wanted and not done. Where the
daemon is started again meanwhile, it is waited for.

Examples:
  hactl wait socks_back_7891/wg1 --for online --timeout 5m
  wg-quick up wg1 && hactl wait socks_back_7891/wg1 --for online
  hactl wait --for applied

Exit codes:
   0  it is so    124  not within the time
  64  usage error, or nothing of that name    77  permission denied";

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct WaitArgs {
    /// Only this: INSTANCE, BACKEND (or INSTANCE:BACKEND) or BACKEND/SERVER.
    #[arg(value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    name: Option<String>,
    /// What to wait for.
    #[arg(long = "for", value_enum, value_name = "WHAT")]
    what: Wanted,
    /// For how long at the most, from 1s to 30d.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = hactld::config::parse_pause)]
    timeout: Duration,
    /// Print nothing.
    #[arg(short, long)]
    quiet: bool,
    /// hactl's own socket.
    #[arg(long, value_name = "PATH", env = "HACTL_SOCKET", hide_env_values = true, default_value = hactld::config::DEFAULT_SOCKET)]
    socket: PathBuf,
}

impl WaitArgs {
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Wanted {
    Online,
    Degraded,
    Offline,
    Applied,
}

impl Wanted {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Degraded => "degraded",
            Self::Offline => "offline",
            Self::Applied => "applied",
        }
    }
}

/// How the waiting ended.
enum Ended {
    /// It is so.
    Met,
    /// It was not so within the time; how it was last, as far as that is known.
    TimedOut(Option<String>),
    /// It makes no sense to wait.
    Cannot(Exit, Report),
}

pub(crate) fn run(args: &WaitArgs, terminal: &Terminal) -> ExitCode {
    let started = std::time::Instant::now();
    let ended = match client::runtime() {
        Ok(runtime) => runtime.block_on(wait(args, terminal)),
        Err(error) => Ended::Cannot(exit_of(&error), report_of(&args.socket, &error)),
    };
    let name = args.name.as_deref().map_or_else(|| "everything".to_owned(), |name| Shown(name).to_string());
    let what = args.what.as_str();
    match ended {
        Ended::Met => {
            if !args.quiet {
                print(&format!("{name} is {what} (after {})\n", span(started.elapsed().as_secs_f64())));
            }
            Exit::Ok.into()
        }
        Ended::TimedOut(last) => {
            let last = last.unwrap_or_else(|| "hactl did not answer".to_owned());
            let patience = span(args.timeout.as_secs_f64());
            let missed = match (&args.name, args.what) {
                (Some(_), _) => format!("{name} was not {what}"),
                (None, Wanted::Online | Wanted::Applied) => format!("not everything was {what}"),
                (None, Wanted::Degraded | Wanted::Offline) => format!("nothing was {what}"),
            };
            let report = Report::new(format!("{missed} within {patience}")).because(last);
            report.next(next(args)).print(terminal);
            Exit::TimedOut.into()
        }
        Ended::Cannot(exit, report) => {
            report.print(terminal);
            exit.into()
        }
    }
}

fn next(args: &WaitArgs) -> String {
    match &args.name {
        Some(name) if name.contains('/') => format!("hactl explain {name}"),
        Some(name) => format!("hactl status {name}"),
        None => "hactl status".to_owned(),
    }
}

async fn wait(args: &WaitArgs, terminal: &Terminal) -> Ended {
    let until = Instant::now() + args.timeout;
    let mut last = None;
    let mut said = false;
    loop {
        match timeout_at(until, follow(args, &mut last)).await {
            Err(_) => return Ended::TimedOut(last),
            Ok(Ok(ended)) => return ended,
            Ok(Err(error)) => {
                if exit_of(&error) == Exit::Permission {
                    return Ended::Cannot(Exit::Permission, report_of(&args.socket, &error));
                }
                let report = report_of(&args.socket, &error);
                let why = report.why.as_deref().unwrap_or_default();
                last = Some(format!("{}: {why}", report.what));
                // It may be on its way, and it may be the wrong socket: who waits can tell.
                if !std::mem::replace(&mut said, true) && !args.quiet {
                    report.warn(terminal);
                }
            }
        }
        if timeout_at(until, sleep(AGAIN)).await.is_err() {
            return Ended::TimedOut(last);
        }
    }
}

/// Follows one daemon to its end, or to the end of the waiting.
async fn follow(args: &WaitArgs, last: &mut Option<String>) -> Result<Ended, ClientError> {
    let path = format!("{STATUS_STREAM_PATH}?interval_ms={INTERVAL_MS}");
    let mut stream = client::stream(&args.socket, &path, None).await?;
    while let Some(message) = stream.next().await? {
        let status: Status =
            serde_json::from_str(&message.data).map_err(|source| ClientError::Contract { source })?;
        match look(&status, args) {
            Ok(None) => return Ok(Ended::Met),
            Ok(Some(missing)) => *last = Some(missing),
            Err(not_there) if not_there.unseen => *last = Some("HAProxy was not seen yet".to_owned()),
            Err(not_there) => {
                let name = args.name.as_deref().unwrap_or_default();
                return Ok(Ended::Cannot(Exit::Usage, unknown_name(name, &not_there)));
            }
        }
    }
    *last = Some("hactl has ended".to_owned());
    Err(ClientError::Silent)
}

/// What is missing; nothing where it is as it is wanted.
fn look(status: &Status, args: &WaitArgs) -> Result<Option<String>, NotThere> {
    let named = args.name.as_deref().map(|name| named(status, name)).transpose()?;
    let (status, server) = match &named {
        Some(named) => (&named.status, named.server.as_deref()),
        None => (status, None),
    };
    let servers = status.backends.iter().flat_map(|backend| {
        let of_it = backend.servers.iter().filter(move |there| server.is_none_or(|name| there.name == name));
        of_it.map(move |there| (backend, there))
    });
    let servers: Vec<(&BackendStatus, &ServerStatus)> = servers.filter(|(_, there)| there.managed).collect();
    Ok(missing(status, &servers, args.what))
}

fn missing(status: &Status, servers: &[(&BackendStatus, &ServerStatus)], what: Wanted) -> Option<String> {
    if let Some(stale) = status.instances.iter().find(|instance| !instance.haproxy.answering) {
        return Some(format!("the HAProxy of {} does not answer", stale.name));
    }
    if servers.is_empty() {
        return Some("hactl steers no server there".to_owned());
    }
    let is = |verdict: Verdict| move |server: &ServerStatus| server.health == Some(verdict);
    match what {
        Wanted::Online => first(servers, |server| !is(Verdict::Online)(server)).map(how_it_is),
        Wanted::Degraded => none_is(servers, is(Verdict::Degraded)),
        Wanted::Offline => none_is(servers, is(Verdict::Offline)),
        Wanted::Applied if !status.applying => {
            Some("hactl changes nothing in HAProxy now; `hactl status` says why".to_owned())
        }
        Wanted::Applied => first(servers, |server| server.drift).map(|(backend, server)| {
            let held = server.held.as_deref().map(|held| format!(": {held}")).unwrap_or_default();
            format!("{}/{} is not as it is wanted{held}", backend.name, server.name)
        }),
    }
}

fn first<'a>(
    servers: &[(&'a BackendStatus, &'a ServerStatus)],
    wanted: impl Fn(&ServerStatus) -> bool,
) -> Option<(&'a BackendStatus, &'a ServerStatus)> {
    servers.iter().copied().find(|(_, server)| wanted(server))
}

fn none_is(
    servers: &[(&BackendStatus, &ServerStatus)],
    wanted: impl Fn(&ServerStatus) -> bool,
) -> Option<String> {
    if first(servers, wanted).is_some() {
        return None;
    }
    servers.first().copied().map(how_it_is)
}

fn how_it_is((backend, server): (&BackendStatus, &ServerStatus)) -> String {
    let verdict = server.health.unwrap_or(Verdict::Unknown);
    let reason = server.reason.as_ref().map(|reason| format!(": {}", reason.text)).unwrap_or_default();
    format!("{}/{} is {verdict}{reason}", backend.name, server.name)
}

#[cfg(test)]
mod tests;
