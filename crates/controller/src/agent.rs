//! The agent lever: HAProxy asks by its agent-check, and what it is answered here is how its servers are steered.
//!
//! What is answered follows from the plan of the last sight, and from nothing else: what HAProxy has already, but for
//! the plan's steps. So a server is told `down` only while its successor is seen to be usable; a step that the next
//! sight no longer calls for is taken back before HAProxy has asked. Nothing is answered before the first sight. While
//! HAProxy cannot be read the answers stand: it has no other way to learn them, and would keep them by itself. They stand
//! as well until a new process was read, so that one that has forgotten everything learns it at its first question.
//!
//! HAProxy never forgets an answer by itself. Whatever ends hactl leaves the servers as they are.

mod listener;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use failover::{Admin, Agent, Desired, Event, Observed, ObservedServer, Plan, ServerId, Step};
use haproxy_runtime::{AgentAnswer, ServerPath, ServerState};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// An agent-check that has not asked for so long asks elsewhere, or in another server's name; the usual ones ask several
/// times a second, and HAProxy's own default is 2 s.
const ASKED_WITHIN: Duration = Duration::from_secs(10);

/// For HAProxy to ask about a server that is to be given back: twice the time between two questions that it has by default.
const LET_UP_WITHIN: Duration = Duration::from_secs(5);

/// Why a server is down of which nothing better is known.
const AS_BEFORE: &str = "as before";

/// What to answer, by server; `None` before HAProxy was seen.
type Answers = Option<BTreeMap<ServerPath, AgentAnswer>>;

/// When each server's agent-check asked last.
type Asked = BTreeMap<ServerPath, Instant>;

/// Why the port for agent-checks cannot be had.
#[derive(Debug, Error)]
#[error("cannot listen on {addr} for HAProxy's agent-checks")]
pub struct AgentError {
    addr: SocketAddr,
    #[source]
    source: io::Error,
}

/// A port on which HAProxy's agent-checks will be answered; until then they wait.
pub struct AgentPort {
    addr: SocketAddr,
    listener: TcpListener,
}

impl AgentPort {
    /// Listens on `addr`. Whoever reaches it learns which servers are out and why, and can do nothing.
    ///
    /// # Errors
    /// Where the port cannot be had.
    pub async fn bind(addr: SocketAddr) -> Result<Self, AgentError> {
        let failed = |source| AgentError { addr, source };
        let listener = TcpListener::bind(addr).await.map_err(failed)?;
        // Port 0 is a free one.
        let addr = listener.local_addr().map_err(failed)?;
        Ok(Self { addr, listener })
    }

    /// Where it is.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }
}

/// A server that is answered `up` until it was seen up.
struct Leaving {
    since: Instant,
    /// That HAProxy does not ask was said.
    told: bool,
}

/// The lever of one controller; its listener ends with it.
pub(crate) struct AgentLever {
    addr: SocketAddr,
    answers: watch::Sender<Answers>,
    asked: watch::Receiver<Asked>,
    /// Seen down in the present process.
    out: BTreeSet<ServerId>,
    /// Seen down in the present process, and up later.
    reopened: BTreeSet<ServerId>,
    /// Down because of us and not ours to steer any more.
    leaving: BTreeMap<ServerId, Leaving>,
    /// When the present process was first seen.
    since: Instant,
    _listener: JoinSet<()>,
}

impl AgentLever {
    /// Begins to answer.
    pub(crate) fn start(port: AgentPort, events: mpsc::Sender<Event>) -> Self {
        let (answers, wanted) = watch::channel(None);
        let (asking, asked) = watch::channel(Asked::new());
        let addr = port.addr;
        let mut listener = JoinSet::new();
        listener.spawn(listener::serve(port, wanted, asking, events));
        Self {
            addr,
            answers,
            asked,
            out: BTreeSet::new(),
            reopened: BTreeSet::new(),
            leaving: BTreeMap::new(),
            since: Instant::now(),
            _listener: listener,
        }
    }

    /// Whether the server's agent-check is one that asks here.
    pub(crate) fn asks_here(&self, row: &ServerState) -> bool {
        let same_addr = row.srv_agent_addr.as_deref().is_none_or(|addr| addr.parse() == Ok(self.addr.ip()));
        let same_port = row.srv_agent_port.is_none_or(|port| port == self.addr.port());
        same_addr && same_port
    }

    /// Another process answers, with another memory.
    pub(crate) fn begin_process(&mut self) {
        self.out.clear();
        self.reopened.clear();
        self.since = Instant::now();
    }

    /// Marks the servers that were out because of us and are so no more.
    pub(crate) fn settle(&mut self, observed: &mut Observed) {
        for (backend, seen) in &mut observed.backends {
            for server in &mut seen.servers {
                let id = ServerId { backend: backend.clone(), server: server.name.clone() };
                match server.agent {
                    Some(Agent::Down) => {
                        self.reopened.remove(&id);
                        self.out.insert(id);
                    }
                    Some(Agent::Up) => {
                        if self.out.remove(&id) {
                            self.reopened.insert(id.clone());
                        }
                        server.reopened = self.reopened.contains(&id);
                    }
                    Some(Agent::Absent) | None => {}
                }
            }
        }
    }

