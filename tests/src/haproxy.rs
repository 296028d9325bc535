//! A real HAProxy in a directory of its own: started, reloaded, broken and asked.

mod config;
mod runtime;

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::ports::Port;
use crate::process;

use config::{Places, STATE_FILE};

pub use config::{BACKEND, Builder, Layout, Mode};
pub use runtime::{ServerState, Shown, ask, shown};

/// From start to the first reply: some 50 ms here, and nobody should wait longer on a busy machine.
const READY_LIMIT: Duration = Duration::from_secs(10);

/// How long an orderly end may take before it is forced.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// HAProxy 2.6 silently drops a SIGUSR2 that comes soon after its start or the last one: it is sent again after this.
const RELOAD_GAP: Duration = Duration::from_millis(500);

/// What a master writes when it has taken a SIGUSR2.
const RELOADING: &str = "Reloading HAProxy";

/// What HAProxy writes when it does not start because of its configuration.
const FAILED: &str = "Fatal errors found in configuration";

/// HAProxy and all processes it has become by reloads; they end when it is dropped.
pub struct Haproxy {
    mode: Mode,
    expose_fd: bool,
    frontend: Port,
    tcp_stats: Option<Port>,
    /// The last one is current; those before it are ending.
    processes: Vec<Child>,
    worker: u32,
    dir: TempDir,
}

impl Haproxy {
    /// The program: `HAPROXY_BIN`, or `haproxy` in `PATH`, or Debian's place for it.
    ///
    /// # Errors
    /// Where there is none; the text says how to get one.
    pub fn binary() -> Result<PathBuf, String> {
        let found = match std::env::var_os("HAPROXY_BIN") {
            Some(given) => Some(PathBuf::from(given)),
            None => process::in_path("haproxy").or_else(|| Some("/usr/sbin/haproxy".into())),
        };
        found
            .filter(|file| file.is_file())
            .ok_or_else(|| "HAProxy is missing: apt-get install haproxy (or set HAPROXY_BIN)".to_owned())
    }

    /// What to start, with these servers in this order.
    #[must_use]
    pub fn builder(layout: Layout, servers: &[(&str, SocketAddr)]) -> Builder {
        Builder::new(layout, servers)
    }

    /// Where clients connect.
    #[must_use]
    pub const fn frontend(&self) -> SocketAddr {
        self.frontend.addr()
    }

    /// Where the stats socket on TCP is, if there is one.
    #[must_use]
    pub fn tcp_stats(&self) -> Option<SocketAddr> {
        self.tcp_stats.as_ref().map(Port::addr)
    }

    /// The stats socket of level admin.
    #[must_use]
    pub fn admin_socket(&self) -> PathBuf {
        self.path("admin.sock")
    }

    /// The stats socket of level operator.
    #[must_use]
    pub fn operator_socket(&self) -> PathBuf {
        self.path("operator.sock")
    }

    /// The stats socket of level user.
    #[must_use]
    pub fn user_socket(&self) -> PathBuf {
        self.path("user.sock")
    }

    /// The master CLI, in `Mode::MasterWorker`.
    #[must_use]
    pub fn master_socket(&self) -> PathBuf {
        self.path("master.sock")
    }

    /// The server-state file, where the `Builder` says that it is loaded.
    #[must_use]
    pub fn state_file(&self) -> PathBuf {
        self.path(STATE_FILE)
    }

