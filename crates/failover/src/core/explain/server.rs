//! One server, explained.

use super::super::{Core, Server};
use super::effect::names;
use crate::detector::Account;
use crate::event::Span;
use crate::explain::{Draft, Explanation, Label, Setting, Table, View, written};
use crate::policy::{Cause, Wish};
use crate::{
    Admin, Failback, Haproxy, HeldBecause, Name, ObservedServer, Operational, Owner, Plan, ServerId, Verdict,
    WhenAllDown, Writes,
};

/// What is known of one server, from all sides.
struct Case<'a> {
    id: ServerId,
    there: &'a ObservedServer,
    server: Option<&'a Server>,
    account: Option<Account>,
    wish: Option<&'a Wish>,
    held: Option<HeldBecause>,
    /// What is about to be done with it.
    pending: Option<Admin>,
    in_service: Vec<Name>,
}

impl Core {
    pub(super) fn explain_server(
        &self,
        backend: &Name,
        there: &ObservedServer,
        todo: &Plan,
        view: &View<'_>,
    ) -> Explanation {
        let case = self.case(backend, there, todo, view);
        let mut draft = Draft::default();
        match (&case.server, &case.account) {
            (Some(server), Some(account)) => {
                self.say_evidence(&mut draft, server, account, view);
                self.say_rule(&mut draft, &case, account);
                let subject = (&case.id, *server, case.wish);
                self.say_returns(&mut draft, subject, (account, case.held), view);
            }
            (Some(_), None) => {
                draft.say(
                    Label::Evidence,
                    "HAProxy has no address for it (DNS, or none that TCP can reach), so it cannot be probed",
                );
                draft.say(Label::Returns, "once HAProxy has an address for it");
            }
            (None, _) => {
                draft.say(Label::Evidence, "it is not probed");
                let servers = Setting {
                    table: Table::Backend(backend.clone()),
                    key: "servers",
                    value: "without it".to_owned(),
                };
                draft.rule(
                    Label::Rule,
                    "hactl leaves servers alone that the configuration does not name",
                    servers,
                );
                draft.say(Label::Returns, "never by hactl: whoever put it into its state has to change that");
            }
        }
        self.say_effect(&mut draft, &case.id, there, (case.server, todo), view);
        draft.say(Label::Override, self.order_line(&case.id));
        for command in case.commands(view) {
            draft.say(Label::Try, command);
        }
        let headline = self.headline(&case, view);
        draft.finish(case.id.to_string(), headline)
    }

