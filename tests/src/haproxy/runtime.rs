//! The runtime API as plainly as a test can use it: one line out, everything back. Kept apart from the program's own
//! client on purpose, so that a test does not see HAProxy through the eyes of what it tests.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::{BACKEND, Haproxy};

/// A reply takes a fraction of a millisecond; without one HAProxy is stopped, or its connections are used up.
const REPLY_LIMIT: Duration = Duration::from_secs(2);

/// The two states of a server in `show servers state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerState {
    /// `srv_op_state`: 0 stopped, 1 starting, 2 running, 3 stopping.
    pub operational: u32,
    /// `srv_admin_state`: bits, 0x01 maint by command, 0x04 `disabled` in the file, 0x08 drain by command.
    pub administrative: u32,
}

/// Sends `line` to the stats socket at `socket`; the whole reply.
///
/// # Errors
/// Where the socket cannot be connected to, or the reply is not complete within two seconds.
pub async fn ask(socket: &Path, line: &str) -> io::Result<String> {
    timeout(REPLY_LIMIT, exchange(socket, line)).await?
}

async fn exchange(socket: &Path, line: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(format!("{line}\n").as_bytes()).await?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await?;
    Ok(String::from_utf8_lossy(&reply).into_owned())
}

/// The value of `name` in the reply to `show info`.
pub(super) fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

impl Haproxy {
    /// Sends one line to the admin socket; the whole reply. Panics where there is none.
    pub async fn runtime(&self, line: &str) -> String {
        let reply = ask(&self.admin_socket(), line).await;
        reply.unwrap_or_else(|error| {
            panic!("no reply to `{line}` on {}: {error}", self.admin_socket().display())
        })
    }

    /// The process that answers now, as it says itself; panics where it is none of ours.
    pub async fn worker_pid(&self) -> u32 {
        let worker = self.answering().await;
        worker.unwrap_or_else(|| panic!("no worker of ours answers on {}", self.admin_socket().display()))
    }

    /// How HAProxy sees the server `name` of the scene's backend.
    pub async fn server(&self, name: &str) -> ServerState {
        let reply = self.runtime(&format!("show servers state {BACKEND}")).await;
        states_of(&reply)
            .and_then(|states| states.get(name).copied())
            .unwrap_or_else(|| panic!("no server {name} in {reply:?}"))
    }
}

/// The servers of the scene's backend by name, and the process that shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The worker.
    pub pid: u32,
    /// It is on its way out.
    pub stopping: bool,
    /// The servers.
    pub servers: BTreeMap<String, ServerState>,
}

/// What the HAProxy behind `socket` shows now; `None` where it does not answer in full.
pub async fn shown(socket: &Path) -> Option<Shown> {
    let reply = ask(socket, &format!("show info;show servers state {BACKEND}")).await.ok()?;
    let (info, states) = reply.split_once("\n\n")?;
    Some(Shown {
        pid: field(info, "Pid")?.parse().ok()?,
        stopping: field(info, "Stopping")? != "0",
        servers: states_of(states)?,
    })
}

fn states_of(reply: &str) -> Option<BTreeMap<String, ServerState>> {
    let header: Vec<&str> = reply.lines().nth(1)?.trim_start_matches("# ").split(' ').collect();
    let column = |wanted: &str| header.iter().position(|name| *name == wanted);
    let (server, operational, administrative) =
        (column("srv_name")?, column("srv_op_state")?, column("srv_admin_state")?);
    let state = |line: &str| {
        let row: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| row.get(at)?.parse().ok();
        let state =
            ServerState { operational: number(operational)?, administrative: number(administrative)? };
        Some(((*row.get(server)?).to_owned(), state))
    };
    Some(reply.lines().skip(2).filter_map(state).collect())
}
