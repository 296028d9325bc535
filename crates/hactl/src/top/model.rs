//! What the screen is about: the daemon's last word, and what the person has done with the screen since. Pure: inputs
//! come in with their time, what is to be asked of the daemon comes out.

mod keys;

use std::collections::VecDeque;
use std::time::Duration;

use failover::status::Status;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::change::{Answer, Change};
use super::key::Key;
use super::modal::Modal;
use super::rows::{Order, Row, Target, rows, trouble};

/// Events that are kept: some screens full, to scroll back through.
const EVENTS_MAX: usize = 500;

/// How long what came of a key stays on the screen.
const NOTE_LASTS: Duration = Duration::from_secs(8);

/// Data that is older than this many intervals is called old.
const STALE_INTERVALS: u32 = 3;

/// The daemon looks at HAProxy every second, so what is older than some of these is old at any interval.
const STALE_MIN: Duration = Duration::from_secs(3);

/// Something that came in.
#[derive(Debug)]
pub(super) enum Input {
    Key(Key),
    /// The daemon's status, or why there is none.
    Status(Result<Box<Status>, String>),
    Events(News),
    /// The explanation that was asked for last, or why there is none.
    Explained(Target, Result<Explanation, String>),
    Answered(Change, Answer),
    /// Time went by, or the screen has another size.
    Tick,
    /// The program is to end.
    End,
}

/// What is to be asked of the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Explain(Target),
    Change(Change),
}

/// Events, oldest first.
#[derive(Debug)]
pub(super) struct News {
    /// They replace those that were known: the daemon was asked anew.
    pub(super) afresh: bool,
    pub(super) events: Vec<EventLine>,
}

/// What is shown of an event of `/api/v1/events`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct EventLine {
    pub(super) seq: u64,
    /// RFC 3339.
    pub(super) at: String,
    pub(super) severity: String,
    pub(super) text: String,
    pub(super) by: Option<String>,
}

/// An answer of `/api/v1/explain`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Explanation {
    pub(super) headline: String,
    pub(super) sections: Vec<Section>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Section {
    pub(super) label: String,
    pub(super) lines: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Pane {
    #[default]
    Servers,
    Detail,
    Events,
}

/// What is said of the daemon, as of one moment.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) status: Status,
    /// When it came in.
    pub(super) at: Duration,
    pub(super) events: VecDeque<EventLine>,
}

/// A line about what a key came to.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) text: String,
    pub(super) good: bool,
    until: Duration,
}

/// How far the panes can be scrolled on the screen as it was drawn last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) detail: usize,
    pub(super) events: usize,
    pub(super) help: usize,
    /// Lines of the pane that keys are about.
    pub(super) page: usize,
}

pub(super) struct Model {
    live: Snapshot,
    /// The screen was told to stand still: since when, and what it shows.
    still: Option<(Duration, Box<Snapshot>)>,
    /// The daemon cannot be asked: since when, and why.
    pub(super) lost: Option<(Duration, String)>,
    interval: Duration,
    /// Why nothing can be changed from here.
    pub(super) read_only: Option<String>,
    /// In which times are shown.
    pub(super) zone: TimeZone,
    /// The explanation that came last.
    pub(super) explained: Option<(Target, Result<Explanation, String>)>,
    asked: Option<Target>,
    selected: Option<Target>,
    pub(super) pane: Pane,
    /// Lines that are scrolled past, of each pane.
    pub(super) detail_from: usize,
    pub(super) events_from: usize,
    /// The list of keys is shown, from this line on.
    pub(super) help: Option<usize>,
    pub(super) filter: String,
    pub(super) filtering: bool,
    pub(super) order: Order,
    pub(super) modal: Option<Modal>,
    note: Option<Note>,
    room: Room,
    /// It was left.
    pub(super) over: bool,
}

impl Model {
    pub(super) fn new(status: Status, interval: Duration, read_only: Option<String>, zone: TimeZone) -> Self {
        let mut model = Self {
            live: Snapshot { status, at: Duration::ZERO, events: VecDeque::new() },
            still: None,
            lost: None,
            interval,
            read_only,
            zone,
            explained: None,
            asked: None,
            selected: None,
            pane: Pane::default(),
            detail_from: 0,
            events_from: 0,
            help: None,
            filter: String::new(),
            filtering: false,
            order: Order::default(),
            modal: None,
            note: None,
            room: Room::default(),
            over: false,
        };
        model.selected = model.first_in_trouble();
        model
    }

