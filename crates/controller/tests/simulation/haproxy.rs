//! A HAProxy as a value: its servers, who put them where they are, and what it does with a line of commands. Behaviour as
//! measured: `maint` and `drain` replace each other, `ready` out of `maint` erases its own verdict, a reload forgets, and
//! what the old worker takes meanwhile is lost.

use std::fmt::Write as _;

use tokio::time::Instant;

/// The one backend.
pub(crate) const BACKEND: &str = crate::world::BACKEND;

/// `srv_admin_state`, as measured.
pub(crate) const FMAINT: u32 = 0x01;
pub(crate) const CMAINT: u32 = 0x04;
pub(crate) const FDRAIN: u32 = 0x08;

/// Who put a server where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Nobody,
    Us,
    Them,
}

#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) port: u16,
    pub(crate) admin: u32,
    pub(crate) up: bool,
    pub(crate) weight: u32,
    pub(crate) by: Who,
    /// When it last went up or down, in or out.
    pub(crate) changed: Instant,
    /// Changed by somebody else, or by a new process, since the servers were last shown.
    pub(crate) news: bool,
}

impl Server {
    pub(crate) const fn is_usable(&self) -> bool {
        self.admin & (FMAINT | FDRAIN) == 0 && self.up && self.weight > 0
    }

    pub(crate) const fn is_out(&self) -> bool {
        self.admin & (FMAINT | FDRAIN) != 0
    }
}

/// One command of ours that was carried out, or refused.
#[derive(Clone, Debug)]
pub(crate) struct Write {
    pub(crate) text: String,
    pub(crate) server: Option<Server>,
    pub(crate) set: String,
    /// HAProxy could use some server before, and after.
    pub(crate) usable: (bool, bool),
    /// Something else had changed since the servers were last shown.
    pub(crate) raced: bool,
    pub(crate) refused: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Haproxy {
    pub(crate) pid: u32,
    pub(crate) start_time: u64,
    pub(crate) started: Instant,
    pub(crate) servers: Vec<Server>,
    pub(crate) next_id: u32,
    /// Somebody has deleted a server since the servers were last shown.
    pub(crate) deleted: bool,
    /// Refuses what is to be done to this server.
    pub(crate) refuses: Option<String>,
    /// No reply until then; what was asked meanwhile is done then.
    pub(crate) hangs_until: Option<Instant>,
    /// A reload is under way: what is written until then is lost.
    pub(crate) reloads_at: Option<Instant>,
    pub(crate) writes: Vec<Write>,
    /// A line that is none of those that may be sent.
    pub(crate) forbidden: Option<String>,
    /// Connections at the same time, and the most there ever were.
    pub(crate) open: (u32, u32),
}

impl Haproxy {
    pub(crate) fn new(names: &[&str]) -> Self {
        let server = |(index, name): (usize, &&str)| {
            let number = u16::try_from(index).expect("there are few");
            Server {
                id: u32::from(number) + 1,
                name: (*name).to_owned(),
                port: 18181 + number,
                admin: 0,
                up: true,
                weight: 1,
                by: Who::Nobody,
                changed: Instant::now(),
                news: false,
            }
        };
        let servers: Vec<Server> = names.iter().enumerate().map(server).collect();
        Self {
            pid: 100,
            start_time: 7,
            started: Instant::now(),
            next_id: u32::try_from(servers.len()).expect("there are few") + 1,
            servers,
            deleted: false,
            refuses: None,
            hangs_until: None,
            reloads_at: None,
            writes: Vec::new(),
            forbidden: None,
            open: (0, 0),
        }
    }

    pub(crate) fn server(&mut self, name: &str) -> Option<&mut Server> {
        self.servers.iter_mut().find(|server| server.name == name)
    }

    pub(crate) fn is_usable(&self) -> bool {
        self.servers.iter().any(Server::is_usable)
    }

    /// It does not take commands as it should.
    pub(crate) fn is_busy(&self) -> bool {
        self.hangs() || self.reloads_at.is_some() || self.refuses.is_some()
    }

    /// It answers nobody.
    pub(crate) fn hangs(&self) -> bool {
        self.hangs_until.is_some_and(|until| until > Instant::now())
    }

    /// As somebody else would, at the same socket.
    pub(crate) fn set_by_them(&mut self, name: &str, state: &str) {
        let Some(server) = self.server(name) else { return };
        set(server, state, Who::Them);
        server.news = true;
    }

