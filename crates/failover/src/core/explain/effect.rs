//! What HAProxy was told of a server, when that was read back, and how HAProxy has it now.

use super::super::{Core, Server};
use crate::explain::{Draft, Label, View, What};
use crate::{Admin, Agent, Haproxy, Name, ObservedServer, Operational, Owner, Plan, ServerId};

const LABEL: Label = Label::Effect;

impl Core {
    pub(super) fn say_effect(
        &self,
        draft: &mut Draft,
        id: &ServerId,
        there: &ObservedServer,
        (server, todo): (Option<&Server>, &Plan),
        view: &View<'_>,
    ) {
        if let Some(effect) = view.effects.of(id) {
            draft.say(LABEL, told(id, &effect.what, &view.ago(effect.at)));
        }
        for step in todo.steps.iter().filter(|step| step.server == *id) {
            let command = match there.agent {
                Some(_) if step.set == Admin::Ready => "its agent-check is to be answered up".to_owned(),
                Some(_) => "its agent-check is to be answered down".to_owned(),
                None => format!("set server {id} state {} is to be sent", step.set.as_str()),
            };
            draft.say(LABEL, command);
        }
        draft.say(LABEL, haproxy_has(there, view));
        for obstacle in Self::obstacles(view, todo) {
            draft.say(LABEL, obstacle);
        }
        let rules = self.settings.rules_of(&id.backend);
        let cut_at = server.and_then(|server| server.left?.cut_at(rules));
        if let Some(at) = cut_at.filter(|_| there.busy) {
            let done = todo.kills.contains(id) || at <= view.now;
            let text = if done {
                "sessions on it are cut as soon as another server is proved to serve who comes anew"
                    .to_owned()
            } else {
                format!("sessions on it are cut {}", view.ahead(at))
            };
            draft.say(LABEL, text);
        }
    }
}

fn told(id: &ServerId, what: &What, ago: &str) -> String {
    let state = |set: &Admin| format!("set server {id} state {}", set.as_str());
    match what {
        What::Applied(set) => format!("{}: done, and read back at {ago}", state(set)),
        What::Answered(up) => {
            let word = if *up { "up" } else { "down" };
            format!("its agent-check was answered {word}: HAProxy has taken it, as was read back at {ago}")
        }
        What::Refused(set, why) => format!("{}: refused at {ago}: {why}", state(set)),
        What::Adopted(set) => {
            format!("found in {} at {ago}: an earlier run of hactl has put it there", set.as_str())
        }
        What::Undone(set) => format!("somebody else undid its {} at {ago}", set.as_str()),
    }
}

/// HAProxy's view, whose it is, and what its own checks say.
fn haproxy_has(there: &ObservedServer, view: &View<'_>) -> String {
    let (admin, owner) = there.position();
    let flags = if there.flags.is_empty() { String::new() } else { format!(" ({})", there.flags.join(", ")) };
    let whose = match (admin, owner) {
        (Admin::Ready, _) => "",
        (Admin::Drain | Admin::Maint, Owner::Ours) => ", set by hactl",
        (Admin::Drain | Admin::Maint, Owner::Theirs) => ", not set by hactl",
    };
    let state = match there.agent {
        Some(Agent::Down) if there.admin == Admin::Ready => "down by its agent-check".to_owned(),
        Some(Agent::Absent) => format!("{}, without an agent-check that asks hactl", there.admin.as_str()),
        Some(Agent::Up | Agent::Down) | None => there.admin.as_str().to_owned(),
    };
    let checks = match there.operational {
        Operational::Running => "",
        // In maint HAProxy checks nothing, and what its agent-check puts down is down whatever its other check says.
        Operational::Stopped if there.admin == Admin::Maint || there.agent == Some(Agent::Down) => "",
        Operational::Stopped => "; its own checks say down",
        Operational::Starting => "; it is warming up",
        Operational::Stopping => "; it is stopping",
    };
    let weight = if there.weight == 0 { "; its weight is 0, so it gets no new connections" } else { "" };
    let sessions = if there.busy { "; it has sessions" } else { "" };
    let verb = match view.observed.haproxy {
        Haproxy::Present { .. } => "HAProxy has it in",
        Haproxy::Away { .. } | Haproxy::Unseen => "HAProxy last had it in",
    };
    format!("{verb} {state}{flags}{whose}{checks}{weight}{sessions}")
}

/// `wg1`, `wg1 and wg2`, or how many there are.
pub(super) fn names(names: &[Name]) -> String {
    /// More than this nobody reads.
    const NAMED_MAX: usize = 4;
    match names {
        [] => "no server".to_owned(),
        [one] => one.to_string(),
        few if few.len() <= NAMED_MAX => crate::event::listed(few),
        many => format!("{} servers", many.len()),
    }
}
