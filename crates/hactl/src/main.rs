//! The `hactl` program; called as `hactld` it is the daemon.

use std::process::ExitCode;

fn main() -> ExitCode {
    hactl::main()
}
