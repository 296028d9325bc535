//! One hactl for each HAProxy. The lock is an abstract unix socket that is named by where HAProxy is reached: it needs no
//! directory that both may write to, ends with the process however that ends, and the kernel says who holds it. Whoever
//! connects is told where the holder's own socket is.
//!
//! It binds those who are in one network namespace and reach HAProxy at one place. It does not see that two sockets lead to
//! one HAProxy, nor what another host does: there `contended` is what is left.

use std::fs::File;
use std::io::{self, Read};
use std::net::IpAddr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener as StdListener};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use haproxy_runtime::Address;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream, lookup_host};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Names begin with this, so that `ss -xl` shows whose they are.
const PREFIX: &str = "hactl:";

/// The kernel takes 107 bytes; a longer name is cut short and told apart by a digest.
const NAME_MAX: usize = 100;

/// A name server that does not answer holds up no start: the name itself is locked then.
const LOOKUP_LIMIT: Duration = Duration::from_secs(2);

/// The holder says where its socket is at once, or never.
const TELL_LIMIT: Duration = Duration::from_millis(500);

/// The path of a socket has 108 bytes, and is told with some more.
const TOLD_MAX: u64 = 512;

/// A user list longer than this is not read: the number is told in place of the name.
const PASSWD_MAX: u64 = 1 << 20;

/// After an `accept` that failed (no descriptors left): long enough not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why HAProxy could not be locked.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another one has it.
    #[error("another hactl{holder} steers HAProxy at {haproxy}")]
    Held {
        /// Where HAProxy is reached.
        haproxy: String,
        /// ` (pid 412, user hactl)`, or nothing where that is not known.
        holder: String,
        /// The holder's own socket, where it is known.
        socket: Option<String>,
    },
    /// The operating system refused.
    #[error("cannot lock HAProxy at {haproxy}")]
    Io {
        /// Where HAProxy is reached.
        haproxy: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Who steers a HAProxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// ` (pid 412, user hactl)`, or nothing where that is not known.
    pub who: String,
    /// The holder's own socket, where it is known.
    pub socket: Option<String>,
}

/// That this process alone steers a HAProxy, until it is dropped or the process ends.
#[derive(Debug)]
pub struct HaproxyLock {
    haproxy: String,
    tellers: Vec<JoinHandle<()>>,
}

impl HaproxyLock {
    /// Locks the HAProxy at `address` for this process, whose own socket is `socket`.
    ///
    /// # Errors
    /// Who else has it, or what the system said.
    pub async fn take(address: &Address, socket: &Path) -> Result<Self, LockError> {
        let haproxy = canonical(address);
        let mut lock = Self { haproxy, tellers: Vec::new() };
        for name in names(address, &lock.haproxy).await {
            let listener = bind(&name).await.map_err(|source| (source, name));
            let listener = match listener {
                Ok(listener) => listener,
                Err((source, name)) if source.kind() == io::ErrorKind::AddrInUse => {
                    let (holder, socket) = holder(&name).await;
                    return Err(LockError::Held { haproxy: lock.haproxy.clone(), holder, socket });
                }
                Err((source, _)) => return Err(LockError::Io { haproxy: lock.haproxy.clone(), source }),
            };
            lock.tellers.push(tokio::spawn(tell(listener, socket.to_owned())));
        }
        Ok(lock)
    }

    /// Who has locked the HAProxy at `address`, if anybody has. Nothing is locked.
    pub async fn holder(address: &Address) -> Option<Holder> {
        for name in names(address, &canonical(address)).await {
            if UnixStream::connect(format!("\0{}", socket_name(&name))).await.is_ok() {
                let (who, socket) = holder(&name).await;
                return Some(Holder { who, socket });
            }
        }
        None
    }

    /// What the lock of the HAProxy at `address` is called: the same for however that is written. Links are followed, and
    /// nothing is locked.
    #[must_use]
    pub fn name_of(address: &Address) -> String {
        canonical(address)
    }

    /// The HAProxy that is locked: one name for however it was written.
    #[must_use]
    pub fn haproxy(&self) -> &str {
        &self.haproxy
    }
}

impl Drop for HaproxyLock {
    fn drop(&mut self) {
        for teller in &self.tellers {
            teller.abort();
        }
    }
}

