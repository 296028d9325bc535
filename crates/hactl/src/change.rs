//! `hactl reload`, `hactl pause`, `hactl resume` and `hactl failback`: have the daemon change something; and how what came of
//! any order is printed.

use std::path::Path;
use std::process::ExitCode;

use failover::Owner;
use hactld::admin::{Changed, ChangedServer, FAILBACK_PATH, PAUSE_PATH, RELOAD_PATH, RESUME_PATH};
use hactld::text::Shown;
use serde_json::{Value, json};

use crate::cli::{AskArgs, FailbackArgs, PauseArgs, ResumeArgs, SocketArgs};
use crate::client::{self, ClientError, encoded};
use crate::exit::Exit;
use crate::refusal::{exit_of, failed, report_of};
use crate::report::{Report, print, print_error};
use crate::terminal::{Terminal, span};

pub(crate) fn reload(args: &SocketArgs, terminal: &Terminal) -> ExitCode {
    let answer = client::post(&args.socket, RELOAD_PATH, &Value::Null);
    let answer: Value = match answer {
        Ok(answer) => serde_json::from_str(&answer).unwrap_or_default(),
        Err(error) => {
            if let ClientError::Refused { problems, .. } = &error {
                for problem in problems {
                    print_error(&lines(problem), terminal);
                }
            }
            return not_done(&error, "reload the configuration", &args.socket, false, terminal);
        }
    };
    let changes = answer["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let lines = changes.iter().filter_map(Value::as_str).map(|change| format!("{}\n", Shown(change)));
    let lines: String = lines.collect();
    print(if lines.is_empty() { "nothing is changed\n" } else { &lines });
    let failed = answer["failed"].as_array().map(Vec::as_slice).unwrap_or_default();
    for failed in failed.iter().filter_map(Value::as_str) {
        print_error(&Shown(failed).to_string(), terminal);
    }
    let absent = answer["absent"].as_array().map(Vec::as_slice).unwrap_or_default();
    for absent in absent.iter().filter_map(Value::as_str) {
        Report::new(absent.to_owned())
            .because("what was steered in its place is given back; hactl waits for it to be there")
            .next("correct `name` in [[instance.backend]] and repeat, or reload HAProxy")
            .warn(terminal);
    }
    if failed.is_empty() && absent.is_empty() { Exit::Ok.into() } else { Exit::NotStarted.into() }
}

pub(crate) fn pause(args: &PauseArgs, terminal: &Terminal) -> ExitCode {
    let Some(reason) = args.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty()) else {
        let report = Report::new("`hactl pause` does not say why".to_owned())
            .because("whoever finds it paused has to know")
            .next("hactl pause -m \"...\", and --for 30m where it is to end by itself");
        return failed(Exit::Usage, &report, args.ask.json(), terminal);
    };
    let seconds = args.lasts.map(|lasts| lasts.as_secs());
    let body = json!({ "reason": reason, "for_seconds": seconds });
    done(post(&args.ask.socket, PAUSE_PATH, &body), "pause", &args.ask, terminal, |_, _| {
        let until = args.lasts.map_or_else(
            || "until `hactl resume`".to_owned(),
            |lasts| format!("for {}", span(lasts.as_secs_f64())),
        );
        (format!("paused {until}: nothing is changed in HAProxy\n"), Vec::new())
    })
}

pub(crate) fn resume(args: &ResumeArgs, terminal: &Terminal) -> ExitCode {
    let answer = post(&args.ask.socket, RESUME_PATH, &Value::Null);
    done(answer, "resume", &args.ask, terminal, |changed, _| {
        let was_paused = changed.was_paused == Some(true);
        (if was_paused { "resumed\n" } else { "it was not paused\n" }.to_owned(), Vec::new())
    })
}

pub(crate) fn failback(args: &FailbackArgs, terminal: &Terminal) -> ExitCode {
    let path = format!("{FAILBACK_PATH}/{}", encoded(&args.backend));
    let answer = post(&args.ask.socket, &path, &Value::Null);
    done(answer, &format!("fail back {}", args.backend), &args.ask, terminal, |changed, _| {
        (gone_back(changed, &args.backend), waiting(changed))
    })
}

fn gone_back(changed: &Changed, backend: &str) -> String {
    let servers: Vec<String> =
        changed.servers.iter().map(|server| Shown(&server.server).to_string()).collect();
    let backend = Shown(backend);
    if servers.is_empty() {
        return format!("no server of {backend} waits to be used again\n");
    }
    let verb = if servers.len() == 1 { "is" } else { "are" };
    format!("{} of {backend} {verb} used again\n", servers.join(", "))
}

