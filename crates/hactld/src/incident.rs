//! Incidents: outages that clients of a backend may have noticed, from the last sign of life to the end. They follow from
//! events alone, in the order in which those were told; reads no clock.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::journal::{Entry, millis, millis_or_null};

/// Incidents that are kept: months of a set-up in which something fails every day. They take some 100 kB.
const INCIDENTS_KEPT: usize = 256;

/// HAProxy's own checks may have left a server before it was found dead here. What was left for longer than this before, in
/// seconds, was left for another reason.
const LEFT_FIRST_SECONDS: f64 = 10.0;

/// One incident, as `hactl/v1` has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    /// The number of the event by which it was known.
    pub id: u64,
    /// The instance.
    pub instance: Option<String>,
    /// The backend.
    pub backend: String,
    /// The server that failed; `null` where no single one did.
    pub server: Option<String>,
    /// The last sign of life before it, RFC 3339.
    #[serde(serialize_with = "millis")]
    #[schemars(with = "String")]
    pub began: Timestamp,
    /// When it was known.
    #[serde(serialize_with = "millis_or_null")]
    #[schemars(with = "Option<String>")]
    pub detected: Option<Timestamp>,
    /// When HAProxy was seen to send new connections elsewhere; `null` where it did not.
    #[serde(serialize_with = "millis_or_null")]
    #[schemars(with = "Option<String>")]
    pub switched: Option<Timestamp>,
    /// When the server carried traffic again, or any did where no single one had failed; `null` while it goes on.
    #[serde(serialize_with = "millis_or_null")]
    #[schemars(with = "Option<String>")]
    pub ended: Option<Timestamp>,
    /// From the last sign of life to when it was known.
    pub detection_seconds: Option<f64>,
    /// From then until HAProxy was seen to send new connections elsewhere; 0 where it had done so by itself.
    pub switch_seconds: Option<f64>,
    /// For how long no server was known to carry traffic, until now where that goes on.
    pub blackout_seconds: Option<f64>,
    /// All of it, as one line.
    pub text: String,
}

/// A backend of an instance.
type Place = (Option<String>, String);

/// What is known of incidents, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Incidents {
    known: VecDeque<Known>,
    serving: BTreeMap<Place, Serving>,
    /// Instances in which nothing answers, and since when.
    frozen: BTreeMap<Option<String>, Timestamp>,
}

/// The servers that get new connections.
#[derive(Debug)]
struct Serving {
    now: Vec<String>,
    before: Vec<String>,
    since: Timestamp,
}

#[derive(Debug)]
struct Known {
    id: u64,
    place: Place,
    server: Option<String>,
    began: Timestamp,
    detected: Timestamp,
    switched: Option<(Timestamp, String)>,
    ended: Option<Timestamp>,
    /// Of blackouts that are over, in seconds.
    blackout: f64,
    blackout_since: Option<Timestamp>,
}

impl Incidents {
    /// Takes in the next event.
    pub(crate) fn take(&mut self, entry: &Entry) {
        match (entry.kind.as_str(), &entry.backend) {
            ("frozen", _) => self.freeze(entry),
            ("thawed", _) => self.thaw(entry),
            ("health", Some(backend)) => self.health(entry, (entry.instance.clone(), backend.clone())),
            ("let_go" | "left_out" | "gone", Some(backend)) => {
                self.end(entry, &(entry.instance.clone(), backend.clone()))
            }
            ("in_service", Some(backend)) => {
                self.in_service(entry, (entry.instance.clone(), backend.clone()))
            }
            ("blackout", Some(backend)) => self.blackout(entry, (entry.instance.clone(), backend.clone())),
            ("blackout_over", Some(backend)) => {
                self.blackout_over(entry, &(entry.instance.clone(), backend.clone()));
            }
            _ => {}
        }
    }

    /// The latest ones, the newest first; `now` is for those that go on.
    pub(crate) fn latest(&self, limit: usize, now: Timestamp) -> Vec<Incident> {
        self.known.iter().rev().take(limit).map(|known| known.told(now)).collect()
    }

    fn health(&mut self, entry: &Entry, place: Place) {
        match entry.to.as_deref() {
            Some("online") => self.end(entry, &place),
            Some("degraded" | "offline") => self.fail(entry, place),
            Some(_) | None => {}
        }
    }

    fn fail(&mut self, entry: &Entry, place: Place) {
        let Some(server) = entry.server.clone() else { return };
        if self.open(&place).any(|known| known.server.as_ref() == Some(&server)) {
            return;
        }
        let Some(serving) = self.serving.get(&place) else { return };
        let left = serving.before.contains(&server)
            && !serving.now.is_empty()
            && seconds(serving.since, entry.at) <= LEFT_FIRST_SECONDS;
        let switched = match (serving.now.contains(&server), left) {
            (true, _) => None,
            (false, true) => Some((serving.since, serving.now.join(", "))),
            // Nobody was sent there.
            (false, false) => return,
        };
        let frozen = self.frozen.get(&place.0).copied();
        let began = entry.began.unwrap_or(entry.at);
        // What nothing answered before this was not this incident's.
        let frozen = frozen.map(|frozen| frozen.max(began));
        self.add(Known { switched, blackout_since: frozen, ..Known::new(entry, place, Some(server), began) });
    }

