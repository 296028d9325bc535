//! `hactl maint`, `drain`, `ready`, `auto` and `pin`: what an operator orders of servers, whatever their probes say. Whether
//! it is done or refused is decided by the daemon; here it is asked for and told.

mod told;
mod until;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use hactld::admin::{OVERRIDE_PATH, PIN_PATH};
use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::change;
use crate::cli::{AskArgs, operators, order_codes};
use crate::client::ClientError;
use crate::exit::Exit;
use crate::moment;
use crate::refusal::failed;
use crate::report::Report;
use crate::status::bare_server;
use crate::terminal::Terminal;

const OUT_HELP: &str = concat!(
    "It says how long and why; hactl status shows both. It holds through restarts of
hactl and of HAProxy, and ends by the clock of this host. What somebody else has
set in HAProxy is not undone by it, nor by its end.
The last server of a backend that works is taken out only with --force.
",
    operators!(),
    "
Examples:
  hactl maint socks_back_7891/wg2 --for 2h -m \"provider work\"
  hactl drain socks_back_7891/wg1 --until 18:00 -m \"new keys\"
  hactl maint socks_back_7891/wg2 --no-expiry --kill-sessions -m \"gone\"
  hactl auto socks_back_7891/wg2

Exit codes:
",
    order_codes!()
);

const READY_HELP: &str = concat!(
    "For a server that serves clients although its probes fail. HAProxy's own check
still counts. Out of the tiers that allow_exit_change = false permits it needs
--force.
",
    operators!(),
    "
Examples:
  hactl ready socks_back_7891/wg1 --for 30m -m \"the target is at fault\"
  hactl auto socks_back_7891/wg1

Exit codes:
",
    order_codes!()
);

const AUTO_HELP: &str = concat!(
    "Ends what hactl maint, drain, ready and pin have ordered.
",
    operators!(),
    "
Examples:
  hactl auto socks_back_7891/wg2
  hactl auto --all

Exit codes:
",
    order_codes!()
);

const PIN_HELP: &str = concat!(
    "The servers that HAProxy would use in its place are drained. While it does not
carry traffic they are used all the same, unless --force is said: then it keeps
the traffic whatever its probes say.
",
    operators!(),
    "
Examples:
  hactl pin socks_back_7891/wg2 --until 18:00 -m \"demo from this exit\"
  hactl auto socks_back_7891/wg2

Exit codes:
",
    order_codes!()
);

#[derive(Debug, Args)]
#[command(after_help = OUT_HELP)]
pub(crate) struct OutArgs {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    given: Given,
    /// Cut their sessions, once others serve those that come anew.
    #[arg(long)]
    kill_sessions: bool,
}

impl OutArgs {
    pub(crate) fn socket(&self) -> &Path {
        &self.named.ask.socket
    }
}

#[derive(Debug, Args)]
#[command(after_help = READY_HELP)]
pub(crate) struct ReadyArgs {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    given: Given,
}

impl ReadyArgs {
    pub(crate) fn socket(&self) -> &Path {
        &self.named.ask.socket
    }
}

#[derive(Debug, Args)]
#[command(after_help = PIN_HELP)]
pub(crate) struct PinArgs {
    /// BACKEND/SERVER, or INSTANCE:BACKEND/SERVER.
    #[arg(value_name = "BACKEND/SERVER")]
    server: String,
    #[command(flatten)]
    given: Given,
    #[command(flatten)]
    ask: AskArgs,
}

impl PinArgs {
    pub(crate) fn socket(&self) -> &Path {
        &self.ask.socket
    }
}

#[derive(Debug, Args)]
#[command(after_help = AUTO_HELP)]
pub(crate) struct AutoArgs {
    /// BACKEND/SERVER, or INSTANCE:BACKEND/SERVER.
    #[arg(value_name = "BACKEND/SERVER", conflicts_with = "all")]
    servers: Vec<String>,
    /// All of which something is ordered.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    ask: AskArgs,
}

impl AutoArgs {
    pub(crate) fn socket(&self) -> &Path {
        &self.ask.socket
    }
}

#[derive(Debug, Args)]
struct Named {
    /// BACKEND/SERVER, or INSTANCE:BACKEND/SERVER.
    #[arg(value_name = "BACKEND/SERVER", required = true)]
    servers: Vec<String>,
    #[command(flatten)]
    ask: AskArgs,
}

