//! What is ours although it is not ours to steer any more: a server or backend has left the configuration. It is given
//! back, because nobody else ever would, but for what an operator has ordered out. What is still steered is not touched here.

use failover::{Admin, Asked, Event, Step, Writes};
use tokio::time::Instant;

use crate::look::Sight;
use crate::ours::server_id;
use crate::{Controller, observe};

impl Controller {
    /// Gives it back. What comes of it is seen next time.
    pub(crate) async fn let_go(&mut self) {
        let steps = std::mem::take(&mut self.to_let_go);
        let Some(process) = self.known.as_ref().map(|known| known.process.clone()) else { return };
        let denied = matches!(self.writes(), Writes::Denied { .. } | Writes::Withheld { .. });
        if steps.is_empty() || denied || self.has_other_mandate() {
            return;
        }
        self.write_down(&steps).await;
        let applied = self.apply(&process, &steps).await;
        for Step { server, .. } in steps.into_iter().filter(|_| applied.broken_off.is_none()) {
            match applied.refused.get(&server) {
                // It is tried again for as long as anybody waits for it.
                Some(why) => tracing::debug!(%server, why, "not given back"),
                None => self.told.say(Event::Asked(Asked::LetGo { server }), &self.events).await,
            }
        }
        self.state_due = Instant::now();
    }

    /// Takes note of what a sight shows of that.
    pub(crate) async fn look_back(&mut self, sight: &Sight) {
        if self.agent.is_some() {
            return self.look_back_at_agents(sight).await;
        }
        let mandate = &self.mandate;
        let rows = sight.backends.iter().flat_map(|(name, rows)| rows.iter().map(move |row| (name, row)));
        let ours =
            rows.filter(|(name, row)| !mandate.covers(name, &row.srv_name)).filter_map(|(name, row)| {
                let server = server_id(name, row);
                observe::is_out_by_us(row, &server, &self.ledger).then_some(server)
            });
        let (ordered, others): (Vec<_>, Vec<_>) = ours.partition(|server| self.ledger.is_ordered(server));
        let ready = |server| Step { server, set: Admin::Ready, why: None };
        self.to_let_go = others.into_iter().map(ready).collect();
        for server in ordered {
            if let Some(set) = self.ledger.leave_out(&server) {
                self.told.say(Event::LeftOut { server, set }, &self.events).await;
            }
        }
        let to_let_go = &self.to_let_go;
        self.leaving.retain(|backend| {
            to_let_go.iter().any(|step| step.server.backend.as_str() == backend.name.as_str())
        });
    }

    /// By the agent lever nothing is sent: HAProxy is answered `up` until it was seen to have asked.
    async fn look_back_at_agents(&mut self, sight: &Sight) {
        let (Some(agent), Some(known)) = (&mut self.agent, &self.known) else { return };
        let rows = sight.backends.iter().flat_map(|(name, rows)| rows.iter().map(move |row| (name, row)));
        let outside = rows.filter(|(name, row)| !self.mandate.covers(name, &row.srv_name));
        let seen = outside.filter(|(_, row)| agent.asks_here(row)).filter_map(|(name, row)| {
            let says = known.facts.get(name)?.agent_of(row)?;
            Some((server_id(name, row), says))
        });
        let up = agent.look_back(&seen.collect(), self.mandate.writes);
        self.leaving.retain(|backend| agent.waits_for(backend.name.as_str()));
        for server in up {
            self.told.say(Event::Asked(Asked::LetGo { server }), &self.events).await;
        }
    }
}
