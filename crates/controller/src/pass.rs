//! One pass: looks as closely as is due, plans, applies and reads back until nothing is left to be done. It never fails where
//! HAProxy answers: what stands in its way is part of what it reports.

use std::collections::BTreeMap;

use failover::{
    Admin, Event, Held, HeldBecause, Insist, Name, Observed, Plan, ServerId, Step, Want, Wish, Writes, plan,
};
use haproxy_runtime::BackendName;
use tokio::time::Instant;

use crate::apply::{Applied, take_down};
use crate::look::{self, LookError};
use crate::{Controller, IDENTITY_EVERY, ROUNDS_MAX, STATE_EVERY, agent, apply, pace, sessions};

impl Controller {
    /// Looks as closely as is due, and brings HAProxy to what is wanted where it is not.
    pub(crate) async fn pass(&mut self) -> Result<(), LookError> {
        let woken = std::mem::take(&mut self.woken);
        let regular = !woken && Instant::now() >= self.state_due;
        if self.known.is_some() && !woken && !regular {
            let process = look::process(&self.client).await?;
            if self.known.as_ref().is_some_and(|known| known.process == process) {
                self.still(&process);
                return Ok(());
            }
        }
        self.inherit_late().await;
        // What is wanted anew does not wait for HAProxy to count.
        let sessions_of = self.due_sessions(regular);
        let mut observed = self.observe(&sessions_of).await?;
        let mut plan = self.plan(&observed);
        for round in 0..ROUNDS_MAX {
            let denied = matches!(observed.writes, Writes::Denied { .. } | Writes::Withheld { .. })
                || self.has_other_mandate();
            // What was lost is repeated at once; what was refused is, when it is time to look again.
            let hopeless = round > 0 && plan.steps.iter().all(|step| self.refused.contains_key(&step.server));
            let process = self.known.as_ref().map(|known| known.process.clone());
            let (Some(process), false, false, false) = (process, denied, hopeless, plan.steps.is_empty())
            else {
                break;
            };
            let applied = match &self.agent {
                None => {
                    self.write_down(&plan.steps).await;
                    self.keep_state_file(&observed, &plan.steps).await;
                    self.apply(&process, &plan.steps).await
                }
                Some(_) if round == 0 && self.is_admin() => {
                    take_down(&self.client, &process, &plan.steps).await
                }
                // HAProxy asks when its time has come.
                Some(_) => break,
            };
            let before = plan.clone();
            self.sent = Some((plan, applied));
            let with = self.due_sessions(false);
            observed = self.observe(&with).await?;
            plan = self.plan(&observed);
            self.keep_what_is_needed(&before, &plan);
        }
        // By agent-checks alone no session can be cut.
        if (self.agent.is_none() || self.is_admin()) && !self.has_other_mandate() {
            self.cut(&plan, &observed).await;
        }
        self.refused.retain(|server, _| plan.steps.iter().any(|step| step.server == *server));
        observed.writes = self.writes();
        if let Writes::Withheld { would } = &mut observed.writes {
            let text = if self.agent.is_some() { agent::text } else { apply::text };
            *would = plan.steps.iter().filter_map(text).collect();
            self.told.would(would, &self.events).await;
        }
        self.told.held(&plan.held, &self.events).await;
        // Where nothing may be sent, HAProxy is to begin with what is ours by now: somebody else may have lifted it.
        let idle = matches!(observed.writes, Writes::Denied { .. } | Writes::Withheld { .. });
        if plan.steps.is_empty() || idle {
            self.keep_state_file(&observed, &[]).await;
        }
        if !woken {
            self.state_due = Instant::now() + STATE_EVERY;
        }
        if self.agent.is_some() && self.mandate.writes && !plan.steps.is_empty() {
            // HAProxy may ask at any moment.
            let servers = self.known.as_ref().map_or(0, |known| known.servers.len());
            self.state_due = Instant::now() + sessions::pause(servers, IDENTITY_EVERY).min(STATE_EVERY);
            self.sent = Some((plan, Applied::default()));
        }
        self.let_go().await;
        self.publish(observed);
        Ok(())
    }

