//! Clients of hactl's own socket that mean it no good, thousands of them: who is honest is served, memory stays what it is,
//! and traffic is moved off a dead server meanwhile.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use e2e::Fault;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::beside::{Beside, PATIENCE};

/// What all of this may cost at once.
const MEMORY_MAX: u64 = 48 << 20;

const CONNECTIONS: usize = 5000;
const DEAF: usize = 200;
const LINE: usize = 100 << 20;
const ASKED: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_hostile_clients_delay_nobody_and_cost_little() {
    let mut beside = Beside::start().await;
    let before = beside.hactl.usage().rss;
    more_descriptors();
    let attack = Attack::begin(&beside.lab.hactl_socket());
    let mut most = 0;
    for _ in 0..ASKED {
        let start = Instant::now();
        let ran = beside.status(&["-o", "json"]).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        most = most.max(beside.hactl.usage().rss);
    }
    beside.lab.wg1.set(Fault::Reject(5)).await;
    beside.said("socks_back_7891 now on wg2").await;
    most = most.max(beside.hactl.usage().rss);
    attack.end();
    assert!(most < before + MEMORY_MAX, "{before} bytes before, {most} meanwhile");
}

/// What this process and its children may have is as much as the system lets them.
fn more_descriptors() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("up to its maximum anybody may");
}

struct Attack {
    stop: Arc<AtomicBool>,
    attackers: Vec<JoinHandle<()>>,
}

impl Attack {
    fn begin(socket: &Path) -> Self {
        let stop: Arc<AtomicBool> = Arc::default();
        let attackers = [silent, deaf, endless];
        let attackers = attackers.map(|attacker| {
            let (stop, socket) = (Arc::clone(&stop), socket.to_owned());
            std::thread::spawn(move || attacker(&socket, &stop))
        });
        Self { stop, attackers: attackers.into() }
    }

    fn end(self) {
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

/// A connection on which this was said; one that is refused is as good.
fn said(socket: &Path, bytes: &[u8]) -> Option<UnixStream> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(bytes).ok()?;
    Some(stream)
}
