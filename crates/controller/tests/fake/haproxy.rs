//! A HAProxy that is only its stats socket: real enough for the commands that the controller sends, and obedient
//! about how it fails.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use haproxy_runtime::Address;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::sleep;

/// How a reply, once it is made and what was asked for is done, gets to the one who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// At once, whole.
    Whole,
    /// At once, but for the bytes from this number on.
    Cut(usize),
    /// One byte at a time, with a pause after each.
    Bytewise(Duration),
    /// Followed by more than anybody would want to keep.
    Flood,
    /// After so long.
    Late(Duration),
    /// Not at all: the connection is closed before a word is read, and nothing is done.
    HungUp,
}

/// Above what a client takes.
const FLOOD: usize = 5 * 1024 * 1024;

#[derive(Debug)]
struct State {
    manner: Manner,
    manner_of_writes: Manner,
    pid: u32,
    stopping: bool,
    level: &'static str,
    servers: Vec<(String, u32)>,
    ignored_writes: usize,
    refused: BTreeMap<String, String>,
    garbled_after_write: usize,
    garbled: usize,
    closes_all: Option<String>,
    witness: Option<PathBuf>,
    witnessed: Vec<String>,
    instead: Option<String>,
    /// By server: current ones, and all so far.
    sessions: BTreeMap<String, (u64, u64)>,
    instead_of_sessions: Option<String>,
    lines: Vec<String>,
    /// `None` for a line without writes.
    log: Vec<Option<String>>,
}

pub(crate) struct FakeHaproxy {
    state: Arc<Mutex<State>>,
    dir: TempDir,
}

impl FakeHaproxy {
    pub(crate) fn start(servers: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("the system has room for a directory");
        let listener = UnixListener::bind(dir.path().join("admin.sock")).expect("the directory is new");
        let state = Arc::new(Mutex::new(State {
            manner: Manner::Whole,
            manner_of_writes: Manner::Whole,
            pid: 100,
            stopping: false,
            level: "admin",
            servers: servers.iter().map(|name| ((*name).to_owned(), 0)).collect(),
            ignored_writes: 0,
            refused: BTreeMap::new(),
            garbled_after_write: 0,
            garbled: 0,
            closes_all: None,
            witness: None,
            witnessed: Vec::new(),
            instead: None,
            sessions: BTreeMap::new(),
            instead_of_sessions: None,
            lines: Vec::new(),
            log: Vec::new(),
        }));
        tokio::spawn(serve(listener, Arc::clone(&state)));
        Self { state, dir }
    }

    pub(crate) fn address(&self) -> Address {
        Address::Unix(self.dir.path().join("admin.sock"))
    }

    /// As after a reload: another process, which knows of nothing.
    pub(crate) fn replace_process(&self) {
        let mut state = self.state();
        state.pid += 1;
        for server in &mut state.servers {
            server.1 = 0;
        }
    }

    /// Answers this many further writes as if they had been carried out.
    pub(crate) fn ignore_writes(&self, count: usize) {
        self.state().ignored_writes = count;
    }

    /// From now on refuses writes to this server, and to no other.
    pub(crate) fn refuse(&self, server: &str) {
        self.refuse_with(server, "Not today.");
    }

    pub(crate) fn refuse_with(&self, server: &str, text: &str) {
        self.state().refused = BTreeMap::from([(server.to_owned(), text.to_owned())]);
    }

    /// Answers this many lines with garbage once the next write was carried out.
    pub(crate) fn garble_after_write(&self, lines: usize) {
        self.state().garbled_after_write = lines;
    }

    /// Putting this server into maint puts all the others there too, as IMAINT, and `ready` undoes it.
    pub(crate) fn closing_closes_all(&self, server: &str) {
        self.state().closes_all = Some(server.to_owned());
    }

    /// Reads this file whenever a write comes, before it is carried out.
    pub(crate) fn witness(&self, file: &Path) {
        self.state().witness = Some(file.to_owned());
    }

    /// What was read so, in order.
    pub(crate) fn witnessed(&self) -> Vec<String> {
        self.state().witnessed.clone()
    }

    pub(crate) fn stopping(&self, stopping: bool) {
        self.state().stopping = stopping;
    }

    pub(crate) fn level(&self, level: &'static str) {
        self.state().level = level;
    }

    /// Answers every line in this manner.
    pub(crate) fn answer(&self, manner: Manner) {
        self.state().manner = manner;
    }

    /// Answers those lines in this manner that change something.
    pub(crate) fn answer_writes(&self, manner: Manner) {
        self.state().manner_of_writes = manner;
    }

    /// Answers every line with this alone.
    pub(crate) fn answer_all_with(&self, reply: Option<&str>) {
        self.state().instead = reply.map(str::to_owned);
    }

    /// From now on reports these sessions on the server: current ones, and all so far.
    pub(crate) fn set_sessions(&self, server: &str, current: u64, total: u64) {
        self.state().sessions.insert(server.to_owned(), (current, total));
    }

    /// Answers the question for the sessions with this.
    pub(crate) fn answer_sessions_with(&self, reply: Option<&str>) {
        self.state().instead_of_sessions = reply.map(str::to_owned);
    }

    pub(crate) fn set_admin(&self, server: &str, admin: u32) {
        set(&mut self.state(), server, admin);
    }

    pub(crate) fn admin(&self, server: &str) -> u32 {
        self.state().servers.iter().find(|(name, _)| name == server).expect("the server is there").1
    }

    /// Every write that came, in order, as `b/wg1 maint`.
    pub(crate) fn writes(&self) -> Vec<String> {
        self.state().log.iter().flatten().cloned().collect()
    }

