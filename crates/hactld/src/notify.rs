//! What the service manager is told (sd_notify(3)). Without one, nothing happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sd_notify::NotifyState;

/// systemd asks for a sign of life twice as often as it would miss it (sd_watchdog_enabled(3)).
pub(crate) fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|timeout| timeout / 2)
}

/// Decision loops beat twice as often as is looked at, so that one that is alive has always beaten meanwhile.
pub(crate) fn beat_interval() -> Option<Duration> {
    watchdog_interval().map(|interval| interval / 2)
}

/// Beats while its owner goes on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pulse(Arc<AtomicU64>);

impl Pulse {
    pub(crate) fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How often it has beaten.
    pub(crate) fn beats(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

pub(crate) fn ready() {
    send(&[NotifyState::Ready, NotifyState::Status("probing")]);
}

pub(crate) fn status(text: &str) {
    send(&[NotifyState::Status(text)]);
}

pub(crate) fn alive() {
    send(&[NotifyState::Watchdog]);
}

pub(crate) fn stopping() {
    send(&[NotifyState::Stopping]);
}

/// A service manager that does not listen must not stop the daemon; if it misses the sign of life it will act itself.
fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager was not told");
    }
}
