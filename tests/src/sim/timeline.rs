//! What is the matter at which time.

use std::time::Duration;

use failover::Time;

/// Later than anything that happens.
pub(crate) const NEVER: Time = Time::from_origin(Duration::MAX);

/// From a moment on, until before another one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span<T> {
    pub(crate) from: Time,
    pub(crate) to: Time,
    pub(crate) what: T,
}

/// Spans in the order of time; no two overlap.
#[derive(Clone, Debug)]
pub(crate) struct Timeline<T>(Vec<Span<T>>);

impl<T: Copy> Timeline<T> {
    pub(crate) fn new(mut spans: Vec<Span<T>>) -> Self {
        spans.sort_by_key(|span| span.from);
        assert!(spans.is_sorted_by(|a, b| a.to <= b.from), "of two things at once a timeline knows nothing");
        Self(spans)
    }

    /// Nothing is ever the matter.
    pub(crate) const fn quiet() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn spans(&self) -> &[Span<T>] {
        &self.0
    }

    /// The span that contains the moment.
    pub(crate) fn at(&self, moment: Time) -> Option<&Span<T>> {
        if self.0.is_empty() {
            return None;
        }
        let begun = self.0.partition_point(|span| span.from <= moment);
        self.0[..begun].last().filter(|span| moment < span.to)
    }

    /// The first moment, from this one on, at which such a thing is the matter.
    pub(crate) fn next(&self, from: Time, such: impl Fn(T) -> bool) -> Option<Time> {
        let over = self.0.partition_point(|span| span.to <= from);
        self.0[over..].iter().find(|span| such(span.what)).map(|span| span.from.max(from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn second(n: u64) -> Time {
        Time::from_millis(1000 * n)
    }

    fn two() -> Timeline<char> {
        let b = Span { from: second(5), to: NEVER, what: 'b' };
        Timeline::new(vec![b, Span { from: second(1), to: second(3), what: 'a' }])
    }

    #[test]
    fn a_span_has_its_first_moment_and_not_its_last() {
        let at = |n| two().at(second(n)).map(|span| span.what);
        assert_eq!(
            [0, 1, 2, 3, 4, 5, 9].map(at),
            [None, Some('a'), Some('a'), None, None, Some('b'), Some('b')]
        );
        assert!(Timeline::<char>::quiet().at(second(1)).is_none());
    }

    #[test]
    fn the_next_such_thing_may_be_the_matter_already() {
        let next = |n, such| two().next(second(n), |what| what == such);
        assert_eq!([next(0, 'a'), next(2, 'a'), next(3, 'a')], [Some(second(1)), Some(second(2)), None]);
        assert_eq!([next(0, 'b'), next(7, 'b')], [Some(second(5)), Some(second(7))]);
    }

    #[test]
    #[should_panic(expected = "two things at once")]
    fn spans_that_overlap_are_refused() {
        let span = |from, to| Span { from: second(from), to: second(to), what: () };
        let _ = Timeline::new(vec![span(1, 3), span(2, 4)]);
    }
}
