//! Where traffic leaves from: through each server that carries traffic, and through HAProxy's own frontend as clients do.
//! Asked for seldom, and after a change of service; nothing is decided by it. Where the configuration names no page,
//! nobody is asked.

mod identity;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use checker::{Credentials, Prober, Upstream};
use failover::status::{
    API_VERSION, BackendExits, BackendStatus, ExitList, ExitStatus, Level, SeenExit, ServerExit, Status,
};
use failover::{Event, ExitChanged, Name, ServerId, Verdict};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::admin::Front;
use crate::config::{Config, ExitPage};
use crate::engine::{Query, rfc3339};
use crate::fleet::Reached;
use crate::journal::Journal;
use crate::log::Label;

/// Where they are listed.
pub const EXITS_PATH: &str = "/api/v1/exits";

/// How often it is looked whether a round is due or other servers are in service: soon enough for whoever wonders after
/// a failover.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// For one page: some round trips through a slow tunnel, a name that the far end has to resolve included.
const PAGE_LIMIT: Duration = Duration::from_secs(10);

/// For a decision loop to say how it is.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// Pages under way at once are a 64th of what probes may be: nobody waits for them.
pub(crate) const PARTS_OF_PROBES: usize = 64;

/// An instance's backend.
type Place = (String, String);

/// How exits are asked for, as the configuration has it.
pub(crate) struct Asking {
    page: ExitPage,
    prober: Prober,
    backends: BTreeMap<Place, Way>,
    /// There are several instances, so that it is to be said whose a backend is.
    several: bool,
}

/// What the configuration says of one backend.
#[derive(Clone)]
struct Way {
    frontend: Option<SocketAddr>,
    credentials: Option<Credentials>,
}

impl Asking {
    /// `None` where the configuration names no page.
    pub(crate) fn of(config: &Config, prober: &Prober) -> Option<Arc<Self>> {
        let backends = config.instances.iter().flat_map(|instance| {
            instance.backends.iter().map(|backend| {
                let place = (instance.name.to_string(), backend.name.as_str().to_owned());
                (place, Way { frontend: backend.frontend, credentials: backend.credentials.clone() })
            })
        });
        let asking = Self {
            page: config.exit.clone()?,
            prober: prober.part_of(PARTS_OF_PROBES),
            backends: backends.collect(),
            several: config.instances.len() > 1,
        };
        Some(Arc::new(asking))
    }
}

/// Who is asked about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Subject {
    place: Place,
    /// `None`: whoever HAProxy sends clients to.
    server: Option<String>,
}

/// What was seen, of everybody that was asked about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    url: Option<String>,
    seen: BTreeMap<Subject, SeenExit>,
    /// The exits that were seen last, also where the last question had no answer.
    last: BTreeMap<Subject, ExitStatus>,
    frontends: BTreeMap<Place, SocketAddr>,
}

pub(crate) fn routes() -> Router<Front> {
    Router::new().route(EXITS_PATH, get(list))
}

async fn list(State(front): State<Front>) -> Response {
    let known = front.exits.borrow().clone();
    let status = match front.status().await {
        Ok(status) => status,
        Err(unanswered) => return unanswered.into_response(),
    };
    let of_it = |backend| known.of(backend, unserved(&status, backend));
    let backends: Vec<BackendExits> = status.backends.iter().map(of_it).collect();
    let list = ExitList {
        api_version: API_VERSION.to_owned(),
        kind: "ExitList".to_owned(),
        generated_at: rfc3339(jiff::Timestamp::now(), Duration::ZERO),
        exit_code: ExitList::exit_code_of(&backends),
        backends,
        url: known.url.clone(),
    };
    Json(list).into_response()
}

impl Known {
    fn seen(&self, backend: &BackendStatus, server: Option<&str>) -> SeenExit {
        let place = (backend.instance.clone(), backend.name.clone());
        let subject = Subject { place, server: server.map(str::to_owned) };
        self.seen.get(&subject).cloned().unwrap_or_default()
    }

