//! `hactl simulate`: what the daemon decided on what it recorded, when and why; and what it would have decided with other
//! settings. Reads, formats and prints: what is decided is decided in `failover`.

mod read;
mod render;

use std::io::BufRead;
use std::path::Path;
use std::process::ExitCode;

use failover::replay::{Decision, Replay, Rerun, Summary};
use failover::{Header, Input, Line, Name, Recorded, Time};
use hactld::config::ConfigError;

use self::read::{Lines, ReadError};
use crate::cli::{SimulateArgs, SimulateFormat};
use crate::exit::Exit;
use crate::refusal::document;
use crate::report::{Report, print, print_error};
use crate::terminal::Terminal;

/// Decisions that are listed; whoever has more looks for something else than each of them.
const LISTED_MAX: usize = 100_000;

pub(crate) fn run(args: &SimulateArgs, terminal: &Terminal) -> ExitCode {
    let simulated = match simulate(args) {
        Ok(simulated) => simulated,
        Err(error) => return refuse(args, &error, terminal),
    };
    let warnings = simulated.warnings(&args.file);
    match args.output {
        SimulateFormat::Table => print(&render::table(&simulated, terminal)),
        SimulateFormat::Json => {
            let texts: Vec<String> = warnings.iter().map(ToString::to_string).collect();
            print(&render::json(&simulated, &texts));
        }
    }
    for warning in warnings {
        warning.warn(terminal);
    }
    Exit::Ok.into()
}

/// Why nothing was simulated.
enum Refusal {
    File(ReadError),
    Set(ConfigError),
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        Self::File(error)
    }
}

fn refuse(args: &SimulateArgs, refusal: &Refusal, terminal: &Terminal) -> ExitCode {
    let (exit, report, texts) = told(&args.file, refusal);
    if args.output == SimulateFormat::Json {
        print(&document(exit, &report));
    }
    for text in &texts {
        print_error(text, terminal);
    }
    exit.into()
}

/// The same as one report, for programs, and as texts, for people.
fn told(file: &Path, refusal: &Refusal) -> (Exit, Report, Vec<String>) {
    match refusal {
        Refusal::File(error) => {
            let report = Report::new(format!("cannot replay {}", file.display()));
            let report = report.because(error.to_string()).next(error.next(file));
            let text = report.to_string();
            (Exit::Unusable, report, vec![text])
        }
        Refusal::Set(error) => {
            let texts: Vec<String> = error.problems().iter().map(ToString::to_string).collect();
            let report = Report::new("--set cannot be used".to_owned()).because(texts.join("\n"));
            (Exit::Usage, report.next("correct it; see hactl simulate --help"), texts)
        }
    }
}

/// What came of it.
struct Simulated {
    header: Header,
    /// Lines that were replayed.
    inputs: u64,
    /// The time of the last one.
    until: Time,
    recorded: Side,
    changed: Option<Changed>,
    /// The last line is not whole.
    cut: bool,
    /// How many lines are missing behind the last one that was replayed.
    lost: Option<u64>,
    /// Evidence of probes that were not ordered here: how much, and when first.
    strangers: Option<(u64, Time)>,
}

/// What one core decided.
#[derive(Default)]
struct Side {
    decisions: Vec<Decision>,
    /// How many more there were.
    unlisted: u64,
}

/// What another one did.
struct Changed {
    sets: Vec<String>,
    side: Side,
    /// Probes, and those of which the recording does not say anything.
    asked: (u64, u64),
}

impl Side {
    fn take(&mut self, decisions: Vec<Decision>) {
        for decision in decisions {
            if self.decisions.len() < LISTED_MAX {
                self.decisions.push(decision);
            } else {
                self.unlisted += 1;
            }
        }
    }

    fn summary(&self) -> Summary {
        Summary::of(&self.decisions)
    }
}

fn simulate(args: &SimulateArgs) -> Result<Simulated, Refusal> {
    let (header, lines) = read::open(&args.file)?;
    replay(header, lines, &args.set)
}

