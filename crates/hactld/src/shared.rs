//! One answer for all who ask at the same time: however many they are, they cost one question.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// At least this lies between two questions: for people and programs nothing is older because of it.
pub(crate) const REST_MIN: Duration = Duration::from_millis(2);

/// What is asked for by many.
pub(crate) struct Shared<T>(Arc<Mutex<Option<Asked<T>>>>);

/// What came of asking last.
struct Asked<T> {
    begun: Instant,
    ended: Instant,
    answer: T,
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Clone> Shared<T> {
    /// What `ask` finds, asked after this was called: by this caller, or by another one that came in time.
    pub(crate) async fn get(&self, ask: impl AsyncFnOnce() -> T) -> T {
        let arrived = Instant::now();
        let mut asked = self.0.lock().await;
        if let Some(last) = asked.as_ref() {
            if last.begun >= arrived {
                return last.answer.clone();
            }
            sleep_until(last.ended + REST_MIN).await;
        }
        let begun = Instant::now();
        let answer = ask().await;
        *asked = Some(Asked { begun, ended: Instant::now(), answer: answer.clone() });
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_hundred_who_ask_while_another_is_answered_cost_one_question_more() {
        let (shared, asked) = (Shared::default(), Arc::new(AtomicUsize::new(0)));
        let mut answers = tokio::task::JoinSet::new();
        for _ in 0..=100 {
            let (shared, asked) = (shared.clone(), Arc::clone(&asked));
            answers.spawn(async move {
                let ask = async || {
                    let number = asked.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    number
                };
                shared.get(ask).await
            });
            // One is being asked for before the others come.
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
        let mut numbers = answers.join_all().await;
        numbers.sort_unstable();
        assert_eq!((numbers[0], numbers[1], numbers[100]), (0, 1, 1));
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }
}