    /// Whether no two writes followed each other without a line that only reads.
    pub(crate) fn looked_between_writes(&self) -> bool {
        !self.state().log.windows(2).any(|pair| pair[0].is_some() && pair[1].is_some())
    }

    pub(crate) fn lines(&self) -> usize {
        self.state().lines.len()
    }

    /// Every line that came, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.state().lines.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panicked with it")
    }
}

async fn serve(listener: UnixListener, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(connection(stream, Arc::clone(&state)));
    }
}

async fn connection(stream: UnixStream, state: Arc<Mutex<State>>) {
    if state.lock().expect("nobody panicked with it").manner == Manner::HungUp {
        return;
    }
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    if stream.read_line(&mut line).await.is_err() {
        return;
    }
    let (reply, manner) = {
        let mut state = state.lock().expect("nobody panicked with it");
        let reply = reply(&mut state, line.trim_end()).into_bytes();
        (reply, if line.contains("set server") { state.manner_of_writes } else { state.manner })
    };
    // A client that gave up does not want it any more.
    let _ = deliver(&mut stream, reply, manner).await;
}

async fn deliver(stream: &mut BufReader<UnixStream>, mut reply: Vec<u8>, manner: Manner) -> io::Result<()> {
    match manner {
        Manner::Whole => stream.write_all(&reply).await,
        Manner::HungUp => Ok(()),
        Manner::Cut(length) => {
            reply.truncate(length);
            stream.write_all(&reply).await
        }
        Manner::Flood => {
            reply.resize(FLOOD, b'x');
            stream.write_all(&reply).await
        }
        Manner::Late(after) => {
            sleep(after).await;
            stream.write_all(&reply).await
        }
        Manner::Bytewise(pause) => {
            for byte in reply {
                stream.write_all(&[byte]).await?;
                sleep(pause).await;
            }
            Ok(())
        }
    }
}

fn reply(state: &mut State, line: &str) -> String {
    state.lines.push(line.to_owned());
    if let Some(instead) = &state.instead {
        return instead.clone();
    }
    if state.garbled > 0 {
        state.garbled -= 1;
        return "garbage\n\n".to_owned();
    }
    if !line.contains("set server") {
        state.log.push(None);
    }
    line.split(';').map(|command| answer(state, command)).collect()
}

fn answer(state: &mut State, command: &str) -> String {
    let words: Vec<&str> = command.split(' ').collect();
    match words.as_slice() {
        ["show", "info"] => format!(
            "Name: HAProxy\nVersion: 2.6.12\nUptime_sec: 1\nStart_time_sec: 7\nPid: {}\nStopping: {}\n\n",
            state.pid,
            u32::from(state.stopping)
        ),
        ["show", "cli", "level"] => format!("{}\n\n", state.level),
        ["show", "servers", "state", "b"] => servers_state(state),
        ["show", "servers", "state", _] => "Can't find backend.\n\n".to_owned(),
        ["show", "stat", "3", "6", "-1"] => stat(state) + "b,BACKEND,0,0,UP,3,0,3,3,0,1,first,\n\n",
        ["show", "stat", "3", "4", "-1"] => {
            state.instead_of_sessions.clone().unwrap_or_else(|| stat(state) + "\n")
        }
        ["set", "server", path, "state", admin] => write(state, path, admin),
        _ => "Unknown command.\n\n".to_owned(),
    }
}

fn write(state: &mut State, path: &str, admin: &str) -> String {
    state.log.push(Some(format!("{path} {admin}")));
    let read = state.witness.as_ref().map(|file| std::fs::read_to_string(file).unwrap_or_default());
    state.witnessed.extend(read);
    let name = path.strip_prefix("b/").expect("only b was named");
    if state.level != "admin" {
        return "Permission denied\n\n".to_owned();
    }
    if let Some(text) = state.refused.get(name) {
        return format!("{text}\n\n");
    }
    state.garbled = std::mem::take(&mut state.garbled_after_write);
    if state.ignored_writes > 0 {
        state.ignored_writes -= 1;
    } else {
        let bits = u32::from(admin == "maint");
        set(state, name, bits);
        if state.closes_all.as_deref() == Some(name) {
            for other in state.servers.iter_mut().filter(|(other, _)| other != name) {
                other.1 = bits * 2;
            }
        }
    }
    "\n".to_owned()
}

fn set(state: &mut State, server: &str, admin: u32) {
    state.servers.iter_mut().find(|(name, _)| name == server).expect("the server is there").1 = admin;
}

fn servers_state(state: &State) -> String {
    let mut reply = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight \
        srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state \
        srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port \
        srv_check_addr srv_agent_addr srv_agent_port\n"
        .to_owned();
    for (index, (name, admin)) in state.servers.iter().enumerate() {
        let (id, op) = (index + 1, if *admin == 0 { 2 } else { 0 });
        let row = format!("3 b {id} {name} 127.0.0.1 {op} {admin} 1 1 9 6 3 4 6 0 0 0 - 18181 - 0 0 - - 0");
        writeln!(reply, "{row}").expect("a String takes everything");
    }
    reply + "\n"
}

fn stat(state: &State) -> String {
    let mut reply = "# pxname,svname,scur,stot,status,weight,act,bck,iid,sid,type,algo,\n".to_owned();
    for (index, (name, _)) in state.servers.iter().enumerate() {
        let (current, total) = state.sessions.get(name).copied().unwrap_or_default();
        writeln!(reply, "b,{name},{current},{total},UP,1,0,1,3,{},2,,", index + 1)
            .expect("a String takes everything");
    }
    reply
}
