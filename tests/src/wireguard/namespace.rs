//! A network namespace of our own: made, entered by threads, configured, removed.

use std::fs::File;
use std::io::Write;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::runtime::{Builder, Runtime};

/// Where `ip netns` has them.
pub(super) const PLACE: &str = "/run/netns";

/// Gone by name when dropped; it lives on for as long as a thread or process is in it.
pub(super) struct Namespace {
    name: String,
    file: File,
}

impl Namespace {
    /// Makes an empty one with loopback up: nothing in it reaches anything outside.
    pub(super) fn create(name: String) -> Self {
        ip(&["netns", "add", &name], "");
        let file = File::open(format!("{PLACE}/{name}"));
        let file = file.unwrap_or_else(|error| panic!("ip netns add made no {PLACE}/{name}: {error}"));
        let namespace = Self { name, file };
        namespace.configure("link set lo up\n");
        namespace
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Puts the calling thread into it; what that thread starts is in it, too.
    pub(super) fn enter(&self) {
        enter(&self.file);
    }

    /// Does `work` inside.
    pub(super) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let inside = || {
            self.enter();
            work()
        };
        let done = thread::scope(|scope| scope.spawn(inside).join());
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// A runtime all of whose `threads` are inside.
    pub(super) fn runtime(&self, threads: usize) -> Runtime {
        let file = self.file.try_clone().expect("descriptors are left");
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .on_thread_start(move || enter(&file))
            .build();
        runtime.expect("threads and descriptors are left")
    }

    /// A UDP socket inside.
    pub(super) fn udp(&self, addr: SocketAddr) -> UdpSocket {
        self.run(|| UdpSocket::bind(addr))
            .unwrap_or_else(|error| panic!("cannot bind {addr} in {}: {error}", self.name))
    }

    /// Has `ip` do these lines inside.
    pub(super) fn configure(&self, lines: &str) {
        ip(&["-n", &self.name, "-batch", "-"], lines);
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Where it fails, the next run finds it among what was left.
        Command::new("ip").args(["netns", "delete", &self.name]).stderr(Stdio::null()).status().ok();
    }
}

fn enter(file: &File) {
    let entered = move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network));
    entered.expect("root with CAP_SYS_ADMIN may enter a namespace");
}

/// Runs `ip` with `input` to its end; panics where it does not like it.
pub(super) fn ip(args: &[&str], input: &str) -> String {
    run(Command::new("ip").args(args), input)
}

/// Runs `command` with `input` to its end, and gives back what it says; panics where it fails.
pub(super) fn run(command: &mut Command, input: &str) -> String {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    // Who does not read its input may close it: what it then says is more to the point.
    child.stdin.take().expect("it was piped").write_all(input.as_bytes()).ok();
    let output = child.wait_with_output().expect("our own child can be waited for");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}: {errors}\nits input:\n{input}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}
