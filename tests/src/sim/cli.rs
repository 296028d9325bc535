//! `make sim`: the arguments, the order of the sections, the exit code.

use std::io::{self, Write};
use std::process::ExitCode;
use std::str::FromStr;

use super::catalogue::SECTIONS;
use super::run::{How, simulate, simulated};
use super::scenario::{Scenario, Section};
use super::table;
use super::trace::trace;

const USAGE: &str = "\
usage: sim [--quick] [--seed NUMBER] [--only NAME [--trace RUN]]

Simulates hactl's failure detector and its rivals on virtual time. --quick takes seconds and settles little; --seed
chooses other chances (1 where none is given); --only simulates one scenario; --trace shows what led to the first
switch of hactl fast in one of its runs, or to its return after an outage, and judges nothing.
Exit codes: 0 everything is as wanted; 1 a figure missed what is wanted; 64 usage.";

const MISSED: u8 = 1;
const USAGE_ERROR: u8 = 64;

/// Where no other one is asked for.
const SEED: u64 = 1;

#[derive(Debug)]
struct Arguments {
    how: How,
    only: Option<&'static Scenario>,
    trace: Option<u32>,
}

/// Simulates what the arguments of this process ask for.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(why) => {
            tell(&format!("{why}\n\n{USAGE}"));
            return USAGE_ERROR.into();
        }
    };
    if let (Some(scenario), Some(run)) = (arguments.only, arguments.trace) {
        say(&trace(scenario, arguments.how.full_runs(scenario), arguments.how.seed, run));
        return ExitCode::SUCCESS;
    }
    say(&table::head(arguments.how));
    let mut missed = false;
    for section in SECTIONS {
        let meant = |key| arguments.only.is_none_or(|only| only.key == key);
        let scenarios: Vec<_> = section.scenarios.iter().filter(|scenario| meant(scenario.key)).collect();
        if !scenarios.is_empty() {
            missed |= show(section, &scenarios, arguments.how);
        }
    }
    if missed { MISSED.into() } else { ExitCode::SUCCESS }
}

/// Simulates and prints; whether something was missed.
fn show(section: &Section, scenarios: &[&'static Scenario], how: How) -> bool {
    let days = simulated(scenarios, how).as_secs_f64() / (24.0 * 3600.0);
    tell(&format!("simulating {days:.1} days"));
    let samples = simulate(scenarios, how);
    let lines: Vec<_> = scenarios
        .iter()
        .zip(&samples)
        .flat_map(|(scenario, samples)| table::lines(scenario, samples))
        .collect();
    say(&table::section(section.title, &lines));
    lines.iter().any(table::Line::is_missed)
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut parsed = Arguments { how: How { seed: SEED, quick: false }, only: None, trace: None };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => parsed.how.quick = true,
            "--only" => parsed.only = Some(known(arguments.next())?),
            "--seed" => parsed.how.seed = number(arguments.next(), &argument)?,
            "--trace" => parsed.trace = Some(number(arguments.next(), &argument)?),
            _ => return Err(format!("{argument} is no option of sim")),
        }
    }
    if parsed.trace.is_some() && parsed.only.is_none() {
        return Err("--trace wants to know of which scenario: --only NAME".to_owned());
    }
    Ok(parsed)
}

fn number<N: FromStr>(value: Option<String>, option: &str) -> Result<N, String> {
    value.and_then(|value| value.parse().ok()).ok_or_else(|| format!("{option} wants a whole number"))
}

fn known(key: Option<String>) -> Result<&'static Scenario, String> {
    let all = SECTIONS.iter().flat_map(|section| section.scenarios);
    let known = key.and_then(|key| all.clone().find(|scenario| scenario.key == key));
    known.ok_or_else(|| {
        let keys: Vec<&str> = all.map(|scenario| scenario.key).collect();
        format!("--only wants one of {}", keys.join(", "))
    })
}

/// What goes on, for the person who waits; the figures alone go to standard output.
fn tell(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Where nobody reads any more, the exit code still says it.
fn say(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_what_the_usage_says_and_nothing_else() {
        let parsed = |line: &str| parse(line.split_whitespace().map(str::to_owned));
        let all = parsed("--quick --seed 7 --only loss-5 --trace 2").unwrap();
        assert_eq!((all.how.quick, all.how.seed, all.trace), (true, 7, Some(2)));
        assert_eq!(all.only.unwrap().key, "loss-5");
        let none = parsed("").unwrap();
        assert_eq!(
            (none.how.quick, none.how.seed, none.trace, none.only.is_none()),
            (false, SEED, None, true)
        );
        for (line, why) in [
            ("--fast", "--fast is no option of sim"),
            ("--seed", "--seed wants a whole number"),
            ("--seed x", "--seed wants a whole number"),
            ("--only nothing", "--only wants one of black-hole, refused, "),
            ("--trace 1", "--trace wants to know of which scenario: --only NAME"),
        ] {
            let error = parsed(line).unwrap_err();
            assert!(error.starts_with(why), "{line}: {error}");
        }
    }
}
