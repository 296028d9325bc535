//! On which servers of a backend HAProxy has sessions, and how often it is asked. What follows from that is not decided
//! here.

use std::collections::BTreeMap;
use std::time::Duration;

use haproxy_runtime::{StatKind, StatRow};

/// What a thread of HAProxy works on one server's row of `show stat`, doing nothing else meanwhile: 3 µs in 2.6, up to
/// 7 µs in 3.4 (measured).
const WORK_PER_SERVER: Duration = Duration::from_micros(7);

/// The question may take this part of such a thread's time: 1 ms a second, in which nobody's latency is seen to change.
const SHARE: u32 = 1000;

/// From one question about so many servers to the next, and never less than `least`.
pub(crate) fn pause(servers: usize, least: Duration) -> Duration {
    let work = WORK_PER_SERVER.saturating_mul(u32::try_from(servers).unwrap_or(u32::MAX));
    work.saturating_mul(SHARE).max(least)
}

/// Of one backend, by server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sessions {
    servers: BTreeMap<String, Count>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Count {
    /// Since HAProxy began to count.
    total: Option<u64>,
    busy: bool,
}

impl Sessions {
    /// Takes in what was read. A server without a row, or without a number in it, stays as it was.
    pub(crate) fn count(&mut self, rows: &[StatRow]) {
        for row in rows.iter().filter(|row| row.kind == StatKind::Server) {
            let Some(current) = row.scur else { continue };
            // One that began and ended between two questions needed the server as well.
            let more = self.servers.get(&row.svname).is_some_and(|before| before.total != row.stot);
            let count = Count { total: row.stot, busy: current > 0 || more };
            self.servers.insert(row.svname.clone(), count);
        }
    }

    /// All of its sessions were cut: until it is asked about again it counts as having none, so that nobody cuts twice
    /// what a count from before shows.
    pub(crate) fn cut(&mut self, server: &str) {
        if let Some(count) = self.servers.get_mut(server) {
            count.busy = false;
        }
    }

    /// It had sessions when it was last asked about, or since the time before.
    pub(crate) fn is_busy(&self, server: &str) -> bool {
        self.servers.get(server).is_some_and(|count| count.busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::STATE_EVERY;

    #[test]
    fn the_question_takes_a_thousandth_of_a_thread_however_many_servers_there_are() {
        let table = [(0, 1000), (3, 1000), (142, 1000), (200, 1400), (1000, 7000), (10_000, 70_000)];
        for (servers, millis) in table {
            assert_eq!(pause(servers, STATE_EVERY), Duration::from_millis(millis), "{servers} servers");
        }
        assert!(pause(usize::MAX, STATE_EVERY) > pause(10_000, STATE_EVERY));
    }
}
