//! The demo as a process: its arguments, its signals, its exit code. Whatever ends it, the scene is dropped before the
//! process ends, and nothing of it is left.

use std::io;
use std::process::ExitCode;

use thiserror::Error;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::ports::InUse;
use crate::voice::Voice;
use crate::{keep, story};

const USAGE: &str =
    "usage: demo [--keep]\n  --keep  stay when the story is told, to be broken and healed by hand";

/// Why the demo did not reach its end.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// Somebody else listens where the scene has to.
    #[error(transparent)]
    InUse(#[from] InUse),
    /// The scene could not be set up.
    #[error("cannot start: {0}")]
    Start(String),
    /// The story went another way than it should.
    #[error("{0}")]
    Story(String),
    /// Standard output is gone.
    #[error("cannot print: {0}")]
    Print(#[from] io::Error),
    /// A signal came while the story was told.
    #[error("ended by {name}; nothing is left running")]
    Signal {
        /// The signal's name.
        name: &'static str,
        /// Its number.
        number: u8,
    },
}

impl Failure {
    /// As the shell has it for a signal: 128 and its number.
    const fn exit_code(&self) -> u8 {
        match self {
            Self::Signal { number, .. } => 128 + *number,
            Self::InUse(_) | Self::Start(_) | Self::Story(_) | Self::Print(_) => 1,
        }
    }
}

/// Tells the story; 0 where all of it came true.
#[expect(clippy::print_stderr, reason = "the last words of a program")]
pub(crate) fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let keep = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => false,
        ["--keep"] => true,
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(64);
        }
    };
    let told = Runtime::new()
        .map_err(|error| Failure::Start(error.to_string()))
        .and_then(|runtime| runtime.block_on(tell(keep)));
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\ndemo: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

async fn tell(keep: bool) -> Result<(), Failure> {
    let voice = Voice::of_this_process();
    let mut signals = Signals::new()?;
    let mut scene = tokio::select! {
        biased;
        (name, number) = signals.next() => return Err(Failure::Signal { name, number }),
        told = story::tell(&voice) => told?,
    };
    if !keep {
        return Ok(());
    }
    tokio::select! {
        biased;
        _ = signals.next() => {}
        kept = keep::run(&voice, &mut scene) => kept?,
    }
    drop(scene);
    voice.say("\nEnded; nothing is left running.")?;
    Ok(())
}

/// What ends the demo from outside: Ctrl-C, `kill`, a terminal that is closed.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let on = |kind| signal(kind).map_err(|error| Failure::Start(format!("no signal handler: {error}")));
        Ok(Self {
            interrupt: on(SignalKind::interrupt())?,
            terminate: on(SignalKind::terminate())?,
            hangup: on(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> (&'static str, u8) {
        tokio::select! {
            _ = self.interrupt.recv() => ("SIGINT", 2),
            _ = self.terminate.recv() => ("SIGTERM", 15),
            _ = self.hangup.recv() => ("SIGHUP", 1),
        }
    }
}
