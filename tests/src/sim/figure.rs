//! From the samples of many runs to one figure, and whether it is as wanted. Prints nothing.

use std::fmt;
use std::time::Duration;

use super::sample::Sample;
use super::scenario::Measure;

const DAY: f64 = 24.0 * 3600.0;

/// What is wanted of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wanted {
    /// p50 and p99 of at most so many seconds.
    Within(f64, f64),
    /// It never happens.
    Nothing,
    /// It happens so often in each run.
    Each(u32),
    /// It happens at most so often in any run.
    AtMost(u32),
}

/// One figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Figure {
    /// Seconds; infinite where it never came to that. And how often the primary was left before anything had happened.
    Quantiles { p50: f64, p99: f64, early: u32 },
    /// How often in a run.
    Count { mean: f64, least: u32, most: u32 },
    /// So many of so many.
    Of { number: f64, all: f64 },
    /// So many in a day.
    PerDay { times: u32, rate: f64 },
    /// Seconds per run.
    Seconds(f64),
    /// Canaries and other probes per second.
    Probes { canaries: f64, fresh: f64 },
    /// There is nothing to be measured here.
    Nothing,
}

impl Figure {
    /// At least one sample.
    pub(crate) fn of(measure: Measure, samples: &[Sample]) -> Self {
        let runs = f64::from(u32::try_from(samples.len()).unwrap_or(u32::MAX));
        let sum = |of: fn(&Sample) -> f64| samples.iter().map(of).sum::<f64>();
        let total = |of: fn(&Sample) -> u32| samples.iter().map(of).sum::<u32>();
        let seconds = sum(|sample| sample.span.as_secs_f64());
        let early = total(|sample| sample.early);
        match measure {
            Measure::Detection => quantiles(samples.iter().map(|sample| sample.detection), early),
            Measure::Recovery => {
                // Who never left does not come back.
                let left = samples.iter().filter(|sample| sample.detection.is_some());
                quantiles(left.map(|sample| sample.recovery), early)
            }
            Measure::BadSeconds => Self::Seconds(sum(|sample| sample.bad.as_secs_f64()) / runs),
            Measure::BadSecondsOf => Self::Of {
                number: sum(|sample| sample.bad.as_secs_f64()),
                all: sum(|sample| sample.at_stake.as_secs_f64()),
            },
            Measure::Switches => Self::Count {
                mean: sum(|sample| f64::from(sample.switches)) / runs,
                least: samples.iter().map(|sample| sample.switches).min().unwrap_or(0),
                most: samples.iter().map(|sample| sample.switches).max().unwrap_or(0),
            },
            Measure::FailoversPerDay => {
                let times = total(|sample| sample.failovers);
                Self::PerDay { times, rate: f64::from(times) * DAY / seconds }
            }
            Measure::FailoversOf => Self::Of {
                number: f64::from(total(|sample| sample.failovers)),
                all: sum(|sample| f64::from(u32::try_from(sample.times).unwrap_or(u32::MAX))),
            },
            Measure::RunsWithSwitch => {
                Self::Of { number: f64::from(total(|sample| u32::from(sample.later > 0))), all: runs }
            }
            Measure::Probes if sum(|sample| sample.made.fresh as f64) == 0.0 => Self::Nothing,
            Measure::Probes => Self::Probes {
                canaries: sum(|sample| sample.made.canaries as f64) / seconds,
                fresh: sum(|sample| sample.made.fresh as f64) / seconds,
            },
        }
    }

    /// Whether it is as wanted. What cannot be compared is not.
    pub(crate) fn is(&self, wanted: Wanted) -> bool {
        match (*self, wanted) {
            (Self::Quantiles { p50, p99, early }, Wanted::Within(p50_most, p99_most)) => {
                p50 <= p50_most && p99 <= p99_most && early == 0
            }
            (Self::Count { least, most, .. }, Wanted::Each(number)) => least == number && most == number,
            (Self::Count { most, .. }, Wanted::AtMost(number)) => most <= number,
            (Self::Count { most, .. }, Wanted::Nothing) => most == 0,
            (Self::Of { number, .. }, Wanted::Nothing) => number == 0.0,
            (Self::PerDay { times, .. }, Wanted::Nothing) => times == 0,
            (
                Self::Quantiles { .. }
                | Self::Count { .. }
                | Self::Of { .. }
                | Self::PerDay { .. }
                | Self::Seconds(_)
                | Self::Probes { .. }
                | Self::Nothing,
                _,
            ) => false,
        }
    }
}

/// By nearest rank, so each is one of the values.
fn quantiles(values: impl Iterator<Item = Option<Duration>>, early: u32) -> Figure {
    let mut values: Vec<f64> =
        values.map(|value| value.map_or(f64::INFINITY, |value| value.as_secs_f64())).collect();
    values.sort_by(f64::total_cmp);
    let count = values.len();
    if count == 0 {
        return Figure::Nothing;
    }
    Figure::Quantiles {
        p50: values[count.div_ceil(2) - 1],
        p99: values[(count * 99).div_ceil(100) - 1],
        early,
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Quantiles { p50, .. } if p50.is_infinite() => f.write_str("never"),
            Self::Quantiles { p50, p99, early } => {
                write!(f, "{p50:.2} / ")?;
                if p99.is_infinite() {
                    f.write_str("never")?
                } else {
                    write!(f, "{p99:.2}")?
                }
                if early > 0 { f.write_str("!") } else { Ok(()) }
            }
            Self::Count { mean, least, most } if least == most => write!(f, "{mean:.0}"),
            Self::Count { mean, least, most } => write!(f, "{mean:.1} ({least}..{most})"),
            Self::Of { number, all } => write!(f, "{} of {all:.0}", short(number)),
            Self::PerDay { rate, .. } => f.write_str(&short(rate)),
            Self::Seconds(seconds) => f.write_str(&short(seconds)),
            Self::Probes { canaries, fresh } => write!(f, "{canaries:.1} + {fresh:.2}"),
            Self::Nothing => f.write_str("-"),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Within(p50, p99) => write!(f, "<= {p50:.2} / {p99:.2}"),
            Self::Nothing => f.write_str("0"),
            Self::Each(number) => write!(f, "{number}"),
            Self::AtMost(number) => write!(f, "<= {number}"),
        }
    }
}

