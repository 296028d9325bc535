//! `hactl status --watch`: the status over and over. On a terminal it is drawn in place; elsewhere each one is appended, with
//! its time; as JSON each is a line. A daemon that does not answer is said, and asked again.

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;

use failover::status::Status;
use hactld::admin::STATUS_STREAM_PATH;
use tokio::time::{Instant, sleep, timeout};

use super::{present, report_of, unknown_name};
use crate::cli::{StatusArgs, StatusFormat};
use crate::client::{self, ClientError, Message, Stream};
use crate::exit::Exit;
use crate::refusal::{document, exit_of, failed};
use crate::report::{Report, Unread, put};
use crate::terminal::{Terminal, span};

/// Before a daemon that does not answer is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// Intervals without a word after which what is shown is called old.
const STALE_AFTER: u32 = 3;

pub(super) fn run(args: &StatusArgs, every: Duration, terminal: &Terminal) -> ExitCode {
    let json = args.output == StatusFormat::Json;
    if matches!(args.output, StatusFormat::Csv | StatusFormat::Name) || args.quiet {
        let report = Report::new("--watch shows table, wide or json".to_owned());
        report.next("leave out --watch, or name another format with -o").print(terminal);
        return Exit::Usage.into();
    }
    let runtime = match client::runtime() {
        Ok(runtime) => runtime,
        Err(error) => return failed(exit_of(&error), &report_of(&args.socket, &error), json, terminal),
    };
    runtime.block_on(watch(args, every, terminal))
}

/// Until nobody reads any more, or there is nothing to be shown.
async fn watch(args: &StatusArgs, every: Duration, terminal: &Terminal) -> ExitCode {
    let json = args.output == StatusFormat::Json;
    let path = format!("{STATUS_STREAM_PATH}?interval_ms={}", every.as_millis());
    let mut screen = Screen::new(json, terminal);
    let mut stream = match client::stream(&args.socket, &path, None).await {
        Ok(stream) => stream,
        Err(error) => return failed(exit_of(&error), &report_of(&args.socket, &error), json, terminal),
    };
    loop {
        let why = match follow(&mut stream, args, every, &mut screen).await {
            Ok(why) => why,
            Err(ended) => return ended,
        };
        if screen.lose(&report_of(&args.socket, &why)).is_err() {
            return Exit::Ok.into();
        }
        stream = loop {
            sleep(AGAIN).await;
            match client::stream(&args.socket, &path, None).await {
                Ok(stream) => break stream,
                Err(why) => {
                    if screen.lose(&report_of(&args.socket, &why)).is_err() {
                        return Exit::Ok.into();
                    }
                }
            }
        };
    }
}

/// Shows what one stream tells; why it ended, or with what all of it ends.
async fn follow(
    stream: &mut Stream,
    args: &StatusArgs,
    every: Duration,
    screen: &mut Screen<'_>,
) -> Result<ClientError, ExitCode> {
    loop {
        let message = match timeout(every * STALE_AFTER, stream.next()).await {
            Ok(Ok(Some(message))) => message,
            Ok(Ok(None)) => return Ok(ClientError::Exchange("hactl has ended".into())),
            Ok(Err(error)) => return Ok(error),
            Err(_) => {
                let report = report_of(&args.socket, &ClientError::TooSlow);
                screen.lose(&report).map_err(|Unread| ExitCode::from(Exit::Ok))?;
                continue;
            }
        };
        show(&message, args, screen)?;
    }
}

fn show(message: &Message, args: &StatusArgs, screen: &mut Screen<'_>) -> Result<(), ExitCode> {
    let json = args.output == StatusFormat::Json;
    let status: Status = match serde_json::from_str(&message.data) {
        Ok(status) => status,
        Err(source) => {
            let error = ClientError::Contract { source };
            return Err(failed(exit_of(&error), &report_of(&args.socket, &error), json, screen.terminal));
        }
    };
    let terminal = screen.terminal.measured();
    match present(&status, &message.data, args, &terminal) {
        Ok((text, _)) => screen.show(text, &status.generated_at).map_err(|Unread| Exit::Ok.into()),
        // A HAProxy that was not seen yet may show it later.
        Err(not_there) if not_there.unseen => Ok(()),
        Err(not_there) => {
            let name = args.name.as_deref().unwrap_or_default();
            Err(failed(Exit::Usage, &unknown_name(name, &not_there), json, screen.terminal))
        }
    }
}

/// What was shown last, and where.
struct Screen<'a> {
    terminal: &'a Terminal,
    json: bool,
    in_place: bool,
    shown: Option<(String, Instant)>,
    /// It was said that the daemon does not answer.
    lost: bool,
}

impl<'a> Screen<'a> {
    fn new(json: bool, terminal: &'a Terminal) -> Self {
        let in_place = !json && io::stdout().is_terminal();
        Self { terminal, json, in_place, shown: None, lost: false }
    }

    fn show(&mut self, text: String, at: &str) -> Result<(), Unread> {
        self.lost = false;
        let put = match (self.json, self.in_place) {
            (true, _) => put(&text),
            (false, true) => put(&drawn(&text, height(), self.shown.is_none())),
            (false, false) => put(&format!("{at}\n{text}\n")),
        };
        self.shown = Some((text, Instant::now()));
        put
    }

    /// What is shown is old, and why: drawn each time, appended once.
    fn lose(&mut self, report: &Report) -> Result<(), Unread> {
        let again = std::mem::replace(&mut self.lost, true);
        if self.in_place {
            let shown = self.shown.as_ref();
            let age = shown.map(|(_, at)| span(at.elapsed().as_secs_f64())).unwrap_or_default();
            let text = shown.map(|(text, _)| text.as_str()).unwrap_or_default();
            let banner = format!("{} data {age} old; {report}", self.terminal.error_mark());
            return put(&drawn(&format!("{banner}\n\n{text}"), height(), shown.is_none()));
        }
        match (again, self.json) {
            (true, _) => Ok(()),
            (false, true) => put(&document(Exit::Unknown, report)),
            (false, false) => put(&format!("{report}\n\n")),
        }
    }
}

/// In place of what was drawn before: from the top, each line cleared to its end, no line more than there is room for.
fn drawn(text: &str, height: Option<usize>, first: bool) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let room = height.unwrap_or(usize::MAX).saturating_sub(1).max(1);
    let mut drawn = if first { "\x1b[2J\x1b[H" } else { "\x1b[H" }.to_owned();
    let hidden = lines.len().saturating_sub(room);
    let shown = if hidden > 0 { room - 1 } else { lines.len() };
    for line in &lines[..shown] {
        drawn.push_str(&format!("{line}\x1b[K\n"));
    }
    if hidden > 0 {
        drawn.push_str(&format!("({} lines more)\x1b[K\n", lines.len() - shown));
    }
    drawn.push_str("\x1b[J");
    drawn
}

fn height() -> Option<usize> {
    terminal_size::terminal_size().map(|(_, height)| usize::from(height.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_in_place_clears_what_was_there_and_fits() {
        assert_eq!(drawn("a\nb\n", None, true), "\x1b[2J\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J");
        assert_eq!(
            drawn("a\nb\nc\nd\n", Some(4), false),
            "\x1b[Ha\x1b[K\nb\x1b[K\n(2 lines more)\x1b[K\n\x1b[J"
        );
        assert_eq!(drawn("a\nb\nc\n", Some(4), false), "\x1b[Ha\x1b[K\nb\x1b[K\nc\x1b[K\n\x1b[J");
    }
}
