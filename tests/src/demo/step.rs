//! One step of the story: exits are broken or healed, and it is told, as it happens, what HAProxy, hactl and the
//! clients see of it.

use std::io;
use std::time::{Duration, Instant};

use e2e::Fault;
use e2e::client::PATIENCE;
use e2e::traffic::{Sample, outage};
use tokio::time::sleep;

use crate::answers::Change;
use crate::hactl::Line;
use crate::run::Failure;
use crate::scene::{POLL, Scene};
use crate::voice::{Voice, Who};

/// By then hactl has judged and the clients were moved. It takes some 1 s; a busy machine may be ten times slower.
const LIMIT: Duration = Duration::from_secs(15);

/// By then HAProxy's own check has run, and hactl has not judged yet.
const HAPROXYS_CHECK: Duration = Duration::from_millis(500);

/// How far back the last answer before a change is looked for.
const BEFORE: Duration = Duration::from_secs(1);

/// What is done, and what must come of it.
pub(crate) struct Step<'a> {
    /// In the demo's words.
    pub(crate) what: &'a str,
    /// The exits that it is done to.
    pub(crate) exits: &'a [&'a str],
    /// What is wrong with them from now on.
    pub(crate) fault: Fault,
    /// What hactl must find each of them to be.
    pub(crate) health: &'a str,
    /// The exit that must answer then.
    pub(crate) by: &'a str,
}

/// What the clients saw of it.
#[derive(Debug)]
pub(crate) struct Seen {
    /// How long nobody answered them.
    pub(crate) outage: Duration,
    /// How many requests failed in that time.
    pub(crate) failed: usize,
    /// How many were answered since.
    pub(crate) answered: usize,
}

impl Step<'_> {
    /// Does it, and tells what comes of it.
    pub(crate) async fn play(&self, voice: &Voice, scene: &mut Scene) -> Result<Seen, Failure> {
        let start = Instant::now();
        voice.told(Duration::ZERO, Who::Demo, self.what)?;
        scene.set(self.exits, self.fault).await;
        self.wait_until_done(voice, scene, start).await?;
        // By then the last request that was begun before the switch has been given up by its client.
        let settled = Instant::now() + PATIENCE + POLL;
        while Instant::now() < settled {
            look(voice, scene, start)?;
            sleep(POLL).await;
        }
        let seen = self.seen(&scene.clients.since(start - BEFORE), start)?;
        voice.good(&self.summary(&seen))?;
        Ok(seen)
    }

    async fn wait_until_done(&self, voice: &Voice, scene: &mut Scene, start: Instant) -> Result<(), Failure> {
        let mut heard = Vec::new();
        let mut haproxy_asked = self.fault != Fault::BlackHole;
        while !(self.is_judged(&heard) && scene.clients.answered_by() == Some(self.by)) {
            if let Some(words) = scene.hactl.last_words() {
                return Err(Failure::Story(words));
            }
            if start.elapsed() > LIMIT {
                return Err(self.stuck(&heard, scene.clients.answered_by()));
            }
            sleep(POLL).await;
            heard.extend(look(voice, scene, start)?);
            if !haproxy_asked && start.elapsed() > HAPROXYS_CHECK {
                haproxy_asked = true;
                ask_haproxy(voice, scene, start, self.exits).await?;
            }
        }
        Ok(())
    }

    fn is_judged(&self, heard: &[Line]) -> bool {
        self.exits.iter().all(|exit| heard.iter().any(|line| line.says(exit, self.health)))
    }

    fn stuck(&self, heard: &[Line], by: Option<&str>) -> Failure {
        let (exits, health, wanted) = (self.exits.join(" and "), self.health, self.by);
        let judged = if self.is_judged(heard) { "" } else { "not " };
        let by = by.map_or_else(|| "nobody".to_owned(), str::to_owned);
        Failure::Story(format!(
            "within {LIMIT:?} hactl should have found {exits} {health}, and {wanted} should have answered; it was \
             {judged}found so, and {by} answers"
        ))
    }

    /// From the clients' requests, which must not fail after the switch; where nothing breaks, not at all.
    fn seen(&self, samples: &[Sample], start: Instant) -> Result<Seen, Failure> {
        let since: Vec<&Sample> = samples.iter().filter(|sample| sample.started > start).collect();
        let breaks = self.fault != Fault::None;
        let switch = since.iter().position(|sample| sample.result.as_deref() == Ok(self.by));
        let counted = if breaks { &since[switch.unwrap_or_default()..] } else { &since[..] };
        let failed = counted.iter().filter_map(|sample| sample.result.as_ref().err());
        if let Some(why) = failed.clone().next() {
            let (failed, all, when) =
                (failed.count(), counted.len(), if breaks { " after the switch" } else { "" });
            return Err(Failure::Story(format!("{failed} of {all} requests failed{when}: {why}")));
        }
        let outage = outage(samples, start);
        Ok(Seen {
            outage: outage.between_answers().unwrap_or_default(),
            failed: outage.failed,
            answered: counted.len(),
        })
    }

    fn summary(&self, seen: &Seen) -> String {
        let (by, Seen { outage, failed, answered }) = (self.by, seen);
        if self.fault == Fault::None {
            return format!("{by} again: none of {answered} requests failed meanwhile");
        }
        let outage = outage.as_secs_f64();
        format!("{by} after {outage:.2} s: {failed} requests failed till then, none of {answered} since")
    }
}

/// Tells what is new from hactl and the clients; hactl's lines.
pub(crate) fn look(voice: &Voice, scene: &mut Scene, start: Instant) -> io::Result<Vec<Line>> {
    let news = scene.hactl.news();
    for line in &news {
        voice.told(start.elapsed(), Who::Hactl, &line.text)?;
    }
    for change in scene.clients.changes() {
        let text = match change {
            Change::By(exit) => format!("answered by {exit}"),
            Change::Failing(why) => format!("requests fail: {why}"),
        };
        voice.told(start.elapsed(), Who::Clients, &text)?;
    }
    Ok(news)
}

async fn ask_haproxy(voice: &Voice, scene: &Scene, start: Instant, exits: &[&str]) -> io::Result<()> {
    for exit in exits {
        let text = match scene.haproxy.status_of(exit).await.as_deref() {
            Some("UP") => format!("takes {exit} for UP: its port is open"),
            Some(status) => format!("takes {exit} for {status}"),
            None => "does not answer".to_owned(),
        };
        voice.told(start.elapsed(), Who::Haproxy, &text)?;
    }
    Ok(())
}
