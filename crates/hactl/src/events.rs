//! `hactl events`: what happened, and what happens, as lines or as JSON.

mod render;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use hactld::admin::{EVENTS_PATH, EVENTS_STREAM_PATH, EventList, INCIDENTS_PATH, IncidentList};
use hactld::journal::Entry;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp, Zoned};

use crate::client::{self, ClientError, Message};
use crate::exit::Exit;
use crate::moment;
use crate::refusal::{exit_of, failed, report_of};
use crate::report::{Report, Unread, print, put};
use crate::terminal::Terminal;

/// Between two attempts to be told again, where the daemon is being restarted.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// Events that are shown unless said otherwise: a screen.
const SHOWN: usize = 50;

const HELP: &str = "Events are the transitions and actions that the log has: the latest 4096 are kept,
also over a restart. Kinds are those of the column KIND, such as health,
in_service, blackout, applied, haproxy_replaced, paused. With --incidents:
outages that clients may have noticed, each with the time until it was found,
until HAProxy sent new connections elsewhere, and without any server.

With -o json each line is one event; with -f they come as they happen.

Examples:
  hactl events -n 20
  hactl events -f --type health,in_service,blackout
  hactl events --since 1h --server 'socks_back_7891/wg*'
  hactl events -o json | jq -r 'select(.severity == \"error\") | .text'
  hactl events --incidents

Exit codes:
   0  done    3  hactl does not run or does not answer
  64  usage error    77  permission denied";

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct EventsArgs {
    /// Go on as events happen.
    #[arg(short, long)]
    follow: bool,
    /// How many, the latest ones.
    #[arg(short = 'n', long = "lines", value_name = "COUNT", default_value_t = SHOWN)]
    lines: usize,
    /// Nothing older than that: 30m, 2h, 3d, or a time such as 18:00 or 2026-11-24T06:00Z.
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<Timestamp>,
    /// Only of servers of this name: wg1, wg*, socks_back_7891/*.
    #[arg(long, value_name = "GLOB")]
    server: Option<String>,
    /// Only these kinds, with commas between them.
    #[arg(long = "type", value_name = "KINDS", value_delimiter = ',', hide_possible_values = true, value_parser = clap::builder::PossibleValuesParser::new(hactld::journal::kinds()))]
    kinds: Vec<String>,
    /// Show incidents in place of events.
    #[arg(long, conflicts_with_all = ["follow", "since", "server", "kinds"])]
    incidents: bool,
    /// hactl's own socket.
    #[arg(long, value_name = "PATH", env = "HACTL_SOCKET", hide_env_values = true, default_value = hactld::config::DEFAULT_SOCKET)]
    socket: PathBuf,
    /// How to print it: for people, or hactl/v1 for programs, a line each.
    #[arg(short, long, value_enum, default_value = "table", value_name = "FORMAT")]
    output: EventsFormat,
}

