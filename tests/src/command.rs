//! A command of the program under test, run to its end.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

/// No command takes longer than its own limits, a few seconds; this is for a machine that does much else.
const LIMIT: Duration = Duration::from_secs(60);

/// How a command ended and what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Its exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Runs `program` without the variables that would change what it says; panics where it does not end in a minute.
pub async fn run(program: impl AsRef<Path>, args: &[&str]) -> Ran {
    run_command(plain(program.as_ref()).args(args), "").await
}

/// `program` with nothing set that would change what it says.
#[must_use]
pub fn plain(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("HACTL_") || text.starts_with("LC_") || text == "CLICOLOR_FORCE" {
            command.env_remove(&name);
        }
    }
    command.env("LANG", "C.UTF-8");
    command
}

/// As `run`, with whatever else a `Command` can be told, and `input` on standard input.
pub async fn run_command(command: &mut Command, input: &str) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let shown = format!("{command:?}");
    let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {shown}: {error}"));
    let (mut stdin, input) = (child.stdin.take().expect("it was piped"), input.to_owned());
    let (sender, ended) = oneshot::channel();
    std::thread::spawn(move || {
        // Who does not read its input may close it.
        stdin.write_all(input.as_bytes()).ok();
        drop(stdin);
        sender.send(child.wait_with_output()).ok();
    });
    let output = timeout(LIMIT, ended).await.unwrap_or_else(|_| panic!("{shown} has not ended in {LIMIT:?}"));
    let output = output.expect("the thread sends before it ends").expect("our own child can be waited for");
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("it writes UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("it writes UTF-8"),
    }
}