/// Orders that were taken in and are not done yet.
pub(crate) fn waiting(changed: &Changed) -> Vec<Report> {
    let waiting = changed.servers.iter().filter(|server| !server.confirmed).map(|server| {
        let is_theirs = server.is.as_ref().is_some_and(|is| is.haproxy.owner == Some(Owner::Theirs));
        let then =
            if is_theirs { "somebody else has it otherwise" } else { "it is done as soon as it can be" };
        let report = Report::new(format!("{} is not as ordered yet; {then}", name(server)));
        let report = report.because(server.why.as_deref().unwrap_or("HAProxy was not read again yet"));
        // What somebody else has set in HAProxy stays until it is lifted there.
        let lift = || format!("hactl raw --write 'set server {} state ready'", name(server));
        report.next(if is_theirs { lift() } else { "see `hactl status`".to_owned() })
    });
    waiting.collect()
}

/// `BACKEND/SERVER`, fit for a terminal.
pub(crate) fn name(server: &ChangedServer) -> String {
    Shown(&format!("{}/{}", server.backend, server.server)).to_string()
}

/// What the daemon answers, read and as it sent it.
pub(crate) fn post(socket: &Path, path: &str, body: &Value) -> Result<(Changed, String), ClientError> {
    let answer = client::post(socket, path, body)?;
    let changed = serde_json::from_str(&answer).map_err(|source| ClientError::Contract { source })?;
    Ok((changed, answer))
}

/// Prints what came of it; `words` has it for people, and what they should know beside. `what` was to be done.
pub(crate) fn done(
    answer: Result<(Changed, String), ClientError>,
    what: &str,
    args: &AskArgs,
    terminal: &Terminal,
    words: impl FnOnce(&Changed, &Terminal) -> (String, Vec<Report>),
) -> ExitCode {
    match answer {
        Ok((changed, answer)) => {
            let (text, warnings) = words(&changed, terminal);
            print(&if args.json() { format!("{answer}\n") } else { terminal.copyable(&text) });
            for warning in warnings {
                warning.warn(terminal);
            }
            changed.exit_code.into()
        }
        Err(error) => not_done(&error, what, &args.socket, args.json(), terminal),
    }
}

fn not_done(error: &ClientError, what: &str, socket: &Path, json: bool, terminal: &Terminal) -> ExitCode {
    let what = format!("hactl at {} did not {what}", socket.display());
    failed(exit_of(error), &report_of(what, socket, error), json, terminal)
}

/// A text of several lines; what would move the cursor is escaped.
fn lines(text: &str) -> String {
    text.lines().map(|line| Shown(line).to_string()).collect::<Vec<String>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_back_is_told_and_so_is_what_stands_in_the_way() {
        let server = |name: &str, why: Option<&str>| {
            json!({
                "instance": "7891", "backend": "b", "server": name, "was": null, "is": null, "pinned": null,
                "in_service": null, "staying": null, "confirmed": why.is_none(), "why": why
            })
        };
        let changed = |servers: &[Value]| -> Changed {
            let changed = json!({
                "apiVersion": "hactl/v1", "kind": "Changed", "generatedAt": "2026-11-23T16:19:00Z",
                "exit_code": 0, "action": "failback", "servers": servers, "kept": true, "unkept_why": null,
                "paused": null, "was_paused": null
            });
            serde_json::from_value(changed).unwrap()
        };
        let told = |servers: &[Value]| gone_back(&changed(servers), "b");
        assert_eq!(told(&[server("wg1", None)]), "wg1 of b is used again\n");
        let two = [server("wg1", None), server("wg2", Some("hactl is paused"))];
        assert_eq!(told(&two), "wg1, wg2 of b are used again\n");
        assert_eq!(told(&[]), "no server of b waits to be used again\n");
        let waiting: Vec<String> = waiting(&changed(&two)).iter().map(ToString::to_string).collect();
        let expected = "b/wg2 is not as ordered yet; it is done as soon as it can be\n  why:  hactl is paused\n  next: \
            see `hactl status`";
        assert_eq!(waiting, [expected]);
    }

    #[test]
    fn any_name_is_one_part_of_a_path() {
        assert_eq!(encoded("one:socks_back-7891.a"), "one:socks_back-7891.a");
        assert_eq!(encoded("../a b?\u{e4}%"), "..%2Fa%20b%3F%C3%A4%25");
    }
}
