//! What would change how a server is, and when.

use super::super::{Core, Server};
use crate::detector::Account;
use crate::explain::{Draft, Label, Setting, Table, View, plain, written};
use crate::policy::{Cause, Want, Wish};
use crate::recovery::GOOD_MIN;
use crate::{Failback, HeldBecause, ServerId, Verdict, Writes};

const LABEL: Label = Label::Returns;

impl Core {
    pub(super) fn say_returns(
        &self,
        draft: &mut Draft,
        (id, server, wish): (&ServerId, &Server, Option<&Wish>),
        (account, held): (&Account, Option<HeldBecause>),
        view: &View<'_>,
    ) {
        let health = server.detector.as_ref().map(|detector| detector.health().verdict);
        match health {
            _ if account.is_lost => draft.say(LABEL, "with its first answer, at once"),
            Some(Verdict::Degraded | Verdict::Offline) => self.say_way_back(draft, account, view),
            Some(Verdict::Unknown) | None => {
                draft.say(LABEL, "with its first answer, or once its silence is confirmed")
            }
            Some(Verdict::Online) => self.say_stays(draft, id, server, wish, account),
        }
        match held {
            Some(HeldBecause::NoSuccessor) => {
                draft.say(LABEL, "it is taken out as soon as another server is proved to carry traffic");
            }
            Some(HeldBecause::NotOurs(admin)) => {
                let state = admin.as_str();
                draft.say(
                    LABEL,
                    format!("whoever put it into {state} has to lift that; hactl undoes only its own"),
                );
            }
            Some(HeldBecause::NoAgent) => {
                draft.say(
                    LABEL,
                    "write `agent-check` with hactl's port into its line of haproxy.cfg, and reload HAProxy",
                );
            }
            Some(HeldBecause::Contended) | None => {}
        }
        if let Some(until) = view.observed.contended.get(&id.backend) {
            draft.say(LABEL, format!("nothing is written to {} before {}", id.backend, (view.clock)(*until)));
        }
        self.say_withheld(draft, view);
    }

    pub(super) fn say_withheld(&self, draft: &mut Draft, view: &View<'_>) {
        if !matches!(view.observed.writes, Writes::Withheld { .. }) {
            return;
        }
        match view.paused {
            Some(paused) => {
                let until = paused.until.as_ref().map_or("somebody ends it".to_owned(), Clone::clone);
                draft.say(LABEL, format!("the pause lasts until {until}"));
            }
            None => {
                let setting =
                    Setting { table: Table::Instance, key: "mode", value: "\"observe\"".to_owned() };
                draft.rule(LABEL, "hactl acts where the mode is \"active\"", setting);
            }
        }
    }

    /// How it comes back once it answers again.
    fn say_way_back(&self, draft: &mut Draft, account: &Account, view: &View<'_>) {
        let back = account.back;
        let hold = Setting { table: Table::Probe, key: "hold", value: written(self.settings.hold) };
        let longer = if back.hold > self.settings.hold {
            ", longer than usual because it has failed before or was good only briefly".to_owned()
        } else {
            String::new()
        };
        match back.shown {
            Some((good, since)) => {
                let more = match GOOD_MIN.saturating_sub(good) {
                    0 => String::new(),
                    1 => " and after one more good probe".to_owned(),
                    more => format!(" and after {more} more good probes"),
                };
                let (began, at) = ((view.clock)(since), view.ahead(since + back.hold));
                let text = format!("it answers since {began}: used again {at}{more}, if it goes on");
                draft.rule(LABEL, text, hold);
            }
            None => {
                let text = format!(
                    "after {GOOD_MIN} good probes over {}{longer}; it is probed every {}",
                    plain(back.hold),
                    plain(back.every)
                );
                draft.rule(LABEL, text, hold);
            }
        }
        if let Some(until) = back.suppressed_until {
            let most =
                Setting { table: Table::Probe, key: "hold_max", value: written(self.settings.hold_max) };
            let text = format!(
                "it failed so often that it is not trusted before {}, unless it is good for {}",
                (view.clock)(until),
                plain(self.settings.hold_max)
            );
            draft.rule(LABEL, text, most);
        }
        draft.say(LABEL, "at once where no other server works");
    }

    /// It carries traffic: what would move it from where it is.
    fn say_stays(
        &self,
        draft: &mut Draft,
        id: &ServerId,
        server: &Server,
        wish: Option<&Wish>,
        account: &Account,
    ) {
        let want = wish.map(|wish| wish.want);
        let backend = &id.backend;
        match (&server.cause, want) {
            (Some(Cause::FailBack(in_use)), _) => {
                let rules = self.settings.rules_of(backend);
                let asked = match rules.failback {
                    Failback::Manual => format!(", or with `hactl failback {backend}`"),
                    Failback::Auto | Failback::Never => String::new(),
                };
                draft.say(LABEL, format!("when {in_use} fails{asked}"));
            }
            (Some(Cause::Ordered(_)), _) => {
                draft.say(LABEL, format!("when the override ends, or after `hactl auto {id}`"));
            }
            (Some(Cause::Pinned(pinned, _)), Some(Want::Drain)) => {
                draft.say(LABEL, format!("when the pin ends, or after `hactl auto {backend}/{pinned}`"));
            }
            (Some(Cause::Exit), _) => draft.say(LABEL, "never while allow_exit_change is false"),
            (Some(Cause::Tier(preferred) | Cause::Faster(preferred)), Some(Want::Drain)) => {
                draft.say(LABEL, format!("at the first doubt about {preferred}"));
            }
            (Some(Cause::Slow), Some(Want::Maint)) => {
                draft.say(LABEL, "when it is itself again, or no other server works");
            }
            _ => {
                let asked = if account.is_kept { account.cadence.canary } else { account.cadence.full };
                let text = format!(
                    "it is asked every {}; taken out once {} waves of probes stay without an answer",
                    plain(asked),
                    account.waves
                );
                draft.say(LABEL, text);
            }
        }
    }
}
