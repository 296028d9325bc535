//! `hactl reload`, `hactl pause`, `hactl resume` and `hactl failback`: have the daemon change something, print what came of it.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use hactld::admin::{FAILBACK_PATH, PAUSE_PATH, RELOAD_PATH, RESUME_PATH};
use hactld::text::Shown;
use hyper::StatusCode;
use serde_json::{Value, json};

use crate::cli::{FailbackArgs, PauseArgs, SocketArgs};
use crate::client::{self, ClientError, encoded};
use crate::exit::Exit;
use crate::report::{Report, print, print_error};
use crate::status::unreached;
use crate::terminal::{Terminal, span};

pub(crate) fn reload(args: &SocketArgs, terminal: &Terminal) -> ExitCode {
    let answer = client::post(&args.socket, RELOAD_PATH, &Value::Null);
    done(answer, "reload the configuration", &args.socket, terminal, |answer| {
        let changes = answer["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
        let lines = changes.iter().filter_map(Value::as_str).map(|change| format!("{}\n", Shown(change)));
        let lines: String = lines.collect();
        let failed = answer["failed"].as_array().map(Vec::as_slice).unwrap_or_default();
        for failed in failed.iter().filter_map(Value::as_str) {
            print_error(&Shown(failed).to_string(), terminal);
        }
        let absent = answer["absent"].as_array().map(Vec::as_slice).unwrap_or_default();
        for absent in absent.iter().filter_map(Value::as_str) {
            let report = Report::new(absent.to_owned());
            report
                .because("what was steered in its place is given back; hactl waits for it to be there")
                .next("correct `name` in [[instance.backend]] and repeat, or reload HAProxy")
                .warn(terminal);
        }
        let exit = if failed.is_empty() && absent.is_empty() { Exit::Ok } else { Exit::NotStarted };
        (if lines.is_empty() { "nothing is changed\n".to_owned() } else { lines }, exit)
    })
}

pub(crate) fn pause(args: &PauseArgs, terminal: &Terminal) -> ExitCode {
    let Some(reason) = args.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty()) else {
        let report = Report::new("`hactl pause` does not say why".to_owned());
        report
            .because("whoever finds it paused has to know")
            .next("hactl pause -m \"...\", and --for 30m where it is to end by itself")
            .print(terminal);
        return Exit::Usage.into();
    };
    let seconds = args.lasts.map(|lasts| lasts.as_secs());
    let body = json!({ "reason": reason, "for_seconds": seconds });
    let answer = client::post(&args.socket.socket, PAUSE_PATH, &body);
    done(answer, "pause", &args.socket.socket, terminal, |_| {
        let until = args.lasts.map_or_else(
            || "until `hactl resume`".to_owned(),
            |lasts| format!("for {}", span(lasts.as_secs_f64())),
        );
        (format!("paused {until}: nothing is changed in HAProxy\n"), Exit::Ok)
    })
}

pub(crate) fn resume(args: &SocketArgs, terminal: &Terminal) -> ExitCode {
    let answer = client::post(&args.socket, RESUME_PATH, &Value::Null);
    done(answer, "resume", &args.socket, terminal, |answer| {
        let was_paused = answer["was_paused"] == Value::Bool(true);
        (if was_paused { "resumed\n" } else { "it was not paused\n" }.to_owned(), Exit::Ok)
    })
}

pub(crate) fn failback(args: &FailbackArgs, terminal: &Terminal) -> ExitCode {
    let path = format!("{FAILBACK_PATH}/{}", encoded(&args.backend));
    let answer = client::post(&args.socket.socket, &path, &Value::Null);
    let what = format!("fail back {}", Shown(&args.backend));
    done(answer, &what, &args.socket.socket, terminal, |answer| (gone_back(answer, &args.backend), Exit::Ok))
}

fn gone_back(answer: &Value, backend: &str) -> String {
    let servers = answer["servers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let servers: Vec<String> =
        servers.iter().filter_map(|server| Some(Shown(server.as_str()?).to_string())).collect();
    let backend = Shown(backend);
    if servers.is_empty() {
        return format!("no server of {backend} waits to be used again\n");
    }
    let verb = if servers.len() == 1 { "is" } else { "are" };
    let mut text = format!("{} of {backend} {verb} used again\n", servers.join(", "));
    if answer["withheld"] == Value::Bool(true) {
        text.push_str("nothing is changed in HAProxy while hactl is paused or observes\n");
    }
    text
}

fn done(
    answer: Result<String, ClientError>,
    what: &str,
    socket: &Path,
    terminal: &Terminal,
    text: impl FnOnce(&Value) -> (String, Exit),
) -> ExitCode {
    match answer {
        Ok(answer) => {
            let (text, exit) = text(&serde_json::from_str(&answer).unwrap_or_default());
            print(&text);
            exit.into()
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

pub(crate) fn exit_of(error: &ClientError) -> Exit {
    match error {
        ClientError::Connect(error) if error.kind() == io::ErrorKind::PermissionDenied => Exit::Permission,
        ClientError::Refused { status, .. } if *status == StatusCode::FORBIDDEN => Exit::Permission,
        ClientError::Refused { status, .. }
            if matches!(
                *status,
                StatusCode::UNPROCESSABLE_ENTITY
                    | StatusCode::BAD_REQUEST
                    | StatusCode::NOT_FOUND
                    | StatusCode::CONFLICT
            ) =>
        {
            Exit::Usage
        }
        ClientError::Connect(_)
        | ClientError::TooSlow
        | ClientError::Silent
        | ClientError::NotHactl
        | ClientError::Exchange(_)
        | ClientError::Runtime(_)
        | ClientError::Refused { .. }
        | ClientError::Contract { .. } => Exit::Unknown,
    }
}

pub(crate) fn report_of(what: &str, socket: &Path, error: &ClientError) -> Report {
    let at = socket.display();
    let what = format!("hactl at {at} did not {what}");
    if let ClientError::Refused { status, text, .. } = error {
        let report = Report::new(what).because(text.clone());
        return match *status {
            StatusCode::FORBIDDEN => report.next("repeat with sudo, or be named in [admin] operators"),
            StatusCode::UNPROCESSABLE_ENTITY => report.next("correct the file and repeat"),
            _ => report,
        };
    }
    unreached(what, socket, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_back_is_told_and_so_is_what_stands_in_the_way() {
        let told = |answer: Value| gone_back(&answer, "b");
        assert_eq!(told(json!({ "servers": ["wg1"], "withheld": false })), "wg1 of b is used again\n");
        assert_eq!(
            told(json!({ "servers": ["wg1", "wg2"], "withheld": true })),
            "wg1, wg2 of b are used again\nnothing is changed in HAProxy while hactl is paused or observes\n"
        );
        assert_eq!(told(json!({ "servers": [] })), "no server of b waits to be used again\n");
    }

    #[test]
    fn any_name_is_one_part_of_a_path() {
        assert_eq!(encoded("one:socks_back-7891.a"), "one:socks_back-7891.a");
        assert_eq!(encoded("../a b?\u{e4}%"), "..%2Fa%20b%3F%C3%A4%25");
    }
}
