//! `hactl status`: asks the daemon, prints what it says.

mod formats;
mod named;
pub(crate) mod render;
mod watch;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use failover::status::Status;
use hactld::admin::STATUS_PATH;
use hactld::text::Shown;

use crate::cli::{StatusArgs, StatusFormat};
use crate::client::{self, ClientError};
use crate::exit::{Exit, finding};
use crate::refusal::{self, exit_of, failed};
use crate::report::{Report, print};
use crate::terminal::Terminal;

use self::formats::Style;
use self::named::namesakes;
pub(crate) use self::named::{NotThere, named};

/// For what only makes an error's advice better.
const NAMESAKES_LIMIT: Duration = Duration::from_secs(2);

pub(crate) fn run(args: &StatusArgs, terminal: &Terminal) -> ExitCode {
    if let Some(every) = args.watch {
        return watch::run(args, every, terminal);
    }
    let json = args.output == StatusFormat::Json;
    let (status, text) = match fetch_within(&args.socket, args.timeout) {
        Ok(fetched) => fetched,
        Err(error) => return failed(exit_of(&error), &report_of(&args.socket, &error), json, terminal),
    };
    match present(&status, &text, args, terminal) {
        Ok((shown, code)) => {
            if !args.quiet {
                print(&shown);
            }
            finding(code, args.exit_zero).into()
        }
        Err(not_there) => {
            let name = args.name.as_deref().unwrap_or_default();
            let exit = if not_there.unseen { Exit::Unknown } else { Exit::Usage };
            failed(exit, &unknown_name(name, &not_there), json, terminal)
        }
    }
}

/// A status as it was asked for, with its exit code; `text` is what the daemon sent: programs get exactly that.
fn present(
    status: &Status,
    text: &str,
    args: &StatusArgs,
    terminal: &Terminal,
) -> Result<(String, u8), NotThere> {
    let style = Style { format: args.output, header: !args.no_header, terminal };
    let Some(name) = &args.name else {
        let shown = match args.output {
            StatusFormat::Json => format!("{text}\n"),
            StatusFormat::Table | StatusFormat::Wide | StatusFormat::Csv | StatusFormat::Name => {
                formats::render(status, None, false, &style)
            }
        };
        return Ok((shown, status.exit_code));
    };
    let named = named(status, name)?;
    let code = named.status.exit_code;
    let shown = match args.output {
        StatusFormat::Json => {
            let document = serde_json::to_value(named.into_document()).unwrap_or_default();
            format!("{document}\n")
        }
        StatusFormat::Table | StatusFormat::Wide | StatusFormat::Csv | StatusFormat::Name => {
            formats::render(&named.status, named.server.as_deref(), true, &style)
        }
    };
    Ok((shown, code))
}

pub(crate) fn unknown_name(name: &str, not_there: &NotThere) -> Report {
    let report = Report::new(format!("hactl steers no instance, backend or server called {}", Shown(name)));
    let known = not_there.known.join(", ");
    if not_there.unseen {
        let why = format!("a HAProxy was not seen yet, so its backends are not known; known: {known}");
        report.because(why).next("see `hactl status`, or ask again")
    } else if !not_there.namesakes.is_empty() {
        with_backend(report, name, &not_there.namesakes)
    } else if hactld::config::parse_timeout(name).is_ok() {
        let report = report.because(format!("known: {known}"));
        report.next(format!("an interval follows -w without a space: hactl status -w={name}"))
    } else {
        report.because(format!("known: {known}")).next("name one of these; a server as BACKEND/SERVER")
    }
}

/// Where a server was named by its own name alone.
fn with_backend(report: Report, name: &str, namesakes: &[String]) -> Report {
    let why = format!("{name} is a server's name, and several backends may have one of it");
    report.because(why).next(format!("name it with its backend: {}", namesakes.join(", ")))
}

/// A name without a backend where BACKEND/SERVER is wanted; what it may be is asked at `socket`.
pub(crate) fn bare_server(name: &str, socket: &Path) -> Option<Report> {
    if name.contains('/') {
        return None;
    }
    let (status, _) = fetch_within(socket, NAMESAKES_LIMIT).ok()?;
    let namesakes = namesakes(&status, name);
    let report = Report::new(format!("`{}` is no BACKEND/SERVER", Shown(name)));
    (!namesakes.is_empty()).then(|| with_backend(report, name, &namesakes))
}

pub(crate) fn report_of(socket: &Path, error: &ClientError) -> Report {
    refusal::report_of(format!("cannot get the status from hactl at {}", socket.display()), socket, error)
}

/// The status as the daemon sent it, read and as text.
pub(crate) fn fetch_within(socket: &Path, limit: Duration) -> Result<(Status, String), ClientError> {
    let text = client::get_within(socket, STATUS_PATH, limit)?;
    let status = serde_json::from_str(&text).map_err(|source| ClientError::Contract { source })?;
    Ok((status, text))
}

#[cfg(test)]
mod tests;