    /// `unserved` says why what was seen of clients holds no longer.
    fn of(&self, backend: &BackendStatus, unserved: Option<Unserved>) -> BackendExits {
        let place = (backend.instance.clone(), backend.name.clone());
        let serves = unserved != Some(Unserved::Away);
        let servers = backend.servers.iter().filter(|server| server.managed).map(|server| ServerExit {
            name: server.name.clone(),
            in_service: serves && backend.in_service.contains(&server.name),
            seen: self.seen(backend, Some(&server.name)),
        });
        let exits = BackendExits {
            instance: backend.instance.clone(),
            name: backend.name.clone(),
            frontend: self.frontends.get(&place).map(SocketAddr::to_string),
            clients: unserved.map_or_else(|| self.seen(backend, None), Unserved::seen),
            as_believed: None,
            servers: servers.collect(),
        };
        exits.compared()
    }

    /// Adds to a status where each server's traffic leaves from.
    pub(crate) fn add_to(&self, status: &mut Status) {
        for backend in &mut status.backends {
            let exits = self.of(backend, None).servers;
            for exit in exits {
                let server = backend.servers.iter_mut().find(|server| server.name == exit.name);
                if let Some(server) = server {
                    server.exit = exit.seen.exit;
                }
            }
        }
    }
}

/// Why clients leave from nowhere that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unserved {
    /// HAProxy does not answer.
    Away,
    /// It answers, and has no server to use, or none that carries traffic.
    Down,
}

impl Unserved {
    fn seen(self) -> SeenExit {
        let why = match self {
            Self::Away => "HAProxy does not answer",
            Self::Down => "no server is known to carry traffic",
        };
        SeenExit { why: Some(why.to_owned()), ..SeenExit::default() }
    }
}

fn unserved(status: &Status, backend: &BackendStatus) -> Option<Unserved> {
    let own = status.instances.iter().find(|instance| instance.name == backend.instance);
    let answering = own.is_some_and(|instance| instance.haproxy.answering);
    match (answering, backend.verdict) {
        (false, _) => Some(Unserved::Away),
        (true, Level::Down) => Some(Unserved::Down),
        (true, Level::Ok | Level::Unknown | Level::Degraded) => None,
    }
}

/// Asks for as long as the daemon runs.
pub(crate) async fn keep_asking(
    reached: watch::Receiver<Reached>,
    mut asking: watch::Receiver<Option<Arc<Asking>>>,
    known: watch::Sender<Known>,
    journal: Journal,
) {
    let mut due = Instant::now();
    let mut served: BTreeMap<Place, Vec<String>> = BTreeMap::new();
    loop {
        let Some(how) = asking.borrow_and_update().clone() else {
            known.send_replace(Known::default());
            if asking.changed().await.is_err() {
                return;
            }
            continue;
        };
        if asking.has_changed().is_err() {
            return;
        }
        sleep(LOOK_EVERY).await;
        let instances = Arc::clone(&reached.borrow());
        let statuses = statuses(&instances).await;
        let is_due = due <= Instant::now();
        if is_due {
            due = Instant::now() + how.page.every;
        }
        let mut subjects = BTreeMap::new();
        for backend in statuses.iter().flat_map(|status| &status.backends) {
            let place = (backend.instance.clone(), backend.name.clone());
            let Some(way) = how.backends.get(&place) else { continue };
            let before = served.insert(place.clone(), backend.in_service.clone());
            let moved = before.as_ref() != Some(&backend.in_service);
            if moved {
                // What was seen there was seen through other servers.
                known.send_modify(|known| {
                    drop(known.seen.remove(&Subject { place: place.clone(), server: None }))
                });
            }
            let now = known.borrow().clone();
            subjects.extend(wanted(backend, way, is_due || moved, &now));
        }
        if !subjects.is_empty() || known.borrow().url.is_none() {
            ask(&how, subjects, &known, &journal).await;
        }
    }
}