/// One name for however a place is written: a path without links, `127.0.0.1` for this host.
fn canonical(address: &Address) -> String {
    match address {
        Address::Unix(path) => real_path(path).display().to_string(),
        Address::Master(path) => Address::Master(real_path(path)).to_string(),
        Address::Tcp { host, port } => {
            let host = host.to_ascii_lowercase();
            let is_this = matches!(host.as_str(), "localhost" | "::1");
            let host = if is_this { "127.0.0.1".to_owned() } else { host };
            Address::Tcp { host, port: *port }.to_string()
        }
    }
}

/// The path without links, as far as it is there: HAProxy may not have been started yet.
fn real_path(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for ancestor in whole.ancestors() {
        if let (Ok(real), Ok(rest)) = (ancestor.canonicalize(), whole.strip_prefix(ancestor)) {
            let mut real = real;
            real.extend(rest.components().filter(|part| matches!(part, Component::Normal(_))));
            return real;
        }
    }
    whole
}

/// A name on TCP is locked by all addresses that it leads to.
async fn names(address: &Address, haproxy: &str) -> Vec<String> {
    let Address::Tcp { host, port } = address else { return vec![haproxy.to_owned()] };
    if haproxy == format!("tcp:127.0.0.1:{port}") {
        return vec![haproxy.to_owned()];
    }
    let found = timeout(LOOKUP_LIMIT, lookup_host((host.as_str(), *port))).await;
    let mut names: Vec<String> = match found {
        Ok(Ok(found)) => found.map(|at| of_ip(at.ip(), *port)).collect(),
        Ok(Err(_)) | Err(_) => Vec::new(),
    };
    if names.is_empty() {
        names.push(haproxy.to_owned());
    }
    names.sort();
    names.dedup();
    names
}

fn of_ip(ip: IpAddr, port: u16) -> String {
    canonical(&Address::Tcp { host: ip.to_canonical().to_string(), port })
}

/// Without the byte of value zero that makes it abstract.
fn socket_name(name: &str) -> String {
    let socket = format!("{PREFIX}{name}");
    if socket.len() > NAME_MAX { format!("{PREFIX}{:016x}", digest(name)) } else { socket }
}

/// FNV-1a: the same in every version of hactl.
pub(crate) fn digest(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |digest, byte| (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

async fn bind(name: &str) -> io::Result<UnixListener> {
    let name = SocketAddr::from_abstract_name(socket_name(name))?;
    let listener = match StdListener::bind_addr(&name) {
        // Who is just ending needs a moment for it.
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            sleep(TELL_LIMIT).await;
            StdListener::bind_addr(&name)?
        }
        bound => bound?,
    };
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

/// Tells whoever connects where our socket is. The text is so short that nobody can keep us waiting.
async fn tell(listener: UnixListener, socket: PathBuf) {
    let text = format!("{}\n", socket.display());
    loop {
        match listener.accept().await {
            Ok((mut asking, _)) => {
                let _ = timeout(TELL_LIMIT, asking.write_all(text.as_bytes())).await;
            }
            Err(error) => {
                tracing::debug!(%error, "nobody can be told who holds the lock");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Who listens on the name, in words, and what they say of their socket. Both may stay unknown.
async fn holder(name: &str) -> (String, Option<String>) {
    // Where its queue is full this fails, and does not wait.
    let Ok(stream) = UnixStream::connect(format!("\0{}", socket_name(name))).await else {
        return (String::new(), None);
    };
    let holder = stream.peer_cred().map_or_else(
        |_| String::new(),
        |peer| {
            let pid = peer.pid().filter(|pid| *pid > 0);
            let pid = pid.map_or_else(String::new, |pid| format!("pid {pid}, "));
            format!(" ({pid}user {})", user(peer.uid()))
        },
    );
    let mut told = String::new();
    let heard = timeout(TELL_LIMIT, stream.take(TOLD_MAX).read_to_string(&mut told)).await;
    let socket = told.trim_end();
    (holder, (matches!(heard, Ok(Ok(_))) && !socket.is_empty()).then(|| socket.to_owned()))
}

/// The user's name, or the number where the system's list does not have it.
fn user(uid: u32) -> String {
    let mut list = String::new();
    let read = File::open("/etc/passwd").and_then(|file| file.take(PASSWD_MAX).read_to_string(&mut list));
    if let Err(error) = read {
        tracing::debug!(%error, "no user names");
    }
    let named = list.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| uid.to_string())
}

#[cfg(test)]
mod tests;
