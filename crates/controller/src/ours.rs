//! What is ours, as the controller goes about it: the ledger is kept before a command is sent and compared with every
//! sight, others who change things are counted, and what is to be lifted at the end is lifted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use failover::{Admin, Event, OnExit, Plan, Process, ServerId, Step, leave};
use haproxy_runtime::{BackendName, ServerName, ServerState};
use jiff::Timestamp;
use tokio::time::{Instant, sleep, timeout};

use crate::apply::{Applied, apply};
use crate::ledger::{LedgerFile, News, Seen};
use crate::look::{Sight, core_name};
use crate::pace::Pacer;
use crate::state::LedgerPlace;
use crate::{Controller, Managed, observe};

/// For what is lifted at the end; the whole end takes less than a second.
const LEAVE_LIMIT: Duration = Duration::from_millis(500);

/// For HAProxy to ask at the end what it is to be told: two questions, as often as the README has it ask, and time left
/// to say what came of it.
const LET_UP_LIMIT: Duration = Duration::from_millis(400);

/// Between two looks whether it has: the end does not wait much longer than HAProxy takes.
const LET_UP_LOOK_EVERY: Duration = Duration::from_millis(20);

impl Controller {
    /// Keeps what is ours in a file, so that the next run knows of it.
    #[must_use]
    pub fn with_ledger(self, place: LedgerPlace) -> Self {
        Self { ledger_file: Some(LedgerFile::new(place)), ..self }
    }

    /// What becomes of our `maint` when nobody is left to say what is wanted.
    #[must_use]
    pub fn on_exit(self, on_exit: OnExit) -> Self {
        Self { on_exit, ..self }
    }

    /// Takes over what an earlier run has written down. By the agent lever no state is ever set, so that there is nothing
    /// to write down, and what an earlier run has set by the other lever is not ours to lift.
    pub(crate) async fn inherit(&mut self) {
        if self.agent.is_some() {
            self.ledger_file = None;
        }
        let Some(file) = &mut self.ledger_file else { return };
        if let Some(event) = file.load(&mut self.ledger).await {
            self.told.say(event, &self.events).await;
        }
    }

    /// The same, where it could not be read yet.
    pub(crate) async fn inherit_late(&mut self) {
        let Some(file) = &mut self.ledger_file else { return };
        if let Some(event) = file.retry(&mut self.ledger).await {
            self.told.say(event, &self.events).await;
        }
    }

    /// To be called before anything else is done about `steps`, be it that HAProxy is told or that the server-state file is
    /// kept: what either leaves behind has to be known for ours, whenever this process ends.
    pub(crate) async fn write_down(&mut self, steps: &[Step]) {
        let now = Timestamp::now();
        for step in steps {
            self.ledger.intend(step, now);
        }
        if let Some(event) = self.keep_ledger().await {
            self.told.say(event, &self.events).await;
        }
    }

    /// Sends what was written down.
    pub(crate) async fn apply(&mut self, process: &Process, steps: &[Step]) -> Applied {
        // At the end nobody wants anything any more, and that is no news then. Which of the two is gone first is chance.
        let orphaned = self.desired.has_changed().is_err() || self.mandates.has_changed().is_err();
        let (desired, mandates) = (&self.desired, &self.mandates);
        let gives_way = |long: bool| {
            let told_otherwise = mandates.has_changed().unwrap_or(false);
            !orphaned && (told_otherwise || long && desired.has_changed().unwrap_or(true))
        };
        let pacer = Pacer::new(self.pace);
        apply(&self.client, process, steps, &mut self.ledger, pacer, gives_way).await
    }

    /// What was planned may not be ours to do any more: whoever pauses us was told that nothing is changed from then on.
    pub(crate) fn has_other_mandate(&self) -> bool {
        self.mandates.has_changed().unwrap_or(false)
    }

    pub(crate) async fn keep_ledger(&mut self) -> Option<Event> {
        self.ledger.note_orders(&self.desired.borrow());
        self.ledger_file.as_mut()?.keep(&mut self.ledger).await
    }