/// Who is to be asked about: all where `all`, otherwise those that nothing is known of.
fn wanted(backend: &BackendStatus, way: &Way, all: bool, known: &Known) -> Vec<(Subject, SocketAddr)> {
    let place = (backend.instance.clone(), backend.name.clone());
    let servers = backend.servers.iter().filter(|server| server.health == Some(Verdict::Online));
    let servers = servers.filter_map(|server| {
        Some((Some(server.name.clone()), server.address.as_ref()?.parse::<SocketAddr>().ok()?))
    });
    let clients = way.frontend.filter(|_| !backend.in_service.is_empty()).map(|address| (None, address));
    let subjects =
        servers.chain(clients).map(|(server, address)| (Subject { place: place.clone(), server }, address));
    subjects.filter(|(subject, _)| all || !known.seen.contains_key(subject)).collect()
}

async fn ask(
    how: &Arc<Asking>,
    subjects: BTreeMap<Subject, SocketAddr>,
    known: &watch::Sender<Known>,
    journal: &Journal,
) {
    let mut under_way = JoinSet::new();
    for (subject, address) in subjects {
        let how = Arc::clone(how);
        under_way.spawn(async move {
            let credentials = how.backends.get(&subject.place).and_then(|way| way.credentials.clone());
            let server =
                ServerId::new(subject.place.1.as_str(), subject.server.as_deref().unwrap_or_default());
            let upstream = Upstream { server, address, credentials };
            let page = how.prober.page(&upstream, &how.page.page, PAGE_LIMIT).await;
            let exit = page.and_then(|page| {
                identity::parse(&page).ok_or_else(|| format!("{} does not say who asks", how.page.page))
            });
            let asked_at = Some(rfc3339(jiff::Timestamp::now(), Duration::ZERO));
            match exit {
                Ok(exit) => (subject, SeenExit { exit: Some(exit), why: None, asked_at }),
                Err(why) => (subject, SeenExit { exit: None, why: Some(why), asked_at }),
            }
        });
    }
    let mut seen = Vec::new();
    while let Some(ended) = under_way.join_next().await {
        seen.extend(ended.ok());
    }
    let frontends = how.backends.iter().filter_map(|(place, way)| Some((place.clone(), way.frontend?)));
    known.send_modify(|known| {
        known.url = Some(how.page.page.to_string());
        known.frontends = frontends.collect();
        known.seen.retain(|subject, _| how.backends.contains_key(&subject.place));
        known.last.retain(|subject, _| how.backends.contains_key(&subject.place));
        for (subject, now) in seen {
            if let Some(exit) = &now.exit {
                let before = known.last.insert(subject.clone(), exit.clone());
                if let Some(before) = before.filter(|before| !before.is_same(exit)) {
                    tell(&subject, &before, exit, how.several, journal);
                }
            }
            known.seen.insert(subject, now);
        }
    });
}

fn tell(subject: &Subject, from: &ExitStatus, to: &ExitStatus, several: bool, journal: &Journal) {
    let (instance, backend) = &subject.place;
    let backend = Name::from(backend.as_str());
    let server = subject.server.as_ref().map(|server| ServerId::new(backend.clone(), server.as_str()));
    let changed = ExitChanged { backend, server, from: from.to_string(), to: to.to_string() };
    let instance = Name::from(instance.as_str());
    let label = Label(several.then(|| instance.clone()));
    journal.tell(&label, Some(&instance), &Event::ExitChanged(changed));
}

/// Of each instance that answers.
async fn statuses(reached: &Reached) -> Vec<Status> {
    let mut statuses = Vec::with_capacity(reached.len());
    for reach in reached.iter() {
        let (sender, answer) = oneshot::channel();
        if reach.queries.try_send(Query::Status(sender)).is_ok()
            && let Ok(Ok(status)) = timeout(ANSWER_LIMIT, answer).await
        {
            statuses.push(status);
        }
    }
    statuses
}
