//! `hactl status`: asks the daemon, prints what it says.

mod named;
pub(crate) mod render;

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::ExitCode;

use failover::status::Status;
use hactld::admin::STATUS_PATH;
use hactld::text::Shown;

use crate::cli::{StatusArgs, StatusFormat};
use crate::client::{self, ClientError};
use crate::exit::{Exit, finding};
use crate::report::{Report, print, sources};
use crate::terminal::Terminal;

use self::named::NotThere;

pub(crate) fn run(args: &StatusArgs, terminal: &Terminal) -> ExitCode {
    let (status, json) = match fetch(&args.socket) {
        Ok(fetched) => fetched,
        Err(error) => return failed(exit_of(&error), &report_of(args, &error), args.output, terminal),
    };
    let Some(name) = &args.name else {
        match args.output {
            StatusFormat::Table => print(&render::table(&status, None, terminal)),
            StatusFormat::Json => print(&format!("{json}\n")),
        }
        return finding(status.exit_code, args.exit_zero).into();
    };
    match named::named(&status, name) {
        Ok(named) => {
            let code = named.status.exit_code;
            match args.output {
                StatusFormat::Table => {
                    print(&render::table(&named.status, named.server.as_deref(), terminal));
                }
                StatusFormat::Json => {
                    let document = serde_json::to_value(named.into_document()).unwrap_or_default();
                    print(&format!("{document}\n"));
                }
            }
            finding(code, args.exit_zero).into()
        }
        Err(not_there) => {
            let exit = if not_there.unseen { Exit::Unknown } else { Exit::Usage };
            failed(exit, &unknown_name(name, &not_there), args.output, terminal)
        }
    }
}

/// For programs on standard output too, so that they find a document there in any case.
fn failed(exit: Exit, report: &Report, output: StatusFormat, terminal: &Terminal) -> ExitCode {
    if output == StatusFormat::Json {
        let error = serde_json::json!({
            "apiVersion": failover::status::API_VERSION,
            "kind": "Error",
            "exit_code": exit.code(),
            "error": { "what": report.what, "why": report.why, "next": report.next },
        });
        print(&format!("{error}\n"));
    }
    report.print(terminal);
    exit.into()
}

fn unknown_name(name: &str, not_there: &NotThere) -> Report {
    let report = Report::new(format!("hactl steers no instance, backend or server called {}", Shown(name)));
    let known = not_there.known.join(", ");
    if not_there.unseen {
        let why = format!("a HAProxy was not seen yet, so its backends are not known; known: {known}");
        report.because(why).next("see `hactl status`, or ask again")
    } else {
        report.because(format!("known: {known}")).next("name one of these; a server as BACKEND/SERVER")
    }
}

fn exit_of(error: &ClientError) -> Exit {
    match error {
        ClientError::Connect(error) if error.kind() == io::ErrorKind::PermissionDenied => Exit::Permission,
        ClientError::Connect(_)
        | ClientError::TooSlow
        | ClientError::NotHactl
        | ClientError::Exchange(_)
        | ClientError::Runtime(_)
        | ClientError::Refused { .. }
        | ClientError::Contract { .. } => Exit::Unknown,
    }
}

fn report_of(args: &StatusArgs, error: &ClientError) -> Report {
    let socket = args.socket.display();
    let what = format!("cannot get the status from hactl at {socket}");
    let mut why = sources(error).map_or_else(|| error.to_string(), |sources| format!("{error}: {sources}"));
    let next = match error {
        ClientError::Connect(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            why = denied(&args.socket);
            "join the socket's group (usermod -aG GROUP USER, then log in again), or repeat with sudo"
        }
        ClientError::Connect(_) => "start it with `hactl run`, or name its socket with --socket PATH",
        ClientError::NotHactl => "name hactl's socket with --socket PATH; HAProxy's is another one",
        ClientError::TooSlow | ClientError::Refused { .. } => "look at hactl's log, or ask again",
        ClientError::Exchange(_) | ClientError::Runtime(_) => {
            "ask again; if it stays so, look at hactl's log"
        }
        ClientError::Contract { .. } => {
            "use the hactl that the daemon was started from, or restart the daemon"
        }
    };
    Report::new(what).because(why).next(next)
}

fn denied(socket: &Path) -> String {
    match std::fs::metadata(socket) {
        Ok(there) => {
            let mode = there.mode() & 0o7777;
            format!(
                "permission denied; the socket has uid {} gid {} mode {mode:03o}",
                there.uid(),
                there.gid()
            )
        }
        Err(_) => "permission denied in its directory".to_owned(),
    }
}

/// The status as the daemon sent it, read and as text: programs get exactly that.
fn fetch(socket: &Path) -> Result<(Status, String), ClientError> {
    let text = client::get(socket, STATUS_PATH)?;
    let status = serde_json::from_str(&text).map_err(|source| ClientError::Contract { source })?;
    Ok((status, text))
}

#[cfg(test)]
mod tests;
