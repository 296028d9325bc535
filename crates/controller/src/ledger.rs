//! Which `maint` and `drain` are ours. Only ours is ever undone. What is decided here are claims alone; the file that keeps
//! them is `ledger/file.rs`.
//!
//! ```text
//!            to be sent                seen
//!   (none) ─────────────> not seen ───────────> seen ──── to be sent ───> seen, and another one to be sent
//!      ^                     │                   │                                    │
//!      └── not seen in time ─┴─ undone by us, gone, another server, somebody else's ──┘
//! ```

mod file;

use std::collections::{BTreeMap, BTreeSet};

use failover::{Admin, Desired, Name, Process, ServerId, Step};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use self::file::{LedgerFile, beside, dir_of, ordered_in, read, write_new};

/// Sights without the effect after which a command is taken for lost: one that HAProxy read late, because it hung, is
/// carried out before the questions that were asked after it.
const SIGHTS_UNSEEN_MAX: u8 = 3;

/// HAProxy tells whole seconds, of the time that it has run and of the time since a change, so that a moment made of both
/// is off by up to this. What others do to a server within this time of our command cannot be told from it.
const CHANGED_TOLERANCE: i64 = 1;

/// A command goes out as soon as it is written down: behind a disk and a HAProxy that are slow some seconds later. What
/// HAProxy dates outside of this was done by somebody else.
const SENT_WITHIN: i64 = 5;

/// What tells a server from another one of the same name, within one process. Its address does not: a resolver or an
/// operator may change that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) srv_id: u32,
}

/// One server as it was just seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) identity: Identity,
    /// As the runtime API or an agent has set it.
    pub(crate) set: Admin,
    /// `disabled` in the configuration.
    pub(crate) disabled: bool,
    /// Takes traffic, as far as its administrative state goes.
    pub(crate) ready: bool,
    /// When HAProxy last changed its state, in seconds since that process started; less than zero where a server-state file
    /// says so.
    pub(crate) changed: i64,
    /// The same by the clock of this host.
    pub(crate) changed_at: Timestamp,
}

/// Which process of HAProxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Incarnation {
    pid: u32,
    start_time: u64,
}

impl From<&Process> for Incarnation {
    fn from(process: &Process) -> Self {
        Self { pid: process.pid, start_time: process.start_time }
    }
}

/// A run before this one, and the process of HAProxy that it knew last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct EarlierRun {
    process: Option<Incarnation>,
}

/// What was put out of service by us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claim {
    /// `Maint` or `Drain`: seen, or to be sent.
    set: Admin,
    why: Option<Name>,
    since: Timestamp,
    server: Identity,
    /// `Seen::changed` as it was when it was seen as ours for the first time.
    changed: Option<i64>,
    /// To be sent over it.
    next: Option<Admin>,
    /// An operator wants it so. Their own file says so, too; this is for when that is lost.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    ordered: bool,
    /// It has left the configuration, and that was told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    left: bool,
    /// It comes from an earlier run and was not compared with a sight yet.
    #[serde(skip)]
    left_by: Option<EarlierRun>,
    #[serde(skip)]
    unseen: u8,
    /// HAProxy has taken the last command.
    #[serde(skip)]
    accepted: bool,
}

/// What a sight has shown.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    /// Made ready by somebody else, over what was ours.
    pub(crate) overridden: Vec<(ServerId, Admin)>,
    /// Changed by somebody else, in whatever way.
    pub(crate) foreign: Vec<ServerId>,
    /// Out as an earlier run left them.
    pub(crate) kept: Vec<(ServerId, Admin)>,
    /// Claimed by an earlier run, and no servers of a backend that was looked at.
    pub(crate) unknown: Vec<(ServerId, Admin)>,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    claims: BTreeMap<ServerId, Claim>,
    /// That the claims are about, as far as they were seen.
    process: Option<Incarnation>,
    /// Made ready over our `maint` in the present process, by us or by somebody else.
    reopened: BTreeSet<ServerId>,
    /// The last sight, of the same process.
    before: BTreeMap<ServerId, Seen>,
    /// Something was changed that is to be kept.
    touched: bool,
}

impl Ledger {
    /// Takes over what an earlier run has left, beside what is ours since this one began.
    fn adopt(&mut self, process: Option<Incarnation>, claims: BTreeMap<ServerId, Claim>) {
        self.process = self.process.or(process);
        for (server, claim) in claims {
            let left_by = Some(EarlierRun { process });
            self.claims.entry(server).or_insert(Claim { left_by, ..claim });
        }
        self.touched = true;
    }

