//! The decision loop: evidence and sights of HAProxy into the core, what the core wants out to prober and controller.
//! One task owns the core, so nothing is locked, and one wait decides what is next. `Engine::take` is where everything
//! enters the core; where there is a recorder, it is told of it there, after what was decided has been done.

mod ordered;
mod share;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use checker::{Clock, Credentials, Prober, Probes};
use failover::explain::{Effects, Explanation, View};
use failover::status::{Context, PauseStatus, Status};
use failover::{
    Asked, Core, Desired, Event, FailBackError, Input, Name, Observed, Order, ProbeRefusal, Route, ServerId,
    Settings, Time,
};
use jiff::tz::TimeZone;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use crate::feed::Stir;
use crate::journal::Journal;
use crate::log::Label;
use crate::metrics::{Sample, Tally};
use crate::notify::Pulse;
use crate::orders::Orders;
use crate::record::Recorder;
use crate::sleep::Slept;
use crate::{VERSION, notify};

pub(crate) use self::ordered::{OrderQuery, Taken};
use self::share::Share;

/// Between two looks at the wall clock while something ends by it.
const WALL_EVERY: Duration = Duration::from_secs(1);

/// What somebody wants of an instance.
pub(crate) enum Query {
    /// To know how it is.
    Status(oneshot::Sender<Status>),
    /// The same, with what was counted.
    Metrics(oneshot::Sender<Box<Sample>>),
    /// That the traffic of a backend goes back to where it belongs.
    FailBack { by: String, backend: Name, done: oneshot::Sender<FailedBack> },
    /// That this server is probed now.
    Probe { server: ServerId, done: oneshot::Sender<Result<Hastened, ProbeRefusal>> },
    /// Something about what operators order.
    Order(OrderQuery),
    /// To know why it is so.
    Explain(Box<Why>),
}

impl Query {
    /// Nobody waits for the answer any more. What was ordered is done all the same.
    fn is_stale(&self) -> bool {
        match self {
            Self::Status(answer) => answer.is_closed(),
            Self::Metrics(answer) => answer.is_closed(),
            Self::Explain(why) => why.answer.is_closed(),
            Self::FailBack { .. } | Self::Order(_) | Self::Probe { .. } => false,
        }
    }
}

/// What is to be explained, and to whom.
pub(crate) struct Why {
    pub(crate) backend: Name,
    pub(crate) server: Option<Name>,
    /// Somebody has paused hactl.
    pub(crate) paused: Option<PauseStatus>,
    /// In which times are told.
    pub(crate) zone: TimeZone,
    /// `None` where there is nothing of that name.
    pub(crate) answer: oneshot::Sender<Option<Explanation>>,
}

/// What came of wanting a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hastened {
    /// It is on its way.
    Asked,
    /// One was already.
    UnderWay,
    /// None may be made now: too many of it are under way, or none of its targets would tell anything.
    NoRoom,
}

/// What came of it.
pub(crate) struct FailedBack {
    /// The servers that may take traffic again.
    pub(crate) to: Result<Vec<Name>, FailBackError>,
    /// When it was taken in.
    pub(crate) since: Time,
}

/// Who is who in what is shown.
pub(crate) struct Identity {
    pub(crate) node: String,
    pub(crate) instance: Name,
    pub(crate) socket: String,
    /// What its log lines begin with.
    pub(crate) label: Label,
}

/// What the loop is connected to.
pub(crate) struct Wires {
    pub(crate) desired: watch::Sender<Desired>,
    pub(crate) observed: watch::Receiver<Observed>,
    pub(crate) events: mpsc::Receiver<Event>,
    pub(crate) queries: mpsc::Receiver<Query>,
    pub(crate) configurations: watch::Receiver<Configured>,
}

/// What the configuration says of an instance; it may say something else while that runs.
#[derive(Clone)]
pub(crate) struct Configured {
    pub(crate) settings: Settings,
    pub(crate) prober: Prober,
    pub(crate) probing: checker::Settings,
    pub(crate) credentials: BTreeMap<Name, Credentials>,
    pub(crate) instance: Name,
    pub(crate) label: Label,
}

