//! What a path has shown of its own pace, and from when on an answer is late on it. Late is not failed: it only starts
//! confirmation. Nothing is judged here.

use std::collections::VecDeque;
use std::time::Duration;

use crate::moved::Moved;
use crate::{Stage, TargetId};

/// Stage times that are remembered: 15 s of canaries at the quick cadence (simulated).
const WINDOW: usize = 60;

/// With fewer than this a path is not known.
const KNOWN_FROM: usize = 8;

/// While a path is not known: a tunnel of 200 ms was condemned in its first second when a short one was assumed
/// (simulated).
const COLD: Duration = Duration::from_millis(1500);

/// Below this a single lost packet is late: TCP sends it again after 200 ms at the earliest (RFC 6298 and Linux).
const FLOOR: Duration = Duration::from_millis(200);

/// Below this, on a quiet path, the process's own pace would be judged.
const QUIET_FLOOR: Duration = Duration::from_millis(30);

/// How many times its median an answer may take ...
const PATIENCE: u32 = 4;

/// ... but on a long path no longer than twice its median and the time after which TCP sends again: there the spread of
/// the answers no longer grows with the median (simulated: a black hole at 400 ms is left a third sooner, no false alarm).
const LONG_PATIENCE: u32 = 2;

/// Answers in a row, each late, after which the path has another pace: what was before says nothing any more.
const SHIFTED_AFTER: u8 = 5;

/// Times of the stages that were passed lately.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    recent: VecDeque<Duration>,
    sorted: Vec<Duration>,
}

impl Window {
    /// Remembers one more, forgetting the oldest where there is no room.
    pub(crate) fn push(&mut self, took: Duration) {
        if self.recent.len() == WINDOW
            && let Some(oldest) = self.recent.pop_front()
            && let Ok(place) = self.sorted.binary_search(&oldest)
        {
            self.sorted.remove(place);
        }
        self.recent.push_back(took);
        let place = self.sorted.partition_point(|known| *known < took);
        self.sorted.insert(place, took);
    }

    /// Forgets all but the latest `count`.
    fn keep_latest(&mut self, count: usize) {
        let gone = self.recent.len().saturating_sub(count);
        self.recent.drain(..gone);
        self.sorted = self.recent.iter().copied().collect();
        self.sorted.sort_unstable();
    }

    pub(crate) fn is_known(&self) -> bool {
        self.recent.len() >= KNOWN_FROM
    }

    pub(crate) fn median(&self) -> Option<Duration> {
        self.sorted.get(self.sorted.len() / 2).copied()
    }

    fn longest(&self) -> Option<Duration> {
        self.sorted.last().copied()
    }
}

/// From when on something is to be done about a stage that has not been passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// It is asked about: other probes are made beside it. Nothing is held against anybody.
    pub(crate) doubt: Duration,
    /// It is late.
    pub(crate) late: Duration,
}

impl Limits {
    const fn both(limit: Duration) -> Self {
        Self { doubt: limit, late: limit }
    }
}

/// The paces of one server: of its own port, and of each target through it.
#[derive(Clone, Debug)]
pub(crate) struct Lateness {
    near: Window,
    far: Vec<Far>,
}

#[derive(Clone, Debug, Default)]
struct Far {
    window: Window,
    late_in_row: u8,
    /// What late stages took while the server was out, none in time between them.
    outside: Vec<Duration>,
}

impl Lateness {
    pub(crate) fn new(targets: usize) -> Self {
        Self { near: Window::default(), far: vec![Far::default(); targets] }
    }

    /// The targets stand in other places.
    pub(crate) fn rearrange(&mut self, moved: &Moved) {
        moved.rearrange(&mut self.far);
    }

    /// A stage was passed. `late`: it had been called late by then.
    pub(crate) fn learn(&mut self, stage: Stage, target: TargetId, took: Duration, late: bool) {
        if is_near(stage) {
            self.near.push(took);
            return;
        }
        let Some(far) = self.far.get_mut(usize::from(target.0)) else { return };
        far.window.push(took);
        far.late_in_row = if late { far.late_in_row.saturating_add(1) } else { 0 };
        if far.late_in_row == SHIFTED_AFTER {
            far.window.keep_latest(usize::from(SHIFTED_AFTER));
        }
    }

    /// The same while the server is out. What an outage shows is not the path's pace, unless it is late again and again:
    /// then that is its pace from now on.
    pub(crate) fn learn_outside(&mut self, target: TargetId, took: Duration, late: bool) {
        let Some(far) = self.far.get_mut(usize::from(target.0)) else { return };
        if !late {
            far.outside.clear();
            return;
        }
        far.outside.push(took);
        if far.outside.len() == usize::from(SHIFTED_AFTER) {
            far.window = Window::default();
            far.late_in_row = 0;
            for took in std::mem::take(&mut far.outside) {
                far.window.push(took);
            }
        }
    }

    /// Whether the path to `target` has shown enough to be judged by.
    pub(crate) fn is_known(&self, target: TargetId) -> bool {
        self.far.get(usize::from(target.0)).is_some_and(|far| far.window.is_known())
    }

    /// How long `stage` may take towards `target`; `quiet` where the path loses nothing, `ceiling` in any case.
    pub(crate) fn limits(&self, stage: Stage, target: TargetId, quiet: bool, ceiling: Duration) -> Limits {
        let window = if is_near(stage) { Some(&self.near) } else { self.window(target) };
        match window {
            Some(window) if window.is_known() => of_known(window, quiet, ceiling),
            // What is known of the ways to other targets is a hint, no more.
            Some(_) | None => {
                let known = self.far.iter().map(|far| &far.window).filter(|window| window.is_known());
                let slowest = known.map(|window| of_known(window, false, ceiling).late).max();
                let late = slowest.map_or(COLD, |late| (late * 2).min(COLD));
                Limits::both(late.min(ceiling))
            }
        }
    }

    fn window(&self, target: TargetId) -> Option<&Window> {
        self.far.get(usize::from(target.0)).map(|far| &far.window)
    }
}

fn of_known(window: &Window, quiet: bool, ceiling: Duration) -> Limits {
    let median = window.median().unwrap_or(COLD);
    let longest = window.longest().unwrap_or(COLD);
    let normal = (median * PATIENCE).min(median * LONG_PATIENCE + FLOOR).max(FLOOR);
    let late = if quiet { (longest * 2).max(median * 3).max(QUIET_FLOOR).min(normal) } else { normal };
    let late = late.min(ceiling);
    // Longer than the longest of the last sixty: rare enough that asking costs next to nothing.
    let doubt = if quiet { longest + longest / 8 } else { (longest + longest / 4).max(median * 2) };
    Limits { doubt: doubt.min(late), late }
}

/// The stages that do not leave the SOCKS server.
const fn is_near(stage: Stage) -> bool {
    matches!(stage, Stage::Tcp | Stage::Greeting)
}

#[cfg(test)]
#[path = "lateness_tests.rs"]
mod tests;
