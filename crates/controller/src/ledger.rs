//! Which `maint` is ours. Only ours is ever undone. Kept in memory: at start what a person could only have left in
//! `maint` by the runtime API is taken as ours from an earlier run, because a server of ours that nobody puts back
//! into service is the worse mistake.
//!
//! ```text
//!            command sent              seen in maint
//!   (none) ──────────────> Intended ──────────────────> Confirmed
//!      ^                      │                             │
//!      └── not seen in time ──┴── gone, another server, ────┘
//!                                 somebody else's now
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use failover::ServerId;

/// Sights without the `maint` after which a command is taken for lost: one that HAProxy read late, because it hung,
/// is carried out before the questions that were asked after it.
const SIGHTS_UNSEEN_MAX: u8 = 3;

/// What tells a server from another one of the same name, within one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) srv_id: u32,
    pub(crate) address: Option<SocketAddr>,
}

/// One server as it was just seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) identity: Identity,
    /// Put into `maint` by the runtime API, and by nothing else.
    pub(crate) forced_maint: bool,
    /// `disabled` in the configuration.
    pub(crate) disabled: bool,
    /// Takes traffic, as far as its administrative state goes.
    pub(crate) ready: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    Intended { unseen: u8 },
    Confirmed { identity: Identity, opening: bool },
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    claims: BTreeMap<ServerId, Claim>,
    /// Made ready over our `maint` in the present process, by us or by somebody else.
    reopened: BTreeSet<ServerId>,
}

impl Ledger {
    /// To be called before `maint` is sent: a command whose reply is lost may still have been carried out.
    pub(crate) fn intend(&mut self, server: &ServerId) {
        self.reopened.remove(server);
        let claim = self.claims.entry(server.clone()).or_insert(Claim::Intended { unseen: 0 });
        if let Claim::Intended { unseen } = claim {
            *unseen = 0;
        }
    }

    /// To be called before `ready` is sent.
    pub(crate) fn release(&mut self, server: &ServerId) {
        if let Some(Claim::Confirmed { opening, .. }) = self.claims.get_mut(server) {
            *opening = true;
        }
    }

    /// Takes a server that is in `maint` as ours.
    pub(crate) fn adopt(&mut self, server: ServerId, identity: Identity) {
        self.claims.insert(server, Claim::Confirmed { identity, opening: false });
    }

    /// Compares every claim with what was seen; the servers that somebody else has made ready.
    pub(crate) fn settle(&mut self, seen: &BTreeMap<ServerId, Seen>, same_process: bool) -> Vec<ServerId> {
        let mut news = Vec::new();
        if !same_process {
            self.reopened.clear();
        }
        self.reopened.retain(|server| seen.get(server).is_some_and(|seen| seen.ready));
        self.claims.retain(|server, claim| {
            let Some(seen) = seen.get(server) else { return false };
            let ours = matches!(claim, Claim::Confirmed { opening: true, .. });
            match settled(claim, seen, same_process) {
                Outcome::Stays => return true,
                Outcome::Ends => {}
                Outcome::Reopened => {
                    self.reopened.insert(server.clone());
                    if !ours {
                        news.push(server.clone());
                    }
                }
            }
            false
        });
        news
    }

    pub(crate) fn is_ours(&self, server: &ServerId) -> bool {
        self.claims.contains_key(server)
    }

    pub(crate) fn is_reopened(&self, server: &ServerId) -> bool {
        self.reopened.contains(server)
    }
}

/// What a sight makes of a claim.
enum Outcome {
    Stays,
    Ends,
    /// It ends, because the server is ready.
    Reopened,
}

