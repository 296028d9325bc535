//! One backend, explained.

use super::super::{Backend, Core, Server};
use super::effect::names;
use crate::event::Span;
use crate::explain::{Draft, Explanation, Label, Setting, Table, View, written};
use crate::{
    Admin, Failback, HeldBecause, Name, ObservedBackend, OnSlow, Plan, Policy, Rules, ServerId, Sessions,
    Time, Verdict, WhenAllDown,
};

/// Servers that are named each; of more, only those that are not online.
const LISTED_MAX: usize = 16;

impl Core {
    pub(super) fn explain_backend(
        &self,
        name: &Name,
        seen: &ObservedBackend,
        todo: &Plan,
        view: &View<'_>,
    ) -> Explanation {
        let mut draft = Draft::default();
        let known = self.backends.get(name);
        let in_service = seen.in_service();
        if let Some(backend) = known {
            self.say_servers(&mut draft, backend, seen);
        }
        self.say_rules(&mut draft, name);
        let since = known.and_then(|backend| backend.in_service.as_ref()).map(|(_, since)| *since);
        draft.say(Label::Effect, served(&in_service, since, view));
        let steps = todo.steps.iter().filter(|step| step.server.backend == *name);
        for step in steps.take(LISTED_MAX) {
            draft.say(Label::Effect, format!("{} is wanted in {}", step.server, step.set.as_str()));
        }
        for obstacle in Self::obstacles(view, todo) {
            draft.say(Label::Effect, obstacle);
        }
        self.say_changes(&mut draft, name, known, todo, view);
        for order in self.order_lines(name).take(LISTED_MAX) {
            draft.say(Label::Override, order);
        }
        if draft.is_without(Label::Override) {
            draft.say(Label::Override, "none");
        }
        let worst = known.and_then(|backend| self.servers_of(backend).find(|server| is_condemned(server)));
        if let Some(server) = worst {
            draft.say(Label::Try, format!("hactl explain {}", server.id));
        }
        let ordered: Vec<String> =
            self.ordered_out(name).take(LISTED_MAX).map(|server| server.to_string()).collect();
        if !ordered.is_empty() {
            draft.say(Label::Try, format!("hactl auto {}", ordered.join(" ")));
        }
        draft.say(Label::Try, format!("hactl status {name}"));
        draft.finish(name.to_string(), self.backend_headline(name, known, &in_service, view))
    }

    fn backend_headline(
        &self,
        name: &Name,
        known: Option<&Backend>,
        in_service: &[Name],
        view: &View<'_>,
    ) -> String {
        let Some(backend) = known else { return format!("{name} was not looked at yet.") };
        let count = backend.servers.len();
        let online = self.servers_of(backend).filter(|server| verdict(server) == Verdict::Online).count();
        let answers = view.is_answering();
        let on = match (in_service, answers) {
            ([], true) => "and HAProxy has none to use".to_owned(),
            ([], false) => "and HAProxy, which does not answer, last had none to use".to_owned(),
            (on, true) => format!("and HAProxy uses {}", names(on)),
            (on, false) => format!("and HAProxy, which does not answer, last used {}", names(on)),
        };
        if self.frozen.is_some() {
            return format!(
                "{name} is left as it is: nothing answers, so nobody can be blamed; {online} of {count} servers online, {on}."
            );
        }
        let down = |since: Time| {
            format!("{name} is DOWN since {} ({})", (view.clock)(since), Span(view.now.since(since)))
        };
        match (backend.blackout, &backend.in_service) {
            (Some(since), _) => {
                // Others may be online, and out because an operator wants that.
                let of = if online == 0 {
                    format!("its {count} servers")
                } else {
                    "those that it may use".to_owned()
                };
                format!("{}: none of {of} carries traffic, {on}.", down(since))
            }
            (None, Some((_, since))) if in_service.is_empty() && answers => {
                format!("{}: HAProxy has no server to use; {online} of {count} are online.", down(*since))
            }
            (None, _) => format!("{name} has {online} of {count} servers online, {on}."),
        }
    }

    /// The servers of a backend that operators have ordered out.
    fn ordered_out<'a>(&'a self, name: &'a Name) -> impl Iterator<Item = &'a ServerId> {
        let ordered = self.overrides.servers.iter().filter(|(_, ordered)| ordered.state != Admin::Ready);
        ordered.map(|(server, _)| server).filter(move |server| server.backend == *name)
    }

    fn say_servers(&self, draft: &mut Draft, backend: &Backend, seen: &ObservedBackend) {
        let servers: Vec<&Server> = self.servers_of(backend).collect();
        let all = servers.len() <= LISTED_MAX;
        let shown = servers.iter().filter(|server| all || verdict(server) != Verdict::Online);
        for server in shown.clone().take(LISTED_MAX) {
            draft.say(Label::Evidence, self.one_line(server));
        }
        let shown = shown.count().min(LISTED_MAX);
        if shown < servers.len() {
            let online = servers.iter().filter(|server| verdict(server) == Verdict::Online).count();
            draft.say(Label::Evidence, format!("{online} of {} servers are online", servers.len()));
        }
        let others = seen.servers.iter().filter(|server| !server.managed).count();
        if others > 0 {
            draft.say(Label::Evidence, format!("{others} more servers are left alone by the configuration"));
        }
        if self.frozen.is_some() {
            draft.say(Label::Evidence, crate::event::frozen_text(self.has_control()));
        }
    }