impl EventsArgs {
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum EventsFormat {
    Table,
    Json,
}

pub(crate) fn run(args: &EventsArgs, terminal: &Terminal) -> ExitCode {
    let zone = hactld::zone::local();
    let shown = if args.incidents {
        incidents(args, terminal, &zone)
    } else if args.follow {
        follow(args, terminal, &zone)
    } else {
        list(args).map(|events| drop(print_all(&events, args, terminal, &zone)))
    };
    match shown {
        Ok(()) => Exit::Ok.into(),
        Err(error) => {
            let exit = exit_of(&error);
            let what = if exit == Exit::Usage {
                "these events cannot be shown".to_owned()
            } else {
                format!("hactl at {} cannot be asked what happened", args.socket.display())
            };
            let report = report_of(what, &args.socket, &error);
            let report = if exit == Exit::Usage { report.next("see `hactl events --help`") } else { report };
            failed(exit, &report, args.output == EventsFormat::Json, terminal)
        }
    }
}

fn list(args: &EventsArgs) -> Result<Vec<Entry>, ClientError> {
    let path = format!("{EVENTS_PATH}?limit={}{}", args.lines, selection(args));
    let answer = client::get(&args.socket, &path)?;
    let list: EventList = serde_json::from_str(&answer).map_err(|source| ClientError::Contract { source })?;
    Ok(list.events)
}

/// Prints what was, and then what comes, also over a restart of the daemon; until somebody ends it or nobody reads it.
fn follow(args: &EventsArgs, terminal: &Terminal, zone: &TimeZone) -> Result<(), ClientError> {
    let mut after = None;
    if args.lines > 0 {
        let events = list(args)?;
        // Where there is none yet, whatever is told from the beginning on is new.
        after = Some(events.last().map_or(0, |last| last.seq).to_string());
        if print_all(&events, args, terminal, zone).is_err() {
            return Ok(());
        }
    }
    let runtime = client::runtime()?;
    let path = format!("{EVENTS_STREAM_PATH}?{}", selection(args).trim_start_matches('&'));
    let mut heard = false;
    let mut lost = false;
    runtime.block_on(async {
        loop {
            let ended = match client::stream(&args.socket, &path, after.as_deref()).await {
                Ok(mut stream) => {
                    if std::mem::take(&mut lost) {
                        note("hactl answers again", terminal);
                    }
                    heard = true;
                    loop {
                        match stream.next().await {
                            Ok(Some(message)) => {
                                if told(message, &mut after, args, terminal, zone)?.is_err() {
                                    return Ok(());
                                }
                            }
                            Ok(None) => break None,
                            Err(error) => break Some(error),
                        }
                    }
                }
                // Whoever could never listen is told why; later it may be a restart.
                Err(error) if !heard || matches!(error, ClientError::Refused { .. }) => return Err(error),
                Err(error) => Some(error),
            };
            if !std::mem::replace(&mut lost, true) {
                let why = ended.map(|error| format!(" ({error})")).unwrap_or_default();
                note(&format!("hactl does not answer any more{why}; waiting for it"), terminal);
            }
            tokio::time::sleep(RETRY_EVERY).await;
        }
    })
}

fn told(
    message: Message,
    after: &mut Option<String>,
    args: &EventsArgs,
    terminal: &Terminal,
    zone: &TimeZone,
) -> Result<Result<(), Unread>, ClientError> {
    let contract = |source| ClientError::Contract { source };
    match message.event.as_str() {
        "event" => {
            let entry: Entry = serde_json::from_str(&message.data).map_err(contract)?;
            *after = message.id;
            return Ok(print_all(&[entry], args, terminal, zone));
        }
        "dropped" => {
            let data: serde_json::Value = serde_json::from_str(&message.data).map_err(contract)?;
            let dropped = data["dropped"].as_u64().unwrap_or_default();
            note(&format!("{dropped} events are kept no more and cannot be shown"), terminal);
        }
        // Of a newer daemon.
        _ => {}
    }
    Ok(Ok(()))
}

fn note(text: &str, terminal: &Terminal) {
    Report::new(text.to_owned()).warn(terminal);
}

fn print_all(
    events: &[Entry],
    args: &EventsArgs,
    terminal: &Terminal,
    zone: &TimeZone,
) -> Result<(), Unread> {
    match args.output {
        EventsFormat::Table => put(&render::lines(events, zone, terminal)),
        EventsFormat::Json => {
            let line = |entry| format!("{}\n", serde_json::to_string(entry).unwrap_or_default());
            put(&events.iter().map(line).collect::<String>())
        }
    }
}

fn incidents(args: &EventsArgs, terminal: &Terminal, zone: &TimeZone) -> Result<(), ClientError> {
    let answer = client::get(&args.socket, &format!("{INCIDENTS_PATH}?limit={}", args.lines))?;
    let contract = |source| ClientError::Contract { source };
    let list: IncidentList = serde_json::from_str(&answer).map_err(contract)?;
    match args.output {
        EventsFormat::Table => print(&render::incidents(&list.incidents, zone, terminal)),
        EventsFormat::Json => {
            let line = |incident| format!("{}\n", serde_json::to_string(incident).unwrap_or_default());
            print(&list.incidents.iter().map(line).collect::<String>());
        }
    }
    Ok(())
}

/// As it is asked for.
fn selection(args: &EventsArgs) -> String {
    let since = args.since.map(|since| since.to_string());
    let kinds = (!args.kinds.is_empty()).then(|| args.kinds.join(","));
    let wanted = [("since", &since), ("kind", &kinds), ("server", &args.server)];
    let wanted = wanted.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?)));
    wanted.map(|(key, value)| format!("&{key}={}", client::encoded(value))).collect()
}

/// When it was so late last, by the clock on the wall: `18:00`.
fn last_time(text: &str, now: &Zoned) -> Option<Timestamp> {
    let time = Time::strptime("%H:%M", text).ok()?;
    let at = |day: &Zoned| day.date().to_datetime(time).to_zoned(now.time_zone().clone()).ok();
    let then = at(now).filter(|then| then <= now).or_else(|| at(&now.yesterday().ok()?))?;
    Some(then.timestamp())
}

/// Reads when somebody means: so long ago, or a moment.
fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    if let Some(at) = last_time(text, &moment::now()) {
        return Ok(at);
    }
    let form = "write how long ago, such as 30m, 2h or 3d, or a time such as 18:00 or 2026-11-24T06:00Z";
    let span: Span = text.parse().map_err(|_| format!("`{text}` is neither; {form}"))?;
    let ago = span.to_duration(SpanRelativeTo::days_are_24_hours());
    let ago = ago
        .ok()
        .filter(|ago| !ago.is_negative())
        .ok_or_else(|| format!("`{text}` is no time ago; {form}"))?;
    // Longer ago than there are times is all of it.
    Ok(Timestamp::now().checked_sub(ago).unwrap_or(Timestamp::MIN))
}

#[cfg(test)]
mod tests;