    /// To be called, and the ledger to be kept, before a command is sent: one whose reply is lost may still have been
    /// carried out.
    pub(crate) fn intend(&mut self, step: &Step, now: Timestamp) {
        let Some(there) = self.before.get(&step.server) else { return };
        self.touched = true;
        let out = match step.set {
            Admin::Ready => {
                if let Some(claim) = self.claims.get_mut(&step.server) {
                    (claim.next, claim.unseen, claim.accepted) = (Some(Admin::Ready), 0, false);
                }
                return;
            }
            out @ (Admin::Maint | Admin::Drain) => out,
        };
        self.reopened.remove(&step.server);
        match self.claims.get_mut(&step.server) {
            Some(claim) if claim.changed.is_some() => {
                (claim.next, claim.unseen, claim.accepted) = (Some(out), 0, false);
            }
            Some(claim) => {
                (claim.set, claim.unseen, claim.accepted) = (out, 0, false);
                claim.since = now;
            }
            None => {
                let (server, why) = (there.identity, step.why.clone());
                let claim = Claim {
                    set: out,
                    why,
                    since: now,
                    server,
                    changed: None,
                    next: None,
                    ordered: false,
                    left: false,
                    left_by: None,
                    unseen: 0,
                    accepted: false,
                };
                self.claims.insert(step.server.clone(), claim);
            }
        }
    }

    /// Notes which claims are operators' orders. What nothing is wished of stays as it was noted.
    pub(crate) fn note_orders(&mut self, desired: &Desired) {
        for (server, claim) in &mut self.claims {
            let wish = desired.get(&server.backend).and_then(|wishes| wishes.get(&server.server));
            let Some(ordered) = wish.map(|wish| wish.insist.is_ordered()) else { continue };
            // It is steered.
            if (claim.ordered, claim.left) != (ordered, false) {
                (claim.ordered, claim.left, self.touched) = (ordered, false, true);
            }
        }
    }

    /// HAProxy has taken the command.
    pub(crate) fn accepted(&mut self, server: &ServerId) {
        if let Some(claim) = self.claims.get_mut(server) {
            claim.accepted = true;
        }
    }

    /// It was not sent, or refused.
    pub(crate) fn withdraw(&mut self, server: &ServerId) {
        let Some(claim) = self.claims.get_mut(server) else { return };
        self.touched = true;
        if claim.changed.is_some() {
            claim.next = None;
        } else {
            self.claims.remove(server);
        }
    }

    /// Compares every claim with what was seen.
    pub(crate) fn settle(&mut self, seen: BTreeMap<ServerId, Seen>, process: &Process) -> News {
        let process = Incarnation::from(process);
        let same_process = self.process.replace(process) == Some(process);
        if !same_process {
            self.touched = true;
            self.reopened.clear();
            self.before.clear();
        }
        let mut news = News::default();
        news.foreign.extend(
            seen.iter().filter(|(server, seen)| self.is_foreign(server, seen)).map(|(id, _)| id.clone()),
        );
        let Self { claims, reopened, touched, .. } = self;
        reopened.retain(|server| seen.get(server).is_some_and(|seen| seen.ready));
        claims.retain(|server, claim| {
            let left_by = claim.left_by.take();
            let inherited = left_by.is_some();
            let same_process = left_by.map_or(same_process, |run| run.process == Some(process));
            let Some(seen) = seen.get(server) else {
                *touched = true;
                news.unknown.extend(inherited.then(|| (server.clone(), claim.set)));
                return false;
            };
            let by_us = claim.next == Some(Admin::Ready);
            let written = (claim.changed, claim.next);
            let somebody_elses = inherited && same_process && !claim.may_have_done(seen);
            let outcome = if somebody_elses { Outcome::Ends } else { claim.settle(seen, same_process) };
            match outcome {
                Outcome::Stays => {
                    *touched |= written != (claim.changed, claim.next);
                    let kept = inherited && claim.changed.is_some();
                    news.kept.extend(kept.then(|| (server.clone(), claim.set)));
                    return true;
                }
                Outcome::Ends => {}
                Outcome::Reopened => {
                    reopened.insert(server.clone());
                    news.overridden.extend((!by_us).then(|| (server.clone(), claim.set)));
                }
            }
            *touched = true;
            false
        });
        self.before = seen;
        news
    }

    /// It is out because an operator wants it so.
    pub(crate) fn is_ordered(&self, server: &ServerId) -> bool {
        self.claims.get(server).is_some_and(|claim| claim.ordered)
    }

