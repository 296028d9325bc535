//! `hactl exits`: where clients leave from now, and whether that is where hactl believes.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use failover::status::{BackendExits, ExitList, ExitStatus, SeenExit, ServerExit};
use hactld::EXITS_PATH;
use hactld::text::Shown;
use jiff::tz::TimeZone;

use crate::client::{self, ClientError};
use crate::moment;
use crate::refusal::{exit_of, failed, report_of};
use crate::report::{Report, print};
use crate::table::{self, Column};
use crate::terminal::Terminal;

const HELP: &str = "\
Exits are asked for where the configuration has an [exit] table: every ten
minutes, and after a change of service. What clients get is known where the
backend has `frontend`, HAProxy's own address for them.

Examples:
  hactl exits
  hactl exits -o json | jq '.backends[].clients.exit.address'

Exit codes:
   0  clients leave where hactl believes
   1  clients of some backend leave from elsewhere
   3  unknown: nobody has asked, or hactl does not run or does not answer
  64  usage error    77  permission denied on hactl's own socket";

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct ExitsArgs {
    /// hactl's own socket.
    #[arg(long, value_name = "PATH", env = "HACTL_SOCKET", hide_env_values = true, default_value = hactld::config::DEFAULT_SOCKET)]
    pub(crate) socket: PathBuf,
    /// How to print it: for people, or hactl/v1 for programs.
    #[arg(short, long, value_enum, default_value = "table", value_name = "FORMAT")]
    pub(crate) output: ExitsFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExitsFormat {
    Table,
    Json,
}

const COLUMNS: [Column; 6] = [
    Column { heading: "  SERVER", right: false, dispensable: None },
    Column { heading: "EXIT", right: false, dispensable: None },
    Column { heading: "SITE", right: false, dispensable: Some(1) },
    Column { heading: "WARP", right: false, dispensable: Some(2) },
    Column { heading: "ASKED", right: false, dispensable: Some(0) },
    Column { heading: "WHY", right: false, dispensable: None },
];

pub(crate) fn run(args: &ExitsArgs, terminal: &Terminal) -> ExitCode {
    let fetched = client::get(&args.socket, EXITS_PATH).and_then(|text| {
        let list: ExitList =
            serde_json::from_str(&text).map_err(|source| ClientError::Contract { source })?;
        Ok((list, text))
    });
    let json = args.output == ExitsFormat::Json;
    let (list, text) = match fetched {
        Ok(fetched) => fetched,
        Err(error) => {
            let what = format!("cannot get the exits from hactl at {}", args.socket.display());
            return failed(exit_of(&error), &report_of(what, &args.socket, &error), json, terminal);
        }
    };
    match args.output {
        ExitsFormat::Json => print(&format!("{text}\n")),
        ExitsFormat::Table if list.url.is_none() => {
            Report::new("no exit is known".to_owned())
                .because("the configuration has no [exit] table, or hactl has only just read it")
                .next("write [exit] into the configuration, then hactl reload; see config/hactl.toml")
                .print(terminal);
        }
        ExitsFormat::Table => print(&render(&list, &hactld::zone::local(), terminal)),
    }
    list.exit_code.into()
}

fn render(list: &ExitList, zone: &TimeZone, terminal: &Terminal) -> String {
    let several = list.backends.iter().any(|backend| backend.instance != list.backends[0].instance);
    let mut text = String::new();
    for backend in &list.backends {
        if !text.is_empty() {
            text.push('\n');
        }
        let name = if several {
            format!("{}:{}", Shown(&backend.instance), Shown(&backend.name))
        } else {
            Shown(&backend.name).to_string()
        };
        text.push_str(&table::wrap("", &format!("{name}: {}", verdict(backend)), terminal.width));
        let rows: Vec<Vec<String>> = backend.servers.iter().map(|server| row(server, zone)).collect();
        text.push_str(&table::render(&COLUMNS, &rows, terminal));
    }
    text
}

/// In one sentence.
fn verdict(backend: &BackendExits) -> String {
    let in_service: Vec<String> = backend
        .servers
        .iter()
        .filter(|server| server.in_service)
        .map(|server| Shown(&server.name).to_string())
        .collect();
    let in_service = if in_service.is_empty() { "no server".to_owned() } else { in_service.join(", ") };
    let SeenExit { exit, why, .. } = &backend.clients;
    match (exit, why, &backend.frontend) {
        (Some(exit), ..) => {
            let exit = Shown(&exit.to_string()).to_string();
            match backend.as_believed {
                Some(true) => format!("clients leave from {exit}, as hactl believes, by {in_service}"),
                Some(false) => format!(
                    "clients leave from {exit}, which is NOT the exit of {in_service}, where hactl believes"
                ),
                None => format!("clients leave from {exit}; the exit of {in_service} is not known"),
            }
        }
        (None, Some(why), _) => format!("where clients leave from could not be seen: {}", Shown(why)),
        (None, None, Some(_)) => {
            format!("where clients leave from is not known yet; {in_service} is in service")
        }
        (None, None, None) => format!(
            "{in_service} is in service; what clients get is not asked, because the backend has no `frontend`"
        ),
    }
}

fn row(server: &ServerExit, zone: &TimeZone) -> Vec<String> {
    let ExitStatus { address, colo, warp } = server.seen.exit.clone().unwrap_or_else(|| ExitStatus {
        address: "-".to_owned(),
        colo: None,
        warp: None,
    });
    let shown =
        |text: &Option<String>| text.as_ref().map_or_else(|| "-".to_owned(), |text| Shown(text).to_string());
    let asked = server.seen.asked_at.as_ref().map(|at| moment::to_the_second(at, zone));
    let mark = if server.in_service { ">" } else { " " };
    vec![
        format!("{mark} {}", Shown(&server.name)),
        Shown(&address).to_string(),
        shown(&colo),
        shown(&warp),
        asked.unwrap_or_else(|| "-".to_owned()),
        shown(&server.seen.why),
    ]
}

#[cfg(test)]
#[path = "exits/tests.rs"]
mod tests;
