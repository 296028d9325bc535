//! Other settings for a core that runs: what it knows stays.

use super::{Core, Key};
use crate::moved::Moved;
use crate::{Name, Settings, Time};

impl Core {
    /// Takes these settings in place of its own, but for the seed, which counts at the start alone. What is known of
    /// servers and targets stays; where the targets are others, what is under way is dropped and asked anew.
    pub fn on_settings(&mut self, settings: &Settings, now: Time) {
        self.notice(now);
        let moved = Moved::between(&self.settings.targets, &settings.targets);
        self.settings = Settings { seed: self.settings.seed, ..settings.clone() };
        // What was asked of it may not be what would be asked now.
        self.control.forget(&mut self.orders);
        for key in self.servers.keys().copied().collect::<Vec<Key>>() {
            self.touch(key, now, |detector, desk| detector.on_settings(moved.as_ref(), desk));
        }
        for name in self.backends.keys().cloned().collect::<Vec<Name>>() {
            self.decide(&name, now);
        }
    }
}