    /// The new worker takes over, and knows of nothing but its configuration.
    pub(crate) fn replace(&mut self) {
        self.pid += 1;
        self.start_time += 1;
        self.started = Instant::now();
        self.reloads_at = None;
        for server in &mut self.servers {
            let disabled = server.admin & CMAINT != 0;
            server.admin = if disabled { FMAINT | CMAINT } else { 0 };
            server.by = if disabled { Who::Them } else { Who::Nobody };
            (server.up, server.weight, server.news) = (true, 1, true);
            server.changed = self.started;
        }
    }

    pub(crate) fn answer(&mut self, line: &str) -> String {
        line.split(';').map(|command| self.command(command)).collect()
    }

    fn command(&mut self, command: &str) -> String {
        let words: Vec<&str> = command.split(' ').collect();
        match words.as_slice() {
            ["show", "info"] => format!(
                "Name: HAProxy\nVersion: 2.6.12\nUptime_sec: {}\nStart_time_sec: {}\nPid: {}\nStopping: 0\n\n",
                self.started.elapsed().as_secs(),
                self.start_time,
                self.pid
            ),
            ["show", "cli", "level"] => "admin\n\n".to_owned(),
            ["show", "backend"] => format!("# name\n{BACKEND}\n\n"),
            ["show", "servers", "state", name] if *name == BACKEND => self.servers_state(),
            ["show", "stat", "3", "6", "-1"] => {
                self.stat() + BACKEND + ",BACKEND,0,0,UP,3,0,3,3,0,1,first,\n\n"
            }
            ["show", "stat", "3", "4", "-1"] => self.stat() + "\n",
            ["set", "server", path, "state", state] => self.write(command, path, state),
            _ => {
                self.forbidden = Some(command.to_owned());
                "Unknown command.\n\n".to_owned()
            }
        }
    }

    fn write(&mut self, text: &str, path: &str, state: &str) -> String {
        let name = path.split_once('/').filter(|(backend, _)| *backend == BACKEND).map(|(_, name)| name);
        let Some(name) = name.filter(|_| matches!(state, "ready" | "drain" | "maint")) else {
            self.forbidden = Some(text.to_owned());
            return "No such backend.\n\n".to_owned();
        };
        let raced = self.deleted || self.servers.iter().any(|server| server.news);
        let refused = self.refuses.as_deref() == Some(name);
        let before = self.is_usable();
        let there = self.server(name).map(|server| {
            let there = server.clone();
            if !refused {
                set(server, state, Who::Us);
            }
            there
        });
        let missing = there.is_none();
        let usable = (before, self.is_usable());
        let set = state.to_owned();
        self.writes.push(Write { text: text.to_owned(), server: there, set, usable, raced, refused });
        match (missing, refused) {
            (true, _) => "No such server.\n\n".to_owned(),
            (false, true) => "Not today.\n\n".to_owned(),
            (false, false) => "\n".to_owned(),
        }
    }

    fn servers_state(&mut self) -> String {
        let mut reply = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight \
            srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health \
            srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl \
            srv_check_port srv_check_addr srv_agent_addr srv_agent_port\n"
            .to_owned();
        self.deleted = false;
        for server in &mut self.servers {
            let Server { id, name, port, admin, weight, .. } = server;
            let since = server.changed.elapsed().as_secs();
            let op = if server.up && *admin & FMAINT == 0 { 2 } else { 0 };
            writeln!(
                reply,
                "3 {BACKEND} {id} {name} 127.0.0.1 {op} {admin} {weight} 1 {since} 6 3 4 6 0 0 0 - {port} - 0 0 - - 0"
            )
            .expect("a String takes everything");
            server.news = false;
        }
        reply + "\n"
    }

    fn stat(&self) -> String {
        let mut reply = "# pxname,svname,scur,stot,status,weight,act,bck,iid,sid,type,algo,\n".to_owned();
        for server in &self.servers {
            writeln!(reply, "{BACKEND},{},0,0,UP,1,0,1,3,{},2,,", server.name, server.id)
                .expect("a String takes everything");
        }
        reply
    }
}

fn set(server: &mut Server, state: &str, by: Who) {
    let configured = server.admin & CMAINT;
    // Out of maint the own verdict is erased.
    server.up |= state == "ready" && server.admin & FMAINT != 0;
    let bits = match state {
        "maint" => FMAINT,
        "drain" => FDRAIN,
        _ => 0,
    };
    if server.admin != configured | bits {
        server.changed = Instant::now();
    }
    server.by = if bits == 0 { Who::Nobody } else { by };
    server.admin = configured | bits;
}
