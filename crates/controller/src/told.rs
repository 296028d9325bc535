//! What was already said, so that a state is told when it begins and not as long as it lasts.

use std::time::Duration;

use failover::{Asked, Event, Haproxy, Held, Observed, Process, Time, Writes};
use tokio::sync::mpsc;

/// A HAProxy that answers again within this was only reloaded: its socket refuses for up to 55 ms, and for up to
/// 264 ms only the old worker answers (measured).
const AWAY_GRACE: Duration = Duration::from_millis(500);

#[derive(Debug, Default)]
pub(crate) struct Told {
    process: Option<Process>,
    away: Option<Away>,
    denied: bool,
    missing: Vec<String>,
    held: Vec<Held>,
    would: Vec<String>,
}

#[derive(Debug)]
struct Away {
    since: Time,
    /// As it was told, if it was.
    told: Option<String>,
}

impl Told {
    /// It is the process that was last seen, however long ago.
    pub(crate) fn is_still(&self, process: &Process) -> bool {
        self.process.as_ref() == Some(process)
    }

    /// Since when HAProxy is away.
    pub(crate) fn away_since(&self) -> Option<Time> {
        self.away.as_ref().map(|away| away.since)
    }

    /// Events are facts for people; a controller whose listener is gone still has HAProxy to look after.
    pub(crate) async fn say(&self, event: Event, events: &mpsc::Sender<Event>) {
        if let Err(unheard) = events.send(event).await {
            tracing::debug!(event = %unheard.0, "nobody listens");
        }
    }

    pub(crate) async fn process(&mut self, observed: &Observed, events: &mpsc::Sender<Event>) {
        let Haproxy::Present { process, at } = &observed.haproxy else { return };
        let before = self.process.replace(process.clone());
        let away = self.away.take().filter(|away| away.told.is_some()).map(|away| at.since(away.since));
        match before {
            Some(before) if away.is_none() => {
                if before != *process {
                    let replaced = Event::HaproxyReplaced { from: before.pid, process: process.clone() };
                    self.say(replaced, events).await;
                }
            }
            Some(_) | None => {
                let present = Event::HaproxyPresent { process: process.clone(), away };
                self.say(present, events).await;
            }
        }
        let denied = matches!(observed.writes, Writes::Denied { .. });
        if let (Writes::Denied { why }, false) = (&observed.writes, self.denied) {
            self.say(Event::WritesDenied { why: why.clone() }, events).await;
        }
        self.denied = denied;
        for what in observed.missing.iter().filter(|what| !self.missing.contains(what)) {
            self.say(Event::Missing { what: what.clone() }, events).await;
        }
        self.missing.clone_from(&observed.missing);
    }

    pub(crate) async fn away(&mut self, why: &str, now: Time, events: &mpsc::Sender<Event>) {
        let away = self.away.get_or_insert(Away { since: now, told: None });
        let lasts = self.process.is_none() || now.since(away.since) >= AWAY_GRACE;
        if lasts && away.told.as_deref() != Some(why) {
            away.told = Some(why.to_owned());
            self.say(Event::HaproxyAway { why: why.to_owned() }, events).await;
        }
    }

    /// What would be sent, were it not withheld.
    pub(crate) async fn would(&mut self, would: &[String], events: &mpsc::Sender<Event>) {
        if self.would != would {
            self.would = would.to_vec();
            self.say(Event::Asked(Asked::Would { commands: would.to_vec() }), events).await;
        }
    }

    pub(crate) async fn held(&mut self, held: &[Held], events: &mpsc::Sender<Event>) {
        for one in held.iter().filter(|one| !self.held.contains(one)) {
            let Held { server, because } = one.clone();
            self.say(Event::Held { server, because }, events).await;
        }
        self.held = held.to_vec();
    }
}
