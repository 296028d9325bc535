//! Ten thousand servers flipped at once: how long it takes until all of it is applied and verified, and what clients feel
//! of it meanwhile.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use controller::{Controller, Managed, Mandate, Pace};
use e2e::haproxy::BACKEND;
use e2e::{Exit, Haproxy, Layout, Target, get_through, lab};
use failover::{Admin, Desired, Event, Insist, Name, Observed, Want, Wish};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::figure::{Figure, Measured, Quantile};

const SERVERS: usize = 10_000;

/// Flips of each kind, half of them out and half of them in.
const TRIALS: usize = 6;

/// Between two clients: 200 a second take a twentieth of a core here.
const PACE: Duration = Duration::from_millis(5);

/// How long clients are watched while nothing happens, and between two flips.
const IDLE: Duration = Duration::from_secs(3);
const CALM: Duration = Duration::from_millis(300);

/// A flip takes some seconds at most.
const LIMIT: Duration = Duration::from_secs(60);

/// Bytes of one line of the plain client, its LF included: what HAProxy takes for certain.
const LINE: usize = 8192;

/// How many times the plain client's time an unpaced flip may take.
const RATIO_MOST: f64 = 1.2;

/// Milliseconds that the clients' p95 may be above that of an idle HAProxy.
const ABOVE_IDLE_MOST: f64 = 2.0;

const FLIP_HOW: &str = "One backend of 10,000 servers without checks, the last one is well and stays. From the moment at \
    which all others are wanted out (or in again) to all of it applied, read back and told. Beside it: `set server` \
    commands joined by `;` in lines of 8 kB, sent by hand one after the other, nothing read back.";

const CLIENT_HOW: &str = "A request through HAProxy and an exit, on a fresh connection, one each 5 ms, while servers are \
    flipped. Beside it: the same while nothing is.";

struct Scene {
    haproxy: Haproxy,
    http: Target,
    _exit: Exit,
}

/// Times of flips, and of the requests that clients made during them.
#[derive(Default)]
struct Flips {
    took: Vec<Duration>,
    requests: Vec<Duration>,
}

pub(crate) async fn measure() -> Vec<Figure> {
    let scene = Scene::start().await;
    let (clients, mut requests) = scene.clients();
    sleep(IDLE).await;
    let idle = taken(&mut requests);
    let plain = scene.plain(&mut requests).await;
    let gentle = scene.controlled(Pace::Gentle, &mut requests).await;
    let full = scene.controlled(Pace::Full, &mut requests).await;
    clients.abort();
    let by_hand = || Measured::trials("plain client", &plain.took);
    let most = by_hand().at(Quantile::P50) * RATIO_MOST;
    let idle = || Measured::trials("idle", &idle);
    let p95_most = idle().at(Quantile::P95) + ABOVE_IDLE_MOST;
    vec![
        Figure::new(Measured::trials("10,000 servers flipped, paced", &gentle.took), FLIP_HOW)
            .beside(by_hand()),
        Figure::new(Measured::trials("10,000 servers flipped, unpaced", &full.took), FLIP_HOW)
            .beside(by_hand())
            .at_most(most, Quantile::P50),
        Figure::new(Measured::trials("clients during a paced flip", &gentle.requests), CLIENT_HOW)
            .beside(idle())
            .at_most(p95_most, Quantile::P95),
        Figure::new(Measured::trials("clients during an unpaced flip", &full.requests), CLIENT_HOW)
            .beside(idle()),
        Figure::new(Measured::trials("clients during the plain client's", &plain.requests), CLIENT_HOW)
            .beside(idle()),
    ]
}

impl Scene {
    async fn start() -> Self {
        let exit = Exit::start(Ipv4Addr::new(127, 0, 101, 1));
        let names: Vec<String> = (0..SERVERS).map(|index| format!("s{index:05}")).collect();
        let servers: Vec<(&str, SocketAddr)> =
            names.iter().map(|name| (name.as_str(), exit.addr())).collect();
        let haproxy = Haproxy::builder(Layout::WarpBackup, &servers).unchecked().start().await;
        Self { haproxy, http: Target::http(lab::exit_names()), _exit: exit }
    }

