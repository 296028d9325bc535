//! A connection that stays open for canaries. Each is sent at once; what is lost TCP sends again, and what was sent
//! later waits behind it.

use failover::{Cause, ProbeId, Time};

use super::world::World;

/// Requests that a target answers on one connection (nginx, `keepalive_requests`).
const ANSWERS: u32 = 1000;

/// A kept connection.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    server: usize,
    target: usize,
    /// When all that was sent is answered.
    free: Time,
    /// How many more requests are answered.
    answers: u32,
    /// Those that are waited for, in the order they were sent.
    pub(crate) canaries: Vec<Canary>,
}

/// A request under way, and how it will end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Canary {
    pub(crate) id: ProbeId,
    pub(crate) began: Time,
    pub(crate) how: Result<(), Cause>,
}

impl Kept {
    pub(crate) const fn new(server: usize, target: usize, since: Time) -> Self {
        Self { server, target, free: since, answers: ANSWERS - 1, canaries: Vec::new() }
    }

    /// Sends a request; when it will be answered or given up.
    pub(crate) fn send(&mut self, world: &mut World, id: ProbeId, now: Time) -> Time {
        let mut met = world.exchange(self.server, self.target, now);
        if now < self.free {
            // An answer overtakes no other one. Once what is ahead has got through, the line is proved, and TCP does
            // not wait for a timer to send the rest.
            let behind = world.exchange(self.server, self.target, self.free);
            met = if behind.at < met.at { behind } else { met };
            met.at = met.at.max(self.free);
        }
        self.free = met.at;
        self.canaries.push(Canary { id, began: now, how: met.how });
        met.at
    }

    /// Nobody waits for this one any longer.
    pub(crate) fn take(&mut self, id: ProbeId) -> Canary {
        let place = self.canaries.iter().position(|canary| canary.id == id);
        self.canaries.remove(place.expect("a canary is known to its connection"))
    }

    /// Counts an answer; whether the target leaves the connection open after it.
    pub(crate) const fn answer(&mut self) -> bool {
        self.answers = self.answers.saturating_sub(1);
        self.answers > 0
    }
}
