//! Which `maint` is ours. Only ours is ever undone. Kept in memory: at start whatever a person could have left in
//! `maint` by the runtime API is taken as ours from an earlier run, because a server of ours that nobody puts back
//! into service is the worse mistake.

use std::collections::BTreeSet;

use failover::ServerId;

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    claims: BTreeSet<ServerId>,
}

impl Ledger {
    /// To be called before the command is sent: a command whose reply is lost may still have been carried out.
    pub(crate) fn claim(&mut self, server: ServerId) {
        self.claims.insert(server);
    }

    pub(crate) fn release(&mut self, server: &ServerId) {
        self.claims.remove(server);
    }

    pub(crate) fn is_ours(&self, server: &ServerId) -> bool {
        self.claims.contains(server)
    }
}
