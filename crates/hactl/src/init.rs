//! `hactl init`: a configuration for the HAProxy that runs here, from what it says of itself and from who answers a SOCKS
//! greeting at its servers' addresses. Nothing is asked of what is behind them, and nothing is changed.

mod toml;

use std::collections::BTreeMap;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use checker::{Greeting, greet};
use clap::Args;
use hactld::config::DEFAULT_FILE;
use hactld::text::Shown;
use haproxy_runtime::{Address, BackendName, Client, Command, Level, Reply, ServerState, StatKind, StatRow};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::exit::Exit;
use crate::report::{Report, print, sources};
use crate::steered::USUAL_HAPROXY;
use crate::terminal::Terminal;

use self::toml::Found;

/// A greeting is answered at once; servers are most often on this host.
const GREETING_STEP: Duration = Duration::from_secs(1);

/// Greetings at a time: a HAProxy with thousands of servers is not to cost thousands of descriptors.
const GREETINGS_MAX: usize = 64;

/// Backends whose reasons are told where there is none to steer; a longer text helps nobody.
const REASONS_MAX: usize = 8;

pub(crate) const INIT_HELP: &str =
    "HAProxy is asked for its backends and servers, and each server of mode tcp is
sent a SOCKS greeting. Backends whose servers speak SOCKS5 are in the
configuration, the others in comments with the reason.

Examples:
  hactl init
  hactl init --backend socks_back_7891 > hactl.toml
  sudo hactl init --write

Exit codes:
   0  done    1  no backend can be steered, or the file cannot be written
   3  HAProxy cannot be reached    64  usage error    77  permission denied";

#[derive(Debug, Args)]
#[command(after_help = INIT_HELP)]
pub(crate) struct InitArgs {
    /// HAProxy's runtime API: PATH, unix:PATH, master:PATH or tcp:HOST:PORT.
    #[arg(long, value_name = "ADDR", env = "HACTL_HAPROXY", hide_env_values = true, default_value = USUAL_HAPROXY)]
    haproxy: Address,
    /// Only this backend; may be repeated.
    #[arg(long, value_name = "NAME")]
    backend: Vec<BackendName>,
    /// Write the file in place of printing it; one that is there is left alone.
    #[arg(long)]
    write: bool,
    /// The file for --write.
    #[arg(long, value_name = "FILE", default_value = DEFAULT_FILE, requires = "write")]
    config: PathBuf,
}

/// A server, and who listens at its address.
struct Server {
    name: String,
    address: String,
    greeting: Greeting,
}

/// What HAProxy says of itself.
struct Seen {
    level: Option<Level>,
    version: String,
    stat: Vec<StatRow>,
    servers: Vec<ServerState>,
}

pub(crate) fn run(args: &InitArgs, terminal: &Terminal) -> ExitCode {
    match made(args) {
        Ok(text) if args.write => match write(&args.config, &text) {
            Ok(()) => {
                let file = args.config.display();
                print(&format!(
                    "{file} is written\nnext: hactl config check {file} && hactl doctor --config {file}\n"
                ));
                Exit::Ok.into()
            }
            Err(report) => {
                report.print(terminal);
                Exit::NotStarted.into()
            }
        },
        Ok(text) => {
            print(&text);
            Exit::Ok.into()
        }
        Err((report, exit)) => {
            report.print(terminal);
            exit.into()
        }
    }
}

fn made(args: &InitArgs) -> Result<String, (Report, Exit)> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| {
        (Report::new("this command could not run".to_owned()).because(error.to_string()), Exit::Unknown)
    })?;
    runtime.block_on(async {
        let seen = look(&args.haproxy).await?;
        let unknown = args.backend.iter().find(|name| !seen.servers.iter().any(|row| row.be_name == **name));
        if let Some(name) = unknown {
            let report =
                Report::new(format!("HAProxy at {} has no backend {name} with servers", args.haproxy));
            let known = known(&seen).join(", ");
            return Err((report.because(format!("it has {known}")).next("correct --backend"), Exit::Usage));
        }
        let backends = backends(&seen, &args.backend).await;
        if backends.iter().all(|backend| backend.reason().is_some()) {
            return Err((nothing(&args.haproxy, &backends), Exit::NotStarted));
        }
        Ok(toml::text(&absolute(&args.haproxy), &seen.version, seen.level, &backends))
    })
}

fn known(seen: &Seen) -> Vec<String> {
    let mut names: Vec<String> = seen.servers.iter().map(|row| row.be_name.to_string()).collect();
    names.dedup();
    names
}

fn nothing(haproxy: &Address, backends: &[Found]) -> Report {
    let report = Report::new(format!("HAProxy at {haproxy} has no backend that hactl could steer"));
    let mut reasons: Vec<String> = backends
        .iter()
        .filter_map(|backend| Some(format!("{}: {}", backend.name, backend.reason()?)))
        .collect();
    let more = reasons.len().saturating_sub(REASONS_MAX);
    reasons.truncate(REASONS_MAX);
    reasons.extend((more > 0).then(|| format!("and {more} more")));
    let why = if reasons.is_empty() { "it has no servers".to_owned() } else { reasons.join("; ") };
    report.because(why).next("start the SOCKS servers and repeat, or write the file by hand")
}

