//! `make bench`: hactl's figures, each beside a reference measured in the same run, and whether each is as wanted.
//! Owns the order of the measurements and the exit code.

mod clients;
mod command;
mod figure;
mod load;
mod outage;
mod program;
mod reload;
mod report;
mod size;
mod start;

use std::io::{self, Write};
use std::process::ExitCode;

use figure::Figure;
use program::Program;

const USAGE: &str = "\
usage: bench [--json]

Measures for about eighteen minutes, on loopback only. --json prints one object per figure and line.
Exit codes: 0 everything is as wanted; 1 a figure missed what is wanted; 2 interrupted; 64 usage.";

const MISSED: u8 = 1;
const INTERRUPTED: u8 = 2;
const USAGE_ERROR: u8 = 64;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let json = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--json"] => true,
        _ => {
            tell(USAGE);
            return USAGE_ERROR.into();
        }
    };
    let program = Program::beside_this();
    let header = report::header(&program);
    tell(&header);
    let Some(figures) = run(&program) else { return INTERRUPTED.into() };
    let text =
        if json { report::json_lines(&figures) } else { format!("{header}\n{}", report::text(&figures)) };
    // Where nobody reads any more, the exit code still says it.
    let _ = io::stdout().write_all(text.as_bytes());
    if figures.iter().any(Figure::is_missed) { MISSED.into() } else { ExitCode::SUCCESS }
}

/// All figures; `None` where the user wants no more of it. Either way everything that was started has ended.
fn run(program: &Program) -> Option<Vec<Figure>> {
    let runtime = tokio::runtime::Runtime::new().expect("the system has threads and descriptors left");
    runtime.block_on(async {
        tokio::select! {
            figures = measure(program) => Some(figures),
            _ = tokio::signal::ctrl_c() => None,
        }
    })
}

async fn measure(program: &Program) -> Vec<Figure> {
    tell("command to effect");
    let mut figures = vec![command::measure().await];
    tell("start to first applied verdict");
    figures.push(start::measure(program).await);
    tell("reloads and restarts (about ten minutes)");
    figures.extend(reload::measure(program).await);
    tell("client-seen outage (about five minutes)");
    figures.extend(outage::measure(program).await);
    tell("a hundred servers (about a minute)");
    figures.extend(load::measure(program).await);
    figures.extend(size::measure(program));
    figures
}

/// What goes on, for the person who waits; the figures alone go to standard output.
fn tell(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
