//! What was measured, beside what, and what is wanted of it. Measures and prints nothing.

use std::time::Duration;

/// What a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Milliseconds.
    Milliseconds,
    /// Per cent of one core.
    PercentOfCore,
    /// 10^6 bytes.
    Megabytes,
    /// Events per second.
    PerSecond,
    /// Things.
    Count,
}

impl Unit {
    /// As it is written behind a number; with its leading space where one belongs there.
    pub(crate) const fn suffix(self) -> &'static str {
        match self {
            Self::Milliseconds => " ms",
            Self::PercentOfCore => " %",
            Self::Megabytes => " MB",
            Self::PerSecond => " /s",
            Self::Count => "",
        }
    }
}

/// Which of the values is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantile {
    /// The median.
    P50,
    /// One value in twenty is higher.
    P95,
    /// Only one value in a hundred is higher.
    P99,
    /// The highest.
    Max,
}

impl Quantile {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::Max => "max",
        }
    }
}

/// The values of one quantity: at least one.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) unit: Unit,
    /// In rising order.
    values: Vec<f64>,
}

impl Measured {
    /// One value per trial.
    pub(crate) fn trials(name: impl Into<String>, times: &[Duration]) -> Self {
        assert!(!times.is_empty(), "a quantity has values");
        let mut values: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1000.0).collect();
        values.sort_by(f64::total_cmp);
        Self { name: name.into(), unit: Unit::Milliseconds, values }
    }

    /// A single value.
    pub(crate) fn single(name: impl Into<String>, unit: Unit, value: f64) -> Self {
        Self { name: name.into(), unit, values: vec![value] }
    }

    pub(crate) fn count(&self) -> usize {
        self.values.len()
    }

    /// By nearest rank, so it is always one of the values.
    pub(crate) fn at(&self, quantile: Quantile) -> f64 {
        let count = self.values.len();
        let rank = match quantile {
            Quantile::P50 => count.div_ceil(2),
            Quantile::P95 => (count * 95).div_ceil(100),
            Quantile::P99 => (count * 99).div_ceil(100),
            Quantile::Max => count,
        };
        self.values[rank - 1]
    }
}

/// The most that a figure may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) quantile: Quantile,
    pub(crate) most: f64,
}

/// One result.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    pub(crate) measured: Measured,
    /// The reference, from the same run.
    pub(crate) beside: Option<Measured>,
    pub(crate) wanted: Option<Wanted>,
    /// What exactly was measured.
    pub(crate) how: &'static str,
}

impl Figure {
    /// A figure that nothing is wanted of and that stands alone.
    pub(crate) const fn new(measured: Measured, how: &'static str) -> Self {
        Self { measured, beside: None, wanted: None, how }
    }

    pub(crate) fn beside(self, reference: Measured) -> Self {
        Self { beside: Some(reference), ..self }
    }

    pub(crate) fn at_most(self, most: f64, quantile: Quantile) -> Self {
        Self { wanted: Some(Wanted { quantile, most }), ..self }
    }

    /// How many times the reference's median the median is.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let reference = self.beside.as_ref()?.at(Quantile::P50);
        (reference > 0.0).then(|| self.measured.at(Quantile::P50) / reference)
    }

    pub(crate) fn is_missed(&self) -> bool {
        self.wanted.is_some_and(|wanted| self.measured.at(wanted.quantile) > wanted.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milliseconds(values: impl Iterator<Item = u64>) -> Measured {
        Measured::trials("t", &values.map(Duration::from_millis).collect::<Vec<_>>())
    }

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let hundred = milliseconds((1..=100).rev());
        assert_eq!([Quantile::P50, Quantile::P99, Quantile::Max].map(|q| hundred.at(q)), [50.0, 99.0, 100.0]);
        let three = milliseconds([7, 5, 6].into_iter());
        assert_eq!([Quantile::P50, Quantile::P99, Quantile::Max].map(|q| three.at(q)), [6.0, 7.0, 7.0]);
        assert_eq!(Measured::single("s", Unit::Count, 4.0).at(Quantile::P50), 4.0);
    }

    #[test]
    fn a_figure_is_missed_above_what_is_wanted_and_nowhere_else() {
        let figure = |most| Figure::new(milliseconds(1..=10), "").at_most(most, Quantile::Max);
        assert!(figure(9.9).is_missed());
        assert!(!figure(10.0).is_missed());
        assert!(!Figure::new(milliseconds(1..=10), "").is_missed());
    }

    #[test]
    fn the_ratio_is_that_of_the_medians() {
        let figure = Figure::new(milliseconds([10, 20, 90].into_iter()), "");
        assert_eq!(figure.clone().beside(milliseconds([1, 5, 6].into_iter())).ratio(), Some(4.0));
        assert_eq!(figure.beside(milliseconds([0].into_iter())).ratio(), None);
    }
}