/// How long, why, and how firmly. The first two are asked for here and not by clap, which would not say what to type.
#[derive(Debug, Args)]
struct Given {
    /// For how long, from 1s to 30d.
    #[arg(long = "for", value_name = "DURATION", value_parser = hactld::config::parse_pause, conflicts_with_all = ["until", "no_expiry"])]
    lasts: Option<Duration>,
    /// Until when: 18:00 of this host, or 2026-11-24T06:00Z.
    #[arg(long, value_name = "TIME", value_parser = until::parse, conflicts_with = "no_expiry")]
    until: Option<Timestamp>,
    /// Until somebody ends it with hactl auto; hactl status warns of it.
    #[arg(long)]
    no_expiry: bool,
    /// Why, for those who find it.
    #[arg(short = 'm', long, value_name = "TEXT")]
    reason: Option<String>,
    /// Whatever else is left, and whatever is known of the server.
    #[arg(long)]
    force: bool,
}

/// What servers are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Maint,
    Drain,
    Ready,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Maint => "maint",
            Self::Drain => "drain",
            Self::Ready => "ready",
        }
    }
}

pub(crate) fn out(state: State, args: &OutArgs, terminal: &Terminal) -> ExitCode {
    set(state, &args.named, &args.given, args.kill_sessions, terminal)
}

pub(crate) fn ready(args: &ReadyArgs, terminal: &Terminal) -> ExitCode {
    set(State::Ready, &args.named, &args.given, false, terminal)
}

fn set(state: State, named: &Named, given: &Given, kill_sessions: bool, terminal: &Terminal) -> ExitCode {
    let servers = named.servers.join(" ");
    let command = format!("hactl {} {servers}", state.as_str());
    let mut body = match given.body(&command) {
        Ok(body) => body,
        Err(report) => return failed(Exit::Usage, &report, named.ask.json(), terminal),
    };
    body["servers"] = json!(named.servers);
    body["state"] = json!(state.as_str());
    body["kill_sessions"] = json!(kill_sessions);
    let what = format!("set {servers} to {}", state.as_str());
    ask(&named.ask, OVERRIDE_PATH, &body, &what, terminal)
}

pub(crate) fn pin(args: &PinArgs, terminal: &Terminal) -> ExitCode {
    let mut body = match args.given.body(&format!("hactl pin {}", args.server)) {
        Ok(body) => body,
        Err(report) => return failed(Exit::Usage, &report, args.ask.json(), terminal),
    };
    body["server"] = json!(args.server);
    ask(&args.ask, PIN_PATH, &body, &format!("pin to {}", args.server), terminal)
}

pub(crate) fn auto(args: &AutoArgs, terminal: &Terminal) -> ExitCode {
    if args.servers.is_empty() && !args.all {
        let report = Report::new("`hactl auto` does not say of which servers".to_owned());
        let report =
            report.next("hactl auto BACKEND/SERVER, or `hactl auto --all`; `hactl status` shows them");
        return failed(Exit::Usage, &report, args.ask.json(), terminal);
    }
    let body = json!({ "servers": args.servers, "all": args.all, "state": "auto" });
    let what = if args.all {
        "end all overrides".to_owned()
    } else {
        format!("leave {} to its probes", args.servers.join(" "))
    };
    ask(&args.ask, OVERRIDE_PATH, &body, &what, terminal)
}

impl Given {
    /// As the daemon takes it; `command` is what was typed, for what is missing.
    fn body(&self, command: &str) -> Result<Value, Report> {
        let reason = self.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
        let has_end = self.lasts.is_some() || self.until.is_some() || self.no_expiry;
        let missing = match (has_end, reason.is_some()) {
            (true, true) => None,
            (false, true) => Some("when it ends"),
            (true, false) => Some("why"),
            (false, false) => Some("when it ends, and why"),
        };
        if let Some(missing) = missing {
            let end = if has_end { "" } else { " --for 2h" };
            let why = if reason.is_some() { "" } else { " -m \"...\"" };
            let others = if has_end { "" } else { "   or --until 18:00, or --no-expiry" };
            return Err(Report::new(format!("`{command}` does not say {missing}"))
                .because("whoever finds a server overridden has to know how long, and why")
                .next(format!("{command}{end}{why}   (with what you gave already){others}")));
        }
        Ok(json!({
            "for_seconds": self.lasts.map(|lasts| lasts.as_secs()),
            "until": self.until,
            "reason": reason,
            "force": self.force,
        }))
    }
}

fn ask(args: &AskArgs, path: &str, body: &Value, what: &str, terminal: &Terminal) -> ExitCode {
    let changed = change::post(&args.socket, path, body);
    if let Err(ClientError::Refused { status: StatusCode::BAD_REQUEST, .. }) = &changed {
        let named = body["servers"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut named = named.iter().chain([&body["server"]]).filter_map(Value::as_str);
        if let Some(report) = named.find_map(|name| bare_server(name, &args.socket)) {
            return failed(Exit::Usage, &report, args.json(), terminal);
        }
    }
    change::done(changed, what, args, terminal, |changed, terminal| {
        (told::text(changed, &moment::now(), terminal), told::warnings(changed))
    })
}

#[cfg(test)]
mod tests;
