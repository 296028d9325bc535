//! Several instances in one status: what holds for the whole, and what is to be seen of one alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, HaproxyStatus, Level, Status, seconds};
use crate::{Haproxy, Observed, Writes};

/// One instance: a HAProxy with its backends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InstanceStatus {
    /// Its name.
    pub name: String,
    /// The worst of it and its backends.
    pub verdict: Level,
    /// Its HAProxy.
    pub haproxy: HaproxyStatus,
    /// Commands are sent and taken.
    pub applying: bool,
    /// What stands in its way, each with what to do.
    pub problems: Vec<String>,
    /// Since when no server of it answers, RFC 3339.
    pub frozen_since: Option<String>,
    /// `active`, or `observe`: commands are listed in place of being sent, because it is configured so or paused.
    pub mode: String,
    /// The commands that would be sent now, were it not for that.
    pub would: Vec<String>,
}

/// HAProxy is looked at every second at the least: what is older than three looks says nothing of now.
const STALE_AFTER_SECONDS: f64 = 3.0;

impl InstanceStatus {
    /// It is not known how its HAProxy is now: nobody has looked for too long, although it answered then.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.haproxy.answering && self.haproxy.age_seconds.is_some_and(|age| age > STALE_AFTER_SECONDS)
    }
}

/// A pause, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PauseStatus {
    /// Who.
    pub by: String,
    /// Why, in their words.
    pub reason: String,
    /// Since when, RFC 3339.
    pub since: String,
    /// Until when, RFC 3339; `null` where somebody has to end it.
    pub until: Option<String>,
}

pub(super) const fn mode(writes: &Writes) -> &'static str {
    match writes {
        Writes::Withheld { .. } => "observe",
        Writes::Applied | Writes::Denied { .. } | Writes::Refused { .. } => "active",
    }
}

pub(super) fn would(writes: &Writes) -> Vec<String> {
    if let Writes::Withheld { would } = writes { would.clone() } else { Vec::new() }
}

impl Status {
    /// The status of all instances together, from that of each; `None` where there is none. What there is but one of
    /// is the first one's, everything else is of the whole: the exit code is the worst.
    #[must_use]
    pub fn whole(of_each: Vec<Self>) -> Option<Self> {
        let mut rest = of_each.into_iter();
        let mut whole = rest.next()?;
        for other in rest {
            whole.applying &= other.applying;
            whole.instances.extend(other.instances);
            whole.backends.extend(other.backends);
        }
        if whole.instances.len() > 1 {
            let problems = whole.instances.iter().flat_map(|instance| {
                instance.problems.iter().map(|problem| format!("{}: {problem}", instance.name))
            });
            whole.problems = problems.collect();
        }
        let frozen = whole.instances.iter().filter_map(|instance| instance.frozen_since.clone());
        // All are of one form, in which earlier comes first.
        whole.frozen_since = frozen.min();
        whole.exit_code = whole.worst().exit_code();
        Some(whole)
    }

    /// The same of one instance that could not be started.
    #[must_use]
    pub fn not_started(mut self, problem: String) -> Self {
        self.applying = false;
        for instance in &mut self.instances {
            instance.verdict = Level::Down;
            instance.applying = false;
            instance.problems = vec![problem.clone()];
        }
        self.problems = vec![problem];
        self.exit_code = self.worst().exit_code();
        self
    }

    /// The same with what concerns the daemon as a whole; either of the two is worth a look.
    #[must_use]
    pub fn of_daemon(mut self, paused: Option<PauseStatus>, config_stale: bool) -> Self {
        self.paused = paused;
        self.config_stale = config_stale;
        self.exit_code = self.worst().exit_code();
        self
    }

    /// The same for the instances that `wanted` names alone; `None` where there is none of them.
    #[must_use]
    pub fn of_instances(&self, wanted: impl Fn(&str) -> bool) -> Option<Self> {
        let of_each = self.instances.iter().filter(|instance| wanted(&instance.name)).map(|instance| Self {
            instance: instance.name.clone(),
            haproxy: instance.haproxy.clone(),
            applying: instance.applying,
            problems: instance.problems.clone(),
            frozen_since: instance.frozen_since.clone(),
            instances: vec![instance.clone()],
            backends: self
                .backends
                .iter()
                .filter(|backend| backend.instance == instance.name)
                .cloned()
                .collect(),
            ..self.clone()
        });
        Self::whole(of_each.collect())
    }

    /// The worst of all that it speaks of.
    #[must_use]
    pub fn worst(&self) -> Level {
        let own = if self.paused.is_some() || self.config_stale { Level::Degraded } else { Level::Ok };
        self.instances.iter().map(|instance| instance.verdict).fold(own, Level::max)
    }
}

pub(super) fn haproxy(observed: &Observed, context: &Context<'_>) -> HaproxyStatus {
    let mut status = HaproxyStatus {
        answering: false,
        version: None,
        pid: None,
        uptime_seconds: None,
        socket: context.socket.to_owned(),
        level: observed.level.clone(),
        age_seconds: None,
    };
    match &observed.haproxy {
        Haproxy::Unseen => {}
        Haproxy::Away { since, .. } => status.age_seconds = Some(seconds(context.now.since(*since))),
        Haproxy::Present { process, at } => {
            status.answering = true;
            status.version = Some(process.version.clone());
            status.pid = Some(process.pid);
            status.uptime_seconds = Some(context.unix_now.saturating_sub(process.start_time));
            status.age_seconds = Some(seconds(context.now.since(*at)));
        }
    }
    status
}

#[cfg(test)]
#[path = "instances_tests.rs"]
mod tests;
