//! One answer for all who ask at the same time: however many they are, they cost one question.

use std::future::pending;
use std::panic::resume_unwind;
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

impl<T: Clone + Send + 'static> Shared<T> {
    /// What `ask` finds, asked after this was called: by this caller, or by another one that came in time. A question that was
    /// put is waited for whoever leaves, so that those who ask and leave cost no more than those who stay.
    pub(crate) async fn get<A>(&self, ask: impl FnOnce() -> A) -> T
    where
        A: Future<Output = T> + Send + 'static,
    {
        let arrived = Instant::now();
        let mut asked = Arc::clone(&self.0).lock_owned().await;
        let mut rested = arrived;
        if let Some(last) = asked.as_ref() {
            if last.begun >= arrived {
                return last.answer.clone();
            }
            rested = last.ended + REST_MIN;
        }
        let ask = ask();
        let asking = tokio::spawn(async move {
            sleep_until(rested).await;
            let begun = Instant::now();
            let answer = ask.await;
            *asked = Some(Asked { begun, ended: Instant::now(), answer: answer.clone() });
            answer
        });
        match asking.await {
            Ok(answer) => answer,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // The daemon ends.
                Err(_) => pending().await,
            },
        }
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
                let ask = async move || {
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

    #[tokio::test(start_paused = true)]
    async fn a_question_is_waited_for_though_who_asked_has_left() {
        let (shared, asked) = (Shared::default(), Arc::new(AtomicUsize::new(0)));
        for _ in 0..100 {
            let asked = Arc::clone(&asked);
            let ask = async move || {
                asked.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_secs(1)).await;
            };
            let left = tokio::time::timeout(Duration::from_millis(10), shared.get(ask)).await;
            assert!(left.is_err());
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}
