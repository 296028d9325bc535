//! Places around side effects at which a test has this process die, wait or fail. They are empty unless the feature
//! `failpoints` is compiled in, which no program has that is installed or measured. Nothing is decided here, and this is no
//! part of the crate's interface.

#[cfg(feature = "failpoints")]
mod armed;

use std::io;

use crate::Command;

/// A place in an exchange of these commands.
///
/// # Errors
/// What a test has asked for.
#[cfg(not(feature = "failpoints"))]
#[allow(clippy::unused_async, reason = "a place that waits has the same form")]
pub(crate) async fn exchange(_: &[Command], _: &str) -> io::Result<()> {
    Ok(())
}

#[cfg(feature = "failpoints")]
pub(crate) async fn exchange(commands: &[Command], stage: &str) -> io::Result<()> {
    armed::exchange(commands, stage).await
}

/// A place in a write of the file that is called `name` here, on a thread that may wait.
///
/// # Errors
/// What a test has asked for.
#[cfg(not(feature = "failpoints"))]
pub const fn file(_name: &str, _stage: &str) -> io::Result<()> {
    Ok(())
}

/// A place in a write of the file that is called `name` here, on a thread that may wait.
///
/// # Errors
/// What a test has asked for.
#[cfg(feature = "failpoints")]
pub fn file(name: &str, stage: &str) -> io::Result<()> {
    armed::file(name, stage)
}
