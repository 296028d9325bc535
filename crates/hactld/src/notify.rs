//! What the service manager is told (sd_notify(3)). Without one, nothing happens; one that does not listen keeps nobody
//! waiting.

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
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

/// Of several that are told while it does not listen, the last one is heard.
pub(crate) fn status(text: &str) {
    let Some(teller) = &*TELLER else { return };
    let before = teller.status().replace(NotifyState::Status(text).to_string());
    if before.is_none() {
        teller.wake();
    }
}

pub(crate) fn alive() {
    send(&[NotifyState::Watchdog]);
}

pub(crate) fn stopping() {
    send(&[NotifyState::Stopping]);
}

/// Messages that wait while the service manager does not listen, beside the latest status: what comes then is not told. If it
/// misses the sign of life it will act itself.
const WAITING_MAX: usize = 16;

/// Tells it. The system lets who tells wait where nobody listens (unix(7)), so that is a thread that has nothing else to do.
struct Teller {
    messages: SyncSender<String>,
    /// The latest that it was not told yet.
    status: Arc<Mutex<Option<String>>>,
}

static TELLER: LazyLock<Option<Teller>> = LazyLock::new(|| {
    env::var_os("NOTIFY_SOCKET")?;
    let (sender, messages) = sync_channel::<String>(WAITING_MAX);
    let status: Arc<Mutex<Option<String>>> = Arc::default();
    let latest = Arc::clone(&status);
    let tell = move || {
        for message in messages {
            let status = latest.lock().unwrap_or_else(PoisonError::into_inner).take();
            for message in [message].into_iter().chain(status).filter(|message| !message.is_empty()) {
                if let Err(error) = sd_notify::notify(&[NotifyState::Custom(&message)]) {
                    tracing::debug!(%error, "the service manager was not told");
                }
            }
        }
    };
    thread::Builder::new().name("notify".to_owned()).spawn(tell).ok()?;
    Some(Teller { messages: sender, status })
});

impl Teller {
    fn status(&self) -> MutexGuard<'_, Option<String>> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has it look for a status. With the next message it does so anyway.
    fn wake(&self) {
        let _ = self.messages.try_send(String::new());
    }
}

fn send(states: &[NotifyState<'_>]) {
    let Some(teller) = &*TELLER else { return };
    let lines: Vec<String> = states.iter().map(ToString::to_string).collect();
    if teller.messages.try_send(lines.join("\n")).is_err() {
        tracing::debug!("the service manager does not listen");
    }
}
