//! The box that asks for what a change needs, and what came of asking the daemon.

use std::time::Duration;

use super::change::{Change, Kind};
use super::key::Key;
use super::rows::Target;

/// Characters of a field: the daemon takes a reason of 200.
const FIELD_MAX: usize = 200;

/// What is offered as an end: a change that nobody ends is the one that is forgotten.
const LASTS_OFFERED: &str = "2h";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Lasts,
    Reason,
}

#[derive(Clone, Debug)]
pub(super) struct Modal {
    pub(super) kind: Kind,
    pub(super) target: Option<Target>,
    pub(super) lasts: String,
    pub(super) reason: String,
    pub(super) field: Field,
    /// Why it was not done.
    pub(super) refusal: Option<String>,
    /// The daemon refused, and would do it if it were told so twice.
    pub(super) forcible: bool,
    /// The daemon was asked and has not answered yet.
    pub(super) asked: bool,
}

/// What a key came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pressed {
    Stays,
    Left,
    Ask(Change),
}

impl Modal {
    pub(super) fn new(kind: Kind, target: Option<Target>) -> Self {
        Self {
            kind,
            target,
            lasts: LASTS_OFFERED.to_owned(),
            reason: String::new(),
            field: Field::Reason,
            refusal: None,
            forcible: false,
            asked: false,
        }
    }

    pub(super) fn press(&mut self, key: Key) -> Pressed {
        if key == Key::Esc {
            return Pressed::Left;
        }
        // A second request for the same thing is of no use while the first is under way.
        if self.asked {
            return Pressed::Stays;
        }
        match key {
            Key::Enter => return self.ask(false),
            Key::Control('f') if self.forcible => return self.ask(true),
            Key::Tab | Key::BackTab | Key::Up | Key::Down => {
                self.field = match self.field {
                    Field::Lasts => Field::Reason,
                    Field::Reason => Field::Lasts,
                };
            }
            Key::Control('u') => self.typed(String::clear),
            Key::Backspace => self.typed(|text| {
                text.pop();
            }),
            Key::Char(character) => self.typed(|text| {
                if text.chars().count() < FIELD_MAX {
                    text.push(character);
                }
            }),
            Key::Control(_)
            | Key::Esc
            | Key::PageUp
            | Key::PageDown
            | Key::Home
            | Key::End
            | Key::F9
            | Key::F10 => {}
        }
        Pressed::Stays
    }

    fn typed(&mut self, edit: impl FnOnce(&mut String)) {
        if !self.kind.has_fields() {
            return;
        }
        self.refusal = None;
        self.forcible = false;
        match self.field {
            Field::Lasts => edit(&mut self.lasts),
            Field::Reason => edit(&mut self.reason),
        }
    }

    fn ask(&mut self, force: bool) -> Pressed {
        match self.change(force) {
            Ok(change) => {
                self.asked = true;
                self.refusal = None;
                Pressed::Ask(change)
            }
            Err((field, why)) => {
                self.field = field;
                self.refusal = Some(why);
                Pressed::Stays
            }
        }
    }

    fn change(&self, force: bool) -> Result<Change, (Field, String)> {
        let fields = self.kind.has_fields();
        let lasts = if fields { lasts(&self.lasts).map_err(|why| (Field::Lasts, why))? } else { None };
        let reason = if fields { self.reason.trim() } else { "" };
        if fields && reason.is_empty() {
            return Err((Field::Reason, "say why, for those who find it so".to_owned()));
        }
        Ok(Change { kind: self.kind, target: self.target.clone(), lasts, reason: reason.to_owned(), force })
    }
}

/// Nothing is until somebody ends it.
fn lasts(text: &str) -> Result<Option<Duration>, String> {
    match text.trim() {
        "" => Ok(None),
        text => hactld::config::parse_pause(text).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_needs_a_reason_and_has_an_end_unless_that_is_taken_out() {
        let mut modal = Modal::new(Kind::Maint, None);
        assert_eq!(modal.press(Key::Enter), Pressed::Stays);
        assert_eq!(modal.refusal.as_deref(), Some("say why, for those who find it so"));
        typed(&mut modal, "provider work");
        let Pressed::Ask(change) = modal.press(Key::Enter) else { panic!() };
        assert_eq!(
            (change.lasts, change.reason.as_str()),
            (Some(Duration::from_secs(7200)), "provider work")
        );
        assert_eq!(modal.press(Key::Enter), Pressed::Stays, "it was asked already");

        let mut modal = Modal { reason: "x".to_owned(), ..Modal::new(Kind::Pause, None) };
        modal.press(Key::Tab);
        modal.press(Key::Control('u'));
        let Pressed::Ask(change) = modal.press(Key::Enter) else { panic!() };
        assert_eq!(change.lasts, None);
    }

    #[test]
    fn an_end_that_is_none_is_said_before_the_daemon_is_asked() {
        let mut modal =
            Modal { reason: "x".to_owned(), lasts: "soon".to_owned(), ..Modal::new(Kind::Drain, None) };
        assert_eq!(modal.press(Key::Enter), Pressed::Stays);
        assert_eq!(modal.field, Field::Lasts);
        assert!(modal.refusal.is_some());
    }

    #[test]
    fn what_was_refused_can_be_forced_until_something_else_is_typed() {
        let forced = Key::Control('f');
        let mut modal = Modal { reason: "x".to_owned(), ..Modal::new(Kind::Maint, None) };
        assert_eq!(modal.press(forced), Pressed::Stays);
        modal.forcible = true;
        let Pressed::Ask(change) = modal.press(forced) else { panic!() };
        assert!(change.force);
        modal.asked = false;
        typed(&mut modal, "y");
        assert_eq!(modal.press(forced), Pressed::Stays);
    }

    #[test]
    fn nothing_is_typed_where_nothing_is_asked_for() {
        let mut modal = Modal::new(Kind::Auto, None);
        typed(&mut modal, "abc");
        assert_eq!(modal.reason, "");
        assert!(matches!(modal.press(Key::Enter), Pressed::Ask(_)));
        assert_eq!(modal.press(Key::Esc), Pressed::Left);
    }

    fn typed(modal: &mut Modal, text: &str) {
        for character in text.chars() {
            modal.press(Key::Char(character));
        }
    }
}