    /// The configuration file, read again at each reload and restart.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.path("haproxy.cfg")
    }

    /// The directory that holds all of it.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What HAProxy has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("haproxy.log")).unwrap_or_default()
    }

    /// The process started last: the master in `Mode::MasterWorker`.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.processes.last().expect("HAProxy runs: `restart` comes after `kill`").id()
    }

    /// Whether there is a master, which `reload_master` reloads; without one `reload_sf` does.
    #[must_use]
    pub fn has_master(&self) -> bool {
        self.mode == Mode::MasterWorker
    }

    /// Starts a new process that takes over from the old one (`-sf`).
    pub async fn reload_sf(&mut self) {
        assert_eq!(self.mode, Mode::Plain, "a master is reloaded by `reload_master`");
        let mut args = vec!["-sf".to_owned()];
        args.extend(self.processes.iter().map(|child| child.id().to_string()));
        if self.expose_fd {
            args.extend(["-x".to_owned(), self.admin_socket().display().to_string()]);
        }
        let old = self.worker;
        self.spawn(&args);
        self.wait_ready(Some(old)).await;
    }

    /// Has the master start a new worker (SIGUSR2).
    pub async fn reload_master(&mut self) {
        self.have_master_reload().await;
        self.wait_ready(Some(self.worker)).await;
    }

    /// Has the master try to reload a configuration with a mistake in it: the old worker stays.
    pub async fn fail_to_reload_master(&mut self) {
        let config = std::fs::read_to_string(self.config_file()).expect("it was written at the start");
        self.write_config(&format!("{config}\nnonsense\n"));
        let failures = self.log().matches(FAILED).count();
        self.have_master_reload().await;
        let start = Instant::now();
        while self.log().matches(FAILED).count() == failures {
            assert!(start.elapsed() < READY_LIMIT, "the reload did not fail; its log:\n{}", self.log());
            sleep(process::POLL).await;
        }
        self.write_config(&config);
    }

    /// Sends the master SIGUSR2, whatever becomes of it.
    pub fn signal_master(&self) {
        assert_eq!(self.mode, Mode::MasterWorker, "there is no master");
        process::signal(self.pid(), Signal::USR2);
    }

    /// Replaces the configuration file, for the next reload or restart.
    pub fn write_config(&self, config: &str) {
        std::fs::write(self.config_file(), config).expect("our directory is writable");
    }

    async fn have_master_reload(&self) {
        assert_eq!(self.mode, Mode::MasterWorker, "there is no master: use `reload_sf`");
        let reloads = self.reloads();
        let start = Instant::now();
        while self.reloads() == reloads {
            assert!(start.elapsed() < READY_LIMIT, "the master takes no SIGUSR2; its log:\n{}", self.log());
            process::signal(self.pid(), Signal::USR2);
            let sent = Instant::now();
            while self.reloads() == reloads && sent.elapsed() < RELOAD_GAP {
                sleep(process::POLL).await;
            }
        }
    }

    /// Ends the worker at once (SIGKILL); a master ends with it.
    pub fn kill_worker(&self) {
        process::signal(self.worker, Signal::KILL);
    }

    /// Ends all its processes at once (SIGKILL).
    pub fn kill(&mut self) {
        for child in &mut self.processes {
            process::kill_tree(child);
        }
        self.processes.clear();
    }

    /// Ends it in good order where it still runs, and starts it again.
    pub async fn restart(&mut self) {
        if let Some(current) = self.processes.last_mut() {
            process::signal(current.id(), Signal::TERM);
            process::ended(current, STOP_LIMIT).await;
        }
        self.kill();
        self.spawn(&[]);
        self.wait_ready(None).await;
    }

    /// Stops the worker where it stands (SIGSTOP); its sockets still accept connections.
    pub async fn stop(&self) {
        process::pause(self.worker).await;
    }

    /// Lets a stopped worker go on (SIGCONT).
    pub fn cont(&self) {
        process::signal(self.worker, Signal::CONT);
    }

    fn reloads(&self) -> usize {
        self.log().matches(RELOADING).count()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn spawn(&mut self, args: &[String]) {
        let binary = Self::binary().unwrap_or_else(|error| panic!("{error}"));
        let log = File::options().create(true).append(true).open(self.path("haproxy.log"));
        let log = log.expect("our directory is writable");
        let mut command = Command::new(binary);
        command.arg("-db").arg("-f").arg(self.config_file()).args(args).stdin(Stdio::null());
        command.stdout(log.try_clone().expect("a file can be had twice")).stderr(log);
        if self.mode == Mode::MasterWorker {
            command.arg("-W").arg("-S").arg(self.master_socket());
        }
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        self.processes.push(child);
    }

    /// Waits until a worker of ours other than `old` answers.
    async fn wait_ready(&mut self, old: Option<u32>) {
        let start = Instant::now();
        loop {
            if let Some(worker) = self.answering().await.filter(|worker| Some(*worker) != old) {
                self.worker = worker;
                return;
            }
            let gone = self.processes.last_mut().and_then(|child| child.try_wait().ok().flatten());
            if gone.is_some() || start.elapsed() > READY_LIMIT {
                panic!("HAProxy did not come up (exit: {gone:?}); its log:\n{}", self.log());
            }
            sleep(process::POLL).await;
        }
    }

    /// The worker that answers, if it is ours and not about to end.
    async fn answering(&self) -> Option<u32> {
        let info = ask(&self.admin_socket(), "show info").await.ok()?;
        let worker: u32 = runtime::field(&info, "Pid")?.parse().ok()?;
        let ours = match self.mode {
            Mode::Plain => worker == self.pid(),
            Mode::MasterWorker => process::children_of(self.pid()).contains(&worker),
        };
        (ours && runtime::field(&info, "Stopping")? == "0").then_some(worker)
    }
}

impl Builder {
    /// Writes the configuration, starts HAProxy and waits until it answers.
    pub async fn start(self) -> Haproxy {
        // Short, because a unix socket's path has 108 bytes and HAProxy appends to it while it binds.
        let dir = tempfile::Builder::new().prefix("e2e").tempdir();
        let dir = dir.expect("the directory for temporary files is writable");
        let frontend = Port::free();
        let tcp_stats = self.tcp_stats.then(Port::free);
        let places = Places {
            dir: dir.path(),
            frontend: frontend.addr(),
            tcp_stats: tcp_stats.as_ref().map(Port::addr),
        };
        std::fs::write(dir.path().join("haproxy.cfg"), self.render(&places))
            .expect("a new directory is writable");
        let mut haproxy = Haproxy {
            mode: self.mode,
            expose_fd: self.expose_fd,
            frontend,
            tcp_stats,
            processes: Vec::new(),
            worker: 0,
            dir,
        };
        haproxy.spawn(&[]);
        haproxy.wait_ready(None).await;
        haproxy
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        process::show_if_panicking("haproxy", &self.log());
        self.kill();
    }
}