async fn look(haproxy: &Address) -> Result<Seen, (Report, Exit)> {
    let failed = |error: &dyn std::error::Error, exit| {
        let why = sources(error).map_or_else(|| error.to_string(), |sources| format!("{error}: {sources}"));
        let report = Report::new(format!("cannot ask HAProxy at {haproxy}")).because(why);
        let sudo = if exit == Exit::Permission { ", or repeat with sudo" } else { "" };
        (report.next(format!("name its stats socket with --haproxy ADDR{sudo}")), exit)
    };
    let commands =
        [Command::ShowInfo, Command::ShowCliLevel, Command::ShowServersState(None), Command::ShowStat];
    let replies = Client::new(haproxy.clone()).exchange(&commands).await.map_err(|error| {
        let denied = matches!(error, haproxy_runtime::ExchangeError::PermissionDenied { .. });
        failed(&error, if denied { Exit::Permission } else { Exit::Unknown })
    })?;
    let mut seen = Seen { level: None, version: String::new(), stat: Vec::new(), servers: Vec::new() };
    for reply in replies {
        match reply.map_err(|error| failed(&error, Exit::Unknown))? {
            Reply::Info(info) => seen.version = info.version,
            Reply::Level(level) => seen.level = Some(level),
            Reply::ServersState(table) => seen.servers = table.rows,
            Reply::Stat(table) => seen.stat = table.rows,
            Reply::Done | Reply::Version(_) | Reply::Backends(_) => {}
        }
    }
    Ok(seen)
}

/// Each backend that has servers, in HAProxy's order, with who answers there.
async fn backends(seen: &Seen, only: &[BackendName]) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let is_asked = |row: &&ServerState| only.is_empty() || only.contains(&row.be_name);
    let rows: Vec<&ServerState> = seen.servers.iter().filter(is_asked).collect();
    let is_http = |name: &str| {
        let of_it = |row: &&StatRow| row.kind == StatKind::Backend && row.pxname == name;
        seen.stat.iter().find(of_it).is_some_and(|row| row.mode.as_deref() == Some("http"))
    };
    let wanted = rows.iter().filter(|row| !is_http(row.be_name.as_str())).filter_map(|row| address(row));
    let greetings = greetings(wanted.collect()).await;
    for row in rows {
        let name = row.be_name.as_str();
        if found.last().is_none_or(|last| last.name != name) {
            found.push(Found { name: name.to_owned(), is_http: is_http(name), servers: Vec::new() });
        }
        let at = address(row);
        let nobody = || Greeting::Closed("HAProxy has no address for it".to_owned());
        let server = Server {
            name: row.srv_name.to_string(),
            address: at.map_or_else(|| "-".to_owned(), |at| at.to_string()),
            greeting: at.and_then(|at| greetings.get(&at).cloned()).unwrap_or_else(nobody),
        };
        if let Some(last) = found.last_mut() {
            last.servers.push(server);
        }
    }
    found
}

/// Where a server is; `None` where HAProxy does not know either.
pub(crate) fn address(row: &ServerState) -> Option<SocketAddr> {
    let ip = row.srv_addr.parse().ok()?;
    (row.srv_port != 0).then(|| SocketAddr::new(ip, row.srv_port))
}

/// Who listens at each of `addresses`.
pub(crate) async fn greetings(mut addresses: Vec<SocketAddr>) -> BTreeMap<SocketAddr, Greeting> {
    addresses.sort();
    addresses.dedup();
    let mut greetings = BTreeMap::new();
    let mut under_way = JoinSet::new();
    let mut waiting = addresses.into_iter();
    loop {
        while under_way.len() < GREETINGS_MAX {
            let Some(address) = waiting.next() else { break };
            under_way.spawn(async move { (address, greet(address, GREETING_STEP).await) });
        }
        match under_way.join_next().await {
            Some(Ok((address, greeting))) => greetings.insert(address, greeting),
            Some(Err(_)) => continue,
            None => return greetings,
        };
    }
}

/// As it holds from wherever the daemon is started.
fn absolute(haproxy: &Address) -> Address {
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match haproxy {
        Address::Unix(path) => Address::Unix(whole(path)),
        Address::Master(path) => Address::Master(whole(path)),
        Address::Tcp { .. } => haproxy.clone(),
    }
}

/// A new file, with its directory where that alone is missing.
fn write(file: &Path, text: &str) -> Result<(), Report> {
    let at = Shown(&file.display().to_string()).to_string();
    let failed = |error: io::Error| {
        const OTHER: &str = "name another file with --config FILE";
        let cause = [
            (io::ErrorKind::AlreadyExists, "move it away"),
            (io::ErrorKind::NotFound, "make its directory first"),
            (io::ErrorKind::PermissionDenied, "repeat with sudo"),
        ];
        let cause = cause.iter().find(|(kind, _)| *kind == error.kind());
        let next = cause.map_or_else(|| OTHER.to_owned(), |(_, next)| format!("{next}, or {OTHER}"));
        Report::new(format!("cannot write {at}")).because(error.to_string()).next(next)
    };
    if let Some(parent) = file.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.exists()) {
        DirBuilder::new().mode(0o755).create(parent).map_err(failed)?;
    }
    let new = OpenOptions::new().write(true).create_new(true).mode(0o644).open(file);
    new.and_then(|mut file| file.write_all(text.as_bytes())).map_err(failed)
}