fn replay<R: BufRead>(header: Header, mut lines: Lines<R>, sets: &[String]) -> Result<Simulated, Refusal> {
    let backends = &header.instance.backends;
    let changed = hactld::config::change(&header.settings, backends, sets).map_err(Refusal::Set)?;
    let mut replay = Replay::new(header.settings.clone());
    let mut rerun = (!sets.is_empty()).then(|| Rerun::new(changed));
    let (mut recorded, mut other) = (Side::default(), Side::default());
    let (mut inputs, mut until, mut lost, mut strangers) = (0, Time::ZERO, None, None);
    while let Some(line) = lines.next()? {
        let input = match line {
            Line::Input(input) => {
                if let Input::Settings(settings) = &input.input {
                    hactld::config::check_recorded(settings).map_err(ReadError::Settings)?;
                }
                input
            }
            // What follows was seen by a core that had seen what is missing.
            Line::Lost { lost: missing } => {
                lost = Some(missing);
                break;
            }
        };
        (inputs, until) = (inputs + 1, input.at);
        let mut turn = replay.take(&input);
        if turn.stranger {
            strangers.get_or_insert((0, until)).0 += 1;
        }
        recorded.take(std::mem::take(&mut turn.decisions));
        if let Some(rerun) = &mut rerun {
            rerun.see(otherwise(input, backends, sets)?, &turn);
            other.take(rerun.take_decisions());
        }
    }
    let changed = rerun.map(|mut rerun| {
        rerun.finish();
        other.take(rerun.take_decisions());
        Changed { sets: sets.to_vec(), side: other, asked: rerun.asked() }
    });
    let cut = lines.is_cut();
    Ok(Simulated { header, inputs, until, recorded, changed, cut, lost, strangers })
}

/// The same, where it is a reload: what is to be otherwise was not changed by it.
fn otherwise(input: Recorded, backends: &[Name], sets: &[String]) -> Result<Recorded, Refusal> {
    let Recorded { at, input } = input;
    let input = match input {
        Input::Settings(settings) => {
            let changed = hactld::config::change(&settings, backends, sets).map_err(Refusal::Set)?;
            Input::Settings(Box::new(changed))
        }
        other @ (Input::Observed(_)
        | Input::Evidence(_)
        | Input::Due
        | Input::Gap(_)
        | Input::FailBack(_)
        | Input::Probe(_)
        | Input::Override(_)) => other,
    };
    Ok(Recorded { at, input })
}

impl Simulated {
    /// What a reader has to know about what was printed.
    fn warnings(&self, file: &Path) -> Vec<Report> {
        let file = file.display();
        let until = render::offset(self.until);
        let mut warnings = Vec::new();
        if self.cut {
            let report = Report::new(format!("the last line of {file} is not whole and was left out"));
            warnings.push(report.because("hactl was killed while it wrote it, or is writing it now"));
        }
        if let Some(lost) = self.lost {
            let report =
                Report::new(format!("{file} has a gap at {until}: what follows it was not replayed"));
            warnings.push(
                report.because(format!("the disk did not keep up: {} missing", render::count(lost, "input"))),
            );
        }
        let other = (self.header.hactl != hactld::VERSION)
            .then(|| format!("it was recorded by hactl {}, this is {}", self.header.hactl, hactld::VERSION));
        if let Some((count, first)) = self.strangers {
            let from = render::offset(first);
            let report = Report::new(format!("from {from} on this is not what the daemon decided"));
            let why = format!("{} of probes that were not ordered here", render::count(count, "input"));
            warnings.push(report.because(other.map_or(why.clone(), |other| format!("{other}; {why}"))));
        } else if let Some(other) = other {
            warnings.push(Report::new("the daemon may have decided otherwise".to_owned()).because(other));
        }
        let unlisted =
            self.recorded.unlisted + self.changed.as_ref().map_or(0, |changed| changed.side.unlisted);
        if unlisted > 0 {
            warnings.push(Report::new(format!(
                "{} not listed and not counted",
                render::count(unlisted, "further decision")
            )));
        }
        warnings
    }
}

#[cfg(test)]
mod tests;
