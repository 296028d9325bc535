//! How fast a long plan goes, so that the clients of HAProxy do not feel it. While a thread of HAProxy works on a line of
//! commands it does nothing else, and with 10,000 servers a line of 8 kB takes 2.6 some 15 ms, because it looks every
//! server up in a list (measured). What is in a plan, and in which order, is not decided here.

use std::time::Duration;

/// How a plan of thousands of commands is carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// In short lines with rests between them: the clients' p95 stays within 2 ms of what it is when HAProxy is idle.
    #[default]
    Gentle,
    /// As fast as HAProxy takes it.
    Full,
}

/// Commands of the first line, sent before it is known how long one takes: 1 ms of the slowest HAProxy known (2.6 with
/// 10,000 servers, 70 µs each). A plan that fits into it, as usual ones of two or three commands do, waits for nothing.
pub(crate) const FIRST: usize = 16;

/// What a line may take, its connection included. A client's request needs some four turns of HAProxy's loop and may wait
/// for a line at each of them.
const LINE_TAKES: Duration = Duration::from_micros(700);

/// Lines grow and shrink by no more than this at once: one reply proves little, since the machine may have had other work.
const STEP: usize = 2;

/// After each line HAProxy has this many times as long for its clients.
const REST: u32 = 1;

/// A line that took longer was delayed by something else than its commands.
const REST_MAX: Duration = Duration::from_millis(20);

/// The pace of one plan.
#[derive(Debug)]
pub(crate) struct Pacer {
    pace: Pace,
    /// Commands that the next line may have.
    length: usize,
}

impl Pacer {
    pub(crate) const fn new(pace: Pace) -> Self {
        Self { pace, length: FIRST }
    }

    /// How many commands the next line has, of so many that fit into it.
    pub(crate) fn next(&self, fitting: usize) -> usize {
        match self.pace {
            Pace::Gentle => fitting.min(self.length),
            Pace::Full => fitting,
        }
    }

    /// A line of so many commands was answered after `took`; how long to rest before the next one.
    pub(crate) fn rest_after(&mut self, commands: usize, took: Duration) -> Duration {
        if self.pace == Pace::Full {
            return Duration::ZERO;
        }
        let each = took.as_nanos() / commands.max(1) as u128;
        let fitting = LINE_TAKES.as_nanos().checked_div(each).unwrap_or(u128::MAX);
        let fitting = usize::try_from(fitting).unwrap_or(usize::MAX);
        self.length = fitting.clamp(self.length.div_ceil(STEP), self.length.saturating_mul(STEP));
        took.saturating_mul(REST).min(REST_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usual_plan_goes_in_one_line() {
        let pacer = Pacer::new(Pace::Gentle);
        for commands in 1..=FIRST {
            assert_eq!(pacer.next(commands), commands);
        }
    }

    #[test]
    fn lines_become_as_long_as_what_they_may_take() {
        for each in [7, 70, 700].map(Duration::from_micros) {
            let (mut pacer, mut takes) = (Pacer::new(Pace::Gentle), Duration::ZERO);
            for _ in 0..20 {
                let commands = pacer.next(200);
                takes = each * u32::try_from(commands).unwrap();
                let rest = pacer.rest_after(commands, takes);
                assert!(rest >= takes.min(REST_MAX), "{rest:?} after {takes:?}");
            }
            assert!(takes <= LINE_TAKES, "{takes:?}");
            assert!(takes * 2 > LINE_TAKES, "{takes:?}");
        }
    }

    #[test]
    fn one_line_that_was_held_up_slows_only_the_next() {
        let mut pacer = Pacer::new(Pace::Gentle);
        for _ in 0..10 {
            pacer.rest_after(pacer.next(200), Duration::from_micros(100));
        }
        let before = pacer.next(200);
        assert_eq!(pacer.rest_after(before, Duration::from_secs(1)), REST_MAX);
        assert!(pacer.next(200) >= before / 2);
        pacer.rest_after(pacer.next(200), Duration::from_micros(100));
        assert!(pacer.next(200) >= before);
    }

    #[test]
    fn at_full_pace_nothing_is_held_back() {
        let mut pacer = Pacer::new(Pace::Full);
        assert_eq!(pacer.next(230), 230);
        assert_eq!(pacer.rest_after(230, Duration::from_millis(16)), Duration::ZERO);
        assert_eq!(pacer.next(230), 230);
    }
}
