//! What was seen of a server, and who is to blame.

use std::time::Duration;

use super::super::compare::Witness;
use super::super::{Core, Server};
use crate::detector::Account;
use crate::event::{Span, frozen_text};
use crate::explain::{Draft, Label, View};

const LABEL: Label = Label::Evidence;

impl Core {
    pub(super) fn say_evidence(
        &self,
        draft: &mut Draft,
        server: &Server,
        account: &Account,
        view: &View<'_>,
    ) {
        draft.say(LABEL, probes(account, view));
        if account.failed_in_row > 0
            && let Some(at) = account.last_answer
        {
            draft.say(LABEL, format!("last complete answer {}", view.ago(at)));
        }
        if let (Some(found), Some(reason)) = (account.found, &account.reason) {
            let silent = Span(found.at.since(found.silent_since));
            let text = if found.local {
                format!("found at {}: {reason}", (view.clock)(found.at))
            } else {
                // A reason that nothing came says itself how often.
                let counted = reason.text.ends_with(" probes)");
                let more = if counted { String::new() } else { format!(" and {} probes more", found.probes) };
                format!("found at {}, after {silent} of silence{more}: {reason}", (view.clock)(found.at))
            };
            draft.say(LABEL, text);
            draft.say(LABEL, self.blame(server, account, found.local));
        }
        if let Some(doubt) = account.doubt {
            let (sent, waves) = (doubt.sent, doubt.waves);
            draft.say(
                LABEL,
                format!("in doubt since {}: wave {sent} of {waves} is out", (view.clock)(doubt.since)),
            );
        }
        self.say_pace(draft, server, account, view);
    }

    /// Whose fault it is, and how that is known.
    fn blame(&self, server: &Server, account: &Account, local: bool) -> String {
        if account.is_lost {
            let what = frozen_text(self.has_control());
            return format!("nothing else answers either, so nobody can be blamed: {what}");
        }
        if local {
            return "that is the SOCKS server's own answer: no network or target can be to blame".to_owned();
        }
        match &server.witness {
            Some(Witness::Control) => {
                "the control target answered directly meanwhile: this host is online, the tunnel is not"
                    .to_owned()
            }
            Some(Witness::Server(other)) => {
                let other = other.as_ref().map_or_else(|| "another server".to_owned(), ToString::to_string);
                format!("{other} answered what was asked meanwhile: this host is online, the tunnel is not")
            }
            None => "no other server was needed to tell".to_owned(),
        }
    }

    fn say_pace(&self, draft: &mut Draft, server: &Server, account: &Account, view: &View<'_>) {
        if let Some((since, pace)) = account.slow {
            let pace = pace.map(|pace| format!(" ({} ms an exchange)", pace.as_millis())).unwrap_or_default();
            let others = if server.slow_since.is_some() {
                "while a faster server is at hand"
            } else {
                "and no other server is faster"
            };
            draft.say(LABEL, format!("much slower than usual since {}{pace}, {others}", (view.clock)(since)));
        }
        for resting in &account.resting {
            let (target, until) = (&resting.target, (view.clock)(resting.until));
            draft.say(LABEL, format!("{target} rests through it until {until}: {}", resting.why));
        }
        if account.resting.len() == account.targets {
            draft.say(LABEL, "all targets rest, so one of them is asked all the same");
        }
        if account.zombies > 0 {
            let count = account.zombies;
            draft.say(LABEL, format!("{count} probes still hang in its SOCKS server, which limits new ones"));
        }
    }
}

/// The probes that are remembered, in one line.
fn probes(account: &Account, view: &View<'_>) -> String {
    let Account { remembered, failed, failed_in_row, .. } = *account;
    if remembered == 0 {
        return "no probe has ended yet".to_owned();
    }
    let millis = |took: Duration| format!("{} ms", took.as_millis());
    let (p50, p95) = (account.p50.map(millis), account.p95.map(millis));
    let pace =
        p50.zip(p95).map(|(p50, p95)| format!(", median {p50}, 95 % within {p95}")).unwrap_or_default();
    if failed_in_row == remembered {
        return format!("the last {remembered} probes failed, and none before is remembered");
    }
    if failed_in_row > 0 {
        let reason = account.reason.as_ref().map(|reason| format!(" at stage {}", reason.stage));
        let reason = reason.unwrap_or_default();
        let probes = if failed_in_row == 1 { "probe" } else { "probes" };
        return format!("the last {failed_in_row} {probes} of {remembered} failed{reason}");
    }
    let last = account.last.map(millis).unwrap_or_default();
    let at = account.last_answer.map(|at| format!(" at {}", (view.clock)(at))).unwrap_or_default();
    format!("the last probe passed in {last}{at}; {failed} of {remembered} failed{pace}")
}
