//! What can be changed from here: which request it is, and what is said of it.

use std::time::Duration;

use hactld::admin::{OVERRIDE_PATH, PAUSE_PATH, PROBE_PATH, RESUME_PATH};
use serde_json::{Value, json};

use super::rows::Target;
use crate::client::encoded;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Maint,
    Drain,
    Ready,
    Auto,
    Probe,
    Pause,
    Resume,
}

impl Kind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Maint => "maint",
            Self::Drain => "drain",
            Self::Ready => "ready",
            Self::Auto => "auto",
            Self::Probe => "probe",
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }

    /// What it does, for whoever is about to do it.
    pub(super) const fn effect(self) -> &'static str {
        match self {
            Self::Maint => "It is taken out of service, whatever its probes say.",
            Self::Drain => "It gets no new clients; those that it has may stay.",
            Self::Ready => "It is used although its probes may fail.",
            Self::Auto => "Its override ends: the probes decide again.",
            Self::Probe => "It is asked at once whether it carries traffic.",
            Self::Pause => "Probes go on; nothing is changed in HAProxy.",
            Self::Resume => "What is wanted by now is done in HAProxy.",
        }
    }

    /// It asks for a reason and an end.
    pub(super) const fn has_fields(self) -> bool {
        match self {
            Self::Maint | Self::Drain | Self::Ready | Self::Pause => true,
            Self::Auto | Self::Probe | Self::Resume => false,
        }
    }

    /// What is said where it was done.
    pub(super) const fn done(self) -> &'static str {
        match self {
            Self::Probe => "asked; its next bar is the answer",
            Self::Maint | Self::Drain | Self::Ready | Self::Auto | Self::Pause | Self::Resume => "done",
        }
    }

    /// It may take away a backend's last server, so that the daemon may want it said twice.
    pub(super) const fn can_be_forced(self) -> bool {
        match self {
            Self::Maint | Self::Drain => true,
            Self::Ready | Self::Auto | Self::Probe | Self::Pause | Self::Resume => false,
        }
    }
}

/// One request for a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) kind: Kind,
    /// `None` where it is about the daemon.
    pub(super) target: Option<Target>,
    /// `None` until somebody ends it.
    pub(super) lasts: Option<Duration>,
    pub(super) reason: String,
    pub(super) force: bool,
}

impl Change {
    pub(super) fn path(&self) -> String {
        match self.kind {
            Kind::Maint | Kind::Drain | Kind::Ready | Kind::Auto => OVERRIDE_PATH.to_owned(),
            Kind::Probe => {
                let parts = self.target.iter().flat_map(|target| [&target.backend, &target.server]);
                parts.fold(PROBE_PATH.to_owned(), |path, part| format!("{path}/{}", encoded(part)))
            }
            Kind::Pause => PAUSE_PATH.to_owned(),
            Kind::Resume => RESUME_PATH.to_owned(),
        }
    }

    pub(super) fn body(&self) -> Value {
        let seconds = self.lasts.map(|lasts| lasts.as_secs());
        let reason = Some(self.reason.as_str()).filter(|reason| !reason.is_empty());
        match self.kind {
            Kind::Maint | Kind::Drain | Kind::Ready | Kind::Auto => json!({
                "servers": self.target.iter().map(Target::name).collect::<Vec<String>>(),
                "state": self.kind.as_str(),
                "for_seconds": seconds,
                "until": null,
                "reason": reason,
                "kill_sessions": false,
                "force": self.force,
            }),
            Kind::Pause => json!({ "reason": self.reason, "for_seconds": seconds }),
            Kind::Probe | Kind::Resume => Value::Null,
        }
    }

    /// `maint socks_back_7891/wg1`.
    pub(super) fn name(&self) -> String {
        title(self.kind, self.target.as_ref())
    }
}

pub(super) fn title(kind: Kind, target: Option<&Target>) -> String {
    target.map_or_else(|| kind.as_str().to_owned(), |target| format!("{} {}", kind.as_str(), target.name()))
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Done,
    /// Taken, and not done yet: why.
    Later(String),
    /// Not as it was asked for.
    Refused(String),
    /// It would be unwise: not unless it is said twice.
    Withheld(String),
    /// Not by this user.
    Forbidden(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_override_names_its_server_its_end_and_its_reason() {
        let target = Target { backend: "socks_back_7891".to_owned(), server: "wg1".to_owned() };
        let change = Change {
            kind: Kind::Maint,
            target: Some(target),
            lasts: Some(Duration::from_secs(7200)),
            reason: "provider work".to_owned(),
            force: false,
        };
        assert_eq!(
            (change.path().as_str(), change.name().as_str()),
            ("/api/v1/override", "maint socks_back_7891/wg1")
        );
        let expected = json!({
            "servers": ["socks_back_7891/wg1"], "state": "maint", "for_seconds": 7200, "until": null,
            "reason": "provider work", "kill_sessions": false, "force": false,
        });
        assert_eq!(change.body(), expected);
        let probe = Change { kind: Kind::Probe, ..change.clone() };
        assert_eq!((probe.path().as_str(), probe.body()), ("/api/v1/probe/socks_back_7891/wg1", Value::Null));
        let auto = Change { kind: Kind::Auto, lasts: None, reason: String::new(), ..change };
        assert_eq!((&auto.body()["for_seconds"], &auto.body()["reason"]), (&Value::Null, &Value::Null));
    }

    #[test]
    fn a_pause_is_about_the_daemon() {
        let pause = Change {
            kind: Kind::Pause,
            target: None,
            lasts: None,
            reason: "moving".to_owned(),
            force: false,
        };
        assert_eq!((pause.path().as_str(), pause.name().as_str()), ("/api/v1/pause", "pause"));
        assert_eq!(pause.body(), json!({ "reason": "moving", "for_seconds": null }));
        let resume = Change { kind: Kind::Resume, ..pause };
        assert_eq!((resume.path().as_str(), resume.body()), ("/api/v1/resume", Value::Null));
    }
}
