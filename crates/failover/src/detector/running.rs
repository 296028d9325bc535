//! One probe under way: which stage it stands in, since when, and whether that is late.

use std::time::Duration;

use crate::{Cause, Failure, Kind, Name, Stage, TargetId, Time};

/// What a probe was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Because it was time. `settled`: it raised a doubt that was refuted; nothing more follows from its lateness but
    /// what it says about its target.
    Routine { settled: bool },
    /// To confirm or refute a suspicion.
    Wave,
    /// To see whether a condemned server is back.
    Recovery,
}

/// Where its present stage stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// As usual.
    InTime,
    /// Longer than usual: others were asked.
    Doubted,
    /// Late.
    Late,
}

/// A probe under way.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub(crate) kind: Kind,
    pub(crate) target: TargetId,
    pub(crate) purpose: Purpose,
    /// When its first packet was sent; `None` while it waits for its turn.
    pub(crate) began: Option<Time>,
    pub(crate) stage: Stage,
    /// Since when it is in that stage.
    pub(crate) since: Time,
    pub(crate) clock: Clock,
    /// When it is given up.
    pub(crate) give_up: Option<Time>,
}

impl Running {
    pub(crate) const fn new(kind: Kind, target: TargetId, purpose: Purpose, now: Time) -> Self {
        let stage = match kind {
            Kind::Full | Kind::Open => Stage::Tcp,
            Kind::Canary => Stage::Http,
            Kind::Control => Stage::Connect,
        };
        Self { kind, target, purpose, began: None, stage, since: now, clock: Clock::InTime, give_up: None }
    }

    pub(crate) const fn begin(&mut self, at: Time) {
        self.began = Some(at);
        self.since = at;
    }

    /// `stage` was passed at `at`: the next one begins.
    pub(crate) fn pass(&mut self, stage: Stage, at: Time, target: &Name) {
        self.stage = next_stage(stage, target);
        self.since = at;
        self.clock = Clock::InTime;
        self.give_up = None;
    }

    pub(crate) const fn is_late(&self) -> bool {
        matches!(self.clock, Clock::Late)
    }

    /// It has left the SOCKS server: given up, it leaves a zombie there.
    pub(crate) const fn is_beyond(&self) -> bool {
        match self.kind {
            Kind::Full | Kind::Open => !matches!(self.stage, Stage::Tcp | Stage::Greeting),
            Kind::Canary | Kind::Control => false,
        }
    }

    /// Its lateness in the form of a failure, in the words that the checker would use.
    pub(crate) fn lateness(&self, target: &Name, waited: Duration) -> Failure {
        let place = place(target);
        let text = match self.stage {
            Stage::Tcp => "tcp connect: no answer".to_owned(),
            Stage::Greeting => "greeting: no answer".to_owned(),
            Stage::Connect => format!("connect to {place}: no reply"),
            Stage::Tls => format!("tls with {place}: no answer"),
            Stage::Http => format!("http from {place}: no complete response"),
            Stage::Banner => format!("banner from {place}: nothing came"),
        };
        let text = format!("{text} in {} ms", waited.as_millis());
        Failure { stage: self.stage, cause: Cause::Timeout, text }
    }
}

/// The stage that follows `stage` on the way to `target`.
fn next_stage(stage: Stage, target: &Name) -> Stage {
    match stage {
        Stage::Tcp => Stage::Greeting,
        Stage::Greeting => Stage::Connect,
        Stage::Connect if target.as_str().starts_with("https:") => Stage::Tls,
        Stage::Connect if target.as_str().starts_with("tcp:") => Stage::Banner,
        Stage::Connect | Stage::Tls | Stage::Http => Stage::Http,
        Stage::Banner => Stage::Banner,
    }
}

/// `https://1.1.1.1/` as people call the place: `1.1.1.1:443`. Targets were parsed at the edge.
pub(crate) fn place(target: &Name) -> String {
    let (scheme, rest) = target.as_str().split_once("://").unwrap_or(("", target.as_str()));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let has_port = authority.rfind(':') > authority.rfind(']');
    match scheme {
        "https" if !has_port => format!("{authority}:443"),
        "http" if !has_port => format!("{authority}:80"),
        _ => authority.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_called_by_host_and_port() {
        for (target, expected) in [
            ("https://1.1.1.1/", "1.1.1.1:443"),
            ("http://example.org/a?b:c", "example.org:80"),
            ("https://[2001:db8::1]/", "[2001:db8::1]:443"),
            ("https://[2001:db8::1]:8443/", "[2001:db8::1]:8443"),
            ("tcp://9.9.9.9:53", "9.9.9.9:53"),
            ("http://h:81", "h:81"),
        ] {
            assert_eq!(place(&target.into()), expected);
        }
    }

    #[test]
    fn the_stages_follow_the_targets_scheme() {
        let stages = |target: &str| {
            let target = Name::from(target);
            let mut stages = vec![Stage::Tcp];
            for _ in 0..4 {
                stages.push(next_stage(*stages.last().unwrap(), &target));
            }
            stages
        };
        use Stage::{Banner, Connect, Greeting, Http, Tcp, Tls};
        assert_eq!(stages("https://a/"), [Tcp, Greeting, Connect, Tls, Http]);
        assert_eq!(stages("http://a/"), [Tcp, Greeting, Connect, Http, Http]);
        assert_eq!(stages("tcp://a:1"), [Tcp, Greeting, Connect, Banner, Banner]);
    }
}
