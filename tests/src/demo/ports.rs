//! The ports of `config/haproxy.cfg`, and who else uses them. Asked before anything is started.

use std::fmt;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// Where clients connect.
pub(crate) const FRONTEND: u16 = 7891;

/// HAProxy's own page.
pub(crate) const PAGE: u16 = 8091;

/// The exits, in the order of `e2e::lab::EXITS`.
pub(crate) const EXITS: [u16; 3] = [18181, 18182, 8111];

/// `TCP_LISTEN` in `/proc/net/tcp`.
const LISTENING: &str = "0A";

/// Ports that somebody else uses.
#[derive(Debug)]
pub(crate) struct InUse(Vec<(u16, String)>);

impl std::error::Error for InUse {}

impl fmt::Display for InUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "cannot start: ports that it needs on 127.0.0.1 are in use")?;
        for (port, by) in &self.0 {
            writeln!(f, "  {port:<5}  by {by}")?;
        }
        write!(f, "Stop what uses them, then run the demo again. Nothing was started.")
    }
}

/// An address of this machine alone.
pub(crate) fn at(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// Whether all of them are free.
pub(crate) fn check() -> Result<(), InUse> {
    let ports = [FRONTEND, PAGE].into_iter().chain(EXITS);
    // HAProxy would share a port with another HAProxy (SO_REUSEPORT); a plain listener does not.
    let taken = ports.filter_map(|port| TcpListener::bind(at(port)).err().map(|error| (port, error)));
    let taken: Vec<(u16, String)> = taken.map(|(port, error)| (port, user_of(port, &error))).collect();
    if taken.is_empty() { Ok(()) } else { Err(InUse(taken)) }
}

fn user_of(port: u16, error: &io::Error) -> String {
    if error.kind() != io::ErrorKind::AddrInUse {
        return format!("nobody, but: {error}");
    }
    socket_of(port)
        .and_then(|inode| process_with(&inode))
        .unwrap_or_else(|| format!("a process that only root can name: ss -ltnp 'sport = :{port}'"))
}

/// The inode of the socket that listens on `port`, see proc(5).
fn socket_of(port: u16) -> Option<String> {
    let suffix = format!(":{port:04X}");
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|file| {
        let table = fs::read_to_string(file).ok()?;
        table.lines().skip(1).find_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [_, local, _, state, ..] = fields.as_slice() else { return None };
            (local.ends_with(&suffix) && *state == LISTENING)
                .then(|| fields.get(9).map(ToString::to_string))?
        })
    })
}

fn process_with(inode: &str) -> Option<String> {
    let wanted = format!("socket:[{inode}]");
    fs::read_dir("/proc").ok()?.flatten().find_map(|process| {
        let mut files = fs::read_dir(process.path().join("fd")).ok()?.flatten();
        files
            .find(|file| fs::read_link(file.path()).is_ok_and(|link| link.as_os_str() == wanted.as_str()))?;
        let name = fs::read_to_string(process.path().join("comm")).ok()?;
        Some(format!("{} (pid {})", name.trim_end(), process.file_name().to_string_lossy()))
    })
}
