//! The words of events, and those that the status shares.

use std::fmt;
use std::time::Duration;

use super::Event;
use crate::{Admin, HeldBecause, Name, Process, ServerId, WhenAllDown};

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Health { server, to, reason: Some(reason), .. } => write!(f, "{server} is {to}: {reason}"),
            Self::Health { server, to, latency: Some(took), .. } => {
                write!(f, "{server} is {to} ({} ms)", took.as_millis())
            }
            Self::Health { server, to, .. } => write!(f, "{server} is {to}"),
            Self::InService { backend, from, to } => in_service(f, backend, from.as_deref(), to),
            Self::Blackout { backend, then } => {
                write!(f, "{backend}: no server is known to carry traffic; {}", self::then(*then))
            }
            Self::BlackoutOver { backend, server, lasted } => {
                write!(f, "{backend}: {server} carries traffic again after {}", Span(*lasted))
            }
            Self::Frozen { control } => f.write_str(self::frozen(*control)),
            Self::Thawed { lasted } => {
                write!(f, "something answers again after {}: decisions are made again", Span(*lasted))
            }
            Self::Slow { server, slow, takes } => f.write_str(&self::slow(server, *slow, *takes)),
            Self::TargetRests { server, target, why } => {
                write!(f, "{target} is not asked through {server} for a while: {why}")
            }
            Self::TargetBack { server, target } => write!(f, "{target} answers through {server} again"),
            Self::NoCanary { server } => write!(
                f,
                "no target keeps a connection through {server} open: without canaries a dead tunnel is found later"
            ),
            Self::Starved { lasted } => {
                write!(f, "hactl did not run for {}: everything is asked anew", Span(*lasted))
            }
            Self::Steered { backend, to, takes, instead } => {
                f.write_str(&self::steered(backend, to, *takes, *instead))
            }
            Self::KeptOut { server, why } => write!(f, "{server} is not used: {why}"),
            Self::FailedBack { backend, to } => f.write_str(&self::failed_back(backend, to)),
            Self::SessionsKilled { server } => {
                write!(f, "the sessions on {server} were cut, so that their clients connect anew")
            }
            Self::SessionsKept { server, why } => {
                write!(f, "the sessions on {server} could not be cut: {why}")
            }
            Self::Applied { server, set } => write!(f, "{server} set to {}, read back", set.as_str()),
            Self::Answered { server, up } => f.write_str(&self::answered(server, *up)),
            Self::AgentMisuse { what } => f.write_str(what),
            Self::Refused { server, set, why } => {
                write!(f, "{server} could not be set to {}: {why}", set.as_str())
            }
            Self::Held { server, because } => f.write_str(&self::held(server, *because)),
            Self::Adopted { server, set } => f.write_str(&self::adopted(server, *set)),
            Self::LeftOut { server, set } => f.write_str(&self::left_out(server, *set)),
            Self::Gone { server } => write!(
                f,
                "{server} is not watched any more: HAProxy has it no more, or the configuration leaves it out"
            ),
            Self::Overridden { server, set } => {
                write!(f, "{server} was set to ready by somebody else, over our {}", set.as_str())
            }
            Self::Contended { backend, stand_back } => f.write_str(&self::stand_back(backend, *stand_back)),
            Self::LedgerLost { why } => write!(f, "what an earlier run took out is not known: {why}"),
            Self::LedgerWritable { why, failed } => f.write_str(&self::ledger(why.as_deref(), *failed)),
            Self::HaproxyPresent { process, away } => self::present(f, process, *away),
            Self::HaproxyReplaced { from, process } => {
                write!(f, "HAProxy was reloaded or restarted (pid {from}, now {})", process.pid)
            }
            Self::HaproxyAway { why } => write!(f, "HAProxy does not answer: {why}"),
            Self::WritesDenied { why } => write!(f, "nothing can be changed in HAProxy: {why}"),
            Self::ReloadsSuffer { why: text } | Self::Missing { what: text } => f.write_str(text),
            Self::ExitChanged(changed) => changed.fmt(f),
            Self::Asked(asked) => asked.fmt(f),
        }
    }
}

pub(super) fn slow(server: &ServerId, slow: bool, takes: Duration) -> String {
    let millis = takes.as_millis();
    if slow {
        format!("{server} is much slower than usual ({millis} ms), and another one is not")
    } else {
        format!("{server} no longer counts as slow ({millis} ms)")
    }
}

