//! One direction of the path: a thread that takes datagrams in and one that lets them out when they are due. Threads
//! rather than tasks, because a task's timer counts whole milliseconds and its turn comes after those of the test.

use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_recv_buffer_size_force;
use rustix::thread::gettid;

use super::{Carried, Cut, Delays, Direction, End, Path};
use crate::wireguard::dice::Dice;

/// Datagrams under way. A window of TCP or two at 25 ms; beyond it they are lost, as at any router.
const UNDER_WAY: usize = 2048;

/// No datagram is longer.
const LONGEST: usize = 64 * 1024;

/// Bytes that the kernel keeps for us, where we may ask for so much: else a burst is lost before it was counted.
const KEPT: usize = 4 * 1024 * 1024;

struct Datagram {
    received: Instant,
    bytes: Vec<u8>,
}

#[derive(Default)]
struct Counts {
    lost: AtomicU64,
    cut: AtomicU64,
    overflowed: AtomicU64,
    passed: AtomicU64,
    delays: Mutex<Delays>,
}

pub(super) struct Way {
    counts: Arc<Counts>,
    /// The entrance, to wake the thread that waits there.
    entrance: UdpSocket,
    threads: Vec<JoinHandle<()>>,
}

/// Where datagrams come out, and what decides whether they do.
struct Exit {
    socket: UdpSocket,
    peer: SocketAddr,
    one_way: Duration,
    direction: Direction,
    cut: Arc<RwLock<Cut>>,
    loss_per_mille: u64,
    dice: Dice,
    counts: Arc<Counts>,
    stopped: Arc<AtomicBool>,
}

impl Way {
    pub(super) fn start(
        from: &End,
        to: &End,
        direction: Direction,
        path: Path,
        cut: &Arc<RwLock<Cut>>,
        stopped: &Arc<AtomicBool>,
    ) -> Self {
        set_socket_recv_buffer_size_force(&from.socket, KEPT).ok();
        let clone = |socket: &UdpSocket| socket.try_clone().expect("descriptors are left");
        let counts = Arc::<Counts>::default();
        // The same losses in both directions would be no chance.
        let other = u64::from(direction == Direction::In);
        let exit = Exit {
            socket: clone(&to.socket),
            peer: to.peer,
            one_way: path.one_way,
            direction,
            cut: Arc::clone(cut),
            loss_per_mille: path.loss_per_mille.into(),
            dice: Dice::new(path.seed.wrapping_add(other)),
            counts: Arc::clone(&counts),
            stopped: Arc::clone(stopped),
        };
        let (queue, under_way) = sync_channel(UNDER_WAY);
        let (entrance, peer) = (clone(&from.socket), from.peer);
        let (taking, stop) = (Arc::clone(&counts), Arc::clone(stopped));
        let threads = vec![
            thread::spawn(move || take_in(&entrance, peer, &queue, &taking, &stop)),
            thread::spawn(move || exit.let_out(&under_way)),
        ];
        Self { counts, entrance: clone(&from.socket), threads }
    }

    pub(super) fn carried(&self) -> Carried {
        let Counts { passed, lost, cut, overflowed, delays } = &*self.counts;
        Carried {
            passed: passed.load(Ordering::Relaxed),
            lost: lost.load(Ordering::Relaxed),
            cut: cut.load(Ordering::Relaxed),
            overflowed: overflowed.load(Ordering::Relaxed),
            delays: delays.lock().unwrap_or_else(PoisonError::into_inner).sorted(),
        }
    }

    /// Waits for its threads, which have been told to stop.
    pub(super) fn end(&mut self) {
        let own = self.entrance.local_addr().expect("a bound socket has an address");
        self.entrance.send_to(&[], own).ok();
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

fn take_in(
    socket: &UdpSocket,
    peer: SocketAddr,
    queue: &SyncSender<Datagram>,
    counts: &Counts,
    stopped: &AtomicBool,
) {
    hurry();
    let mut buffer = vec![0; LONGEST];
    while !stopped.load(Ordering::Relaxed) {
        let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
        let datagram = Datagram { received: Instant::now(), bytes: buffer[..length].to_vec() };
        if from == peer && queue.try_send(datagram).is_err() {
            counts.overflowed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Puts the calling thread before all that are not of real time: on a busy machine its turn would come milliseconds
/// late, and a `nice` value helps only against those of the same session. Without the right to do so it is late.
fn hurry() {
    let thread = gettid().to_string();
    let mut command = Command::new("chrt");
    command.args(["--fifo", "--pid", "1", &thread]).stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(Stdio::null()).status().ok();
}

impl Exit {
    /// Ends when the entrance has ended.
    fn let_out(mut self, under_way: &Receiver<Datagram>) {
        hurry();
        while let Ok(Datagram { received, bytes }) = under_way.recv() {
            if self.stopped.load(Ordering::Relaxed) {
                return;
            }
            thread::sleep((received + self.one_way).saturating_duration_since(Instant::now()));
            if self.dice.below(1000) < self.loss_per_mille {
                self.counts.lost.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            // Held while sending: a cut is in force once it has been written.
            let cut = self.cut.read().unwrap_or_else(PoisonError::into_inner);
            if self.is_held_back(*cut, bytes.len()) {
                self.counts.cut.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            // A peer that is gone is one of the faults.
            self.socket.send_to(&bytes, self.peer).ok();
            drop(cut);
            self.counts.passed.fetch_add(1, Ordering::Relaxed);
            let mut delays = self.counts.delays.lock().unwrap_or_else(PoisonError::into_inner);
            delays.push(received.elapsed());
        }
    }

    fn is_held_back(&self, cut: Cut, length: usize) -> bool {
        match cut {
            Cut::Nothing => false,
            Cut::Everything => true,
            Cut::OneWay(direction) => direction == self.direction,
            Cut::LongerThan(most) => length > most,
        }
    }
}