    /// Takes in which servers outside the mandate ask here, and whether they are down; those that were, and have been let
    /// up. While nothing may be changed, nobody waits for HAProxy.
    pub(crate) fn look_back(&mut self, seen: &BTreeMap<ServerId, Agent>, writes: bool) -> Vec<ServerId> {
        let now = Instant::now();
        let before = std::mem::take(&mut self.leaving);
        for (server, _) in seen.iter().filter(|(_, agent)| **agent == Agent::Down) {
            let (since, told) =
                before.get(server).filter(|_| writes).map_or((now, false), |known| (known.since, known.told));
            let late = now.duration_since(since) >= LET_UP_WITHIN;
            if late && !told {
                tracing::warn!(
                    %server,
                    "it left the configuration and is still down by its agent-check, about which HAProxy does not ask; \
                     reload HAProxy to have it forget what it was told"
                );
            }
            self.leaving.insert(server.clone(), Leaving { since, told: told || late });
        }
        let is_up = |server: &ServerId| seen.get(server) == Some(&Agent::Up);
        before.into_keys().filter(is_up).collect()
    }

    /// HAProxy is waited for to ask about a server of this backend.
    pub(crate) fn waits_for(&self, backend: &str) -> bool {
        self.leaving.iter().any(|(server, leaving)| server.backend.as_str() == backend && !leaving.told)
    }

    /// From now on HAProxy is answered what it has already, but for the steps of `plan`, and for the servers that are given
    /// back; without a plan these stay as well.
    pub(crate) fn answer(&self, desired: &Desired, observed: &Observed, plan: Option<&Plan>) {
        let mut answers = BTreeMap::new();
        for path in self.leaving.keys().filter_map(path) {
            let stays = AgentAnswer::Down { reason: AS_BEFORE.to_owned() };
            answers.insert(path, if plan.is_some() { AgentAnswer::Up } else { stays });
        }
        let steps = plan.map_or(&[][..], |plan| &plan.steps);
        for (id, server) in steered(observed) {
            let step = steps.iter().find(|step| step.server == id).map(|step| step.set);
            let down = match (step, server.agent) {
                (Some(Admin::Ready), _) => false,
                (Some(Admin::Drain | Admin::Maint), _) => true,
                (None, Some(Agent::Down)) => true,
                (None, Some(Agent::Up)) => false,
                (None, Some(Agent::Absent) | None) => continue,
            };
            let Some(path) = path(&id) else { continue };
            let answer = if down { AgentAnswer::Down { reason: why(desired, &id) } } else { AgentAnswer::Up };
            answers.insert(path, answer);
        }
        self.answers.send_if_modified(|known| {
            let changed = known.as_ref() != Some(&answers);
            *known = Some(answers);
            changed
        });
    }

    /// What keeps servers from being steered, each with what to do.
    pub(crate) fn problems(&self, observed: &Observed) -> Vec<String> {
        let asked = self.asked.borrow();
        let now = Instant::now();
        let grown_up = now.duration_since(self.since) >= ASKED_WITHIN;
        let mut problems = Vec::new();
        for (id, server) in steered(observed) {
            let Some(path) = path(&id) else { continue };
            let recently = |at: &Instant| now.duration_since(*at) < ASKED_WITHIN;
            if server.agent == Some(Agent::Absent) {
                problems.push(format!(
                    "{path} has no agent-check that asks hactl, so it cannot be steered: {}",
                    self.advice(&path)
                ));
            } else if grown_up && !asked.get(&path).is_some_and(recently) {
                problems.push(format!(
                    "no agent-check has asked for {path} in {} s, so it cannot be steered: {}",
                    ASKED_WITHIN.as_secs(),
                    self.advice(&path)
                ));
            }
        }
        problems
    }

    fn advice(&self, path: &ServerPath) -> String {
        format!(
            "write `agent-check agent-addr {} agent-port {} agent-inter 200ms agent-send \"{path}\\n\"` on its line in \
             haproxy.cfg and reload HAProxy",
            self.addr.ip(),
            self.addr.port()
        )
    }
}

/// What HAProxy would be answered, in words.
pub(crate) fn text(step: &Step) -> Option<String> {
    let answer = if step.set == Admin::Ready { "up" } else { "down" };
    Some(format!("answer {answer} for {}", path(&step.server)?))
}

/// The managed servers of a sight.
fn steered(observed: &Observed) -> impl Iterator<Item = (ServerId, &ObservedServer)> {
    observed.backends.iter().flat_map(|(backend, seen)| {
        let managed = seen.servers.iter().filter(|server| server.managed);
        managed.map(|server| (ServerId { backend: backend.clone(), server: server.name.clone() }, server))
    })
}

/// Names that the core holds came from parsed ones, so this is never `None`.
fn path(id: &ServerId) -> Option<ServerPath> {
    Some(ServerPath::new(id.backend.as_str().parse().ok()?, id.server.as_str().parse().ok()?))
}

fn why(desired: &Desired, id: &ServerId) -> String {
    let wish = desired.get(&id.backend).and_then(|wishes| wishes.get(&id.server));
    wish.and_then(|wish| wish.why.as_ref()).map_or_else(|| AS_BEFORE.to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests;
