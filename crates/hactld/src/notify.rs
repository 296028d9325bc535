//! What the service manager is told (sd_notify(3)). Without one, nothing happens; one that does not listen keeps nobody
//! waiting.

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, LazyLock};
use std::thread;
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

/// Messages that wait while the service manager does not listen: those of some switches. What comes then is not told; if it
/// misses the sign of life it will act itself.
const WAITING_MAX: usize = 16;

/// Tells it. The system lets who tells wait where nobody listens (unix(7)), so that is a thread that has nothing else to do.
static TELLER: LazyLock<Option<SyncSender<String>>> = LazyLock::new(|| {
    env::var_os("NOTIFY_SOCKET")?;
    let (sender, messages) = sync_channel::<String>(WAITING_MAX);
    let tell = move || {
        for message in messages {
            if let Err(error) = sd_notify::notify(&[NotifyState::Custom(&message)]) {
                tracing::debug!(%error, "the service manager was not told");
            }
        }
    };
    thread::Builder::new().name("notify".to_owned()).spawn(tell).ok()?;
    Some(sender)
});

fn send(states: &[NotifyState<'_>]) {
    let Some(teller) = &*TELLER else { return };
    let lines: Vec<String> = states.iter().map(ToString::to_string).collect();
    if teller.try_send(lines.join("\n")).is_err() {
        tracing::debug!("the service manager does not listen");
    }
}
