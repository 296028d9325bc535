//! Says once that a means does not work, and again only after it has worked in between.

use std::sync::Arc;
use std::time::Duration;

use failover::Event;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Shared;

/// For how long a means has to fail while HAProxy answers: the master's socket is away for some 70 ms in a reload, and
/// for as long as a large configuration takes to load.
const GRACE: Duration = Duration::from_secs(5);

pub(super) struct Voice {
    events: mpsc::Sender<Event>,
    shared: Arc<Shared>,
    failing: Option<Instant>,
    told: bool,
}

impl Voice {
    pub(super) const fn new(events: mpsc::Sender<Event>, shared: Arc<Shared>) -> Self {
        Self { events, shared, failing: None, told: false }
    }

    pub(super) const fn works(&mut self) {
        self.failing = None;
        self.told = false;
    }

    /// `why` says what failed, why, what it costs and what to do.
    pub(super) async fn fails(&mut self, why: impl FnOnce() -> String) {
        if !self.shared.is_present() {
            self.failing = None;
            return;
        }
        let since = *self.failing.get_or_insert_with(Instant::now);
        if self.told || since.elapsed() < GRACE {
            return;
        }
        self.told = true;
        // Events are facts for people; where nobody listens any more, nobody misses this one.
        let _ = self.events.send(Event::ReloadsSuffer { why: why() }).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_lasts_is_told_once_and_again_only_after_it_worked() {
        let (mut voice, mut events) = voice(true);
        voice.fails(|| "a".to_owned()).await;
        assert!(events.try_recv().is_err(), "it may pass");
        for _ in 0..2 {
            voice.failing = Some(Instant::now() - GRACE);
            for _ in 0..3 {
                voice.fails(|| "a".to_owned()).await;
            }
            assert!(matches!(events.try_recv(), Ok(Event::ReloadsSuffer { why }) if why == "a"));
            assert!(events.try_recv().is_err());
            voice.works();
        }
    }

    #[tokio::test]
    async fn what_fails_while_haproxy_is_away_is_not_told() {
        let (mut voice, mut events) = voice(false);
        voice.failing = Some(Instant::now() - GRACE);
        voice.fails(|| "a".to_owned()).await;
        assert!(events.try_recv().is_err());
    }

    fn voice(present: bool) -> (Voice, mpsc::Receiver<Event>) {
        let (sender, events) = mpsc::channel(8);
        let shared = Shared { present: present.into(), ..Shared::default() };
        (Voice::new(sender, Arc::new(shared)), events)
    }
}