pub(crate) struct Engine {
    pub(crate) core: Core,
    pub(crate) probes: Probes,
    pub(crate) clock: Clock,
    pub(crate) credentials: BTreeMap<Name, Credentials>,
    pub(crate) identity: Identity,
    pub(crate) journal: Journal,
    pub(crate) recorder: Option<Recorder>,
    pub(crate) pulse: Pulse,
    pub(crate) orders: Orders,
    /// Told of what those who follow the status want to know.
    pub(crate) stir: Stir,
    pub(crate) effects: Effects,
    pub(crate) tally: Tally,
    /// HAProxy is to be read anew.
    pub(crate) reread: bool,
}

impl Engine {
    /// Decides until `stop` comes.
    pub(crate) async fn run(mut self, mut wires: Wires, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        let mut beat = notify::beat_interval().map(every);
        let mut slept = Slept::new();
        let mut wall = every(WALL_EVERY);
        let mut share = Share::new(Instant::now());
        loop {
            self.watch_wall();
            let due = self.core.next_deadline();
            tokio::select! {
                // In this order: what the controller says of a sight comes before the sight itself; evidence that is
                // at hand is read before anything is called late; and however many probes there are, nobody else waits
                // for them. Those who ask have their share and no more.
                biased;
                () = &mut stop => return,
                () = tick(beat.as_mut()) => self.pulse.beat(),
                Some(event) = wires.events.recv() => self.tell(&event),
                Some(query) = share.next(&mut wires.queries) => {
                    let began = Instant::now();
                    self.answer(query, &wires.observed.borrow());
                    share.spend(began, Instant::now());
                }
                Ok(()) = wires.configurations.changed() => {
                    let configured = wires.configurations.borrow_and_update().clone();
                    self.configure(configured);
                }
                _ = wall.tick(), if !self.core.overrides().is_empty() => {}
                lasted = slept.next() => self.take(Input::Gap(lasted)),
                Ok(()) = wires.observed.changed() => {
                    let observed = wires.observed.borrow_and_update().clone();
                    self.effects.forget_all_but(&observed);
                    self.take(Input::Observed(Box::new(observed)));
                    self.stir.stir();
                }
                evidence = self.probes.next() => self.take(Input::Evidence(evidence)),
                () = until(due, &self.clock) => self.take(Input::Due),
            }
            self.orders.follow(self.core.overrides());
            wires.desired.send_if_modified(|known| {
                let changed = known != self.core.desired();
                // Whoever has ordered something waits for HAProxy to be read again, also where nothing is to be done.
                let reread = std::mem::take(&mut self.reread);
                if changed {
                    self.tally.decided(known, self.core.desired(), self.clock.now());
                    known.clone_from(self.core.desired());
                    self.stir.stir();
                }
                changed || reread
            });
        }
    }

    /// Who asked may have gone; that is theirs to do.
    fn answer(&mut self, query: Query, observed: &Observed) {
        if query.is_stale() {
            return;
        }
        match query {
            Query::Status(answer) => {
                let _ = answer.send(self.status(observed));
            }
            Query::Metrics(answer) => {
                let _ = answer.send(Box::new(self.sample(observed)));
            }
            Query::FailBack { by, backend, done } => {
                let since = self.clock.now();
                let to = self.core.waiting(&backend);
                if to.is_ok() {
                    self.tell(&Event::Asked(Asked::FailBack { by, backend: backend.clone() }));
                    self.take(Input::FailBack(backend));
                }
                let _ = done.send(FailedBack { to, since });
            }
            Query::Probe { server, done } => {
                let _ = done.send(self.hasten(server));
            }
            Query::Order(query) => self.answer_order(query, observed),
            Query::Explain(why) => self.explain(*why, observed),
        }
    }

    /// Evidence is asked for, and comes in as all evidence does.
    fn hasten(&mut self, server: ServerId) -> Result<Hastened, ProbeRefusal> {
        if self.core.is_being_probed(&server)? {
            return Ok(Hastened::UnderWay);
        }
        self.take(Input::Probe(server.clone()));
        Ok(if self.core.is_being_probed(&server)? { Hastened::Asked } else { Hastened::NoRoom })
    }