    fn one_line(&self, server: &Server) -> String {
        let name = &server.id.server;
        let wish = self.desired.get(&server.id.backend).and_then(|wishes| wishes.get(name));
        let health = server.detector.as_ref().map(|detector| detector.health());
        let reason = health.and_then(|health| health.reason.as_ref()).map(ToString::to_string);
        let rule = server.cause.as_ref().filter(|cause| cause.is_rule()).and_then(|_| wish?.why.as_ref());
        let why = reason.or_else(|| rule.map(ToString::to_string));
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        format!("{name} is {}{why}", verdict(server))
    }

    /// The rules, where they are not the usual ones.
    fn say_rules(&self, draft: &mut Draft, name: &Name) {
        let rules = self.settings.rules_of(name);
        let usual = Rules::DEFAULT;
        let mut say = |text: &str, key: &'static str, value: &str| {
            let setting = Setting { table: Table::Backend(name.clone()), key, value: value.to_owned() };
            draft.rule(Label::Rule, text, setting);
        };
        match rules.policy {
            Policy::Order => say(
                "unhealthy servers go out and healthy ones in; HAProxy's order does the rest",
                "policy",
                "\"order\"",
            ),
            Policy::Latency => say("inside a tier the clearly fastest is used", "policy", "\"latency\""),
        }
        if !rules.tiers.is_empty() {
            say(
                "servers are preferred as the tiers name them",
                "tiers",
                &format!("{} tiers", rules.tiers.len()),
            );
        }
        match rules.failback {
            Failback::Auto => {}
            Failback::Manual => {
                say("a preferred server that is back waits for an operator", "failback", "\"manual\"")
            }
            Failback::Never => say(
                "a preferred server that is back waits until the other one fails",
                "failback",
                "\"never\"",
            ),
        }
        if !rules.allow_exit_change {
            say(
                "only the first tier is used, rather no service than another exit",
                "allow_exit_change",
                "false",
            );
        }
        match rules.when_all_down {
            WhenAllDown::LastGood => {}
            WhenAllDown::FailClosed => {
                say("where none carries traffic, all are taken out", "when_all_down", "\"fail-closed\"")
            }
            WhenAllDown::AllOpen => {
                say("where none carries traffic, all are put in", "when_all_down", "\"all-open\"")
            }
        }
        if rules.on_slow == OnSlow::Move {
            say("one that has become much slower makes room", "on_slow", "\"move\"");
        }
        if rules.on_fail == Sessions::Kill && rules.kill_after != usual.kill_after {
            say("sessions on a failed server are cut after", "kill_after", &written(rules.kill_after));
        }
    }

    fn say_changes(
        &self,
        draft: &mut Draft,
        name: &Name,
        known: Option<&Backend>,
        todo: &Plan,
        view: &View<'_>,
    ) {
        const LABEL: Label = Label::Returns;
        if let Some(until) = view.observed.contended.get(name) {
            draft.say(
                LABEL,
                format!(
                    "somebody else keeps changing its servers: nothing is written before {}",
                    (view.clock)(*until)
                ),
            );
        }
        let held = || todo.held.iter().filter(|held| held.server.backend == *name);
        let without = held().filter(|held| held.because == HeldBecause::NoSuccessor).count();
        if without > 0 {
            draft.say(LABEL, format!("{without} of its servers would be out if another one could take over"));
        }
        let theirs = held().filter(|held| matches!(held.because, HeldBecause::NotOurs(_)));
        let theirs: Vec<Name> = theirs.map(|held| held.server.server.clone()).collect();
        if !theirs.is_empty() {
            let text = format!(
                "whoever took out {} in HAProxy has to lift that; hactl undoes only its own",
                names(&theirs)
            );
            draft.say(LABEL, text);
        }
        let ordered: Vec<Name> = self.ordered_out(name).map(|server| server.server.clone()).collect();
        if !ordered.is_empty() {
            let text = format!("an operator has ordered {} out: used again when that ends", names(&ordered));
            draft.say(LABEL, text);
        }
        if let Some(in_use) = known.and_then(|backend| backend.waits_for.as_ref()) {
            let asked = match self.settings.rules_of(name).failback {
                Failback::Manual => format!(", or with `hactl failback {name}`"),
                Failback::Auto | Failback::Never => String::new(),
            };
            draft.say(LABEL, format!("preferred servers are used again when {in_use} fails{asked}"));
        }
        let condemned =
            known.map(|backend| self.servers_of(backend).filter(|server| is_condemned(server)).count());
        if let Some(condemned @ 1..) = condemned {
            let text = match condemned {
                _ if self.frozen.is_some() => {
                    "all that fell silent are used again with their first answer".to_owned()
                }
                1 => "one server comes back once it was good for long enough: see `hactl explain` of it"
                    .to_owned(),
                _ => format!("{condemned} servers come back once they were good for long enough"),
            };
            draft.say(LABEL, text);
        }
        self.say_withheld(draft, view);
        if draft.is_without(LABEL) {
            draft.say(LABEL, "nothing is waited for");
        }
    }
}

/// Where new connections go, as far as is known.
fn served(in_service: &[Name], since: Option<Time>, view: &View<'_>) -> String {
    if !view.is_answering() {
        return format!("new connections went to {} when HAProxy was last seen", names(in_service));
    }
    let since = since.map(|since| format!(" since {}", view.ago(since))).unwrap_or_default();
    match in_service {
        [] => format!("HAProxy has no usable server, so it closes every new connection{since}"),
        on => format!("new connections go to {}{since}", names(on)),
    }
}

fn verdict(server: &Server) -> Verdict {
    server.detector.as_ref().map_or(Verdict::Unknown, |detector| detector.health().verdict)
}

fn is_condemned(server: &Server) -> bool {
    verdict(server).is_condemned()
}