    /// Takes something in at `now`, a time since the start; what is to be asked because of it.
    pub(super) fn take(&mut self, input: Input, now: Duration) -> Vec<Ask> {
        let mut asks = Vec::new();
        match input {
            Input::Key(key) => asks.extend(self.press(key, now).map(Ask::Change)),
            Input::Status(Ok(status)) => {
                self.live.status = *status;
                self.live.at = now;
                self.lost = None;
                // What is known of the one that is chosen may have changed with it.
                self.asked = None;
            }
            Input::Status(Err(why)) => {
                let since = self.lost.as_ref().map_or(now, |(since, _)| *since);
                self.lost = Some((since, why));
            }
            Input::Events(news) => self.told(news),
            Input::Explained(target, explained) => {
                // A screen that stands still keeps what it shows of a server.
                let kept = self.still.is_some()
                    && self.explained.as_ref().is_some_and(|(known, _)| *known == target);
                if !kept {
                    self.explained = Some((target, explained));
                }
            }
            Input::Answered(change, answer) => self.answered(&change, answer, now),
            Input::Tick => {}
            Input::End => self.over = true,
        }
        asks.extend(self.wonder());
        asks
    }

    /// What can be scrolled, as the last drawing found out.
    pub(super) fn drawn(&mut self, room: Room) {
        self.room = room;
        self.detail_from = self.detail_from.min(room.detail);
        self.events_from = self.events_from.min(room.events);
        self.help = self.help.map(|from| from.min(room.help));
    }

    /// The explanation of the one that is chosen, once for each status.
    fn wonder(&mut self) -> Option<Ask> {
        let target = self.selected()?;
        if self.asked.as_ref() == Some(&target) || self.lost.is_some() {
            return None;
        }
        self.asked = Some(target.clone());
        Some(Ask::Explain(target))
    }

    fn told(&mut self, news: News) {
        let events = &mut self.live.events;
        if news.afresh {
            events.clear();
        }
        let known = events.back().map(|event| event.seq);
        let new = news.events.into_iter().filter(|event| known.is_none_or(|known| event.seq > known));
        let before = events.len();
        events.extend(new);
        // Who has scrolled back keeps seeing the same lines.
        if self.events_from > 0 && self.still.is_none() {
            self.events_from += events.len() - before;
        }
        while events.len() > EVENTS_MAX {
            events.pop_front();
        }
    }

    fn answered(&mut self, change: &Change, answer: Answer, now: Duration) {
        let unwise = matches!(answer, Answer::Withheld(_));
        // Whoever has left its box may have opened another one.
        let mut about = self.modal.as_mut().filter(|modal| modal.asked && modal.kind == change.kind);
        let (text, good) = match answer {
            Answer::Done => (format!("{}: {}", change.name(), change.kind.done()), true),
            Answer::Later(why) => (format!("{}: taken, and not in HAProxy yet: {why}", change.name()), false),
            Answer::Refused(why) | Answer::Withheld(why) => {
                if let Some(modal) = &mut about {
                    modal.asked = false;
                    modal.forcible = unwise && change.kind.can_be_forced() && !change.force;
                    modal.refusal = Some(why);
                    return;
                }
                (format!("{}: {why}", change.name()), false)
            }
            Answer::Forbidden(why) => {
                self.read_only = Some(why.clone());
                (format!("{}: {why}", change.name()), false)
            }
        };
        if about.is_some() {
            self.modal = None;
        }
        self.say(text, good, now);
    }

    fn say(&mut self, text: String, good: bool, now: Duration) {
        self.note = Some(Note { text, good, until: now + NOTE_LASTS });
    }

    /// What came of a key, for as long as it is worth a line.
    pub(super) fn note(&self, now: Duration) -> Option<&Note> {
        self.note.as_ref().filter(|note| now < note.until)
    }

    /// What is to be shown.
    pub(super) fn shown(&self) -> &Snapshot {
        self.still.as_ref().map_or(&self.live, |(_, still)| still)
    }

    /// Since when the screen stands still.
    pub(super) fn still_since(&self) -> Option<Duration> {
        self.still.as_ref().map(|(since, _)| *since)
    }

    /// How long ago what is shown came in; while the screen stands still, as of then.
    pub(super) fn age(&self, now: Duration) -> Duration {
        self.still_since().unwrap_or(now).saturating_sub(self.shown().at)
    }

    /// The daemon has sent nothing for longer than it should take.
    pub(super) fn is_stale(&self, now: Duration) -> bool {
        let allowed = (self.interval * STALE_INTERVALS).max(STALE_MIN);
        now.saturating_sub(self.live.at) > allowed
    }

    pub(super) fn rows(&self) -> Vec<Row<'_>> {
        rows(&self.shown().status, &self.filter, self.order)
    }

    /// The server that keys are about: the one that was chosen, or the first that is shown where that one is not.
    pub(super) fn selected(&self) -> Option<Target> {
        let status = &self.shown().status;
        let rows = self.rows();
        let chosen = self.selected.as_ref().filter(|chosen| rows.iter().any(|row| row.is(status, chosen)));
        chosen.cloned().or_else(|| rows.iter().find_map(|row| row.target(status)))
    }

    fn first_in_trouble(&self) -> Option<Target> {
        let rows = self.rows();
        let worst = rows.iter().rev().max_by_key(|row| match row {
            Row::Backend(_) => 0,
            Row::Server(_, server) => trouble(server),
        });
        worst.and_then(|row| row.target(&self.shown().status))
    }
}

#[cfg(test)]
pub(super) mod tests;
