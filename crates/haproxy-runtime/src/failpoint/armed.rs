//! The one place that is armed, as `FAILPOINT` says: `PLACE TURN ACTION`, such as `set.write 1 kill`. When it is
//! reached for the TURNth time, the file that `FAILPOINT_REACHED` names is made, and then the action is done, once.

use std::io;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::Command;

/// Longer than anything here waits for a disk, and less than an exchange may take.
const DELAY: Duration = Duration::from_millis(400);

static ARMED: LazyLock<Option<Armed>> = LazyLock::new(Armed::from_environment);

#[derive(Clone, Copy)]
enum Action {
    Kill,
    Delay,
    Error,
}

struct Armed {
    place: String,
    turns_left: AtomicU64,
    action: Action,
    reached: PathBuf,
}

impl Armed {
    fn from_environment() -> Option<Self> {
        let text = std::env::var("FAILPOINT").ok()?;
        let reached = std::env::var_os("FAILPOINT_REACHED").expect("it comes with FAILPOINT");
        let [place, turn, action] = text.split(' ').collect::<Vec<_>>()[..] else {
            panic!("FAILPOINT={text} is not `PLACE TURN ACTION`");
        };
        let action = match action {
            "kill" => Action::Kill,
            "delay" => Action::Delay,
            "error" => Action::Error,
            _ => panic!("FAILPOINT={text}: an action is kill, delay or error"),
        };
        let turns_left = AtomicU64::new(turn.parse().expect("the turn is a number"));
        Some(Self { place: place.to_owned(), turns_left, action, reached: reached.into() })
    }
}

pub(super) async fn exchange(commands: &[Command], stage: &str) -> io::Result<()> {
    match reached(effect(commands), stage) {
        Some(Action::Delay) => tokio::time::sleep(DELAY).await,
        action => at_once(action)?,
    }
    Ok(())
}

pub(super) fn file(name: &str, stage: &str) -> io::Result<()> {
    match reached(name, stage) {
        Some(Action::Delay) => std::thread::sleep(DELAY),
        action => at_once(action)?,
    }
    Ok(())
}

fn at_once(action: Option<Action>) -> io::Result<()> {
    match action {
        // Nothing is unwound, flushed or dropped, as by SIGKILL; and it can be told apart from the test's own.
        Some(Action::Kill) => std::process::abort(),
        Some(Action::Error) => Err(io::Error::other("a failpoint")),
        Some(Action::Delay) | None => Ok(()),
    }
}

fn reached(effect: &str, stage: &str) -> Option<Action> {
    let armed = ARMED.as_ref()?;
    if armed.place.split_once('.') != Some((effect, stage)) {
        return None;
    }
    // Behind the last turn it wraps, and no process lives for so many more.
    if armed.turns_left.fetch_sub(1, Ordering::Relaxed) != 1 {
        return None;
    }
    std::fs::write(&armed.reached, "").expect("the test's directory is writable");
    Some(armed.action)
}

/// What the commands are to bring about.
fn effect(commands: &[Command]) -> &'static str {
    let cuts = |command: &Command| matches!(command, Command::ShutdownSessionsServer(_));
    if commands.iter().any(cuts) {
        "cut"
    } else if commands.iter().any(|command| command.server().is_some()) {
        "set"
    } else {
        "read"
    }
}
