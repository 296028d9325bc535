//! Who answers the clients: their requests in the order in which they were begun, reduced to what changed.

use std::time::Instant;

use e2e::traffic::Sample;

/// A change that clients see.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Another exit answers than before, or one answers again.
    By(String),
    /// The newest request failed, for this reason.
    Failing(String),
}

/// Who answered last. A request that ends after a younger one is old news and is passed over.
#[derive(Debug)]
pub(crate) struct Answers {
    newest: Instant,
    /// The exit, or `None` while requests fail.
    by: Option<String>,
}

impl Answers {
    /// Nobody has answered since `start`.
    pub(crate) const fn from(start: Instant) -> Self {
        Self { newest: start, by: None }
    }

    /// When the newest finished request was begun.
    pub(crate) const fn newest(&self) -> Instant {
        self.newest
    }

    /// The exit that answered it.
    pub(crate) fn by(&self) -> Option<&str> {
        self.by.as_deref()
    }

    /// Takes in finished requests, in the order in which they were begun; what changed with them.
    pub(crate) fn take(&mut self, samples: Vec<Sample>) -> Vec<Change> {
        let mut changes = Vec::new();
        for sample in samples {
            if sample.started <= self.newest {
                continue;
            }
            self.newest = sample.started;
            let by = match sample.result {
                Ok(exit) => {
                    if self.by.as_ref() != Some(&exit) {
                        changes.push(Change::By(exit.clone()));
                    }
                    Some(exit)
                }
                Err(why) => {
                    if self.by.is_some() {
                        changes.push(Change::Failing(why));
                    }
                    None
                }
            };
            self.by = by;
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_switch_is_told_once_and_old_news_is_passed_over() {
        let start = Instant::now();
        let mut answers = Answers::from(start);
        let by = |exit: &str| Change::By(exit.to_owned());
        let first = vec![sample(start, 10, 12, Ok("wg1")), sample(start, 30, 32, Ok("wg1"))];
        assert_eq!(answers.take(first), [by("wg1")]);
        let then = vec![sample(start, 20, 2020, Err("late")), sample(start, 50, 60, Ok("wg2"))];
        assert_eq!(answers.take(then), [by("wg2")]);
        assert_eq!(answers.take(vec![sample(start, 40, 2040, Err("late"))]), []);
        assert_eq!(answers.by(), Some("wg2"));
    }

    #[test]
    fn failing_is_told_once_and_so_is_its_end() {
        let start = Instant::now();
        let mut answers = Answers::from(start);
        answers.take(vec![sample(start, 10, 12, Ok("wg1"))]);
        let failing = vec![sample(start, 20, 21, Err("closed")), sample(start, 30, 31, Err("closed"))];
        assert_eq!(answers.take(failing), [Change::Failing("closed".to_owned())]);
        let back = Change::By("wg1".to_owned());
        assert_eq!(answers.take(vec![sample(start, 40, 41, Ok("wg1"))]), [back]);
    }

    fn sample(start: Instant, started: u64, ended: u64, result: Result<&str, &str>) -> Sample {
        let result = result.map(str::to_owned).map_err(str::to_owned);
        Sample { started: start + ms(started), ended: start + ms(ended), result }
    }

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }
}