    /// Clients that keep coming, and what the request of each took.
    fn clients(&self) -> (AbortHandle, mpsc::UnboundedReceiver<Duration>) {
        let (proxy, target) = (self.haproxy.frontend(), self.http.addr());
        let (took, requests) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let mut pace = interval(PACE);
            pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut clients = JoinSet::new();
            loop {
                pace.tick().await;
                while clients.try_join_next().is_some() {}
                let took = took.clone();
                clients.spawn(async move {
                    let began = Instant::now();
                    get_through(proxy, target).await.expect("some server is always in service");
                    // At the end of the measurement nobody listens any more.
                    took.send(began.elapsed()).ok();
                });
            }
        });
        (task.abort_handle(), requests)
    }

    /// What a person with a shell would do, as fast as it goes.
    async fn plain(&self, requests: &mut mpsc::UnboundedReceiver<Duration>) -> Flips {
        let mut flips = Flips::default();
        for trial in 0..TRIALS {
            sleep(CALM).await;
            taken(requests);
            let state = if trial % 2 == 0 { "maint" } else { "ready" };
            let lines = lines(state);
            let began = Instant::now();
            for line in &lines {
                self.send(line).await;
            }
            flips.took.push(began.elapsed());
            flips.requests.extend(taken(requests));
        }
        flips
    }

    async fn send(&self, line: &str) {
        let mut stream = UnixStream::connect(self.haproxy.admin_socket()).await.expect("HAProxy listens");
        stream.write_all(line.as_bytes()).await.expect("HAProxy reads");
        let mut replies = Vec::new();
        stream.read_to_end(&mut replies).await.expect("HAProxy answers");
        let commands = line.split(';').count();
        assert!(
            replies.len() == commands && replies.iter().all(|byte| *byte == b'\n'),
            "a command was refused"
        );
    }

    /// The same by the controller, with nothing but what is wanted told to it.
    async fn controlled(&self, pace: Pace, requests: &mut mpsc::UnboundedReceiver<Duration>) -> Flips {
        let mut steered = Steered::start(&self.haproxy, pace).await;
        let mut flips = Flips::default();
        for trial in 0..TRIALS {
            sleep(CALM).await;
            taken(requests);
            let (want, set) =
                if trial % 2 == 0 { (Want::Maint, Admin::Maint) } else { (Want::Ready, Admin::Ready) };
            let desired = steered.desired(want);
            let began = Instant::now();
            steered.desired.send_replace(desired);
            steered.until_told(set).await;
            flips.took.push(began.elapsed());
            flips.requests.extend(taken(requests));
        }
        steered.stop().await;
        flips
    }
}

/// A controller at work.
struct Steered {
    desired: watch::Sender<Desired>,
    observed: watch::Receiver<Observed>,
    events: mpsc::Receiver<Event>,
    task: JoinHandle<()>,
    /// Without it the controller ends.
    _mandate: watch::Sender<Mandate>,
}

impl Steered {
    async fn start(haproxy: &Haproxy, pace: Pace) -> Self {
        let (desired, wanted) = watch::channel(Desired::new());
        let (seen, mut observed) = watch::channel(Observed::nothing());
        let (sender, events) = mpsc::channel(SERVERS);
        let managed = Managed { name: BACKEND.parse().expect("it is a plain name"), servers: None };
        let address = haproxy.admin_socket().display().to_string().parse().expect("it is a path");
        let origin = tokio::time::Instant::now();
        let (mandate, mandates) = watch::channel(Mandate { managed: vec![managed], writes: true });
        let controller = Controller::new(address, mandates, origin, wanted, seen, sender).with_pace(pace);
        let task = tokio::spawn(controller.run());
        let all = |observed: &Observed| observed.backends.values().any(|seen| seen.servers.len() == SERVERS);
        timeout(LIMIT, observed.wait_for(all)).await.expect("HAProxy answers").expect("the controller runs");
        Self { desired, observed, events, task, _mandate: mandate }
    }

    /// This of all servers but the last one, which is wanted ready.
    fn desired(&self, want: Want) -> Desired {
        let observed = self.observed.borrow();
        let servers = observed.backends.values().flat_map(|seen| &seen.servers).enumerate();
        let wish = |want, address| Wish { want, why: None, kill: false, insist: Insist::No, address };
        let wishes: BTreeMap<Name, Wish> = servers
            .map(|(index, server)| {
                let want = if index + 1 == SERVERS { Want::Ready } else { want };
                (server.name.clone(), wish(want, server.address))
            })
            .collect();
        Desired::from([(Name::from(BACKEND), wishes)])
    }

    async fn until_told(&mut self, wanted: Admin) {
        let mut left = SERVERS - 1;
        let told = async {
            while left > 0 {
                let event = self.events.recv().await.expect("the controller runs");
                left -= usize::from(matches!(event, Event::Applied { set, .. } if set == wanted));
            }
        };
        timeout(LIMIT, told).await.expect("it takes some seconds at most");
    }

    async fn stop(self) {
        drop(self.desired);
        self.task.await.expect("it ends when nobody wants anything any more");
    }
}

/// What came so far.
fn taken(requests: &mut mpsc::UnboundedReceiver<Duration>) -> Vec<Duration> {
    std::iter::from_fn(|| requests.try_recv().ok()).collect()
}

/// All commands but the last server's, in lines that are as long as they may be.
fn lines(state: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for index in (0..SERVERS - 1).rev() {
        let command = format!("set server {BACKEND}/s{index:05} state {state}");
        match lines.last_mut() {
            Some(line) if line.len() + 1 + command.len() < LINE => {
                line.push(';');
                line.push_str(&command);
            }
            _ => lines.push(command),
        }
    }
    for line in &mut lines {
        line.push('\n');
    }
    lines
}