    pub(crate) async fn keep_state_file(&mut self, observed: &Observed, steps: &[Step]) {
        if let Some(file) = &mut self.state_file {
            file.keep(observed, steps, &self.events).await;
        }
    }

    /// What is to be done now, but for what has proved to do harm.
    fn plan(&mut self, observed: &Observed) -> Plan {
        let mut plan = plan(&self.desired.borrow_and_update(), observed);
        let harmful = |step: &Step| {
            let wish = self.wish(&step.server);
            let by_rule = wish.is_some_and(|wish| wish.want == Want::Shut || wish.insist == Insist::Forced);
            step.set != Admin::Ready && self.needed.contains(&step.server) && !by_rule
        };
        let held = plan.steps.iter().filter(|step| harmful(step));
        let held = held.map(|step| Held { server: step.server.clone(), because: HeldBecause::NoSuccessor });
        plan.held.extend(held);
        plan.steps.retain(|step| !harmful(step));
        if let Some(agent) = &self.agent {
            // Whoever looks on says what HAProxy has already.
            agent.answer(&self.desired.borrow(), observed, self.mandate.writes.then_some(&plan));
        }
        // A shorter one is over before the order matters to anybody.
        if plan.steps.len() > pace::FIRST { plan.urgent_first(observed) } else { plan }
    }

    fn wish(&self, server: &ServerId) -> Option<Wish> {
        let desired = self.desired.borrow();
        desired.get(&server.backend).and_then(|wishes| wishes.get(&server.server)).cloned()
    }

    /// A server that has to be opened right after it was closed would be closed and opened for ever.
    fn keep_what_is_needed(&mut self, before: &Plan, after: &Plan) {
        for step in after.steps.iter().filter(|step| step.set == Admin::Ready) {
            let closes = |before: &Step| before.server == step.server && before.set != Admin::Ready;
            // Unless it is wanted again.
            if before.steps.iter().any(closes)
                && self.wish(&step.server).is_none_or(|wish| wish.want != Want::Ready)
            {
                self.needed.insert(step.server.clone());
            }
        }
    }

    /// The backends whose sessions are to be counted now, each with its id. What agent-checks have said is read with
    /// them, so where these are the lever it is always all.
    pub(crate) fn due_sessions(&mut self, regular: bool) -> Vec<(BackendName, u32)> {
        let now = Instant::now();
        let due = regular && now >= self.sessions_due || self.agent.is_some();
        let Some(known) = self.known.as_ref().filter(|_| due) else { return Vec::new() };
        self.sessions_due = now + sessions::pause(known.servers.len(), STATE_EVERY);
        known.facts.iter().map(|(name, facts)| (name.clone(), facts.proxy_id)).collect()
    }

    /// Compares what was sent with what is there now.
    pub(crate) async fn verify(&mut self, plan: &Plan, observed: &Observed, applied: &Applied) {
        let seen: BTreeMap<(&Name, &Name), Admin> = observed
            .backends
            .iter()
            .flat_map(|(name, seen)| {
                seen.servers.iter().map(move |server| ((name, &server.name), server.position().0))
            })
            .collect();
        for step in &plan.steps {
            let done = seen.get(&(&step.server.backend, &step.server.server)) == Some(&step.set);
            let (server, set) = (step.server.clone(), step.set);
            if done {
                self.refused.remove(&server);
                let event = match &self.agent {
                    None => Event::Applied { server, set },
                    Some(_) => Event::Answered { server, up: set == Admin::Ready },
                };
                self.told.say(event, &self.events).await;
            } else if let Some(why) = applied.refused.get(&server) {
                if self.refused.insert(server.clone(), why.clone()).as_ref() != Some(why) {
                    self.told.say(Event::Refused { server, set, why: why.clone() }, &self.events).await;
                }
            } else {
                // Lost in a reload, or broken off: the next plan contains it again.
                tracing::debug!(%server, why = applied.broken_off, "command without effect");
            }
        }
    }
}