    fn case<'a>(
        &'a self,
        backend: &Name,
        there: &'a ObservedServer,
        todo: &Plan,
        view: &View<'_>,
    ) -> Case<'a> {
        let id = ServerId { backend: backend.clone(), server: there.name.clone() };
        let known = self.backends.get(backend).filter(|_| there.managed);
        let server =
            known.and_then(|known| self.servers_of(known).find(|server| server.id.server == there.name));
        let wish = self.desired.get(backend).and_then(|wishes| wishes.get(&there.name));
        let held = todo.held.iter().find(|held| held.server == id).map(|held| held.because);
        let pending = todo.steps.iter().find(|step| step.server == id).map(|step| step.set);
        let in_service =
            view.observed.backends.get(backend).map(|seen| seen.in_service()).unwrap_or_default();
        let detector = server.and_then(|server| server.detector.as_ref());
        let account = detector.map(|detector| detector.account(&self.settings, view.now));
        Case { id, there, server, account, wish, held, pending, in_service }
    }

    fn headline(&self, case: &Case<'_>, view: &View<'_>) -> String {
        let id = &case.id;
        let Some(server) = case.server else {
            let has = if view.is_answering() { "has" } else { "last had" };
            let admin = case.there.admin.as_str();
            return format!("{id} is left alone by hactl, and HAProxy {has} it in {admin}.");
        };
        let health = server.detector.as_ref().map(|detector| detector.health());
        let (verdict, since) =
            health.map_or((Verdict::Unknown, server.since), |health| (health.verdict, health.since));
        let word = verdict.as_str().to_uppercase();
        let lasted = Span(view.now.since(since));
        let since = (view.clock)(since);
        format!("{id} is {word} since {since} ({lasted}), {}.", self.consequence(case, verdict, view))
    }

    /// What follows from its health, as the rest of a sentence.
    fn consequence(&self, case: &Case<'_>, verdict: Verdict, view: &View<'_>) -> String {
        if let Some(because) = case.held {
            return held_text(because);
        }
        if let Some(set) = case.pending {
            return pending_text(case.there, set, view);
        }
        if !view.is_answering() {
            let admin = case.there.admin.as_str();
            return format!("and HAProxy, which does not answer, last had it in {admin}");
        }
        let (admin, owner) = case.there.position();
        match (admin, owner) {
            (Admin::Ready, _) => self.in_rotation(case, verdict),
            (Admin::Maint | Admin::Drain, Owner::Theirs) => {
                format!("and somebody else put it into {}, which is left alone", admin.as_str())
            }
            (Admin::Maint | Admin::Drain, Owner::Ours) => {
                let state = match case.there.agent {
                    Some(_) => "DOWN by its agent-check".to_owned(),
                    None => admin.as_str().to_uppercase(),
                };
                match case.server.and_then(|server| server.cause.as_ref()) {
                    Some(cause) if cause.is_rule() => {
                        format!("but HAProxy holds it in {state} by a rule: {}", rule_words(cause))
                    }
                    Some(Cause::Slow) if verdict == Verdict::Online => {
                        format!("but much slower than usual, so HAProxy holds it in {state}")
                    }
                    _ if verdict == Verdict::Unknown => {
                        format!("and HAProxy holds it in {state} until something is known")
                    }
                    // A rule has put it there while it was online.
                    _ if admin == Admin::Drain => {
                        format!("and stays in {state}, where it gets no new connections either")
                    }
                    _ => format!("so HAProxy holds it in {state}"),
                }
            }
        }
    }

    /// HAProxy may use it: whether it does.
    fn in_rotation(&self, case: &Case<'_>, verdict: Verdict) -> String {
        let there = case.there;
        let serves = case.in_service.contains(&there.name);
        let is_lost = case.account.as_ref().is_some_and(|account| account.is_lost);
        if is_lost {
            return "together with everything else, so that nobody can be blamed and nothing is changed"
                .to_owned();
        }
        match verdict {
            Verdict::Degraded | Verdict::Offline if serves => {
                "and stays in service: no other server is known to carry traffic".to_owned()
            }
            Verdict::Degraded | Verdict::Offline => "and stays as it is: HAProxy does not use it".to_owned(),
            Verdict::Unknown if serves => "and stays in service until something is known".to_owned(),
            Verdict::Unknown => "and stays as it is until something is known".to_owned(),
            Verdict::Online if serves && case.in_service.len() > 1 => {
                format!("and shares new connections with {} others", case.in_service.len() - 1)
            }
            Verdict::Online if serves => "and takes all new connections".to_owned(),
            Verdict::Online if there.operational == Operational::Stopped => {
                "but HAProxy's own checks say it is down, so it is not used".to_owned()
            }
            Verdict::Online if there.weight == 0 => {
                "but its weight is 0, so HAProxy does not use it".to_owned()
            }
            Verdict::Online => format!("and in reserve: HAProxy prefers {}", names(&case.in_service)),
        }
    }

    /// What follows, and by which setting.
    fn say_rule(&self, draft: &mut Draft, case: &Case<'_>, account: &Account) {
        const LABEL: Label = Label::Rule;
        let probe = |key: &'static str, value: String| Setting { table: Table::Probe, key, value };
        let cause = case.server.and_then(|server| server.cause.as_ref());
        if let Some((cause, setting)) =
            cause.and_then(|cause| Some((cause, self.setting_of(cause, &case.id.backend)?)))
        {
            draft.rule(LABEL, rule_words(cause), setting);
        }
        if let Some(cause @ (Cause::Ordered(_) | Cause::Pinned(..))) = cause {
            draft.say(LABEL, rule_words(cause));
        }
        let blackout = self.backends.get(&case.id.backend).is_some_and(|backend| backend.blackout.is_some());
        let rules = self.settings.rules_of(&case.id.backend);
        let by_order = matches!(cause, Some(Cause::Ordered(_)));
        if blackout && !by_order && rules.when_all_down == WhenAllDown::LastGood {
            let table = Table::Backend(case.id.backend.clone());
            let setting = Setting { table, key: "when_all_down", value: "\"last-good\"".to_owned() };
            draft.rule(
                LABEL,
                "no server of the backend carries traffic, so what was usable stays usable",
                setting,
            );
        }
        if account.is_condemned {
            let text = if account.found.is_some_and(|found| found.local) {
                "what the SOCKS server itself refuses twice, with a pause, condemns it".to_owned()
            } else {
                "a silence condemns it once it lasted through as many probes as so few mistakes ask for"
                    .to_owned()
            };
            draft.rule(LABEL, text, probe("false_alarm_every", written(self.settings.false_alarm_every)));
            if !self.settings.ride_through.is_zero() {
                let ride = probe("ride_through", written(self.settings.ride_through));
                draft.rule(LABEL, "what is over sooner moves nobody", ride);
            }
        } else if account.is_lost {
            let control = probe("control", if self.has_control() { "set" } else { "not set" }.to_owned());
            draft.rule(LABEL, "where nothing at all answers, nobody is to blame", control);
        } else if account.is_fresh {
            draft.say(LABEL, "what nothing is known of is left as it is");
        } else if cause.is_none_or(|cause| !cause.is_rule()) {
            draft.say(
                LABEL,
                "what carries traffic is wanted in rotation; HAProxy's order decides which is used",
            );
        }
    }

    /// The setting behind a rule.
    fn setting_of(&self, cause: &Cause, backend: &Name) -> Option<Setting> {
        let rules = self.settings.rules_of(backend);
        let (key, value) = match cause {
            Cause::Health => return None,
            Cause::Slow => ("on_slow", "\"move\""),
            Cause::FailBack(_) => {
                ("failback", if rules.failback == Failback::Never { "\"never\"" } else { "\"manual\"" })
            }
            Cause::Exit => ("allow_exit_change", "false"),
            Cause::AllDown => match rules.when_all_down {
                WhenAllDown::LastGood => ("when_all_down", "\"last-good\""),
                WhenAllDown::FailClosed => ("when_all_down", "\"fail-closed\""),
                WhenAllDown::AllOpen => ("when_all_down", "\"all-open\""),
            },
            Cause::Tier(_) => ("tiers", "as written"),
            Cause::Faster(_) => ("policy", "\"latency\""),
            Cause::Ordered(_) | Cause::Pinned(..) => return None,
        };
        let slow_but_shown = matches!(cause, Cause::Slow) && rules.on_slow != crate::OnSlow::Move;
        let setting = Setting { table: Table::Backend(backend.clone()), key, value: value.to_owned() };
        (!slow_but_shown).then_some(setting)
    }
}

