//! `hactl explain`: why a backend or a server is as it is, as the daemon puts it into words.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use hactld::admin::{EXPLAIN_PATH, Explained, ExplainedSection};
use hactld::text::Shown;
use hyper::StatusCode;

use crate::client::encoded;
use crate::client::{self, ClientError};
use crate::exit::Exit;
use crate::moment;
use crate::refusal::{exit_of, failed};
use crate::report::{Report, print};
use crate::status::{bare_server, report_of};
use crate::table::wrap;
use crate::terminal::Terminal;

/// The section whose lines are commands.
const COMMANDS: &str = "try";

/// Columns of the labels, and the space behind them.
const LABELS: usize = 11;

const HELP: &str = "What was seen and whose fault it is, which rule follows from it, what HAProxy
was told and when that was read back, what would change it, and what to type.

Examples:
  hactl explain socks_back_7891
  hactl explain socks_back_7891/wg1

Exit codes:
   0  explained    3  hactl does not run, does not answer, or has not seen it yet
  64  usage error, or nothing of that name    77  permission denied";

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct ExplainArgs {
    /// BACKEND or BACKEND/SERVER; where several instances have a backend of this name, INSTANCE:BACKEND.
    #[arg(value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    name: String,
    /// How to print it: for people, or hactl/v1 for programs.
    #[arg(short, long, value_enum, default_value = "table", value_name = "FORMAT")]
    output: Format,
    /// hactl's own socket.
    #[arg(long, value_name = "PATH", env = "HACTL_SOCKET", hide_env_values = true, default_value = hactld::config::DEFAULT_SOCKET)]
    socket: PathBuf,
}

impl ExplainArgs {
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

pub(crate) fn run(args: &ExplainArgs, terminal: &Terminal) -> ExitCode {
    let parts: Vec<String> = args.name.splitn(2, '/').map(encoded).collect();
    let json = args.output == Format::Json;
    let answer = client::get(&args.socket, &format!("{EXPLAIN_PATH}/{}{}", parts.join("/"), moment::query()));
    let explained = answer.and_then(|text| {
        let read = serde_json::from_str(&text).map_err(|source| ClientError::Contract { source })?;
        Ok((text, read))
    });
    match explained {
        Ok((text, _)) if json => print(&format!("{text}\n")),
        Ok((_, explained)) => print(&table(&explained, terminal)),
        Err(error) => {
            let (exit, report) = refusal(args, &error);
            return failed(exit, &report, json, terminal);
        }
    }
    Exit::Ok.into()
}

fn refusal(args: &ExplainArgs, error: &ClientError) -> (Exit, Report) {
    let unknown = |status: StatusCode| matches!(status, StatusCode::NOT_FOUND | StatusCode::CONFLICT);
    if let ClientError::Refused { status, text, .. } = error
        && unknown(*status)
    {
        if let Some(report) = bare_server(&args.name, &args.socket) {
            return (Exit::Usage, report);
        }
        let report = Report::new(format!("cannot explain {}", Shown(&args.name))).because(text.clone());
        return (Exit::Usage, report.next("name one of these; a server as BACKEND/SERVER"));
    }
    (exit_of(error), report_of(&args.socket, error))
}

fn table(explained: &Explained, terminal: &Terminal) -> String {
    let mut text = wrap("", &Shown(&explained.headline).to_string(), terminal.width);
    text.push('\n');
    for ExplainedSection { label: section, lines } in &explained.sections {
        for (index, line) in lines.iter().enumerate() {
            let label = if index == 0 { section.as_str() } else { "" };
            let indent = " ".repeat(LABELS);
            // What is to be copied stays in one piece.
            let width = terminal.width.filter(|_| section != COMMANDS);
            let wrapped = wrap(&indent, &terminal.copyable(&Shown(line).to_string()), width);
            let rest = wrapped.get(LABELS..).unwrap_or_default();
            text.push_str(&format!(
                "{}{rest}",
                terminal.dim(&format!("{:<LABELS$}", Shown(label).to_string()))
            ));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_stand_beside_their_lines_and_long_lines_are_wrapped_below_themselves() {
        let section = |label: &str, lines: &[&str]| ExplainedSection {
            label: label.to_owned(),
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        };
        let explained = Explained {
            api_version: "hactl/v1".to_owned(),
            kind: "Explain".to_owned(),
            generated_at: jiff::Timestamp::UNIX_EPOCH,
            exit_code: 0,
            subject: "b/wg1".to_owned(),
            headline: "b/wg1 is DEGRADED, so HAProxy holds it in MAINT.".to_owned(),
            sections: vec![
                section("evidence", &["the last 3 of 20 probes failed at stage connect", "second"]),
                section("try", &["hactl check \u{1b}[2J", "hactl check --socket /run/h.sock -v b/wg1"]),
            ],
        };
        let terminal =
            Terminal { color: false, color_errors: false, unicode: true, width: Some(40), socket: None };
        insta::assert_snapshot!(table(&explained, &terminal), @r"
        b/wg1 is DEGRADED, so HAProxy holds it
        in MAINT.

        evidence   the last 3 of 20 probes
                   failed at stage connect
                   second
        try        hactl check \u{1b}[2J
                   hactl check --socket /run/h.sock -v b/wg1
        ");
    }
}
