//! Runs a program to its end or to the end of its time: without a shell, in a process group of its own, with what happened in
//! its environment and on its standard input. Blocks; for a thread that may be blocked.

use std::fmt;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::config::Command;
use crate::journal::Entry;

/// Between two looks at it. Nobody waits for it.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_secs(1);

/// Of what it writes to standard error the end is kept, so that its last line can be told.
const SAID_MAX: usize = 4096;

/// Bytes of that line that are told.
const LINE_MAX: usize = 300;

/// Where programs look for others, unless hactl itself was told.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How it went.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) how: How,
    took: Duration,
    /// The last line that it wrote to standard error.
    said: String,
}

#[derive(Debug)]
pub(super) enum How {
    /// With this code.
    Ended(i32),
    /// By this signal.
    Killed(i32),
    /// It was ended because its time was over.
    OutOfTime,
    /// It was ended because hactl ends.
    Stopped,
    /// It could not be started.
    NotStarted(io::Error),
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = self.took.as_secs_f64();
        match &self.how {
            How::Ended(0) => return write!(f, "was done after {took:.1} s"),
            How::Ended(code) => write!(f, "failed with code {code} after {took:.1} s")?,
            How::Killed(signal) => write!(f, "was ended by signal {signal} after {took:.1} s")?,
            How::OutOfTime => write!(f, "was not done after {took:.1} s and was ended")?,
            How::Stopped => f.write_str("was ended because hactl ends")?,
            How::NotStarted(error) => return write!(f, "could not be started: {error}"),
        }
        if self.said.is_empty() { Ok(()) } else { write!(f, ": {}", self.said) }
    }
}

/// What tells a hook what has happened, beside the socket. hactl itself takes no setting from these, so that it can be called
/// in a hook.
pub(crate) const TOLD: [&str; 12] = [
    "HACTL_EVENT",
    "HACTL_SEVERITY",
    "HACTL_INSTANCE",
    "HACTL_BACKEND",
    "HACTL_SERVER",
    "HACTL_FROM",
    "HACTL_TO",
    "HACTL_TEXT",
    "HACTL_WHY",
    "HACTL_BY",
    "HACTL_AT",
    "HACTL_SEQ",
];

/// What it finds in its environment; nothing else of hactl's own is handed on.
pub(super) fn environment(entry: &Entry, socket: &Path) -> Vec<(&'static str, String)> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let path = std::env::var("PATH").unwrap_or_else(|_| PATH.to_owned());
    let told = [
        entry.kind.clone(),
        entry.severity.as_str().to_owned(),
        text(&entry.instance),
        text(&entry.backend),
        text(&entry.server),
        text(&entry.from),
        text(&entry.to),
        entry.text.clone(),
        text(&entry.why),
        text(&entry.by),
        format!("{:.3}", entry.at),
        entry.seq.to_string(),
    ];
    let own = [("PATH", path), ("HACTL_SOCKET", socket.display().to_string())];
    let variables = own.into_iter().chain(TOLD.into_iter().zip(told));
    // The system takes no NUL there.
    variables.map(|(name, value)| (name, value.replace('\0', ""))).collect()
}

/// Until it has ended, its time is over, or `stop` is set.
pub(super) fn run(
    command: &Command,
    environment: &[(&'static str, String)],
    input: &[u8],
    stop: &AtomicBool,
) -> Ran {
    let start = Instant::now();
    let child = std::process::Command::new(&command.program)
        .args(&command.arguments)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            return Ran { how: How::NotStarted(error), took: start.elapsed(), said: String::new() };
        }
    };
    let mut pipes = Pipes::of(&mut child, input);
    let mut ending: Option<(Instant, How)> = None;
    let how = loop {
        pipes.serve();
        match child.try_wait() {
            Ok(Some(status)) => {
                let by_itself = status
                    .code()
                    .map_or_else(|| How::Killed(status.signal().unwrap_or_default()), How::Ended);
                break ending.map_or(by_itself, |(_, why)| why);
            }
            // It is our own child, so that there is nothing that could be wrong.
            Err(_) => break How::Killed(0),
            Ok(None) => {}
        }
        ending = go_on(ending, &child, start.elapsed() > command.timeout, stop.load(Ordering::Relaxed));
        thread::sleep(LOOK_EVERY);
    };
    pipes.serve();
    Ran { how, took: start.elapsed(), said: pipes.last_line() }
}

/// Has its whole group end where it is time: first in good order.
fn go_on(
    ending: Option<(Instant, How)>,
    child: &Child,
    late: bool,
    stopping: bool,
) -> Option<(Instant, How)> {
    match ending {
        _ if stopping => {
            signal(child, Signal::KILL);
            Some((Instant::now(), How::Stopped))
        }
        None if late => {
            signal(child, Signal::TERM);
            Some((Instant::now(), How::OutOfTime))
        }
        Some((since, why)) => {
            if since.elapsed() > GRACE {
                signal(child, Signal::KILL);
            }
            Some((since, why))
        }
        None => None,
    }
}

/// It has not been waited for, so that its number is nobody else's.
fn signal(child: &Child, signal: Signal) {
    if let Some(group) = Pid::from_raw(child.id().cast_signed()) {
        // A group that has just ended needs none.
        let _ = kill_process_group(group, signal);
    }
}

/// Both ends that are ours, neither of which is ever waited for.
struct Pipes<'a> {
    stdin: Option<ChildStdin>,
    input: &'a [u8],
    stderr: Option<ChildStderr>,
    said: Vec<u8>,
}

impl<'a> Pipes<'a> {
    fn of(child: &mut Child, input: &'a [u8]) -> Self {
        let stdin = child.stdin.take().filter(|pipe| never_wait(pipe).is_ok());
        let stderr = child.stderr.take().filter(|pipe| never_wait(pipe).is_ok());
        Self { stdin, input, stderr, said: Vec::new() }
    }

    /// Writes what is taken, and reads what is there.
    fn serve(&mut self) {
        while let Some(stdin) = &mut self.stdin {
            match stdin.write(self.input) {
                Ok(written) if written < self.input.len() && written > 0 => {
                    self.input = &self.input[written..]
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // All of it is written, or it does not read.
                Ok(_) | Err(_) => self.stdin = None,
            }
        }
        let mut buffer = [0; SAID_MAX];
        while let Some(stderr) = &mut self.stderr {
            match stderr.read(&mut buffer) {
                Ok(0) => self.stderr = None,
                Ok(read) => {
                    self.said.extend_from_slice(&buffer[..read]);
                    let excess = self.said.len().saturating_sub(SAID_MAX);
                    self.said.drain(..excess);
                    if read < buffer.len() {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => self.stderr = None,
            }
        }
    }

    fn last_line(&self) -> String {
        let text = String::from_utf8_lossy(&self.said);
        let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        crate::text::Shown(line).to_string().chars().take(LINE_MAX).collect()
    }
}

fn never_wait(pipe: &impl AsFd) -> io::Result<()> {
    fcntl_setfl(pipe, fcntl_getfl(pipe)? | OFlags::NONBLOCK)?;
    Ok(())
}

#[cfg(test)]
mod tests;
