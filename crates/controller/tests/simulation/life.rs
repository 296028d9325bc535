//! One life: the core in its world, the controller at its socket, HAProxy behind it, and everybody else.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use controller::{Controller, Managed, Mandate};
use failover::{Desired, Event, Observed};
use haproxy_runtime::Address;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::actors;
use super::chance::Chance;
use super::haproxy::{BACKEND, Haproxy, Who};
use super::promises::Promises;
use crate::world::{NAMES, World};

/// How finely time passes, in milliseconds.
const TICK: u64 = 5;

/// Milliseconds until something happens, and for how long things do.
const QUIET: u64 = 400;
const TROUBLE: u64 = 4000;

/// Between two deeds, at most.
const DEED_EVERY_MAX: u64 = 300;

/// I4: within this all is right once nothing is wrong any more. A dead server is asked each four seconds at the least, has
/// to be good for its hold, and is then put in within two seconds.
const RIGHT_WITHIN: Duration = Duration::from_secs(12);

/// For so long it has to stay right.
const STAYS_RIGHT: Duration = Duration::from_millis(1200);

/// In most lives others change no more than hactl bears without standing back: three times in a minute.
const CHANGES_OF_OTHERS: u32 = 3;

/// Relapses hold nobody longer than this here: lives are short.
const HOLD_MAX: Duration = Duration::from_secs(1);

struct Life {
    chance: Chance,
    world: World,
    haproxy: Arc<Mutex<Haproxy>>,
    desired: watch::Sender<Desired>,
    observed: watch::Receiver<Observed>,
    events: mpsc::Receiver<Event>,
    promises: Promises,
    began: Instant,
    /// How often others may still change HAProxy.
    others: u32,
    /// Until then this process decides nothing.
    stalled_until: Instant,
    _dir: TempDir,
}

/// Lives it; panics where a promise is broken.
pub(crate) fn live(seed: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("the system has descriptors left").block_on(async {
        let mut life = Life::begin(seed);
        life.pass(QUIET, false).await;
        life.pass(TROUBLE, true).await;
        life.end_well().await;
    });
}

impl Life {
    fn begin(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let dir = tempfile::tempdir().expect("the system has room for a directory");
        let socket = dir.path().join("s");
        let listener = UnixListener::bind(&socket).expect("the directory is new");
        let mut haproxy = Haproxy::new(&NAMES);
        if chance.one_in(4) {
            actors::disable(&mut haproxy, NAMES[1]);
        }
        let haproxy = Arc::new(Mutex::new(haproxy));
        tokio::spawn(serve(listener, Arc::clone(&haproxy)));
        let mut world = World::with(|settings| {
            settings.hold = Duration::from_millis(300);
            settings.hold_max = HOLD_MAX;
            settings.seed = seed;
        });
        world.steered_elsewhere = true;
        let others = if chance.one_in(4) { u32::MAX } else { CHANGES_OF_OTHERS };
        let (desired, wanted) = watch::channel(Desired::new());
        let (seen, observed) = watch::channel(Observed::nothing());
        let (sender, events) = mpsc::channel(1024);
        let managed = vec![Managed { name: BACKEND.parse().expect("a plain name"), servers: None }];
        let now = Instant::now();
        let (mandate, mandates) = watch::channel(Mandate { managed, writes: true });
        let controller = Controller::new(Address::Unix(socket), mandates, now, wanted, seen, sender);
        tokio::spawn(async move {
            controller.run().await;
            drop(mandate);
        });
        Self {
            chance,
            world,
            haproxy,
            desired,
            observed,
            events,
            promises: Promises::new(),
            began: now,
            others,
            stalled_until: now,
            _dir: dir,
        }
    }

    async fn pass(&mut self, millis: u64, troubled: bool) {
        let end = Instant::now() + Duration::from_millis(millis);
        let mut next = Instant::now();
        while Instant::now() < end {
            if troubled && Instant::now() >= next {
                next = Instant::now() + self.chance.millis(DEED_EVERY_MAX);
                self.act();
            }
            self.tick().await;
        }
    }

    fn act(&mut self) {
        let deed = {
            let mut haproxy = self.haproxy.lock().unwrap_or_else(PoisonError::into_inner);
            actors::act(&mut self.chance, &mut self.world, &mut haproxy, &mut self.others)
        };
        let Some(deed) = deed else { return };
        self.stalled_until = self.stalled_until.max(Instant::now() + deed.stall);
        let text = format!("{:?}: {}", self.began.elapsed(), deed.text);
        self.promises.cause(text);
    }

