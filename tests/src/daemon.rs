//! The program under test as a process: its log, its end, what it uses.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::param::clock_ticks_per_second;
use rustix::process::Signal;
use tokio::time::sleep;

use crate::process;

/// How long it may take to end after SIGTERM before the test has failed.
const END_LIMIT: Duration = Duration::from_secs(10);

/// What a process has used, from `/proc`.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Memory that it holds now, in bytes.
    pub rss: u64,
    /// Time that its threads have run, in user and kernel mode.
    pub cpu: Duration,
}

/// A running program whose standard error is kept; killed when dropped.
pub struct Daemon {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Daemon {
    /// Starts `program`, with `env` beside the environment of the test.
    #[must_use]
    pub fn start(program: impl AsRef<Path>, args: &[&str], env: &[(&str, &str)]) -> Self {
        let program = program.as_ref();
        Self::start_command(Command::new(program).args(args.iter().map(OsStr::new)).envs(env.iter().copied()))
    }

    /// As `start`, with whatever else a `Command` can be told.
    #[must_use]
    pub fn start_command(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let stderr = child.stderr.take().expect("it was piped");
        let lines = Arc::default();
        let sink = Arc::clone(&lines);
        // It ends with the pipe, that is with the process.
        std::thread::spawn(move || keep_lines(stderr, &sink));
        Self { child, lines }
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard error so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.kept().clone()
    }

    /// Waits for a line that holds `text`, from the first line on; panics after `patience` or when the process ends.
    pub async fn wait_for_line(&mut self, text: &str, patience: Duration) -> String {
        self.wait_for(0, text, |line| line.contains(text), patience).await
    }

    /// Waits for a line that `wanted` accepts, from the line number `from` on; `what` names it in the panic.
    pub async fn wait_for(
        &mut self,
        from: usize,
        what: &str,
        wanted: impl Fn(&str) -> bool,
        patience: Duration,
    ) -> String {
        let start = Instant::now();
        loop {
            // Asked before the lines are read, so that a dying program's last words are not missed.
            let ended = self.ended();
            let found = self.kept().iter().skip(from).find(|line| wanted(line)).cloned();
            match found {
                Some(line) => return line,
                None if ended.is_some() && self.has_drained() => {
                    panic!("ended with {ended:?} before `{what}`")
                }
                None if start.elapsed() > patience => panic!("no line with `{what}` within {patience:?}"),
                None => sleep(process::POLL).await,
            }
        }
    }

    /// Sends it `signal`.
    pub fn signal(&self, signal: Signal) {
        process::signal(self.pid(), signal);
    }

    /// Ends it in good order (SIGTERM): how it ended, and how long that took. Panics after ten seconds.
    pub async fn terminate(&mut self) -> (ExitStatus, Duration) {
        let start = Instant::now();
        self.signal(Signal::TERM);
        let status = process::ended(&mut self.child, END_LIMIT).await;
        (status.unwrap_or_else(|| panic!("still running {END_LIMIT:?} after SIGTERM")), start.elapsed())
    }

    /// How it ended; `None` while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits until it has ended by itself; panics after `patience`.
    pub async fn wait(&mut self, patience: Duration) -> ExitStatus {
        let status = process::ended(&mut self.child, patience).await;
        status.unwrap_or_else(|| panic!("still running after {patience:?}"))
    }

    /// Ends it at once (SIGKILL).
    pub fn kill(&mut self) {
        process::kill_tree(&mut self.child);
    }

    /// What it uses now; panics where it has ended.
    #[must_use]
    pub fn usage(&self) -> Usage {
        usage_of(self.pid()).unwrap_or_else(|| panic!("nothing to be read in /proc/{}", self.pid()))
    }

    /// Only the reader's own handle on the lines is left when it has reached the end of the pipe.
    fn has_drained(&self) -> bool {
        Arc::strong_count(&self.lines) == 1
    }

    fn kept(&self) -> MutexGuard<'_, Vec<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        process::show_if_panicking("the program under test", &self.lines().join("\n"));
        self.kill();
    }
}

fn keep_lines(stderr: impl Read, lines: &Arc<Mutex<Vec<String>>>) {
    let mut stderr = BufReader::new(stderr);
    let mut line = Vec::new();
    while matches!(stderr.read_until(b'\n', &mut line), Ok(read) if read > 0) {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        lines.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        line.clear();
    }
}

fn usage_of(pid: u32) -> Option<Usage> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let rss: u64 = rss.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Behind the name, which may hold anything, come fields 3 and on; `utime` and `stime` are 14 and 15.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    let cpu = Duration::from_secs(ticks) / u32::try_from(clock_ticks_per_second()).ok()?;
    Some(Usage { rss: rss * 1024, cpu })
}
