//! The SOCKS server at the near end: microsocks.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::time::sleep;

use super::namespace::Namespace;
use super::program::Program;
use crate::process;

/// It listens within milliseconds; nobody should wait longer on a busy machine.
const READY_LIMIT: Duration = Duration::from_secs(10);

/// Ended when dropped.
pub(super) struct Socks {
    namespace: Arc<Namespace>,
    addr: SocketAddr,
    log: PathBuf,
    microsocks: Option<Program>,
}

impl Socks {
    /// Starts one at `addr` in `namespace`, which the caller's namespace can reach.
    pub(super) async fn start(namespace: &Arc<Namespace>, addr: SocketAddr, log: PathBuf) -> Self {
        let namespace = Arc::clone(namespace);
        let mut socks = Self { namespace, addr, log, microsocks: None };
        socks.heal().await;
        socks
    }

    pub(super) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Ends it at once: its port refuses, and its connections are gone.
    pub(super) fn kill(&mut self) {
        if let Some(mut microsocks) = self.microsocks.take() {
            microsocks.kill();
        }
    }

    /// Stops it where it stands: the kernel still accepts for it.
    pub(super) async fn pause(&self) {
        if let Some(microsocks) = &self.microsocks {
            microsocks.pause().await;
        }
    }

    /// Starts it where it was killed, and lets it go on where it was stopped.
    pub(super) async fn heal(&mut self) {
        if let Some(microsocks) = &self.microsocks {
            microsocks.resume();
            return;
        }
        let mut command = Command::new("microsocks");
        command.args(["-i", &self.addr.ip().to_string(), "-p", &self.addr.port().to_string()]);
        let mut microsocks = Program::start(&self.namespace, &mut command, &self.log);
        let start = Instant::now();
        while TcpStream::connect(self.addr).await.is_err() {
            microsocks.assert_runs();
            assert!(start.elapsed() < READY_LIMIT, "microsocks does not listen on {}", self.addr);
            sleep(process::POLL).await;
        }
        self.microsocks = Some(microsocks);
    }
}
