//! Metric families, one after the other, each with all its samples.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use super::histogram::Histogram;

/// A sample's labels, in the order in which they are shown.
pub(super) type Labels<'a> = Vec<(&'static str, &'a str)>;

/// What a sample says; all of a family are of one kind.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    /// How many there are now.
    Number(u64),
    /// A moment, in seconds since the epoch.
    Moment(f64),
    /// How many there were.
    Count(u64),
    /// How long it was altogether, in seconds.
    Lasted(f64),
    /// How long each of them took.
    Took(&'a Histogram),
}

impl From<bool> for Value<'_> {
    fn from(is_so: bool) -> Self {
        Self::Number(u64::from(is_so))
    }
}

pub(super) struct Writer<'a>(pub(super) DescriptorEncoder<'a>);

impl Writer<'_> {
    /// `name` is without `hactl_`, the unit and `_total`; `help` is a sentence. A family without samples is left out.
    pub(super) fn family<'s>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels<'s>, Value<'s>)>,
    ) -> fmt::Result {
        let mut samples = samples.into_iter().peekable();
        let Some((_, first)) = samples.peek() else { return Ok(()) };
        let (kind, unit) = match first {
            Value::Number(_) => (MetricType::Gauge, None),
            Value::Moment(_) => (MetricType::Gauge, Some(Unit::Seconds)),
            Value::Count(_) => (MetricType::Counter, None),
            Value::Lasted(_) => (MetricType::Counter, Some(Unit::Seconds)),
            Value::Took(_) => (MetricType::Histogram, Some(Unit::Seconds)),
        };
        let mut metric = self.0.encode_descriptor(name, help, unit.as_ref(), kind)?;
        for (labels, value) in samples {
            if labels.is_empty() {
                sample(&mut metric, value)?;
            } else {
                sample(&mut metric.encode_family(&labels)?, value)?;
            }
        }
        Ok(())
    }
}

fn sample(metric: &mut MetricEncoder<'_>, value: Value<'_>) -> fmt::Result {
    match value {
        Value::Number(number) => metric.encode_gauge(&number),
        Value::Moment(at) => metric.encode_gauge(&at),
        Value::Count(count) => metric.encode_counter::<NoLabelSet, u64, u64>(&count, None),
        Value::Lasted(seconds) => metric.encode_counter::<NoLabelSet, f64, f64>(&seconds, None),
        Value::Took(histogram) => metric.encode_histogram::<NoLabelSet>(
            histogram.sum(),
            histogram.count(),
            &histogram.buckets(),
            None,
        ),
    }
}
