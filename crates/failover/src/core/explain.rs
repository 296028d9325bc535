//! The core's part of an explanation: what it knows of a server or a backend, put into words. Looks on and changes nothing.

mod backend;
mod effect;
mod evidence;
mod returns;
mod server;

use crate::explain::{Draft, Explanation, Label, View};
use crate::{Haproxy, Name, Plan, plan};

use super::Core;

impl Core {
    /// Why a backend, or a server of it, is as it is; `None` where neither HAProxy nor the configuration has one of that
    /// name, as far as is known yet.
    #[must_use]
    pub fn explain(&self, backend: &Name, server: Option<&Name>, view: &View<'_>) -> Option<Explanation> {
        let seen = view.observed.backends.get(backend);
        let todo = plan(self.desired(), view.observed);
        match (seen, server) {
            (Some(seen), None) => Some(self.explain_backend(backend, seen, &todo, view)),
            (Some(seen), Some(server)) => match seen.server(server) {
                Some(there) => Some(self.explain_server(backend, there, &todo, view)),
                None => self.explain_missing(backend, Some(server), view),
            },
            (None, server) => self.explain_missing(backend, server, view),
        }
    }

    /// The configuration names it, and HAProxy does not have it.
    fn explain_missing(&self, backend: &Name, server: Option<&Name>, view: &View<'_>) -> Option<Explanation> {
        let own = self.backends.get(backend).map(|known| known.missing.as_slice()).unwrap_or_default();
        let subject = server.map_or_else(|| backend.to_string(), |server| format!("{backend}/{server}"));
        let is_about = |text: &&String| text.split([' ', ',', ';']).any(|word| word == subject);
        let text = view.observed.missing.iter().chain(own).find(is_about)?;
        let mut draft = Draft::default();
        draft.say(Label::Evidence, text.clone());
        draft.say(Label::Effect, "nothing is probed and nothing is written to it");
        draft.say(Label::Returns, "once HAProxy has it, or the configuration does not name it any more");
        draft.say(Label::Try, "hactl reload, once the configuration is corrected");
        let headline = format!("{subject} is in the configuration, and HAProxy does not have it.");
        Some(draft.finish(subject, headline))
    }

    /// What stands in the way of everything, as lines of an effect.
    fn obstacles(view: &View<'_>, todo: &Plan) -> Vec<String> {
        let mut lines = Vec::new();
        if let Haproxy::Away { why, since } = &view.observed.haproxy {
            lines.push(format!("HAProxy does not answer since {}: {why}", (view.clock)(*since)));
        }
        match &view.observed.writes {
            crate::Writes::Denied { why } => lines.push(format!("nothing can be changed in HAProxy: {why}")),
            crate::Writes::Refused { why } => lines.push(format!("HAProxy refuses a command: {why}")),
            crate::Writes::Withheld { .. } => lines.push(withheld(view, todo)),
            crate::Writes::Applied => {}
        }
        lines
    }
}

/// Why nothing is sent, where that was asked for.
fn withheld(view: &View<'_>, todo: &Plan) -> String {
    let count = todo.steps.len();
    let would = match count {
        0 => "HAProxy is as it is wanted".to_owned(),
        1 => "one command would be sent".to_owned(),
        _ => format!("{count} commands would be sent"),
    };
    match view.paused {
        Some(paused) => {
            format!("hactl is paused by {}: {}; nothing is changed, {would}", paused.by, paused.reason)
        }
        None => format!("hactl only observes (mode = \"observe\"); nothing is changed, {would}"),
    }
}
