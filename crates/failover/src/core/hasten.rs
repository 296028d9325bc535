//! A probe because somebody wants to see one: the next one of a server, brought forward. What it shows is evidence like any
//! other, so that nothing is judged here, and it costs no more than the clock would have allowed later.

use thiserror::Error;

use super::{Core, Server};
use crate::{ServerId, Time};

/// Why a server cannot be probed at all.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProbeRefusal {
    /// No such server is steered.
    #[error("hactl steers no server {0}; `hactl status` lists those that it steers")]
    UnknownServer(ServerId),
    /// HAProxy has no address for it.
    #[error("HAProxy has no address for {0}")]
    NoAddress(ServerId),
}

impl Core {
    /// Whether the server is being asked just now by more than its canary: then another probe would tell nothing more.
    ///
    /// # Errors
    /// Why it cannot be probed.
    pub fn is_being_probed(&self, server: &ServerId) -> Result<bool, ProbeRefusal> {
        let known = self.steered(server).ok_or_else(|| ProbeRefusal::UnknownServer(server.clone()))?;
        let detector = known.1.detector.as_ref().ok_or_else(|| ProbeRefusal::NoAddress(server.clone()))?;
        Ok(detector.is_being_asked())
    }

    /// Somebody wants to see a probe of this server. One at a time; the budget of a dead one holds all the same.
    pub fn on_probe(&mut self, server: &ServerId, now: Time) {
        self.notice(now);
        let Some((key, _)) = self.steered(server).filter(|_| self.is_being_probed(server) == Ok(false))
        else {
            return;
        };
        self.touch(key, now, |detector, desk| detector.hasten(desk));
        self.decide_all_if_due(now);
    }

    fn steered(&self, server: &ServerId) -> Option<(super::Key, &Server)> {
        let keys = self.backends.get(&server.backend)?.servers.iter();
        let mut known = keys.filter_map(|key| Some((*key, self.servers.get(key)?)));
        known.find(|(_, known)| known.id == *server)
    }
}
