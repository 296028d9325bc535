//! The figures as a table for people.

use std::fmt::Write as _;
use std::time::Duration;

use super::clock::Clock;
use super::column::{COLUMNS, Column, FAST, Who};
use super::figure::{Figure, Wanted};
use super::run::{How, Samples};
use super::sample::Sample;
use super::scenario::{Measure, Row, Scenario};

/// Width of a row's name, and of the other columns.
const NAME: usize = 38;
const CELL: usize = 14;
const WANTED: usize = 14;

/// One row, measured.
#[derive(Debug)]
pub(crate) struct Line {
    name: &'static str,
    figures: Vec<Figure>,
    wanted: Option<Wanted>,
    /// Whose figure is not as wanted, and where to look for the reason.
    missed: Option<String>,
}

impl Line {
    pub(crate) fn is_missed(&self) -> bool {
        self.missed.is_some()
    }
}

/// The rows of a scenario.
pub(crate) fn lines(scenario: &'static Scenario, samples: &Samples) -> Vec<Line> {
    scenario.rows.iter().map(|row| line(scenario, row, samples)).collect()
}

/// What was simulated.
pub(crate) fn head(how: How) -> String {
    let profile = if cfg!(debug_assertions) { "dev profile" } else { "release" };
    let size = if how.quick { ", --quick: few and short runs" } else { "" };
    let mut text = format!(
        "hactl {} ({profile}) simulated with --seed {}{size}\n\
         Round trip 50 ms lognormal (sigma 0.25) and 1 % loss each way where nothing else is said; one primary, one \
         backup, three targets.\nhactl ride is hactl fast with ride_through 2.5 s. \
         Times are wanted of hactl fast, everything else of all three; hactl fast is simulated for longest.\n\
         !: in some runs the primary was left before anything had happened.\n\n",
        env!("CARGO_PKG_VERSION"),
        how.seed,
    );
    let titles: Vec<&str> = COLUMNS.iter().map(|column| column.title).collect();
    row(&mut text, "", &titles, "WANTED", "");
    text
}

/// A heading and the rows under it.
pub(crate) fn section(title: &str, lines: &[Line]) -> String {
    let mut text = format!("\n{title}\n");
    for Line { name, figures, wanted, missed } in lines {
        let cells: Vec<String> = figures.iter().map(Figure::to_string).collect();
        let wants = wanted.map_or_else(String::new, |wanted| wanted.to_string());
        let verdict = match wanted {
            None => "",
            Some(_) if missed.is_none() => "ok",
            Some(_) => "MISSED",
        };
        row(&mut text, name, &cells, &wants, verdict);
    }
    for missed in lines.iter().filter_map(|line| line.missed.as_ref()) {
        writeln!(text, "  missed: {missed}").expect("memory takes it");
    }
    text
}

fn line(scenario: &'static Scenario, row: &'static Row, samples: &Samples) -> Line {
    let figures: Vec<Figure> = samples.iter().map(|samples| Figure::of(row.measure, samples)).collect();
    let misses = |wanted: Wanted| {
        let all = COLUMNS.iter().zip(&figures).zip(samples);
        let mut missed = all.filter(|((column, figure), _)| wanted.binds(column) && !figure.is(wanted));
        // The last one says most: it is the one that every figure is wanted of.
        missed.next_back().map(|((column, _), samples)| {
            format!("{}, {}: {}", scenario.key, column.title, hint(row.measure, samples))
        })
    };
    let missed = row.wanted.and_then(misses);
    Line { name: row.name, figures, wanted: row.wanted, missed }
}

/// Where to begin to look for the reason: `--trace` shows what led to it.
fn hint(measure: Measure, samples: &[Sample]) -> String {
    let all = || (0..).zip(samples);
    let early = all().find(|(_, sample)| sample.early > 0);
    let switch = |run: u32, sample: &Sample| {
        let at = sample.first.map_or_else(|| "no time".to_owned(), |at| Clock(at).to_string());
        format!("the first switch of run {run} is at {at}")
    };
    let slowest = |of: fn(&Sample) -> Option<Duration>| {
        let slowest = all().max_by_key(|(_, sample)| of(sample).unwrap_or(Duration::MAX));
        slowest.map(|(run, _)| format!("the slowest is run {run}"))
    };
    let hint = match (measure, early) {
        (_, Some((run, sample))) => Some(switch(run, sample)),
        (Measure::Detection, None) => slowest(|sample| sample.detection),
        (Measure::Recovery, None) => slowest(|sample| sample.recovery),
        (
            Measure::BadSeconds
            | Measure::BadSecondsOf
            | Measure::Switches
            | Measure::FailoversPerDay
            | Measure::FailoversOf
            | Measure::RunsWithSwitch
            | Measure::Probes,
            None,
        ) => all().max_by_key(|(_, sample)| sample.switches).map(|(run, sample)| switch(run, sample)),
    };
    hint.unwrap_or_default()
}

impl Wanted {
    /// The other two of ours are slower on purpose.
    fn binds(self, column: &Column) -> bool {
        match self {
            Self::Within(..) => matches!(column.who, Who::Hactl(FAST)),
            Self::Nothing | Self::Each(_) | Self::AtMost(_) => column.is_ours(),
        }
    }
}

fn row(text: &mut String, name: &str, cells: &[impl AsRef<str>], wanted: &str, verdict: &str) {
    let mut line = format!("{name:NAME$}");
    for cell in cells {
        write!(line, " {:>CELL$}", cell.as_ref()).expect("memory takes it");
    }
    write!(line, "  {wanted:WANTED$} {verdict}").expect("memory takes it");
    writeln!(text, "{}", line.trim_end()).expect("memory takes it");
}