    /// Compares the ledger with a sight; what there is to be told of that.
    pub(crate) fn settle(&mut self, process: &Process, sight: &Sight) -> Vec<Event> {
        let now = self.now();
        let News { overridden, foreign, kept, unknown } = self.ledger.settle(view(sight), process);
        let tell = |list: Vec<(ServerId, Admin)>, event: fn(ServerId, Admin) -> Event| {
            list.into_iter().map(move |(server, set)| event(server, set))
        };
        let mut events: Vec<Event> = tell(kept, |server, set| Event::Adopted { server, set })
            .chain(tell(unknown, |server, set| Event::LeftOut { server, set }))
            .chain(tell(overridden, |server, set| Event::Overridden { server, set }))
            .collect();
        let over = self.contention.on_time(now).into_iter();
        events.extend(over.map(|backend| Event::Contended { backend, stand_back: None }));
        for ServerId { backend, .. } in
            foreign.into_iter().filter(|server| steers(&self.mandate.managed, server))
        {
            let begins = self.contention.on_change(&backend, now);
            events.extend(begins.map(|rest| Event::Contended { backend, stand_back: Some(rest) }));
        }
        events
    }

    /// Lifts at the end what is not to stay. Nobody hears of it any more.
    pub(crate) async fn leave(mut self) {
        let lifted = timeout(LEAVE_LIMIT, self.lift()).await;
        match lifted {
            Ok(Ok(())) => {}
            Ok(Err(why)) => tracing::warn!(why, "what was to be lifted at the end may still be in force"),
            Err(_) => tracing::warn!(
                "HAProxy takes too long: what was to be lifted at the end may still be in force"
            ),
        }
    }

    async fn lift(&mut self) -> Result<(), String> {
        // Mostly there is nothing to lift, and then a HAProxy that hangs holds up no end.
        let nothing = leave(&self.desired.borrow(), &self.observed.borrow(), self.on_exit).is_empty();
        // The end and a pause just before it may be heard of in either order.
        if nothing || !self.mandates.borrow().writes {
            return Ok(());
        }
        if self.agent.is_some() {
            return self.let_up().await;
        }
        let observed = self.observe(&[]).await.map_err(|error| crate::apply::chain(&error))?;
        let steps = leave(&self.desired.borrow(), &observed, self.on_exit);
        let process = self.known.as_ref().map(|known| known.process.clone());
        let (Some(process), false) = (process, steps.is_empty()) else { return Ok(()) };
        self.write_down(&steps).await;
        self.keep_state_file(&observed, &steps).await;
        let applied = self.apply(&process, &steps).await;
        tracing::info!(servers = steps.len(), "set to ready at the end");
        for (server, why) in &applied.refused {
            tracing::warn!(%server, why, "could not be set to ready at the end");
        }
        if let Some(why) = applied.broken_off {
            return Err(why);
        }
        self.observe(&[]).await.map_err(|error| crate::apply::chain(&error))?;
        Ok(())
    }
}

impl Controller {
    /// The same by the agent lever: HAProxy has to ask. No command says `up` in its stead, because that would erase what its
    /// own check has found (measured).
    async fn let_up(&mut self) -> Result<(), String> {
        let began = Instant::now();
        let mut down = None;
        loop {
            let all = self.due_sessions(false);
            let observed = self.observe(&all).await.map_err(|error| crate::apply::chain(&error))?;
            let steps = leave(&self.desired.borrow(), &observed, self.on_exit);
            let down: usize = *down.get_or_insert(steps.len());
            let plan = Plan { steps, ..Plan::default() };
            if let Some(agent) = &self.agent {
                agent.answer(&self.desired.borrow(), &observed, Some(&plan));
            }
            if plan.steps.is_empty() || began.elapsed() >= LET_UP_LIMIT {
                tracing::info!(servers = down.saturating_sub(plan.steps.len()), "let up at the end");
                for Step { server, .. } in &plan.steps {
                    tracing::warn!(
                        %server,
                        "stays down by its agent-check at the end, because HAProxy did not ask in time; \
                         reload HAProxy to have it forget what it was told"
                    );
                }
                return Ok(());
            }
            sleep(LET_UP_LOOK_EVERY).await;
        }
    }
}

fn steers(managed: &[Managed], server: &ServerId) -> bool {
    let backend = managed.iter().find(|managed| managed.name.as_str() == server.backend.as_str());
    backend.is_some_and(|backend| {
        let listed =
            |only: &BTreeSet<ServerName>| only.iter().any(|name| name.as_str() == server.server.as_str());
        backend.servers.as_ref().is_none_or(listed)
    })
}

pub(crate) fn server_id(backend: &BackendName, row: &ServerState) -> ServerId {
    ServerId::new(core_name(backend), row.srv_name.as_str())
}

fn view(sight: &Sight) -> BTreeMap<ServerId, Seen> {
    let rows = sight.backends.iter().flat_map(|(name, rows)| rows.iter().map(move |row| (name, row)));
    let now = Timestamp::now();
    rows.map(|(name, row)| (server_id(name, row), observe::seen(row, sight.uptime, now))).collect()
}
