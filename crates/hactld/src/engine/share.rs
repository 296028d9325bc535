//! How much of the decision loop's time may go into answering those who ask how things are, however many they are.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::Query;

/// An answer is paid for with this many times as long as it took: those who ask get a fourth of the loop's time at the most.
/// Evidence and sights of HAProxy have the rest.
const PRICE: u32 = 4;

/// Answers that have taken less than this altogether are not waited for: those to an operator's command, one after another.
const CREDIT: Duration = Duration::from_millis(10);

/// An answer that took very long, because this process did not run meanwhile, keeps nobody waiting for longer.
const DEBT_MAX: Duration = Duration::from_millis(500);

/// What was spent on answers.
pub(super) struct Share {
    paid_at: Instant,
}

impl Share {
    pub(super) fn new(now: Instant) -> Self {
        Self { paid_at: now }
    }

    /// An answer was worked on from `began` to `now`.
    pub(super) fn spend(&mut self, began: Instant, now: Instant) {
        let paid_at = self.paid_at.max(began) + now.duration_since(began) * PRICE;
        self.paid_at = paid_at.min(now + DEBT_MAX);
    }

    /// When the next question may be answered.
    fn due(&self) -> Instant {
        self.paid_at - CREDIT
    }

    /// The next question, once it may be answered. Nothing is lost where this is not waited for to the end.
    pub(super) async fn next(&self, queries: &mut mpsc::Receiver<Query>) -> Option<Query> {
        if Instant::now() < self.due() {
            sleep_until(self.due()).await;
        }
        queries.recv().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn what_is_cheap_is_not_waited_for_and_what_is_dear_gets_a_fourth_of_the_time() {
        let start = Instant::now();
        let mut share = Share::new(start);
        for _ in 0..50 {
            share.spend(start, start + MS / 20);
        }
        assert!(share.due() <= start, "fifty answers of 50 us each");
        let mut now = start + 100 * MS;
        let mut spent = Duration::ZERO;
        while now < start + 10_000 * MS {
            share.spend(now, now + 40 * MS);
            spent += 40 * MS;
            now = (now + 40 * MS).max(share.due());
        }
        let share = spent.as_secs_f64() / now.duration_since(start).as_secs_f64();
        assert!((0.24..=0.26).contains(&share), "{share}");
    }

    #[test]
    fn what_was_paid_long_ago_gives_no_more_credit() {
        let start = Instant::now();
        let mut share = Share::new(start);
        let later = start + 60_000 * MS;
        share.spend(later, later + 40 * MS);
        assert_eq!(share.due(), later + 160 * MS - CREDIT);
        share.spend(later, later + 30_000 * MS);
        assert_eq!(share.due(), later + 30_000 * MS + DEBT_MAX - CREDIT, "it was stopped for half a minute");
    }
}
