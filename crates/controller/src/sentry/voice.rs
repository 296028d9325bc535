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
