//! The keys that mean something here.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// A letter, as it is or typed into a field.
    Char(char),
    /// With the control key.
    Control(char),
    Enter,
    Esc,
    Tab,
    BackTab,
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    Backspace,
    /// F9, as others have it for taking a server in.
    F9,
    /// F10, for taking one out.
    F10,
}

/// Keys without a character.
const NAMED: [(KeyCode, Key); 13] = [
    (KeyCode::Enter, Key::Enter),
    (KeyCode::Esc, Key::Esc),
    (KeyCode::Tab, Key::Tab),
    (KeyCode::BackTab, Key::BackTab),
    (KeyCode::Up, Key::Up),
    (KeyCode::Down, Key::Down),
    (KeyCode::PageUp, Key::PageUp),
    (KeyCode::PageDown, Key::PageDown),
    (KeyCode::Home, Key::Home),
    (KeyCode::End, Key::End),
    (KeyCode::Backspace, Key::Backspace),
    (KeyCode::F(9), Key::F9),
    (KeyCode::F(10), Key::F10),
];

/// What was pressed; `None` for what means nothing here.
pub(super) fn pressed(event: &KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    if let KeyCode::Char(character) = event.code {
        let control = event.modifiers.contains(KeyModifiers::CONTROL);
        let alone = !event.modifiers.contains(KeyModifiers::ALT) && !character.is_control();
        return if control { Some(Key::Control(character)) } else { alone.then_some(Key::Char(character)) };
    }
    NAMED.iter().find(|(code, _)| *code == event.code).map(|(_, key)| *key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_named_keys_and_control_are_told_apart_and_the_rest_is_nothing() {
        let of = |code, modifiers| pressed(&KeyEvent::new(code, modifiers));
        assert_eq!(of(KeyCode::Char('c'), KeyModifiers::NONE), Some(Key::Char('c')));
        assert_eq!(of(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Key::Control('c')));
        assert_eq!(of(KeyCode::Char('c'), KeyModifiers::ALT), None);
        assert_eq!(of(KeyCode::F(10), KeyModifiers::NONE), Some(Key::F10));
        assert_eq!(of(KeyCode::F(1), KeyModifiers::NONE), None);
        let released = KeyEvent::new_with_kind(KeyCode::Enter, KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(pressed(&released), None);
    }
}
