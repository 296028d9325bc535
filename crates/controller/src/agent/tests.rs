//! What is answered, as it follows from a sight and its plan, and what is not, to whoever asks.

use std::io;

use failover::{Balance, Held, HeldBecause, Insist, Name, ObservedBackend, Operational, Owner, Want, Wish};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;

/// For a busy machine; every wait ends as soon as the thing happens.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn before_haproxy_was_seen_nothing_is_answered_and_then_what_it_has_already() {
    let mut scene = Scene::start().await;
    assert_eq!(scene.ask(b"b/wg1\n").await, "");
    scene.sight(&[("wg1", Agent::Down), ("wg2", Agent::Up)], &Plan::default());
    assert_eq!(scene.ask(b"b/wg1\n").await, "down # no reply\n");
    assert_eq!(scene.ask(b"b/wg2\n").await, "up\n");
    assert!(scene.events.try_recv().is_err(), "an honest client is nothing to be told of");
}

#[tokio::test]
async fn a_step_is_answered_as_long_as_a_sight_calls_for_it() {
    let mut scene = Scene::start().await;
    let servers = [("wg1", Agent::Up), ("wg2", Agent::Down)];
    let step = |name: &str, set| Step { server: ServerId::new("b", name), set, why: None };
    let plan = Plan { steps: vec![step("wg2", Admin::Ready), step("wg1", Admin::Maint)], ..Plan::default() };
    scene.sight(&servers, &plan);
    assert_eq!(scene.ask(b"b/wg1\n").await, "down # no reply\n");
    assert_eq!(scene.ask(b"b/wg2\n").await, "up\n");
    // Its successor failed before HAProxy asked again.
    let held = Held { server: ServerId::new("b", "wg1"), because: HeldBecause::NoSuccessor };
    scene.sight(&servers, &Plan { held: vec![held], ..Plan::default() });
    assert_eq!(scene.ask(b"b/wg1\n").await, "up\n");
    assert_eq!(scene.ask(b"b/wg2\n").await, "down # as before\n");
}

#[tokio::test]
async fn who_is_no_agent_check_is_told_nothing_and_told_of_once() {
    let mut scene = Scene::start().await;
    scene.sight(&[("wg1", Agent::Up), ("wg2", Agent::Absent)], &Plan::default());
    for (question, told) in [
        (&b"b/nope\n"[..], "asked for `b/nope`"),
        (b"b/wg2\n", ""),
        (b"GET / HTTP/1.1\n", ""),
        (b"", "without a question"),
        (b"b/wg1", ""),
        (&[b'x'; 4096], "longer than any"),
    ] {
        assert_eq!(scene.ask(question).await, "", "{question:?}");
        if told.is_empty() {
            continue;
        }
        let event = timeout(PATIENCE, scene.events.recv()).await.unwrap().unwrap().to_string();
        assert!(event.contains(told), "{event}");
    }
    assert!(scene.events.try_recv().is_err(), "each kind once");
    assert_eq!(scene.ask(b"b/wg1\n").await, "up\n");
}

#[tokio::test]
async fn more_idle_clients_than_there_is_room_for_do_not_keep_haproxy_waiting() {
    let mut scene = Scene::start().await;
    scene.sight(&[("wg1", Agent::Up)], &Plan::default());
    let mut idle = Vec::new();
    for _ in 0..400 {
        idle.push(TcpStream::connect(scene.lever.addr).await.unwrap());
    }
    assert_eq!(scene.ask(b"b/wg1\n").await, "up\n");
    let event = timeout(PATIENCE, scene.events.recv()).await.unwrap().unwrap();
    assert!(matches!(event, Event::AgentMisuse { .. }), "{event}");
}

#[tokio::test]
async fn a_server_that_cannot_be_steered_is_a_problem_with_the_line_to_write() {
    let scene = Scene::start().await;
    let problems = scene.lever.problems(&observed(&[("wg1", Agent::Absent), ("wg2", Agent::Up)]));
    let [problem] = &problems[..] else { panic!("{problems:?}") };
    let line = format!(
        "`agent-check agent-addr 127.0.0.1 agent-port {} agent-inter 200ms agent-send \"b/wg1\\n\"`",
        scene.lever.addr.port()
    );
    assert!(problem.contains(&line), "{problem}");
}

#[tokio::test]
async fn a_server_that_was_down_in_this_process_and_is_up_is_reopened() {
    let mut scene = Scene::start().await;
    let mut reopened = |agent| {
        let mut observed = observed(&[("wg1", agent)]);
        scene.lever.settle(&mut observed);
        observed.backends[&Name::from("b")].servers[0].reopened
    };
    assert!(!reopened(Agent::Up));
    assert!(!reopened(Agent::Down));
    assert!(reopened(Agent::Up));
    assert!(reopened(Agent::Up));
    assert!(!reopened(Agent::Down));
    scene.lever.begin_process();
    let mut observed = observed(&[("wg1", Agent::Up)]);
    scene.lever.settle(&mut observed);
    assert!(!observed.backends[&Name::from("b")].servers[0].reopened);
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error_that_names_it() {
    let port = AgentPort::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let error = AgentPort::bind(port.addr()).await.err().unwrap();
    assert!(error.to_string().contains(&port.addr().to_string()), "{error}");
}

/// A lever without controller.
struct Scene {
    lever: AgentLever,
    events: mpsc::Receiver<Event>,
}

impl Scene {
    async fn start() -> Self {
        let port = AgentPort::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let (sender, events) = mpsc::channel(16);
        Self { lever: AgentLever::start(port, sender), events }
    }

    fn sight(&mut self, servers: &[(&str, Agent)], plan: &Plan) {
        let wish = Wish {
            want: Want::Maint,
            why: Some("no reply".into()),
            kill: false,
            insist: Insist::No,
            address: None,
        };
        let desired = Desired::from([("b".into(), BTreeMap::from([("wg1".into(), wish)]))]);
        self.lever.answer(&desired, &observed(servers), Some(plan));
    }

    /// What comes back until the connection ends. A client that is cut off for what it sent may find it reset.
    async fn ask(&self, question: &[u8]) -> String {
        let conversation = async {
            let mut stream = TcpStream::connect(self.lever.addr).await?;
            stream.write_all(question).await?;
            stream.shutdown().await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            io::Result::Ok(answer)
        };
        timeout(PATIENCE, conversation).await.unwrap().unwrap_or_default()
    }
}

fn observed(servers: &[(&str, Agent)]) -> Observed {
    let server = |(name, agent): &(&str, Agent)| ObservedServer {
        name: Name::from(*name),
        address: None,
        backup: true,
        admin: Admin::Ready,
        owner: Owner::Ours,
        reopened: false,
        agent: Some(*agent),
        tracks: None,
        flags: Vec::new(),
        operational: Operational::Running,
        weight: 1,
        busy: false,
        managed: true,
    };
    let servers = servers.iter().map(server).collect();
    let mut observed = Observed::nothing();
    observed.backends.insert("b".into(), ObservedBackend { balance: Balance::First, servers });
    observed
}