    /// It has left the configuration and stays as it is; how it is, where that was not told yet. It is still ours, should it be
    /// steered again.
    pub(crate) fn leave_out(&mut self, server: &ServerId) -> Option<Admin> {
        let claim = self.claims.get_mut(server).filter(|claim| !claim.left)?;
        (claim.left, self.touched) = (true, true);
        Some(claim.set)
    }

    /// Whether it is ours that the server is in this state.
    pub(crate) fn is_ours(&self, server: &ServerId, admin: Admin) -> bool {
        self.claims.get(server).is_some_and(|claim| claim.set == admin)
    }

    pub(crate) fn is_reopened(&self, server: &ServerId) -> bool {
        self.reopened.contains(server)
    }

    /// Somebody else has changed it since it was last seen, or has undone at once what HAProxy had taken from us.
    fn is_foreign(&self, server: &ServerId, seen: &Seen) -> bool {
        let same = |before: &&Seen| before.identity.srv_id == seen.identity.srv_id;
        let Some(before) = self.before.get(server).filter(same) else { return false };
        match self.claims.get(server).and_then(|claim| Some((claim.awaited()?, claim.accepted))) {
            Some((awaited, _)) if awaited == seen.set => false,
            Some((_, true)) => true,
            Some((_, false)) | None => before.set != seen.set,
        }
    }
}

/// What a sight makes of a claim.
enum Outcome {
    Stays,
    Ends,
    /// It ends, because the server is ready.
    Reopened,
}

impl Claim {
    /// The state that a command of ours was to bring about and that was not seen yet.
    fn awaited(&self) -> Option<Admin> {
        self.next.or_else(|| self.changed.is_none().then_some(self.set))
    }

    /// An earlier run has written down that it would send this, and may have ended before it did: then what is seen is
    /// of about that time, or somebody else did it.
    fn may_have_done(&self, seen: &Seen) -> bool {
        let after = seen.changed_at.as_second() - self.since.as_second();
        self.changed.is_some() || seen.set != self.set || (-CHANGED_TOLERANCE..=SENT_WITHIN).contains(&after)
    }

    fn settle(&mut self, seen: &Seen, same_process: bool) -> Outcome {
        if !same_process {
            return self.settle_in_another_process(seen);
        }
        if self.server != seen.identity {
            return Outcome::Ends;
        }
        let reopened = if seen.ready { Outcome::Reopened } else { Outcome::Ends };
        let patient = !self.accepted && self.unseen < SIGHTS_UNSEEN_MAX;
        match (self.awaited(), self.changed, seen.set) {
            (Some(Admin::Ready), _, Admin::Ready) => reopened,
            (Some(awaited), _, set) if awaited == set => self.see(seen),
            (awaited, Some(changed), set) if set == self.set => {
                // In between it was something else: somebody else did that. In drain HAProxy's own checks go on, and each
                // of their verdicts is a change too.
                let dates_us = set == Admin::Maint;
                if dates_us && (seen.changed - changed).abs() > CHANGED_TOLERANCE {
                    return Outcome::Ends;
                }
                match awaited {
                    Some(_) if patient => self.unseen += 1,
                    Some(_) | None => self.next = None,
                }
                Outcome::Stays
            }
            (Some(_), None, Admin::Ready) if patient => {
                self.unseen += 1;
                Outcome::Stays
            }
            (_, None, Admin::Ready) if !self.accepted => Outcome::Ends,
            (_, _, Admin::Ready) => reopened,
            // It is not as we found or left it: somebody else acted after us.
            (_, _, Admin::Drain | Admin::Maint) => Outcome::Ends,
        }
    }

    /// The state of one process says nothing about the next, but for a server-state file that hands ours on: there it is
    /// as old as the process or older. What is younger was set by somebody else.
    fn settle_in_another_process(&mut self, seen: &Seen) -> Outcome {
        let ours = seen.set != Admin::Ready && (seen.set == self.set || self.next == Some(seen.set));
        if ours && !seen.disabled && seen.changed <= CHANGED_TOLERANCE {
            self.server = seen.identity;
            return self.see(seen);
        }
        Outcome::Ends
    }

    /// What is seen is what was to be brought about.
    fn see(&mut self, seen: &Seen) -> Outcome {
        self.set = seen.set;
        (self.changed, self.next) = (Some(seen.changed), None);
        (self.unseen, self.accepted) = (0, false);
        Outcome::Stays
    }
}

#[cfg(test)]
pub(crate) mod tests;