/// Whole numbers as they are, of others two or three digits that count.
fn short(value: f64) -> String {
    match value {
        _ if value.fract() == 0.0 => format!("{value:.0}"),
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::prober::Made;
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_measured_and_never_is_the_highest() {
        let of = |detections: Vec<Option<u64>>| {
            let samples: Vec<Sample> = detections
                .into_iter()
                .map(|detection| Sample { detection: detection.map(Duration::from_millis), ..nothing() })
                .collect();
            Figure::of(Measure::Detection, &samples).to_string()
        };
        assert_eq!(of((1..=100).rev().map(|tenths| Some(100 * tenths)).collect()), "5.00 / 9.90");
        assert_eq!(of(vec![Some(1500), None, Some(500)]), "1.50 / never");
        assert_eq!(of(vec![Some(500), None, None]), "never");
    }

    #[test]
    fn who_never_left_does_not_come_back() {
        let left = Sample {
            detection: Some(Duration::from_secs(1)),
            recovery: Some(Duration::from_secs(3)),
            ..nothing()
        };
        let figure = |samples: &[Sample]| Figure::of(Measure::Recovery, samples).to_string();
        assert_eq!(figure(&[left, nothing()]), "3.00 / 3.00");
        assert_eq!(figure(&[nothing()]), "-");
    }

    #[test]
    fn what_happens_is_counted_per_run_per_day_and_of_all() {
        let day = Duration::from_secs(24 * 3600);
        let made = Made { canaries: 4 * 86_400, fresh: 43_200 };
        let busy = Sample { switches: 4, later: 3, failovers: 2, times: 8, span: day, made, ..nothing() };
        let quiet = Sample { span: day, ..nothing() };
        let shown = |measure| Figure::of(measure, &[busy.clone(), quiet.clone()]).to_string();
        assert_eq!(shown(Measure::Switches), "2.0 (0..4)");
        assert_eq!(shown(Measure::FailoversPerDay), "1");
        assert_eq!(shown(Measure::FailoversOf), "2 of 8");
        assert_eq!(shown(Measure::RunsWithSwitch), "1 of 2");
        assert_eq!(shown(Measure::Probes), "2.0 + 0.25");
        let bad = Sample { bad: Duration::from_millis(1500), at_stake: Duration::from_secs(30), ..nothing() };
        assert_eq!(Figure::of(Measure::BadSecondsOf, std::slice::from_ref(&bad)).to_string(), "1.50 of 30");
        assert_eq!(Figure::of(Measure::BadSeconds, &[bad]).to_string(), "1.50");
    }

    #[test]
    fn a_figure_is_as_wanted_or_it_is_not() {
        let times = |p50, p99, early| Figure::Quantiles { p50, p99, early };
        let count = |least, most| Figure::Count { mean: 1.0, least, most };
        let of = |number| Figure::Of { number, all: 20.0 };
        let cases = [
            (times(0.78, 1.12, 0), Wanted::Within(0.78, 1.12), true),
            (times(0.79, 1.12, 0), Wanted::Within(0.78, 1.12), false),
            (times(0.78, f64::INFINITY, 0), Wanted::Within(0.78, 1.12), false),
            (times(0.78, 1.12, 1), Wanted::Within(0.78, 1.12), false),
            (count(1, 1), Wanted::Each(1), true),
            (count(0, 1), Wanted::Each(1), false),
            (count(1, 2), Wanted::Each(1), false),
            (count(0, 6), Wanted::AtMost(6), true),
            (count(0, 7), Wanted::AtMost(6), false),
            (count(0, 0), Wanted::Nothing, true),
            (count(0, 1), Wanted::Nothing, false),
            (of(0.0), Wanted::Nothing, true),
            (of(1.0), Wanted::Nothing, false),
            (Figure::PerDay { times: 0, rate: 0.0 }, Wanted::Nothing, true),
            (Figure::PerDay { times: 1, rate: 0.03 }, Wanted::Nothing, false),
            (Figure::Nothing, Wanted::Within(1.0, 1.0), false),
            (Figure::Seconds(0.0), Wanted::Nothing, false),
        ];
        for (figure, wanted, expected) in cases {
            assert_eq!(figure.is(wanted), expected, "{figure:?}, wanted {wanted:?}");
        }
    }

    fn nothing() -> Sample {
        Sample {
            detection: None,
            recovery: None,
            failovers: 0,
            early: 0,
            switches: 0,
            later: 0,
            first: None,
            bad: Duration::ZERO,
            at_stake: Duration::ZERO,
            times: 0,
            span: Duration::ZERO,
            made: Made::default(),
        }
    }
}
