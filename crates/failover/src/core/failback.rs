//! Going back to a server that is preferred and good again, where that does not happen by itself.

use thiserror::Error;

use super::Core;
use crate::policy::{Cause, works};
use crate::{Event, Failback, Name, Time, Verdict};

/// Why there is nothing to go back to.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FailBackError {
    /// No such backend is steered.
    #[error("hactl steers no backend {0}; `hactl status` lists those that it steers")]
    UnknownBackend(Name),
    /// The configuration rules it out.
    #[error(
        "{0} has failback = \"never\": a server that was left is used again when the one in use fails; write \"manual\" to decide by hand"
    )]
    Never(Name),
    /// Traffic is where it belongs, or what is preferred does not carry any.
    #[error("no server of {0} waits to be used again; `hactl status` says how each of them is")]
    NothingWaits(Name),
}

impl Core {
    /// The servers that [`Input::FailBack`](crate::Input) would let take traffic again.
    ///
    /// # Errors
    /// Why there are none; the input then does nothing.
    pub fn waiting(&self, backend: &Name) -> Result<Vec<Name>, FailBackError> {
        let known =
            self.backends.get(backend).ok_or_else(|| FailBackError::UnknownBackend(backend.clone()))?;
        let waits = |cause: &Option<Cause>| matches!(cause, Some(Cause::FailBack(_)));
        let waiting = self.servers_of(known).filter(|server| waits(&server.cause));
        let names: Vec<Name> = waiting.map(|server| server.id.server.clone()).collect();
        match self.settings.rules_of(backend).failback {
            Failback::Never => Err(FailBackError::Never(backend.clone())),
            Failback::Auto | Failback::Manual if names.is_empty() => {
                Err(FailBackError::NothingWaits(backend.clone()))
            }
            Failback::Auto | Failback::Manual => Ok(names),
        }
    }

    /// An operator wants traffic to go back to where it belongs.
    pub fn on_fail_back(&mut self, backend: &Name, now: Time) {
        self.notice(now);
        let Ok(names) = self.waiting(backend) else { return };
        self.let_back_all(backend);
        self.events.push(Event::FailedBack { backend: backend.clone(), to: names });
        self.decide(backend, now);
    }

    /// Whoever waits for the sake of a server that works no longer is used at once.
    pub(super) fn let_back(&mut self, name: &Name, now: Time) {
        let Some(backend) = self.backends.get(name) else { return };
        let Some(in_use) = &backend.waits_for else { return };
        let rules = self.settings.rules_of(name);
        let view = self.view(name, backend, now);
        if !view.servers.iter().any(|server| server.name == *in_use && works(rules, server)) {
            self.let_back_all(name);
        }
    }

    fn let_back_all(&mut self, name: &Name) {
        let keys = self.backends.get(name).map(|backend| backend.servers.clone()).unwrap_or_default();
        for key in keys {
            let Some(server) = self.servers.get_mut(&key) else { continue };
            let online = server.detector.as_ref().is_some_and(|one| one.health().verdict == Verdict::Online);
            server.out = server.out && !online;
        }
    }
}