    fn explain(&self, why: Why, observed: &Observed) {
        let Why { backend, server, paused, zone, answer } = why;
        let now = self.clock.now();
        let wall_now = jiff::Timestamp::now();
        let clock = |time: Time| local(wall_now, now, time, &zone);
        let view = View { now, clock: &clock, observed, effects: &self.effects, paused: paused.as_ref() };
        let _ = answer.send(self.core.explain(&backend, server.as_ref(), &view));
    }

    fn configure(&mut self, configured: Configured) {
        let Configured { settings, prober, probing, credentials, instance, label } = configured;
        // First of all, because the core's orders call targets by their new numbers.
        self.probes.set(prober, probing);
        self.credentials = credentials;
        self.identity.instance = instance;
        self.identity.label = label;
        self.tally.settings(&settings);
        self.take(Input::Settings(Box::new(settings)));
    }

    /// One input into the core, and what it wants done because of it.
    fn take(&mut self, input: Input) {
        let now = self.clock.now();
        if let Input::Evidence(evidence) = &input {
            self.tally.saw(evidence);
        }
        self.core.take(&input, now);
        for order in self.core.take_orders() {
            self.tally.ordered(&order, now);
            let credentials = match &order {
                Order::Probe(probe) => match &probe.route {
                    Route::Server { id, .. } => self.credentials.get(&id.backend),
                    Route::Direct => None,
                },
                Order::Drop(_) => None,
            };
            self.probes.obey(&order, credentials);
        }
        for event in self.core.take_events() {
            self.tell(&event);
        }
        if self.recorder.as_mut().is_some_and(|recorder| !recorder.record(now, input)) {
            self.recorder = None;
        }
    }

    fn tell(&mut self, event: &Event) {
        let now = self.clock.now();
        self.effects.note(event, now);
        self.tally.told(event, now);
        self.journal.tell(&self.identity.label, Some(&self.identity.instance), event);
        self.stir.stir();
        if matches!(
            event,
            Event::InService { .. }
                | Event::HaproxyAway { .. }
                | Event::Blackout { .. }
                | Event::Frozen { .. }
        ) {
            notify::status(&format!("{}{event}", self.identity.label));
        }
    }

    fn status(&self, observed: &Observed) -> Status {
        let now = self.clock.now();
        let wall_now = jiff::Timestamp::now();
        let wall = |time: Time| rfc3339(wall_now, now.since(time));
        let kept = self.orders.kept();
        let kept = kept.borrow();
        let unwritten = self.journal.unwritten();
        let context = Context {
            version: VERSION,
            node: &self.identity.node,
            instance: self.identity.instance.as_str(),
            socket: &self.identity.socket,
            now,
            unix_now: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            unkept: kept.failing.as_deref(),
            unwritten: unwritten.as_deref(),
            wall: &wall,
        };
        self.core.status(observed, &context)
    }

    fn sample(&mut self, observed: &Observed) -> Sample {
        let status = self.status(observed);
        let counts = self.tally.counts(&status);
        let unix_now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        Sample { status, counts, now: self.clock.now(), unix_now }
    }
}

/// A wall-clock time, to the millisecond, for people and programs to read; nothing is decided by it.
pub(crate) fn rfc3339(now: jiff::Timestamp, ago: Duration) -> String {
    let then = now.checked_sub(ago).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{then:.3}")
}

/// A moment as people write it where they are: the time of the day with its zone, and the day where it is another one.
fn local(wall_now: jiff::Timestamp, now: Time, then: Time, zone: &TimeZone) -> String {
    let wall = match then.since(now) {
        Duration::ZERO => wall_now.checked_sub(now.since(then)),
        ahead => wall_now.checked_add(ahead),
    };
    let (today, wall) = (wall_now.to_zoned(zone.clone()), wall.unwrap_or(wall_now).to_zoned(zone.clone()));
    let form = if wall.date() == today.date() { "%H:%M:%S %Z" } else { "%Y-%m-%d %H:%M %Z" };
    wall.strftime(form).to_string()
}

pub(crate) fn every(period: Duration) -> Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

async fn until(due: Option<Time>, clock: &Clock) {
    match due {
        Some(due) => sleep_until(clock.instant(due)).await,
        None => std::future::pending().await,
    }
}

pub(crate) async fn tick(interval: Option<&mut Interval>) {
    match interval {
        Some(interval) => {
            interval.tick().await;
        }
        None => std::future::pending().await,
    }
}
