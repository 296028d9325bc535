//! What must not be overlooked, below the first line: the screen may be wrong, hactl may not act, something is in its way.

use std::time::Duration;

use failover::status::{HaproxyStatus, Level, PauseStatus, Status};
use hactld::text::Shown;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::Scene;
use crate::moment;
use crate::terminal::span;
use crate::top::text::{cut, wrap};

/// The controller looks at HAProxy every second, whatever the interval of the screen.
const HAPROXY_STALE_SECONDS: f64 = 3.0;

/// Of a screen's lines, one in this many may be taken.
const SHARE: u16 = 4;

/// Each line with its style, as many as this screen has room for.
pub(super) fn lines(scene: Scene<'_>, whole: Rect) -> Vec<(String, Style)> {
    let look = scene.look;
    let most = usize::from((whole.height / SHARE).max(1));
    let room = usize::from(whole.width).saturating_sub(1);
    let mut texts = alarms(scene);
    let banner = look.banner();
    let mut all: Vec<(String, Style)> =
        texts.drain(..).flat_map(|text| indented(&text, room).map(move |line| (line, banner))).collect();
    let status = &scene.model.shown().status;
    let mark = look.level(Level::Down).content;
    for problem in &status.problems {
        let text = format!("{mark} {}", Shown(problem));
        all.extend(indented(&text, room).map(|line| (line, look.bad())));
    }
    if status.config_stale {
        let text = "the configuration cannot be used as it is now; hactl runs on with the one before: see `hactl reload`";
        all.extend(indented(text, room).map(|line| (line, look.warning())));
    }
    if all.len() > most {
        all.truncate(most);
        if let Some((last, _)) = all.last_mut() {
            *last = format!("{}{}", cut(last, room.saturating_sub(1), ""), look.cut());
        }
    }
    if let Some(since) = scene.model.still_since() {
        let text = format!(" the screen stands still for {}; space goes on", seconds(scene.now, since));
        all.insert(0, (cut(&text, room, look.cut()), look.notice()));
    }
    all
}

fn indented(text: &str, room: usize) -> impl Iterator<Item = String> + use<> {
    wrap(text, room).into_iter().map(|line| format!(" {line}"))
}

/// The worst first.
fn alarms(scene: Scene<'_>) -> Vec<String> {
    let (model, now) = (scene.model, scene.now);
    let status = &model.shown().status;
    let mut alarms = Vec::new();
    if let Some((since, why)) = &model.lost {
        alarms.push(format!("NO CONNECTION for {}, trying again: {}", seconds(now, *since), Shown(why)));
    } else if model.is_stale(now) {
        alarms.push("OLD DATA: hactl has sent nothing for a while".to_owned());
    }
    if model.lost.is_none() {
        let stale = haproxies(status).filter(|(_, one)| one.answering);
        let stale = stale.filter_map(|(name, one)| Some((name, one.age_seconds?)));
        for (name, age) in stale.filter(|(_, age)| *age > HAPROXY_STALE_SECONDS) {
            alarms.push(format!("OLD DATA: {name} was last looked at {} ago", span(age)));
        }
    }
    if let Some(PauseStatus { by, reason, until, .. }) = &status.paused {
        let until = until.as_deref();
        let until = until.map_or_else(|| "p or `hactl resume`".to_owned(), |until| told(until, scene));
        alarms.push(format!("PAUSED by {} until {until}: {}", Shown(by), Shown(reason)));
    }
    if let Some(since) = &status.frozen_since {
        alarms.push(format!("FROZEN since {}: nothing is decided", told(since, scene)));
    }
    alarms
}

/// A time that the daemon has sent, as the reader's clock has it.
fn told(at: &str, scene: Scene<'_>) -> String {
    moment::to_the_second(at, &scene.model.zone)
}

fn haproxies(status: &Status) -> Box<dyn Iterator<Item = (String, &HaproxyStatus)> + '_> {
    if status.instances.len() > 1 {
        let named = |name: &str| format!("HAProxy {}", Shown(name));
        Box::new(status.instances.iter().map(move |one| (named(&one.name), &one.haproxy)))
    } else {
        Box::new(std::iter::once(("HAProxy".to_owned(), &status.haproxy)))
    }
}

fn seconds(now: Duration, since: Duration) -> String {
    span(now.saturating_sub(since).as_secs_f64())
}
