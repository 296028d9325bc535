//! Who is served, and who goes where there are too many. It knows nothing of what they ask.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::AbortHandle;

/// Those that ask something: answered in milliseconds, so more at a time than this are not honest ones.
const ASKING_MAX: usize = 32;

/// Those that follow: open tabs.
const FOLLOWING_MAX: usize = 32;

/// What a connection is for, which shows once it has been answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    follows: Arc<AtomicBool>,
}

impl Place {
    /// Its answer goes on and on.
    pub(super) fn follow(&self) {
        self.follows.store(true, Ordering::Relaxed);
    }

    fn follows(&self) -> bool {
        self.follows.load(Ordering::Relaxed)
    }
}

/// The oldest first.
#[derive(Default)]
pub(super) struct Clients {
    served: Vec<Served>,
}

struct Served {
    from: IpAddr,
    place: Place,
    task: AbortHandle,
}

impl Clients {
    /// Where all places of a kind are taken, whoever has most of them loses the oldest one. Those that follow keep theirs
    /// however many ask.
    pub(super) fn make_room(&mut self) {
        self.served.retain(|served| !served.task.is_finished());
        for (follows, most) in [(false, ASKING_MAX), (true, FOLLOWING_MAX)] {
            let of_kind = |served: &&Served| served.place.follows() == follows;
            let mut places: BTreeMap<IpAddr, usize> = BTreeMap::new();
            for served in self.served.iter().filter(of_kind) {
                *places.entry(served.from).or_default() += 1;
            }
            if places.values().sum::<usize>() < most {
                continue;
            }
            let greedy = places.into_iter().max_by_key(|(_, places)| *places).map(|(from, _)| from);
            let oldest = self
                .served
                .iter()
                .position(|served| served.place.follows() == follows && Some(served.from) == greedy);
            if let Some(oldest) = oldest {
                self.served.remove(oldest).task.abort();
            }
        }
    }

    pub(super) fn add(&mut self, from: IpAddr, place: Place, task: AbortHandle) {
        self.served.push(Served { from, place, task });
    }
}
