//! What becomes of a bug: one probe is void, and everything else goes on.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// What a probe that panicked says of itself.
pub(crate) const PANICKED: &str = "the probe panicked; this is a bug in hactl";

/// What `work` comes to, or nothing where it panics. Whatever it worked on must not be used any more then.
pub(crate) async fn guarded<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(poll) => poll.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_before_or_behind_a_wait_is_caught() {
        let yields_first = async {
            tokio::task::yield_now().await;
            panic!("on purpose")
        };
        assert_eq!(guarded::<()>(yields_first).await, None);
        assert_eq!(guarded::<()>(async { panic!("on purpose") }).await, None);
    }

    #[tokio::test]
    async fn work_that_does_not_panic_is_left_alone() {
        let work = async {
            tokio::task::yield_now().await;
            7
        };
        assert_eq!(guarded(work).await, Some(7));
    }
}