    async fn tick(&mut self) {
        sleep(Duration::from_millis(TICK)).await;
        let replaced = {
            let mut haproxy = lock(&self.haproxy);
            let due = haproxy.reloads_at.is_some_and(|at| at <= Instant::now());
            if due {
                haproxy.replace();
            }
            due
        };
        if replaced {
            self.promises.cause("the new worker has taken over".to_owned());
        }
        if Instant::now() < self.stalled_until {
            self.promises.stalled();
        } else {
            self.decide();
        }
        while let Ok(event) = self.events.try_recv() {
            self.promises.told(&event);
        }
        self.promises.check(&self.world, &lock(&self.haproxy));
    }

    /// The core catches up with the time, sees what the controller saw, and says what it wants.
    fn decide(&mut self) {
        let behind = self.began.elapsed() - self.world.now.since(Self::origin());
        let behind = u64::try_from(behind.as_millis()).expect("a life is short");
        if behind > 4 * TICK {
            self.world.stall(behind - TICK);
        }
        self.world.run(behind.min(TICK));
        if self.observed.has_changed().unwrap_or(false) {
            self.world.observed = self.observed.borrow_and_update().clone();
            self.world.look();
        }
        let desired = self.world.core.desired();
        self.promises.wanted(desired);
        if *self.desired.borrow() != *desired {
            self.promises.note(format!("wanted: {desired:?}"));
            self.desired.send_replace(desired.clone());
        }
        for event in std::mem::take(&mut self.world.events) {
            self.promises.told(&event);
        }
        self.world.told.clear();
        self.world.probes.clear();
        self.world.recorded.clear();
    }

    /// Nothing is wrong from now on: it becomes as it is wanted, and stays so; what others set is as they set it.
    async fn end_well(&mut self) {
        actors::make_peace(&mut self.world, &mut lock(&self.haproxy));
        let began = Instant::now();
        self.promises.cause(format!("{:?}: peace", self.began.elapsed()));
        let mut right = None;
        loop {
            self.tick().await;
            let wrong = wrong(&lock(&self.haproxy));
            if (wrong.is_none() || self.promises.is_contended())
                && right.get_or_insert_with(Instant::now).elapsed() >= STAYS_RIGHT
            {
                break;
            }
            if let Some(wrong) = wrong.filter(|_| !self.promises.is_contended()) {
                right = None;
                if began.elapsed() > RIGHT_WITHIN {
                    self.promises.broken(&format!("I4: after {:?} {wrong}", began.elapsed()));
                }
            }
        }
        self.promises.check_end();
    }

    fn origin() -> failover::Time {
        failover::Time::from_millis(1000)
    }
}

/// What is not as everybody wants it.
fn wrong(haproxy: &Haproxy) -> Option<String> {
    let wrong = haproxy.servers.iter().find(|server| server.is_out() && server.by != Who::Them)?;
    Some(format!("{} is still out", wrong.name))
}

fn lock(haproxy: &Mutex<Haproxy>) -> MutexGuard<'_, Haproxy> {
    haproxy.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lines are done in the order in which their connections came, also those of clients that gave up.
async fn serve(listener: UnixListener, haproxy: Arc<Mutex<Haproxy>>) {
    let turn = Arc::new(tokio::sync::Mutex::new(()));
    while let Ok((stream, _)) = listener.accept().await {
        let (turn, haproxy) = (Arc::clone(&turn), Arc::clone(&haproxy));
        {
            let mut haproxy = lock(&haproxy);
            haproxy.open.0 += 1;
            haproxy.open.1 = haproxy.open.1.max(haproxy.open.0);
        }
        tokio::spawn(async move {
            connection(stream, &turn, &haproxy).await;
            lock(&haproxy).open.0 -= 1;
        });
    }
}

async fn connection(stream: UnixStream, turn: &tokio::sync::Mutex<()>, haproxy: &Mutex<Haproxy>) {
    let _turn = turn.lock().await;
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    if stream.read_line(&mut line).await.is_err() || !line.ends_with('\n') {
        return;
    }
    let hangs = lock(haproxy).hangs_until;
    if let Some(until) = hangs.filter(|until| *until > Instant::now()) {
        sleep_until(until).await;
    }
    let reply = lock(haproxy).answer(line.trim_end());
    // Who gave up does not want it any more.
    stream.write_all(reply.as_bytes()).await.ok();
}
