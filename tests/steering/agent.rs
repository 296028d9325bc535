//! Steering by what HAProxy's agent-checks are answered.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use e2e::haproxy::ask;
use e2e::{Daemon, Fault, Lab, Layout, Mode, Port};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::steered::{PATIENCE, start_hactl_with};

/// Several questions of HAProxy, and several looks of hactl.
const A_WHILE: Duration = Duration::from_millis(2500);

const POLL: Duration = Duration::from_millis(5);

const NAMES: [&str; 3] = ["wg1", "wg2", "cloudflare_warp"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_admin_level_a_dead_tunnel_is_down_by_its_agent_and_comes_back() {
    for level in [Level::User, Level::Operator, Level::Admin] {
        let mut scene = Scene::start(level, Mode::Plain).await;
        let from = scene.break_with(Fault::BlackHole, &["wg1", "wg2"]).await;
        scene.said(from, "socks_back_7891/wg1 taken down by its agent-check, read back").await;
        scene.until_down(&["wg1", "wg2"]).await;
        assert_eq!(scene.lab.get().await.as_deref(), Ok("cloudflare_warp"));
        assert!(scene.status().await.contains(r#""agent":"down""#));
        let from = scene.break_with(Fault::None, &["wg1", "wg2"]).await;
        scene.said(from, "socks_back_7891/wg1 let up by its agent-check, read back").await;
        scene.until_down(&[]).await;
        assert_eq!(scene.lab.get().await.as_deref(), Ok("wg1"));
        let lines = scene.hactl.lines();
        let wrong = |line: &&String| line.contains("set to") || line.contains("cannot be steered");
        assert_eq!(lines.iter().find(wrong), None, "no state was set, and nothing was in the way");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operators_maint_stays_and_leaves_what_the_agent_said() {
    let mut scene = Scene::start(Level::Operator, Mode::Plain).await;
    scene.break_with(Fault::BlackHole, &["wg1"]).await;
    scene.until_down(&["wg1"]).await;
    scene.lab.haproxy.runtime("set server socks_back_7891/wg1 state maint").await;
    scene.until_status("wg1", "MAINT").await;
    let from = scene.break_with(Fault::None, &["wg1"]).await;
    scene.said(from, "socks_back_7891/wg1 stays in maint: somebody else put it there").await;
    sleep(A_WHILE).await;
    assert_eq!(scene.stat("wg1").await.as_deref(), Some("MAINT"));
    scene.lab.haproxy.runtime("set server socks_back_7891/wg1 state ready").await;
    scene.until_down(&[]).await;
    assert_eq!(scene.lab.get().await.as_deref(), Ok("wg1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reloaded_haproxy_learns_the_state_by_its_own_questions() {
    let mut scene = Scene::start(Level::User, Mode::MasterWorker).await;
    scene.break_with(Fault::BlackHole, &["wg1"]).await;
    scene.until_down(&["wg1"]).await;
    for _ in 0..3 {
        let from = scene.hactl.lines().len();
        scene.lab.haproxy.reload_master().await;
        scene.until_down(&["wg1"]).await;
        scene.said(from, "HAProxy was reloaded or restarted").await;
        assert_eq!(scene.lab.get().await.as_deref(), Ok("wg2"));
        // A second SIGUSR2 within about a second of the first is dropped (measured).
        sleep(Duration::from_millis(1100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_hactl_said_last_outlives_it_and_the_next_one_goes_on_from_there() {
    let mut scene = Scene::start(Level::User, Mode::Plain).await;
    scene.break_with(Fault::BlackHole, &["wg1"]).await;
    scene.until_down(&["wg1"]).await;
    scene.hactl.kill();
    sleep(A_WHILE).await;
    assert_eq!(scene.stat("wg1").await.as_deref(), Some("DOWN (agent)"));
    scene.hactl = scene.start_hactl();
    scene.said(0, "socks_back_7891/wg1 is degraded").await;
    sleep(A_WHILE).await;
    scene.until_down(&["wg1"]).await;
    scene.break_with(Fault::None, &["wg1"]).await;
    scene.until_down(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_blackout_the_last_server_is_never_taken_down() {
    let mut scene = Scene::start(Level::Operator, Mode::Plain).await;
    let from = scene.break_with(Fault::BlackHole, &["wg1", "wg2"]).await;
    scene.until_down(&["wg1", "wg2"]).await;
    scene.break_with(Fault::BlackHole, &["cloudflare_warp"]).await;
    scene.said(from, "no server is known to carry traffic").await;
    sleep(A_WHILE).await;
    scene.until_down(&["wg1", "wg2"]).await;
    // HAProxy's own check takes the last one; one of ours is given back.
    scene.break_with(Fault::Refuse, &["cloudflare_warp"]).await;
    let start = Instant::now();
    while scene.stat("wg1").await.as_deref() != Some("UP") {
        assert!(start.elapsed() < PATIENCE, "the backend stays empty");
        sleep(POLL).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_client_learns_nothing_and_keeps_nobody_waiting() {
    let mut scene = Scene::start(Level::User, Mode::Plain).await;
    let agent = scene.agent.addr();
    assert_eq!(say(agent, b"socks_back_7891/wg1\n").await.as_deref().unwrap_or_default(), "up\n");
    for question in [&b"socks_back_7891/nope\n"[..], b"socks_back_7891/wg1", b"\n", &[b'x'; 100_000]] {
        assert_eq!(say(agent, question).await.unwrap_or_default(), "", "{question:?}");
    }
    scene.said(0, "asked for `socks_back_7891/nope`").await;
    let mut idle = Vec::new();
    for _ in 0..600 {
        idle.push(TcpStream::connect(agent).await.expect("it accepts"));
    }
    scene.break_with(Fault::BlackHole, &["wg1"]).await;
    scene.until_down(&["wg1"]).await;
    let told = scene.hactl.lines().iter().filter(|line| line.contains(&agent.to_string())).count();
    assert!(told < 20, "{told} lines about clients");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_agent_check_is_a_problem_that_names_the_line() {
    let agent = Port::free();
    let lab = Lab::start(Layout::AllBackup).await;
    let hactl = start_hactl(&lab, &lab.haproxy.user_socket(), agent.addr());
    let mut scene = Scene { lab, hactl, agent, socket: PathBuf::new() };
    let line = scene.said(0, "socks_back_7891/wg1 has no agent-check that asks hactl").await;
    let wanted = format!("agent-addr 127.0.0.1 agent-port {} agent-inter 200ms", scene.agent.addr().port());
    assert!(line.contains(&wanted), "{line}");
    scene.said(0, "socks_back_7891/wg1 is online").await;
    let from = scene.break_with(Fault::BlackHole, &["wg1"]).await;
    scene.said(from, "socks_back_7891/wg1 is not taken out: it has no agent-check that asks hactl").await;
}

#[derive(Clone, Copy, Debug)]
enum Level {
    User,
    Operator,
    Admin,
}

struct Scene {
    lab: Lab,
    hactl: Daemon,
    agent: Port,
    /// The socket that hactl reads.
    socket: PathBuf,
}

impl Scene {
    async fn start(level: Level, mode: Mode) -> Self {
        let agent = Port::free();
        let addr = agent.addr();
        let lab = Lab::start_with(Layout::AllBackup, |haproxy| haproxy.mode(mode).agent(addr)).await;
        let socket = match level {
            Level::User => lab.haproxy.user_socket(),
            Level::Operator => lab.haproxy.operator_socket(),
            Level::Admin => lab.haproxy.admin_socket(),
        };
        let hactl = start_hactl(&lab, &socket, addr);
        let mut scene = Self { lab, hactl, agent, socket };
        for name in NAMES {
            scene.said(0, &format!("socks_back_7891/{name} is online")).await;
        }
        scene
    }

    fn start_hactl(&self) -> Daemon {
        start_hactl(&self.lab, &self.socket, self.agent.addr())
    }

    async fn break_with(&self, fault: Fault, names: &[&str]) -> usize {
        let next = self.hactl.lines().len();
        for name in names {
            self.lab.exit(name).set(fault).await;
        }
        next
    }

    async fn said(&mut self, from: usize, text: &str) -> String {
        self.hactl.wait_for(from, text, |line| line.contains(text), PATIENCE).await
    }

    /// Waits until HAProxy has these servers, and no others, down by their agents.
    async fn until_down(&self, names: &[&str]) {
        let start = Instant::now();
        loop {
            let mut down = Vec::new();
            for name in NAMES {
                if self.stat(name).await.as_deref() == Some("DOWN (agent)") {
                    down.push(name);
                }
            }
            if down == names && (!names.is_empty() || self.stat("wg1").await.as_deref() == Some("UP")) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{down:?} are down, not {names:?}");
            sleep(POLL).await;
        }
    }

    async fn until_status(&self, name: &str, status: &str) {
        let start = Instant::now();
        while self.stat(name).await.as_deref() != Some(status) {
            assert!(start.elapsed() < PATIENCE, "{name} is not {status}");
            sleep(POLL).await;
        }
    }

    /// The server's `status` in HAProxy's own words; `None` while HAProxy does not answer.
    async fn stat(&self, name: &str) -> Option<String> {
        let stat = ask(&self.lab.haproxy.user_socket(), "show stat").await.ok()?;
        let row = stat.lines().find(|line| line.starts_with(&format!("socks_back_7891,{name},")))?;
        row.split(',').nth(17).map(ToOwned::to_owned)
    }

    /// hactl's status as JSON.
    async fn status(&self) -> String {
        let mut stream =
            tokio::net::UnixStream::connect(self.lab.hactl_socket()).await.expect("hactl listens");
        let request = b"GET /api/v1/status HTTP/1.1\r\nHost: hactl\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.expect("hactl reads");
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.expect("hactl answers");
        reply
    }
}

fn start_hactl(lab: &Lab, socket: &std::path::Path, agent: SocketAddr) -> Daemon {
    let admin = format!("haproxy = \"{}\"", lab.haproxy.admin_socket().display());
    start_hactl_with(lab, |config| {
        let lever = format!("haproxy = \"{}\"\nlever = \"agent\"\nagent = \"{agent}\"", socket.display());
        let changed = config.replace(&admin, &lever);
        assert_ne!(changed, config);
        changed
    })
}

/// What comes back on a connection of one's own.
async fn say(agent: SocketAddr, question: &[u8]) -> io::Result<String> {
    let mut stream = TcpStream::connect(agent).await?;
    stream.write_all(question).await?;
    stream.shutdown().await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
