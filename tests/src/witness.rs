//! What HAProxy itself shows of what was done to it: looked at all the time, and its own log of every change. It knows
//! nothing of what hactl says or means, and judges only what no hactl may ever do.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::haproxy::{Haproxy, ServerState, Shown, shown};

/// Between two looks: one takes HAProxy a tenth of a millisecond.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// `srv_admin_state`: taken out by the runtime API or the configuration.
const OUT: u32 = 0x01 | 0x02 | 0x08 | 0x10 | 0x20;

/// `srv_op_state`: up, or warming up.
const UP: [u32; 2] = [1, 2];

/// What HAProxy logs when it has nobody left to send clients to.
const NOBODY_LEFT: &str = "has no server available";

/// What HAProxy logs when a command takes a server out of service.
const TAKEN_OUT: &str = "is going DOWN for maintenance";

/// It looks until it is dropped.
pub struct Witness {
    /// One state after the other, each another one than that before it.
    seen: Arc<Mutex<Vec<Shown>>>,
    looks: JoinHandle<()>,
    /// Where in HAProxy's log it began.
    log_from: usize,
}

impl Witness {
    /// Looks at `haproxy` from now on.
    #[must_use]
    pub fn start(haproxy: &Haproxy) -> Self {
        let seen = Arc::default();
        let looks = tokio::spawn(look(haproxy.admin_socket(), Arc::clone(&seen)));
        Self { seen, looks, log_from: haproxy.log().len() }
    }

    /// Panics where a command took away the last server that HAProxy could use. What two looks show is not all that was
    /// between them, but HAProxy's log is.
    pub fn assert_never_emptied(&self, haproxy: &Haproxy) {
        let log = self.log(haproxy);
        let told = log.lines().find(|line| line.contains(NOBODY_LEFT));
        assert_eq!(told, None, "HAProxy had no server left");
        let seen = self.seen();
        assert!(seen.len() > 1, "nothing was seen to change");
        for pair in seen.windows(2) {
            if let Some(server) = emptied(&pair[0], &pair[1]) {
                panic!("{server} was the last one: {pair:?}");
            }
        }
    }

    /// Panics where a server that somebody else had put into the state `administrative` was seen in another one, in any
    /// process that was ever seen with it in that state, or where HAProxy tells of more changes of it than those `changes`
    /// that somebody else made meanwhile.
    pub fn assert_untouched(&self, haproxy: &Haproxy, server: &str, administrative: u32, changes: usize) {
        let mut set_in = None;
        for shown in self.seen().iter() {
            let Some(state) = shown.servers.get(server) else { continue };
            if state.administrative == administrative {
                set_in = Some(shown.pid);
            } else {
                assert_ne!(set_in, Some(shown.pid), "{server} was changed: {shown:?}");
            }
        }
        assert!(set_in.is_some(), "{server} was never seen in the state {administrative}");
        let word = format!("/{server} ");
        let log = self.log(haproxy);
        let told: Vec<&str> = log.lines().filter(|line| line.contains(&word)).collect();
        assert!(told.len() <= changes, "HAProxy tells of {} changes: {told:#?}", told.len());
    }

    /// How many times a command took `server` out of service, as HAProxy tells it.
    #[must_use]
    pub fn times_out(&self, haproxy: &Haproxy, server: &str) -> usize {
        let word = format!("/{server} {TAKEN_OUT}");
        self.log(haproxy).lines().filter(|line| line.contains(&word)).count()
    }

    fn log(&self, haproxy: &Haproxy) -> String {
        haproxy.log().split_off(self.log_from)
    }

    fn seen(&self) -> MutexGuard<'_, Vec<Shown>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.looks.abort();
    }
}

/// Keeps what is another state than the last one.
async fn look(socket: PathBuf, seen: Arc<Mutex<Vec<Shown>>>) {
    loop {
        if let Some(shown) = shown(&socket).await {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            // An old worker is looked at by accident, and what it shows is in force for nobody.
            if !shown.stopping && seen.last() != Some(&shown) {
                seen.push(shown);
            }
        }
        sleep(LOOK_EVERY).await;
    }
}

/// The server whose being taken out left none, between two looks at one process.
fn emptied<'a>(before: &Shown, after: &'a Shown) -> Option<&'a str> {
    let nobody_left = before.servers.values().any(is_usable) && !after.servers.values().any(is_usable);
    if before.pid != after.pid || !nobody_left {
        return None;
    }
    let taken = |(name, state): &(&String, &ServerState)| {
        state.administrative & OUT != 0 && before.servers.get(*name).is_some_and(is_usable)
    };
    after.servers.iter().find(taken).map(|(name, _)| name.as_str())
}

fn is_usable(state: &ServerState) -> bool {
    state.administrative & OUT == 0 && UP.contains(&state.operational)
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: (u32, u32) = (2, 0);
    const MAINT: (u32, u32) = (0, 1);
    const DOWN: (u32, u32) = (0, 0);

    #[test]
    fn only_a_command_that_takes_the_last_one_is_held_against_anybody() {
        let both = shown(7, [READY, MAINT]);
        assert_eq!(emptied(&both, &shown(7, [MAINT, MAINT])), Some("wg1"));
        assert_eq!(emptied(&both, &shown(7, [DOWN, MAINT])), None, "its own check did that");
        assert_eq!(emptied(&both, &shown(8, [MAINT, MAINT])), None, "another process");
        assert_eq!(emptied(&both, &shown(7, [MAINT, READY])), None);
        assert_eq!(
            emptied(&shown(7, [DOWN, DOWN]), &shown(7, [MAINT, DOWN])),
            None,
            "nobody was there before"
        );
    }

    fn shown(pid: u32, states: [(u32, u32); 2]) -> Shown {
        let state = |(operational, administrative)| ServerState { operational, administrative };
        let names = ["wg1", "wg2"].map(str::to_owned);
        Shown { pid, stopping: false, servers: names.into_iter().zip(states.map(state)).collect() }
    }
}
