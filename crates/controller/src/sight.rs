//! A sight of HAProxy: its servers as they are read, and what is known beside them, in the core's words.

use failover::{Haproxy, Observed, Process};
use haproxy_runtime::BackendName;
use tokio::time::Instant;

use crate::ledger::LedgerFile;
use crate::look::{self, LookError, Sight, core_name};
use crate::mandate::Managed;
use crate::{Controller, Known, STATE_EVERY, observe, sessions};

impl Controller {
    /// Reads the servers and, where the process or its set of servers is another one, what goes with them; also the
    /// sessions on those of `sessions_of`.
    pub(crate) async fn observe(
        &mut self,
        sessions_of: &[(BackendName, u32)],
    ) -> Result<Observed, LookError> {
        let looked_at: Vec<Managed> = self.mandate.managed.iter().chain(&self.leaving).cloned().collect();
        let read = self.now();
        let (process, mut sight) = look::servers(&self.client, &looked_at, sessions_of).await?;
        // What has left the configuration may be gone from HAProxy as well.
        sight.unknown.retain(|name| self.mandate.managed.iter().any(|managed| managed.name == *name));
        let unread = |(name, _): &&(BackendName, u32)| !sight.sessions.contains_key(name);
        if let (Some(_), Some((name, _))) = (&self.agent, sessions_of.iter().find(unread)) {
            return Err(LookError::Mismatch(format!("show stat of {name}")));
        }
        let is_new = self.switch.accept(&process, Instant::now())?;
        let servers = sight
            .backends
            .iter()
            .flat_map(|(name, rows)| rows.iter().map(|row| (name.clone(), row.srv_id, row.srv_name.clone())))
            .collect();
        let before = self.known.as_ref();
        if before.is_none_or(|known| known.process != process || known.servers != servers) {
            let (level, facts) = look::facts(&self.client, &process, &sight).await?;
            let missing = look::missing(&self.client, &self.mandate.managed, &sight).await;
            self.needed.clear();
            self.refused.clear();
            let known = Known { process: process.clone(), level, facts, servers, missing };
            self.sessions_due = Instant::now() + sessions::pause(known.servers.len(), STATE_EVERY);
            self.known = Some(known);
        } else if let Some(known) = &mut self.known {
            known.count(&sight.sessions);
        }
        let same_process = self.told.is_still(&process);
        // An operator's `maint` is another flag than ours, so nobody can contend for it.
        let news = if self.agent.is_none() { self.settle(&process, &sight) } else { Vec::new() };
        let kept = self.keep_ledger().await;
        self.look_back(&sight).await;
        if let Some(agent) = self.agent.as_mut().filter(|_| !same_process) {
            agent.begin_process();
        }
        let mut observed = self.put_together(process, &sight);
        observed.read = read;
        if let Some(file) = &mut self.state_file {
            file.see(&sight);
            if is_new {
                file.check(&observed, &self.events).await;
            }
        }
        if let Some(agent) = &mut self.agent {
            agent.settle(&mut observed);
            observed.missing.extend(agent.problems(&observed));
        }
        self.told.process(&observed, &self.events).await;
        for event in news.into_iter().chain(kept) {
            self.told.say(event, &self.events).await;
        }
        if let Some((plan, applied)) = self.sent.take() {
            self.verify(&plan, &observed, &applied).await;
        }
        Ok(observed)
    }

    fn put_together(&self, process: Process, sight: &Sight) -> Observed {
        let mut observed = Observed::nothing();
        if let Some(known) = &self.known {
            for backend in &self.mandate.managed {
                let (Some(rows), Some(facts)) =
                    (sight.backends.get(&backend.name), known.facts.get(&backend.name))
                else {
                    continue;
                };
                let name = core_name(&backend.name);
                let mut seen = observe::backend(&name, rows, facts, backend.servers.as_ref(), &self.ledger);
                if let Some(agent) = &self.agent {
                    observe::agents(&mut seen, rows, facts, |row| agent.asks_here(row));
                }
                observed.backends.insert(name, seen);
            }
            observed.level = Some(known.level.to_string());
            observed.missing.clone_from(&known.missing);
        }
        observed.haproxy = Haproxy::Present { process, at: self.now() };
        observed.writes = self.writes();
        observed.contended = self.contention.standing_back();
        observed.ledger = self.ledger_file.as_ref().and_then(LedgerFile::problem);
        observed
    }
}