fn settled(claim: &mut Claim, seen: &Seen, same_process: bool) -> Outcome {
    // The state of one process says nothing about the next, but for a server-state file that hands our maint on.
    let handed_on = same_process || !seen.disabled;
    match *claim {
        Claim::Intended { .. } if seen.forced_maint && handed_on => {
            *claim = Claim::Confirmed { identity: seen.identity, opening: false };
            Outcome::Stays
        }
        // In drain it is not as we found it any more: somebody else acted after us.
        Claim::Intended { unseen } if same_process && seen.ready && unseen < SIGHTS_UNSEEN_MAX => {
            *claim = Claim::Intended { unseen: unseen + 1 };
            Outcome::Stays
        }
        Claim::Confirmed { identity, .. } if same_process && identity != seen.identity => Outcome::Ends,
        Claim::Confirmed { opening, .. } if seen.forced_maint && handed_on => {
            *claim = Claim::Confirmed { identity: seen.identity, opening };
            Outcome::Stays
        }
        Claim::Confirmed { .. } if same_process && seen.ready => Outcome::Reopened,
        Claim::Confirmed { .. } | Claim::Intended { .. } => Outcome::Ends,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Identity = Identity { srv_id: 1, address: None };
    const READY: Seen = Seen { identity: HERE, forced_maint: false, disabled: false, ready: true };
    const MAINT: Seen = Seen { forced_maint: true, ready: false, ..READY };
    const DRAIN: Seen = Seen { ready: false, ..READY };

    #[test]
    fn a_claim_lasts_from_the_command_as_long_as_the_maint_is_seen() {
        let mut ledger = confirmed();
        ledger.release(&wg1());
        assert!(look(&mut ledger, READY, true).is_empty(), "it was us");
        assert!(!ledger.is_ours(&wg1()) && ledger.is_reopened(&wg1()));
        ledger.intend(&wg1());
        assert!(!ledger.is_reopened(&wg1()));
    }

    #[test]
    fn what_another_does_over_our_maint_ends_the_claim_and_a_ready_is_told_once() {
        let mut ledger = confirmed();
        assert!(look(&mut ledger, DRAIN, true).is_empty());
        look(&mut ledger, MAINT, true);
        assert!(!ledger.is_ours(&wg1()), "the maint after the drain is theirs");

        let mut ledger = confirmed();
        assert_eq!(look(&mut ledger, READY, true), [wg1()]);
        assert!(look(&mut ledger, READY, true).is_empty());
        assert!(ledger.is_reopened(&wg1()) && !ledger.is_ours(&wg1()));
        look(&mut ledger, READY, false);
        assert!(!ledger.is_reopened(&wg1()), "another process knows nothing of it");
    }

    #[test]
    fn another_server_of_the_same_name_is_not_ours() {
        let mut ledger = confirmed();
        look(&mut ledger, Seen { identity: Identity { srv_id: 4, ..HERE }, ..MAINT }, true);
        assert!(!ledger.is_ours(&wg1()));
        let mut ledger = confirmed();
        ledger.settle(&BTreeMap::new(), true);
        look(&mut ledger, MAINT, true);
        assert!(!ledger.is_ours(&wg1()));
    }

    #[test]
    fn a_new_process_may_hand_our_maint_on_but_not_one_that_the_configuration_disables() {
        let mut ledger = confirmed();
        look(&mut ledger, Seen { identity: Identity { srv_id: 4, ..HERE }, ..MAINT }, false);
        assert!(ledger.is_ours(&wg1()));
        look(&mut ledger, Seen { disabled: true, ..MAINT }, false);
        assert!(!ledger.is_ours(&wg1()));
        let mut ledger = confirmed();
        assert!(look(&mut ledger, READY, false).is_empty(), "it forgot, nobody overrode");
        assert!(!ledger.is_ours(&wg1()));
    }

    #[test]
    fn a_command_whose_outcome_is_unknown_is_ours_for_a_while() {
        let mut ledger = Ledger::default();
        ledger.intend(&wg1());
        look(&mut ledger, READY, true);
        look(&mut ledger, MAINT, true);
        assert!(ledger.is_ours(&wg1()));
        let mut ledger = Ledger::default();
        ledger.intend(&wg1());
        look(&mut ledger, DRAIN, true);
        look(&mut ledger, MAINT, true);
        assert!(!ledger.is_ours(&wg1()), "somebody else drained it before it was read back");
        let mut ledger = Ledger::default();
        ledger.intend(&wg1());
        for _ in 0..=SIGHTS_UNSEEN_MAX {
            assert!(ledger.is_ours(&wg1()));
            look(&mut ledger, READY, true);
        }
        assert!(!ledger.is_ours(&wg1()));
    }

    fn wg1() -> ServerId {
        ServerId::new("b", "wg1")
    }

    fn confirmed() -> Ledger {
        let mut ledger = Ledger::default();
        ledger.intend(&wg1());
        look(&mut ledger, MAINT, true);
        assert!(ledger.is_ours(&wg1()));
        ledger
    }

    fn look(ledger: &mut Ledger, seen: Seen, same_process: bool) -> Vec<ServerId> {
        ledger.settle(&BTreeMap::from([(wg1(), seen)]), same_process)
    }
}
