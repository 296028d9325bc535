//! What operators order: into the core, and out to whoever keeps it. Here the wall clock is read by which it ends.

use failover::{Input, Observed, Outcome, OverrideChange, OverrideInput, OverrideRefusal, ServerId, Time};
use jiff::Timestamp;
use tokio::sync::{oneshot, watch};

use super::Engine;
use crate::orders::Kept;

/// What somebody wants to order, or to know of what was ordered.
pub(crate) enum OrderQuery {
    /// To have it taken in; or to know whether it would be refused, where `dry`.
    Order { change: OverrideChange, dry: bool, done: oneshot::Sender<Result<Taken, OverrideRefusal>> },
    /// What came of what was taken in at `since`.
    Outcomes { servers: Vec<ServerId>, since: Time, done: oneshot::Sender<Vec<Outcome>> },
    /// The servers of which something is ordered.
    Ordered(oneshot::Sender<Vec<ServerId>>),
}

/// An order that was taken in.
pub(crate) struct Taken {
    /// When.
    pub(crate) since: Time,
    /// Which change it is to what is kept.
    pub(crate) change: u64,
    /// What is kept by now.
    pub(crate) kept: watch::Receiver<Kept>,
}

impl Engine {
    /// Who asked may have gone; that is theirs to do.
    pub(super) fn answer_order(&mut self, query: OrderQuery, observed: &Observed) {
        match query {
            OrderQuery::Order { change, dry, done } => {
                let allowed = self.core.may_override(&change, observed);
                let taken = allowed.map(|()| {
                    let since = self.clock.now();
                    if !dry {
                        self.order(change);
                    }
                    let change = self.orders.follow(self.core.overrides());
                    Taken { since, change, kept: self.orders.kept() }
                });
                let _ = done.send(taken);
            }
            OrderQuery::Outcomes { servers, since, done } => {
                let outcomes = servers.iter().map(|server| self.core.outcome(server, since, observed));
                let _ = done.send(outcomes.collect());
            }
            OrderQuery::Ordered(done) => {
                let _ = done.send(self.core.overrides().of());
            }
        }
    }

    pub(crate) fn order(&mut self, change: OverrideChange) {
        let wall = Timestamp::now();
        self.take(Input::Override(Box::new(OverrideInput { wall, change })));
        self.reread = true;
    }

    /// Tells the core where somebody has set the clock, or the host has slept.
    pub(super) fn watch_wall(&mut self) {
        if self.core.is_wall_off(self.clock.now(), Timestamp::now()) {
            self.order(OverrideChange::Clock);
        }
    }
}
