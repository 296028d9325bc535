//! What may never happen, whoever does what. Each promise has its number in `FAULTS.md`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use failover::{Desired, Event, Want};
use tokio::time::Instant;

use super::haproxy::{FMAINT, Haproxy, Who, Write};
use crate::world::{Fault, Trouble, World};

/// Steps that are shown where a promise was broken.
const SHOWN: usize = 40;

/// I3: how long ago the reason of a command may lie. One that HAProxy was given while it hung is done when it goes on.
const CAUSE_AGE_MAX: Duration = Duration::from_secs(5);

/// I1: how long a backend that somebody else emptied may stay so while a server of it is out because of us.
const GIVEN_BACK_WITHIN: Duration = Duration::from_secs(4);

/// I6: after so long without any trouble of its own, of its targets or of this process nothing is held against a server.
const WELL_FOR: Duration = Duration::from_secs(4);

/// I7: connections at a time, given up ones among them while HAProxy hangs; it has ten slots for everybody.
const CONNECTIONS_MAX: u32 = 8;

/// I5: commands for each thing that happened; what is refused or lost is repeated.
const COMMANDS_PER_CAUSE: usize = 6;
const COMMANDS_AT_START: usize = 12;

#[derive(Debug)]
pub(crate) struct Promises {
    history: VecDeque<String>,
    /// By server, when it was last wanted out with a reason, and when in.
    wanted_out: BTreeMap<String, Instant>,
    wanted_in: BTreeMap<String, Instant>,
    /// By server, since when its tunnel is well.
    well_since: BTreeMap<String, Instant>,
    /// Since when the uplink, all targets and this process are.
    clear_since: Instant,
    empty_since: Option<Instant>,
    /// hactl stands back from the backend, because others keep changing it.
    contended: bool,
    checked: usize,
    causes: usize,
    /// Refusals that have to be told, and those that were.
    refused: BTreeSet<String>,
    told_refused: BTreeSet<String>,
}

impl Promises {
    pub(crate) fn new() -> Self {
        Self {
            history: VecDeque::new(),
            wanted_out: BTreeMap::new(),
            wanted_in: BTreeMap::new(),
            well_since: BTreeMap::new(),
            clear_since: Instant::now(),
            empty_since: None,
            contended: false,
            checked: 0,
            causes: 0,
            refused: BTreeSet::new(),
            told_refused: BTreeSet::new(),
        }
    }

    pub(crate) fn note(&mut self, text: String) {
        if self.history.len() == SHOWN {
            self.history.pop_front();
        }
        self.history.push_back(text);
    }

    /// Something happened from which commands may follow.
    pub(crate) fn cause(&mut self, text: String) {
        self.causes += 1;
        self.note(text);
    }

    /// This process did not run.
    pub(crate) fn stalled(&mut self) {
        self.clear_since = Instant::now();
    }

    pub(crate) fn wanted(&mut self, desired: &Desired) {
        let now = Instant::now();
        for (name, wish) in desired.values().flatten() {
            if wish.want == Want::Ready {
                self.wanted_in.insert(name.to_string(), now);
            } else if wish.want == Want::Maint {
                if wish.why.is_none() {
                    self.broken(&format!("I3: {name} is wanted out without a reason"));
                }
                self.wanted_out.insert(name.to_string(), now);
            }
        }
    }

    pub(crate) fn told(&mut self, event: &Event) {
        let text = event.to_string();
        assert!(!text.is_empty());
        if let Event::Health { server, to, .. } = event {
            self.causes += 1;
            let well = self.well_since.get(server.server.as_str());
            let long = |since: Instant| since.elapsed() >= WELL_FOR;
            if to.is_condemned() && well.is_some_and(|since| long(*since)) && long(self.clear_since) {
                self.broken(&format!("I6: {text}, and all was well"));
            }
        }
        if let Event::Contended { stand_back, .. } = event {
            self.contended = stand_back.is_some();
        }
        if let Event::Refused { server, .. } = event {
            self.told_refused.insert(server.server.to_string());
        }
        self.note(format!("told: {text}"));
    }

    /// Everything, after any step.
    pub(crate) fn check(&mut self, world: &World, haproxy: &Haproxy) {
        self.watch(world, haproxy);
        if let Some(forbidden) = &haproxy.forbidden {
            self.broken(&format!("I8: {forbidden:?} was sent"));
        }
        if haproxy.open.1 > CONNECTIONS_MAX {
            self.broken(&format!("I7: {} connections at a time", haproxy.open.1));
        }
        let writes: Vec<Write> = haproxy.writes[self.checked..].to_vec();
        self.checked = haproxy.writes.len();
        for write in &writes {
            self.note(format!("hactl: {write:?}"));
            self.check_write(write);
        }
        if haproxy.writes.len() > COMMANDS_AT_START + self.causes * COMMANDS_PER_CAUSE {
            self.broken(&format!("I5: {} commands for {} causes", haproxy.writes.len(), self.causes));
        }
        let ours = haproxy.servers.iter().any(|server| server.by == Who::Us && server.admin & FMAINT != 0);
        let ours_to_give_back = ours && !haproxy.is_usable() && !haproxy.is_busy();
        self.empty_since = ours_to_give_back.then(|| self.empty_since.unwrap_or_else(Instant::now));
        if self.empty_since.is_some_and(|since| since.elapsed() > GIVEN_BACK_WITHIN) {
            self.broken("I1: the backend is empty, and one of its servers is out because of us");
        }
    }

    /// Nothing is to be expected of hactl for the next minutes but that it gives back.
    pub(crate) const fn is_contended(&self) -> bool {
        self.contended
    }

    /// At the end, when nothing has been wrong for long.
    pub(crate) fn check_end(&self) {
        if let Some(server) = self.refused.difference(&self.told_refused).next() {
            self.broken(&format!("I10: a refusal for {server} was not told"));
        }
    }

    pub(crate) fn broken(&self, what: &str) -> ! {
        let history: Vec<&str> = self.history.iter().map(String::as_str).collect();
        panic!("{what}\n{}", history.join("\n"));
    }

    fn check_write(&mut self, write: &Write) {
        let Some(server) = &write.server else { return };
        if server.is_out() && server.by == Who::Them && !write.raced {
            self.broken(&format!("I2: `{}` undoes what somebody else did", write.text));
        }
        if write.usable == (true, false) && !write.raced {
            self.broken(&format!("I1: `{}` leaves nothing", write.text));
        }
        let wanted = if write.set == "ready" { &self.wanted_in } else { &self.wanted_out };
        let caused = wanted.get(&server.name).is_some_and(|at| at.elapsed() <= CAUSE_AGE_MAX);
        let given_back = write.set == "ready" && (!write.usable.0 || write.raced);
        if !caused && !given_back {
            self.broken(&format!("I3: nobody wanted `{}`", write.text));
        }
        if write.refused && !write.raced {
            self.refused.insert(server.name.clone());
        }
    }

    /// Since when who and what is well.
    fn watch(&mut self, world: &World, haproxy: &Haproxy) {
        let now = Instant::now();
        self.well_since.retain(|name, _| haproxy.servers.iter().any(|server| server.name == *name));
        for server in &haproxy.servers {
            let well = world.faults.get(&server.name).is_none_or(|fault| *fault == Fault::None);
            if well {
                self.well_since.entry(server.name.clone()).or_insert(now);
            } else {
                self.well_since.remove(&server.name);
            }
        }
        if !world.uplink || world.troubles.values().any(|trouble| *trouble != Trouble::None) {
            self.clear_since = now;
        }
    }
}
