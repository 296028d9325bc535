//! Makes the runs, on all cores: each is on its own, and what comes out does not depend on who made it when.

use std::cmp::Reverse;
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::column::{COLUMNS, Column};
use super::sample::{Sample, sample};
use super::scenario::{Runs, Scenario};

/// How it is to be simulated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    pub(crate) seed: u64,
    pub(crate) quick: bool,
}

/// One run, to be made.
#[derive(Clone, Copy)]
struct Job {
    scenario: &'static Scenario,
    column: &'static Column,
    runs: Runs,
    run: u32,
}

/// The samples of each of [`COLUMNS`], run by run.
pub(crate) type Samples = Vec<Vec<Sample>>;

/// Simulates the scenarios.
pub(crate) fn simulate(scenarios: &[&'static Scenario], how: How) -> Vec<Samples> {
    let jobs: Vec<Job> = scenarios.iter().flat_map(|scenario| how.jobs(scenario)).collect();
    let mut samples = all(&jobs, how.seed).into_iter();
    let mut of_column =
        |scenario, column| samples.by_ref().take(how.runs(scenario, column).number as usize).collect();
    let mut of_scenario =
        |scenario: &'static Scenario| COLUMNS.iter().map(|column| of_column(scenario, column)).collect();
    scenarios.iter().map(|scenario| of_scenario(scenario)).collect()
}

/// How long all of it is, for those who wait.
pub(crate) fn simulated(scenarios: &[&'static Scenario], how: How) -> Duration {
    scenarios.iter().flat_map(|scenario| how.jobs(scenario)).map(|job| job.runs.span).sum()
}

impl How {
    /// Of the column that every figure is wanted of.
    pub(crate) const fn full_runs(self, scenario: &Scenario) -> Runs {
        if self.quick { scenario.size.quick } else { scenario.size.ours }
    }

    fn runs(self, scenario: &Scenario, column: &Column) -> Runs {
        if self.quick || column.is_fast() { self.full_runs(scenario) } else { scenario.size.rivals }
    }

    fn jobs(self, scenario: &'static Scenario) -> impl Iterator<Item = Job> {
        COLUMNS.iter().flat_map(move |column| {
            let runs = self.runs(scenario, column);
            (0..runs.number).map(move |run| Job { scenario, column, runs, run })
        })
    }
}

/// In the order of the jobs.
fn all(jobs: &[Job], seed: u64) -> Vec<Sample> {
    // The long ones first, so that no core is left with one of them at the end.
    let mut order: Vec<usize> = (0..jobs.len()).collect();
    order.sort_by_key(|place| {
        let job = jobs[*place];
        Reverse((job.column.is_ours(), job.runs.span))
    });
    let next = AtomicUsize::new(0);
    let made: Mutex<Vec<Option<Sample>>> = Mutex::new(vec![None; jobs.len()]);
    let work = || {
        while let Some(place) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            let job = jobs[*place];
            let _told = ToldInPanic(job, seed);
            let sample = sample(job.scenario, job.column, job.runs, seed, job.run);
            made.lock().unwrap_or_else(PoisonError::into_inner)[*place] = Some(sample);
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
    let made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
    made.into_iter().map(|sample| sample.expect("each job was done")).collect()
}

/// A run that panics has found something, and this says how to find it again.
struct ToldInPanic(Job, u64);

impl Drop for ToldInPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            let Self(Job { scenario, column, runs, run }, seed) = self;
            let _ = writeln!(
                io::stderr(),
                "that was {}, {}, run {run} of {} with --seed {seed}",
                scenario.key,
                column.title,
                runs.number
            );
        }
    }
}