impl Case<'_> {
    /// What to type next.
    fn commands(&self, view: &View<'_>) -> Vec<String> {
        let id = &self.id;
        let mut commands = Vec::new();
        if self.there.address.is_some() {
            commands.push(format!("hactl check -v {id}"));
        }
        match (self.held, view.paused) {
            (Some(HeldBecause::NotOurs(_)), _) => {
                commands.push(format!("hactl events --server {id}, for when that began"));
            }
            (_, Some(_)) => commands.push("hactl resume".to_owned()),
            _ => {}
        }
        match self.server.and_then(|server| server.cause.as_ref()) {
            Some(Cause::FailBack(_)) => commands.push(format!("hactl failback {}", id.backend)),
            Some(Cause::Ordered(_)) => commands.push(format!("hactl auto {id}")),
            Some(Cause::Pinned(pinned, _)) => commands.push(format!("hactl auto {}/{pinned}", id.backend)),
            Some(
                Cause::Health
                | Cause::Slow
                | Cause::Exit
                | Cause::AllDown
                | Cause::Tier(_)
                | Cause::Faster(_),
            )
            | None => {}
        }
        let is_condemned = self.account.as_ref().is_some_and(|account| account.is_condemned);
        if is_condemned {
            commands.push(format!("hactl wait {id} --for online"));
        }
        commands
    }
}

fn rule_words(cause: &Cause) -> String {
    match cause {
        Cause::Health => "what is known of it decides".to_owned(),
        Cause::Slow => "a server that has become much slower makes room for a faster one".to_owned(),
        Cause::FailBack(in_use) => {
            format!("it is good again, and waits for as long as {in_use} works")
        }
        Cause::Exit => "only the first tier is used".to_owned(),
        Cause::AllDown => "no server of the backend carries traffic".to_owned(),
        Cause::Tier(preferred) => format!("{preferred}, of a better tier, is used instead"),
        Cause::Faster(faster) => format!("{faster} is clearly faster, and used instead"),
        Cause::Ordered(_) => "an operator wants it so".to_owned(),
        Cause::Pinned(pinned, _) => format!("an operator wants the traffic on {pinned}"),
    }
}

fn held_text(because: HeldBecause) -> String {
    match because {
        HeldBecause::NoSuccessor => "but stays in service: no other server could take over".to_owned(),
        HeldBecause::NotOurs(admin) => {
            format!("but somebody else put it into {}, and that is left alone", admin.as_str())
        }
        HeldBecause::Contended => {
            "and left as it is for now: somebody else keeps changing this backend".to_owned()
        }
        HeldBecause::NoAgent => "but cannot be taken out: it has no agent-check that asks hactl".to_owned(),
    }
}

/// Something is wanted and not done yet: what, and why not.
fn pending_text(there: &ObservedServer, set: Admin, view: &View<'_>) -> String {
    let state = match (there.agent, set) {
        (Some(_), Admin::Ready) => "UP".to_owned(),
        (Some(_), Admin::Drain | Admin::Maint) => "DOWN".to_owned(),
        (None, set) => set.as_str().to_uppercase(),
    };
    let why = match (&view.observed.haproxy, &view.observed.writes) {
        (Haproxy::Away { .. } | Haproxy::Unseen, _) => "HAProxy does not answer",
        (_, Writes::Withheld { .. }) if view.paused.is_some() => "hactl is paused",
        (_, Writes::Withheld { .. }) => "hactl only observes",
        (_, Writes::Denied { .. }) => "HAProxy lets nothing be changed",
        (_, Writes::Refused { .. }) => "HAProxy refuses it",
        (_, Writes::Applied) => return format!("so it is just being put into {state}"),
    };
    format!("and wanted in {state}, but {why}")
}
