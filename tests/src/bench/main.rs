//! `make bench`: hactl's figures, each beside a reference measured in the same run, and whether each is as wanted.
//! Owns the order of the measurements and the exit code.

mod attack;
mod beside;
mod clients;
mod command;
mod fault;
mod figure;
mod flip;
mod load;
mod outage;
mod program;
mod reload;
mod report;
mod sessions;
mod size;
mod start;
mod status;

use std::io::{self, Write};
use std::process::ExitCode;

use figure::Figure;
use program::Program;

const USAGE: &str = "\
usage: bench [--json] [--only WORD]

Measures for about 22 minutes, on loopback only. --json prints one object per figure and line. --only measures one
group: command, start, reload, fault, flip, outage, beside, sessions, attack, size or load.
Exit codes: 0 everything is as wanted; 1 a figure missed what is wanted; 2 interrupted; 64 usage.";

/// In the order in which they are measured.
const GROUPS: [&str; 11] =
    ["command", "start", "reload", "fault", "flip", "outage", "beside", "sessions", "attack", "size", "load"];

const MISSED: u8 = 1;
const INTERRUPTED: u8 = 2;
const USAGE_ERROR: u8 = 64;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (json, rest) = match &arguments[..] {
        ["--json", rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let groups = match *rest {
        [] => GROUPS.to_vec(),
        ["--only", group] if GROUPS.contains(&group) => vec![group],
        _ => {
            tell(USAGE);
            return USAGE_ERROR.into();
        }
    };
    let program = Program::beside_this();
    let header = report::header(&program);
    tell(&header);
    let Some(figures) = run(&program, &groups) else { return INTERRUPTED.into() };
    let text =
        if json { report::json_lines(&figures) } else { format!("{header}\n{}", report::text(&figures)) };
    // Where nobody reads any more, the exit code still says it.
    let _ = io::stdout().write_all(text.as_bytes());
    if figures.iter().any(Figure::is_missed) { MISSED.into() } else { ExitCode::SUCCESS }
}

/// All figures; `None` where the user wants no more of it. Either way everything that was started has ended.
fn run(program: &Program, groups: &[&str]) -> Option<Vec<Figure>> {
    let runtime = tokio::runtime::Runtime::new().expect("the system has threads and descriptors left");
    runtime.block_on(async {
        tokio::select! {
            figures = measure(program, groups) => Some(figures),
            _ = tokio::signal::ctrl_c() => None,
        }
    })
}

async fn measure(program: &Program, groups: &[&str]) -> Vec<Figure> {
    let mut figures = Vec::new();
    for group in groups {
        figures.extend(match *group {
            "command" => {
                tell("command to effect");
                vec![command::measure().await, status::measure(program).await]
            }
            "start" => {
                tell("start to first applied verdict");
                vec![start::measure(program).await]
            }
            "reload" => {
                tell("reloads and restarts (about ten minutes)");
                reload::measure(program).await
            }
            "fault" => {
                tell("a HAProxy that does not answer (about a minute)");
                fault::measure(program).await
            }
            "flip" => {
                tell("ten thousand servers at once (half a minute)");
                flip::measure().await
            }
            "outage" => {
                tell("client-seen outage (about five minutes)");
                outage::measure(program).await
            }
            "beside" => {
                tell("by agent-check and external-check (two minutes)");
                vec![beside::measure(program).await]
            }
            "sessions" => {
                tell("a session in a dead tunnel (about two minutes)");
                vec![sessions::measure(program).await]
            }
            "attack" => {
                tell("five thousand hostile clients (half a minute)");
                attack::measure(program).await.into()
            }
            "size" => size::measure(program).into(),
            _ => {
                tell("a hundred servers (about three minutes)");
                load::measure(program).await
            }
        });
    }
    figures
}

/// What goes on, for the person who waits; the figures alone go to standard output.
fn tell(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
