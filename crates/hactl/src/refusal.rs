//! Where the daemon did not do what it was asked: the report, the exit code and the document for programs, the same for all
//! commands.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::ExitCode;

use failover::status::API_VERSION;
use hyper::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::client::ClientError;
use crate::exit::Exit;
use crate::report::{Report, print, sources};
use crate::terminal::Terminal;

/// What every command with `-o json` prints where it has nothing else to print. Within v1 keys are only added.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Error")]
pub(crate) struct Document<'a> {
    /// `hactl/v1`.
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    /// `Error`.
    kind: &'static str,
    /// The exit code of the command.
    exit_code: u8,
    error: Words<'a>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Words<'a> {
    /// What went wrong.
    message: &'a str,
    /// Why, where that is known.
    why: Option<&'a str>,
    /// What to do, where something helps.
    next: Option<&'a str>,
}

/// An error for programs: one line.
pub(crate) fn document(exit: Exit, report: &Report) -> String {
    let error = Words { message: &report.what, why: report.why.as_deref(), next: report.next.as_deref() };
    let document = Document { api_version: API_VERSION, kind: "Error", exit_code: exit.code(), error };
    format!("{}\n", json!(document))
}

/// For programs on standard output too, so that they find a document there in any case.
pub(crate) fn failed(exit: Exit, report: &Report, json: bool, terminal: &Terminal) -> ExitCode {
    if json {
        print(&document(exit, &report.copyable(terminal)));
    }
    report.print(terminal);
    exit.into()
}

/// The code of a command that asked the daemon in vain.
pub(crate) fn exit_of(error: &ClientError) -> Exit {
    match error {
        ClientError::Connect(error) if error.kind() == io::ErrorKind::PermissionDenied => Exit::Permission,
        ClientError::Refused { status: StatusCode::FORBIDDEN, .. } => Exit::Permission,
        ClientError::Refused { document, .. } if document["exit_code"] == json!(Exit::Refused.code()) => {
            Exit::Refused
        }
        ClientError::Refused { status, document, .. } if is_its_own(document) && is_about_input(*status) => {
            Exit::Usage
        }
        ClientError::Connect(_)
        | ClientError::TooSlow
        | ClientError::Silent
        | ClientError::CutOff
        | ClientError::NotHactl
        | ClientError::Exchange(_)
        | ClientError::Runtime(_)
        | ClientError::Refused { .. }
        | ClientError::Contract { .. } => Exit::Unknown,
    }
}

/// What is told of it; `what` says what was wanted, where the daemon does not say so itself.
pub(crate) fn report_of(what: String, socket: &Path, error: &ClientError) -> Report {
    if let ClientError::Refused { status, text, document, .. } = error
        && is_its_own(document)
    {
        let said = |key: &str| document["error"][key].as_str();
        if let (Some(why), Some(next)) = (said("why"), said("next")) {
            return Report::new(text.clone()).because(why).next(next);
        }
        let report = Report::new(what).because(text.clone());
        return match *status {
            StatusCode::FORBIDDEN => report.next("repeat with sudo, or be named in [admin] operators"),
            StatusCode::UNPROCESSABLE_ENTITY => report.next("correct the file and repeat"),
            StatusCode::SERVICE_UNAVAILABLE => report.next("look at hactl's log, or ask again"),
            _ => report,
        };
    }
    let mut why = sources(error).map_or_else(|| error.to_string(), |sources| format!("{error}: {sources}"));
    let next = match error {
        ClientError::Connect(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            why = denied(socket);
            "join the socket's group (usermod -aG GROUP USER, then log in again), or repeat with sudo"
        }
        ClientError::Connect(_) => "start it with `hactl run`, or name its socket with --socket PATH",
        ClientError::NotHactl => "name hactl's socket with --socket PATH; HAProxy's is another one",
        ClientError::TooSlow | ClientError::Silent | ClientError::CutOff | ClientError::Refused { .. } => {
            "look at hactl's log, or ask again"
        }
        ClientError::Exchange(_) | ClientError::Runtime(_) => {
            "ask again; if it stays so, look at hactl's log"
        }
        ClientError::Contract { .. } => {
            "use the hactl that the daemon was started from, or restart the daemon"
        }
    };
    Report::new(what).because(why).next(next)
}

/// It is hactl that has answered.
fn is_its_own(document: &serde_json::Value) -> bool {
    document["error"]["message"].is_string()
}

/// What was asked for cannot be, whenever it is asked.
fn is_about_input(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::UNPROCESSABLE_ENTITY
            | StatusCode::BAD_REQUEST
            | StatusCode::NOT_FOUND
            | StatusCode::CONFLICT
    )
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

#[cfg(test)]
mod tests;