    fn end(&mut self, entry: &Entry, place: &Place) {
        for known in self.open(place).filter(|known| known.server == entry.server && known.server.is_some()) {
            known.end_blackout(entry.at);
            known.ended = Some(entry.at);
        }
    }

    fn in_service(&mut self, entry: &Entry, place: Place) {
        let names = |text: &Option<String>| -> Vec<String> {
            let text = text.as_deref().unwrap_or_default();
            text.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
        };
        let (before, now) = (names(&entry.from), names(&entry.to));
        for known in self.open(&place) {
            let has_left = known.server.as_ref().is_some_and(|server| !now.contains(server));
            if has_left && !now.is_empty() && known.switched.is_none() {
                known.switched = Some((entry.at, now.join(", ")));
            }
        }
        self.serving.insert(place, Serving { now, before, since: entry.at });
    }

    /// It belongs to what failed last; where nothing that clients were sent to has failed, it is one of its own.
    fn blackout(&mut self, entry: &Entry, place: Place) {
        if let Some(known) = self.open(&place).last() {
            known.blackout_since.get_or_insert(entry.at);
        } else {
            let blackout_since = Some(entry.at);
            self.add(Known { blackout_since, ..Known::new(entry, place, None, entry.at) });
        }
    }

    fn blackout_over(&mut self, entry: &Entry, place: &Place) {
        for known in self.open(place) {
            known.end_blackout(entry.at);
            if known.server.is_none() {
                known.ended = Some(entry.at);
            }
        }
    }

    /// Nothing answers: whatever is sent there now is in vain.
    fn freeze(&mut self, entry: &Entry) {
        self.frozen.insert(entry.instance.clone(), entry.at);
        for known in self.known.iter_mut().filter(|known| known.place.0 == entry.instance) {
            if known.ended.is_none() {
                known.blackout_since.get_or_insert(entry.at);
            }
        }
    }

    fn thaw(&mut self, entry: &Entry) {
        self.frozen.remove(&entry.instance);
        for known in self.known.iter_mut().filter(|known| known.place.0 == entry.instance) {
            known.end_blackout(entry.at);
        }
    }

    fn open<'a>(&'a mut self, place: &'a Place) -> impl Iterator<Item = &'a mut Known> {
        self.known.iter_mut().filter(move |known| known.ended.is_none() && known.place == *place)
    }

    fn add(&mut self, known: Known) {
        if self.known.len() == INCIDENTS_KEPT {
            let oldest = self.known.iter().position(|known| known.ended.is_some()).unwrap_or_default();
            self.known.remove(oldest);
        }
        self.known.push_back(known);
    }
}

impl Known {
    fn new(entry: &Entry, place: Place, server: Option<String>, began: Timestamp) -> Self {
        Self {
            id: entry.seq,
            place,
            server,
            began,
            detected: entry.at,
            switched: None,
            ended: None,
            blackout: 0.0,
            blackout_since: None,
        }
    }

    fn end_blackout(&mut self, at: Timestamp) {
        if let Some(since) = self.blackout_since.take() {
            self.blackout += seconds(since, at);
        }
    }

    fn told(&self, now: Timestamp) -> Incident {
        let (instance, backend) = self.place.clone();
        let goes_on = self.blackout_since.map_or(0.0, |since| seconds(since, now));
        let mut incident = Incident {
            id: self.id,
            instance,
            backend,
            server: self.server.clone(),
            began: self.began,
            detected: Some(self.detected),
            switched: self.switched.as_ref().map(|(at, _)| *at),
            ended: self.ended,
            detection_seconds: Some(rounded(seconds(self.began, self.detected))),
            switch_seconds: self.switched.as_ref().map(|(at, _)| rounded(seconds(self.detected, *at))),
            blackout_seconds: Some(rounded(self.blackout + goes_on)),
            text: String::new(),
        };
        incident.text =
            Told { incident: &incident, to: self.switched.as_ref().map(|(_, to)| to) }.to_string();
        incident
    }
}

/// The sentence of an incident.
struct Told<'a> {
    incident: &'a Incident,
    to: Option<&'a String>,
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Incident { backend, server, began, ended, .. } = self.incident;
        match server {
            Some(server) => write!(f, "{backend}/{server} carried no traffic any more")?,
            None => write!(f, "{backend}: no server carried traffic")?,
        }
        if let Some(found) = self.incident.detection_seconds.filter(|_| server.is_some()) {
            write!(f, "; found after {found} s")?;
        }
        match (self.to, self.incident.switch_seconds, ended) {
            (Some(to), Some(switch), _) => write!(f, ", {to} took over {switch} s later")?,
            (None, _, None) if server.is_some() => f.write_str(", and nothing has taken over")?,
            (..) => {}
        }
        if let Some(blackout) = self.incident.blackout_seconds.filter(|blackout| *blackout > 0.0) {
            write!(f, "; no server at all for {blackout} s")?;
        }
        match ended {
            Some(ended) => write!(f, "; over after {} s", rounded(seconds(*began, *ended))),
            None => f.write_str("; it goes on"),
        }
    }
}

/// From one to the other; a clock that was put back makes it nothing.
fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0)
}

/// To the millisecond.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests;
