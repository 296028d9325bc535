//! haproxy.cfg as a scene wants it, beginning with the one that users have.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

/// The backend of every scene.
pub const BACKEND: &str = "socks_back_7891";

/// The server-state file's name.
pub(super) const STATE_FILE: &str = "hactl.state";

/// Which servers are `backup`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// All of them; the order decides.
    AllBackup,
    /// Only `cloudflare_warp`.
    WarpBackup,
}

/// How HAProxy runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One process (`-db`).
    Plain,
    /// A master with a worker, and the master CLI (`-W -S master.sock -db`).
    MasterWorker,
}

/// What HAProxy is started with. Extra lines are written as they are, at the end of their section.
#[derive(Clone, Debug)]
pub struct Builder {
    pub(super) layout: Layout,
    pub(super) mode: Mode,
    pub(super) expose_fd: bool,
    pub(super) tcp_stats: bool,
    state_file: bool,
    servers: Vec<(String, SocketAddr)>,
    disabled: Vec<String>,
    unchecked: bool,
    agent: Option<SocketAddr>,
    global: String,
    defaults: String,
    backend: String,
    sections: String,
}

/// Where the parts of one HAProxy are.
pub(super) struct Places<'a> {
    pub(super) dir: &'a Path,
    pub(super) frontend: SocketAddr,
    pub(super) tcp_stats: Option<SocketAddr>,
}

impl Builder {
    pub(super) fn new(layout: Layout, servers: &[(&str, SocketAddr)]) -> Self {
        Self {
            layout,
            mode: Mode::Plain,
            expose_fd: false,
            tcp_stats: false,
            state_file: false,
            servers: servers.iter().map(|(name, addr)| ((*name).to_owned(), *addr)).collect(),
            disabled: Vec::new(),
            unchecked: false,
            agent: None,
            global: String::new(),
            defaults: String::new(),
            backend: String::new(),
            sections: String::new(),
        }
    }

    /// How it runs; `Mode::Plain` where this is not called.
    #[must_use]
    pub const fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Hands the listeners over at a reload (`expose-fd listeners`, and `-x` for `reload_sf`).
    #[must_use]
    pub const fn expose_fd(mut self) -> Self {
        self.expose_fd = true;
        self
    }

    /// A stats socket of level admin on a TCP port too.
    #[must_use]
    pub const fn tcp_stats(mut self) -> Self {
        self.tcp_stats = true;
        self
    }

    /// Loads the server-state file `hactl.state` at each start.
    #[must_use]
    pub const fn state_file(mut self) -> Self {
        self.state_file = true;
        self
    }

    /// Marks a server `disabled`.
    #[must_use]
    pub fn disabled(mut self, server: &str) -> Self {
        self.disabled.push(server.to_owned());
        self
    }

    /// Has HAProxy check no server: thousands of checks a second are another measurement.
    #[must_use]
    pub const fn unchecked(mut self) -> Self {
        self.unchecked = true;
        self
    }

    /// Has HAProxy ask an agent at this address about each server, by the name `BACKEND/SERVER`.
    #[must_use]
    pub const fn agent(mut self, addr: SocketAddr) -> Self {
        self.agent = Some(addr);
        self
    }

    /// Ends an old process after this time (`3s`), whatever sessions it has.
    #[must_use]
    pub fn hard_stop_after(self, time: &str) -> Self {
        self.global(&format!("hard-stop-after {time}"))
    }

    /// How many connections all stats sockets have together.
    #[must_use]
    pub fn stats_maxconn(self, connections: u32) -> Self {
        self.global(&format!("stats maxconn {connections}"))
    }

    /// Lines for `global`.
    #[must_use]
    pub fn global(mut self, lines: &str) -> Self {
        push(&mut self.global, lines);
        self
    }

    /// Lines for `defaults`; timeouts given here take the place of the usual ones.
    #[must_use]
    pub fn defaults(mut self, lines: &str) -> Self {
        push(&mut self.defaults, lines);
        self
    }

    /// Lines for the backend, before its servers.
    #[must_use]
    pub fn backend(mut self, lines: &str) -> Self {
        push(&mut self.backend, lines);
        self
    }

    /// Whole sections, behind all others.
    #[must_use]
    pub fn sections(mut self, lines: &str) -> Self {
        push(&mut self.sections, lines);
        self
    }

    pub(super) fn render(&self, places: &Places<'_>) -> String {
        let Places { dir, frontend, .. } = places;
        let dir = dir.display();
        let fds = if self.expose_fd { " expose-fd listeners" } else { "" };
        let tcp = places
            .tcp_stats
            .map_or_else(String::new, |addr| format!("    stats socket ipv4@{addr} level admin\n"));
        let (state_file, load) = if self.state_file {
            let file = format!("    server-state-file {dir}/{STATE_FILE}\n");
            (file, "    load-server-state-from-file global\n")
        } else {
            (String::new(), "")
        };
        let Self { global, defaults, backend, sections, .. } = self;
        let servers = self.servers();
        format!(
            "global
    stats socket {dir}/admin.sock mode 600 level admin{fds}
    stats socket {dir}/operator.sock mode 600 level operator
    stats socket {dir}/user.sock mode 600 level user
{tcp}{state_file}    stats timeout 30s
{global}
defaults
    mode tcp
    timeout connect 3s
    timeout client 1m
    timeout server 1m
    default-server inter 1s rise 1 fall 2 on-error fastinter
{load}{defaults}
frontend socks_front
    bind {frontend}
    default_backend {BACKEND}

backend {BACKEND}
    balance first
{backend}{servers}
{sections}"
        )
    }

    fn servers(&self) -> String {
        let mut lines = String::new();
        for (name, addr) in &self.servers {
            let backup = self.layout == Layout::AllBackup || name == "cloudflare_warp";
            let backup = if backup { " backup" } else { "" };
            let disabled = if self.disabled.contains(name) { " disabled" } else { "" };
            let check = if self.unchecked { "" } else { " check" };
            let agent = self.agent.map(|addr| agent_check(addr, name)).unwrap_or_default();
            writeln!(lines, "    server {name} {addr}{check}{backup}{disabled}{agent}")
                .expect("memory takes it");
        }
        lines
    }
}

fn agent_check(addr: SocketAddr, server: &str) -> String {
    format!(
        " agent-check agent-addr {} agent-port {} agent-inter 200ms agent-send \"{BACKEND}/{server}\\n\"",
        addr.ip(),
        addr.port()
    )
}

fn push(section: &mut String, lines: &str) {
    section.push_str(lines);
    section.push('\n');
}
