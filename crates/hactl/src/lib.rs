//! The hactl program: run, status, check.

/// Runs the program with this process's arguments.
#[must_use]
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