pub(crate) fn held(server: &ServerId, because: HeldBecause) -> String {
    match because {
        HeldBecause::NoSuccessor => format!("{server} is not taken out: no other server could take over"),
        HeldBecause::NotOurs(admin) => {
            format!("{server} stays in {}: somebody else put it there", admin.as_str())
        }
        HeldBecause::NoAgent => {
            format!("{server} is not taken out: it has no agent-check that asks hactl")
        }
        HeldBecause::Contended => {
            format!("{server} stays as it is: somebody else keeps changing its backend")
        }
    }
}

pub(super) fn answered(server: &ServerId, up: bool) -> String {
    format!("{server} {} by its agent-check, read back", if up { "let up" } else { "taken down" })
}

pub(super) fn adopted(server: &ServerId, set: Admin) -> String {
    format!("{server} is in {} since an earlier run: back in service once it is wanted there", set.as_str())
}

pub(super) fn left_out(server: &ServerId, set: Admin) -> String {
    format!(
        "{server} was put into {} by hactl, which does not steer it any more: it stays there until somebody sets it to ready",
        set.as_str()
    )
}

pub(super) fn ledger(why: Option<&str>, failed: u64) -> String {
    match why {
        Some(why) => {
            format!("what is taken out cannot be written down, so a restart would not know of it: {why}")
        }
        None => format!("what is taken out is written down again (it failed {failed} times)"),
    }
}

pub(super) fn stand_back(backend: &Name, rest: Option<Duration>) -> String {
    match rest {
        Some(rest) => contended(backend, rest),
        None => format!("{backend} is steered again; what others set stays theirs"),
    }
}

/// That nothing is written to a backend, for how much longer, and what to do.
pub(crate) fn contended(backend: &Name, rest: Duration) -> String {
    format!(
        "{backend} is contended: somebody else keeps changing its servers, so nothing is written to it for {}; find \
         the other controller (a script, another hactl) and stop it, or leave the backend to it",
        Span(rest)
    )
}

pub(super) fn present(f: &mut fmt::Formatter<'_>, process: &Process, away: Option<Duration>) -> fmt::Result {
    let (version, pid) = (&process.version, process.pid);
    match away {
        None => write!(f, "HAProxy {version} answers (pid {pid})"),
        Some(away) => write!(f, "HAProxy {version} answers again after {} (pid {pid})", Span(away)),
    }
}

/// Why nothing is decided.
pub(crate) const fn frozen(control: bool) -> &'static str {
    if control {
        "no server answers, and the control target does not either: this host's network has failed, nothing is changed"
    } else {
        "no server answers: this host's network or all tunnels have failed, nothing is changed until one does"
    }
}

pub(super) fn in_service(
    f: &mut fmt::Formatter<'_>,
    backend: &Name,
    from: Option<&[Name]>,
    to: &[Name],
) -> fmt::Result {
    if to.is_empty() {
        return write!(f, "{backend} has no usable server: HAProxy closes every new connection");
    }
    write!(f, "{backend} {} on {}", if from.is_some() { "now" } else { "is" }, listed(to))
}

pub(super) fn steered(backend: &Name, to: &Name, takes: Duration, instead: Duration) -> String {
    let (takes, instead) = (takes.as_millis(), instead.as_millis());
    format!(
        "{backend}: {to} is clearly faster ({takes} ms instead of {instead} ms), new connections go there"
    )
}

pub(super) fn failed_back(backend: &Name, to: &[Name]) -> String {
    format!("{backend} goes back, as an operator wants: {} may take traffic again", listed(to))
}

/// What is done where no server carries traffic.
pub(super) const fn then(then: WhenAllDown) -> &'static str {
    match then {
        WhenAllDown::LastGood => "none is taken out until one does",
        WhenAllDown::FailClosed => "all are taken out until one does (when_all_down = fail-closed)",
        WhenAllDown::AllOpen => "all are put in until one does (when_all_down = all-open)",
    }
}

pub(crate) fn listed(names: &[Name]) -> String {
    names.iter().map(Name::as_str).collect::<Vec<_>>().join(", ")
}

/// A duration for people: `0.4 s`, `12 s`, `3 min`, `2 h`.
pub(crate) struct Span(pub(crate) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            0..10 => write!(f, "{:.1} s", self.0.as_secs_f64()),
            seconds @ 10..120 => write!(f, "{seconds} s"),
            seconds @ 120..7200 => write!(f, "{} min", seconds / 60),
            seconds @ 7200.. => write!(f, "{} h", seconds / 3600),
        }
    }
}
