//! Cutting the sessions that a plan names. Whose they are, and when, is decided elsewhere; here it is seen to that what an
//! old count shows is not cut again and again.

use failover::{Event, Observed, Plan, Writes};

use crate::Controller;
use crate::apply::cut;

impl Controller {
    /// Cuts what the plan says, made from what was read last.
    pub(crate) async fn cut(&mut self, plan: &Plan, observed: &Observed) {
        self.uncut.retain(|server, _| plan.kills.contains(server));
        let denied = matches!(observed.writes, Writes::Denied { .. } | Writes::Withheld { .. });
        let process = self.known.as_ref().map(|known| known.process.clone());
        let Some(process) = process.filter(|_| !denied && !plan.kills.is_empty()) else { return };
        for (server, outcome) in cut(&self.client, &process, &plan.kills).await {
            match outcome {
                Ok(()) => {
                    let facts = self.known.iter_mut().flat_map(|known| &mut known.facts);
                    for (_, facts) in facts.filter(|(name, _)| name.as_str() == server.backend.as_str()) {
                        facts.sessions.cut(server.server.as_str());
                    }
                    self.uncut.remove(&server);
                    self.told.say(Event::SessionsKilled { server }, &self.events).await;
                }
                Err(why) => {
                    if self.uncut.insert(server.clone(), why.clone()).as_ref() != Some(&why) {
                        self.told.say(Event::SessionsKept { server, why }, &self.events).await;
                    }
                }
            }
        }
    }
}
