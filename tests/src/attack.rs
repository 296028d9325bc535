//! Clients of hactl's own socket that mean it no good, thousands of them: they hold connections open, follow without reading,
//! send lines and bodies without end, ask for what is dear and leave before it comes.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Connections that are held open at a time.
const CONNECTIONS: usize = 5000;

/// Those that follow and do not read.
const DEAF: usize = 200;

/// Bytes of a line or a body.
const LINE: usize = 100 << 20;

/// Who leaves has been heard by then, and not been answered where there is much to say.
const LOOKED: Duration = Duration::from_millis(1);

/// For the daemon to take or say something; whoever was thrown out is told at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// What this process and its children may have is as much as the system lets them.
fn more_descriptors() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("up to its maximum anybody may");
}

/// It goes on until it is ended.
pub struct Attack {
    stop: Arc<AtomicBool>,
    attackers: Vec<JoinHandle<()>>,
}

impl Attack {
    /// Begins, with as many descriptors as the system lets this process have.
    #[must_use]
    pub fn begin(socket: &Path) -> Self {
        more_descriptors();
        let stop: Arc<AtomicBool> = Arc::default();
        let attackers = [silent, deaf, endless, leaving];
        let attackers = attackers.map(|attacker| {
            let (stop, socket) = (Arc::clone(&stop), socket.to_owned());
            std::thread::spawn(move || attacker(&socket, &stop))
        });
        Self { stop, attackers: attackers.into() }
    }

    /// Ends it; when this returns all of its connections are closed.
    pub fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for attacker in self.attackers {
            attacker.join().expect("it has not panicked");
        }
    }
}

/// Opens thousands of connections and never ends its requests.
fn silent(socket: &Path, stop: &AtomicBool) {
    let mut open = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        if open.len() >= CONNECTIONS {
            open.drain(..CONNECTIONS / 10);
        }
        open.extend(said(socket, b"GET /api/v1/status HTTP/1.1\r\nhost: "));
        if open.len() % 500 == 0 {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Follows and never reads.
fn deaf(socket: &Path, stop: &AtomicBool) {
    let mut open = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        for path in ["events/stream?after=0", "status/stream?interval_ms=200", "status"] {
            let request = format!("GET /api/v1/{path} HTTP/1.1\r\nhost: x\r\n\r\n");
            open.extend(said(socket, request.as_bytes()));
        }
        let excess = open.len().saturating_sub(DEAF);
        open.drain(..excess);
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Sends one line without end, and a body without end.
fn endless(socket: &Path, stop: &AtomicBool) {
    let part = vec![b'a'; 1 << 20];
    while !stop.load(Ordering::Relaxed) {
        for head in ["GET /", "POST /api/v1/pause HTTP/1.1\r\nhost: x\r\ncontent-length: 104857600\r\n\r\n"] {
            let Some(mut stream) = said(socket, head.as_bytes()) else { continue };
            let mut sent = 0;
            while sent < LINE && stream.write_all(&part).is_ok() {
                sent += part.len();
            }
            // Whatever it says to that.
            stream.read_to_end(&mut Vec::new()).ok();
        }
    }
}

/// Asks for all that there is, and has left when it comes.
fn leaving(socket: &Path, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        for path in
            ["metrics", "api/v1/exits", "api/v1/status", "api/v1/events/stream", "api/v1/status/stream"]
        {
            let asked = said(socket, format!("GET /{path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes());
            std::thread::sleep(LOOKED);
            drop(asked);
        }
    }
}

/// A connection on which this was said; one that is refused is as good.
fn said(socket: &Path, bytes: &[u8]) -> Option<UnixStream> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(bytes).ok()?;
    Some(stream)
}
