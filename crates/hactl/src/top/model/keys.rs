//! What each key does.

use std::time::Duration;

use super::{Model, Pane};
use crate::top::change::{Change, Kind};
use crate::top::key::Key;
use crate::top::modal::{Modal, Pressed};
use crate::top::rows::Target;

/// Characters of a filter: longer than any name.
const FILTER_MAX: usize = 200;

impl Model {
    /// A change that is to be asked of the daemon.
    pub(super) fn press(&mut self, key: Key, now: Duration) -> Option<Change> {
        if key == Key::Control('c') {
            self.over = true;
            return None;
        }
        if let Some(modal) = &mut self.modal {
            return match modal.press(key) {
                Pressed::Stays => None,
                Pressed::Left => {
                    self.modal = None;
                    None
                }
                Pressed::Ask(change) => Some(change),
            };
        }
        if let Some(from) = self.help {
            self.help = self.help_after(key, from);
        } else if self.filtering {
            self.filter_after(key);
        } else if key == Key::Char('c') {
            return self.probe(now);
        } else {
            self.command(key, now);
        }
        None
    }

    /// Asked at once: nothing in HAProxy is changed by it.
    fn probe(&mut self, now: Duration) -> Option<Change> {
        let target = self.target_of(Kind::Probe, now)?;
        Some(Change { kind: Kind::Probe, target, lasts: None, reason: String::new(), force: false })
    }

    fn help_after(&self, key: Key, from: usize) -> Option<usize> {
        match key {
            Key::Down | Key::Char('j') => Some((from + 1).min(self.room.help)),
            Key::Up | Key::Char('k') => Some(from.saturating_sub(1)),
            Key::PageDown => Some((from + self.room.page).min(self.room.help)),
            Key::PageUp => Some(from.saturating_sub(self.room.page)),
            Key::Char(_)
            | Key::Control(_)
            | Key::Enter
            | Key::Esc
            | Key::Tab
            | Key::BackTab
            | Key::Home
            | Key::End
            | Key::Backspace
            | Key::F9
            | Key::F10 => None,
        }
    }

    fn filter_after(&mut self, key: Key) {
        match key {
            Key::Esc => {
                self.filter.clear();
                self.filtering = false;
            }
            Key::Enter => self.filtering = false,
            Key::Backspace => {
                self.filter.pop();
            }
            Key::Control('u') => self.filter.clear(),
            Key::Char(character) if self.filter.chars().count() < FILTER_MAX => self.filter.push(character),
            Key::Up => self.step(-1),
            Key::Down => self.step(1),
            Key::Char(_)
            | Key::Control(_)
            | Key::Tab
            | Key::BackTab
            | Key::PageUp
            | Key::PageDown
            | Key::Home
            | Key::End
            | Key::F9
            | Key::F10 => {}
        }
    }

    fn command(&mut self, key: Key, now: Duration) {
        let page = isize::try_from(self.room.page.max(1)).unwrap_or(isize::MAX);
        match key {
            Key::Char('q') => self.over = true,
            Key::Char('?' | 'h') => self.help = Some(0),
            Key::Esc if self.pane == Pane::Servers => self.filter.clear(),
            Key::Esc => self.pane = Pane::Servers,
            Key::Tab => self.pane = self.pane.next(),
            Key::BackTab => self.pane = self.pane.next().next(),
            Key::Enter => self.pane = Pane::Detail,
            Key::Char('/') => {
                self.pane = Pane::Servers;
                self.filtering = true;
            }
            Key::Char('s') => self.order = self.order.next(),
            Key::Char(' ') => self.stand_still_or_go_on(now),
            Key::Up | Key::Char('k') => self.step(-1),
            Key::Down | Key::Char('j') => self.step(1),
            Key::PageUp => self.step(-page),
            Key::PageDown => self.step(page),
            Key::Home | Key::Char('g') => self.step(isize::MIN),
            Key::End | Key::Char('G') => self.step(isize::MAX),
            Key::Char('m') | Key::F10 => self.open(Kind::Maint, now),
            Key::Char('d') => self.open(Kind::Drain, now),
            Key::Char('r') => self.open(Kind::Ready, now),
            Key::Char('a') => self.open(Kind::Auto, now),
            Key::F9 => self.open(self.way_back_in(), now),
            Key::Char('p') => {
                let paused = self.live.status.paused.is_some();
                self.open(if paused { Kind::Resume } else { Kind::Pause }, now);
            }
            Key::Char(_) | Key::Control(_) | Key::Backspace => {}
        }
    }

    fn stand_still_or_go_on(&mut self, now: Duration) {
        self.still = match self.still.take() {
            Some(_) => None,
            None => Some((now, Box::new(self.live.clone()))),
        };
    }

    /// A server that an operator has set goes back to the probes; another one is used although they fail.
    fn way_back_in(&self) -> Kind {
        let selected = self.selected();
        let overridden = self.rows().iter().any(|row| match row {
            super::Row::Server(_, server) => {
                server.override_.is_some() && row.target(&self.shown().status) == selected
            }
            super::Row::Backend(_) => false,
        });
        if overridden { Kind::Auto } else { Kind::Ready }
    }

    fn open(&mut self, kind: Kind, now: Duration) {
        if let Some(target) = self.target_of(kind, now) {
            self.modal = Some(Modal::new(kind, target));
        }
    }

    /// What it would be about; `None` where it cannot be asked for from here, which is said.
    fn target_of(&mut self, kind: Kind, now: Duration) -> Option<Option<Target>> {
        if let Some(why) = &self.read_only {
            self.say(format!("nothing is changed from here: {why}"), false, now);
            return None;
        }
        match kind {
            Kind::Pause | Kind::Resume => Some(None),
            Kind::Maint | Kind::Drain | Kind::Ready | Kind::Auto | Kind::Probe => {
                let selected = self.selected();
                if selected.is_none() {
                    self.say("no server is chosen".to_owned(), false, now);
                }
                selected.map(Some)
            }
        }
    }

    /// Up or down in the pane that keys are about.
    fn step(&mut self, by: isize) {
        match self.pane {
            Pane::Servers => self.choose(by),
            Pane::Detail => {
                self.detail_from = self.detail_from.saturating_add_signed(by).min(self.room.detail);
            }
            Pane::Events => {
                self.events_from = self.events_from.saturating_add_signed(by).min(self.room.events);
            }
        }
    }

    fn choose(&mut self, by: isize) {
        let status = &self.shown().status;
        let servers: Vec<_> = self.rows().iter().filter_map(|row| row.target(status)).collect();
        let selected = self.selected();
        let at = servers.iter().position(|server| Some(server) == selected.as_ref()).unwrap_or_default();
        let to = at.saturating_add_signed(by).min(servers.len().saturating_sub(1));
        if let Some(chosen) = servers.get(to) {
            self.selected = Some(chosen.clone());
            self.detail_from = 0;
        }
    }
}

impl Pane {
    const fn next(self) -> Self {
        match self {
            Self::Servers => Self::Detail,
            Self::Detail => Self::Events,
            Self::Events => Self::Servers,
        }
    }
}
