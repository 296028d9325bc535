//! `hactl reload`, `hactl pause` and `hactl resume`: have the daemon change something, print what came of it.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use hactld::admin::{PAUSE_PATH, RELOAD_PATH, RESUME_PATH};
use hactld::text::Shown;
use hyper::StatusCode;
use serde_json::{Value, json};

use crate::cli::{PauseArgs, SocketArgs};
use crate::client::{self, ClientError};
use crate::exit::Exit;
use crate::report::{Report, print, print_error, sources};
use crate::terminal::{Terminal, span};

pub(crate) fn reload(args: &SocketArgs, terminal: &Terminal) -> ExitCode {
    let answer = client::post(&args.socket, RELOAD_PATH, &Value::Null);
    done(answer, "reload the configuration", &args.socket, terminal, |answer| {
        let changes = answer["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
        let lines = changes.iter().filter_map(Value::as_str).map(|change| format!("{}\n", Shown(change)));
        let lines: String = lines.collect();
        if lines.is_empty() { "nothing is changed\n".to_owned() } else { lines }
    })
}

pub(crate) fn pause(args: &PauseArgs, terminal: &Terminal) -> ExitCode {
    let seconds = args.lasts.map(|lasts| lasts.as_secs());
    let body = json!({ "reason": args.reason, "for_seconds": seconds });
    let answer = client::post(&args.socket.socket, PAUSE_PATH, &body);
    done(answer, "pause", &args.socket.socket, terminal, |_| {
        let until = args.lasts.map_or_else(
            || "until `hactl resume`".to_owned(),
            |lasts| format!("for {}", span(lasts.as_secs_f64())),
        );
        format!("paused {until}: nothing is changed in HAProxy\n")
    })
}

pub(crate) fn resume(args: &SocketArgs, terminal: &Terminal) -> ExitCode {
    let answer = client::post(&args.socket, RESUME_PATH, &Value::Null);
    done(answer, "resume", &args.socket, terminal, |answer| {
        let was_paused = answer["was_paused"] == Value::Bool(true);
        if was_paused { "resumed\n" } else { "it was not paused\n" }.to_owned()
    })
}

fn done(
    answer: Result<String, ClientError>,
    what: &str,
    socket: &Path,
    terminal: &Terminal,
    text: impl FnOnce(&Value) -> String,
) -> ExitCode {
    match answer {
        Ok(answer) => {
            print(&text(&serde_json::from_str(&answer).unwrap_or_default()));
            Exit::Ok.into()
        }
        Err(error) => {
            if let ClientError::Refused { problems, .. } = &error {
                for problem in problems {
                    print_error(&lines(problem), terminal);
                }
            }
            report_of(what, socket, &error).print(terminal);
            exit_of(&error).into()
        }
    }
}

/// A text of several lines; what would move the cursor is escaped.
fn lines(text: &str) -> String {
    text.lines().map(|line| Shown(line).to_string()).collect::<Vec<String>>().join("\n")
}

fn exit_of(error: &ClientError) -> Exit {
    match error {
        ClientError::Connect(error) if error.kind() == io::ErrorKind::PermissionDenied => Exit::Permission,
        ClientError::Refused { status, .. } if *status == StatusCode::FORBIDDEN => Exit::Permission,
        ClientError::Refused { status, .. }
            if [StatusCode::UNPROCESSABLE_ENTITY, StatusCode::BAD_REQUEST].contains(status) =>
        {
            Exit::Usage
        }
        ClientError::Connect(_)
        | ClientError::TooSlow
        | ClientError::NotHactl
        | ClientError::Exchange(_)
        | ClientError::Runtime(_)
        | ClientError::Refused { .. }
        | ClientError::Contract { .. } => Exit::Unknown,
    }
}

fn report_of(what: &str, socket: &Path, error: &ClientError) -> Report {
    let at = socket.display();
    let report = Report::new(format!("hactl at {at} did not {what}"));
    if let ClientError::Refused { status, text, .. } = error {
        let report = report.because(text.clone());
        return match *status {
            StatusCode::FORBIDDEN => report.next("repeat with sudo, or as the user that hactl runs as"),
            StatusCode::UNPROCESSABLE_ENTITY => report.next("correct the file and repeat"),
            _ => report,
        };
    }
    let why = sources(error).map_or_else(|| error.to_string(), |sources| format!("{error}: {sources}"));
    report.because(why).next("see `hactl status`, or name its socket with --socket PATH")
}
