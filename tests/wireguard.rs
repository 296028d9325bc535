//! hactl beside a real HAProxy in front of real WireGuard tunnels: for each way in which a tunnel breaks, traffic ends
//! on another server and comes back; for each way in which a target breaks, nobody is moved.
//!
//! Each test has a lab of its own. Where no tunnel can be made, each says that it was not run and why; in CI that is
//! a failure.

mod wireguard {
    pub(crate) mod connect;
    pub(crate) mod ended;
    pub(crate) mod scene;
    pub(crate) mod targets;
    pub(crate) mod trial;
    pub(crate) mod tunnels;
}

use std::process::ExitCode;

use libtest_mimic::Arguments;

use wireguard::{connect, ended, targets, tunnels};

/// A lab has a dozen processes; more labs at once only wait for each other.
const AT_ONCE: usize = 2;

fn main() -> ExitCode {
    if std::env::var_os(ended::OTHER_RUN).is_some() {
        ended::play_other_run();
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(arguments.test_threads.map_or(AT_ONCE, |wanted| wanted.min(AT_ONCE)));
    // The longest ones first, so that none of them is alone at the end.
    let trials =
        [connect::trials(), tunnels::trials(), targets::trials(), ended::trials()].into_iter().flatten();
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
