//! What happened, as facts and in words that a person understands at 3 a.m. A transition is told once, here.

mod asked;
mod exit;
mod kinds;
mod ordered;
mod severity;
mod text;

use std::time::Duration;

pub(crate) use self::ordered::until as until_text;
pub use self::severity::Severity;
pub(crate) use self::text::{
    Span, contended as contended_text, frozen as frozen_text, held as held_text, listed,
};
use crate::{Admin, Failure, HeldBecause, Name, Process, ServerId, Verdict, WhenAllDown};

pub use asked::Asked;
pub use exit::ExitChanged;

/// One fact worth telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A server's verdict is another one.
    Health {
        /// The server.
        server: ServerId,
        /// The verdict until now.
        from: Verdict,
        /// The verdict from now on.
        to: Verdict,
        /// The failure behind a `degraded` or `offline`.
        reason: Option<Failure>,
        /// The time of the round behind an `online`.
        latency: Option<Duration>,
        /// How long nothing had come through it when it was found `degraded` or `offline`; `None` where nothing ever had.
        silent: Option<Duration>,
    },
    /// HAProxy sends a backend's new connections to other servers than before.
    InService {
        /// The backend.
        backend: Name,
        /// The servers until now; `None` when it is seen for the first time.
        from: Option<Vec<Name>>,
        /// The servers from now on; empty where none is usable.
        to: Vec<Name>,
    },
    /// No server of a backend is known to carry traffic any more.
    Blackout {
        /// The backend.
        backend: Name,
        /// What is done about it.
        then: WhenAllDown,
    },
    /// The blackout ended.
    BlackoutOver {
        /// The backend.
        backend: Name,
        /// The server that ended it.
        server: Name,
        /// How long it was.
        lasted: Duration,
    },
    /// Nothing answers, so that nobody can be blamed: nothing is decided until something does.
    Frozen {
        /// The control target was asked directly, and did not answer either.
        control: bool,
    },
    /// Something answers again.
    Thawed {
        /// How long nothing did.
        lasted: Duration,
    },
    /// A server has become much slower than it used to be, while a faster one is at hand; or is itself again.
    Slow {
        /// The server.
        server: ServerId,
        /// Which of the two.
        slow: bool,
        /// What one exchange through it takes now.
        takes: Duration,
    },
    /// A target is not asked through this server for a while: the server is not to blame.
    TargetRests {
        /// The server.
        server: ServerId,
        /// The target, as configured.
        target: Name,
        /// What it did.
        why: String,
    },
    /// A target that was rested answers through this server again.
    TargetBack {
        /// The server.
        server: ServerId,
        /// The target, as configured.
        target: Name,
    },
    /// No target keeps a connection through this server open: full probes take the canary's part, which find a dead
    /// tunnel later.
    NoCanary {
        /// The server.
        server: ServerId,
    },
    /// This process did not run for a while (suspended, stopped, starved): what was under way says nothing.
    Starved {
        /// How long.
        lasted: Duration,
    },
    /// Traffic is moved to a server because it is clearly faster.
    Steered {
        /// The backend.
        backend: Name,
        /// The server.
        to: Name,
        /// What an exchange through it takes ...
        takes: Duration,
        /// ... and through the one that is left.
        instead: Duration,
    },
    /// A server is not used because of a rule, although it may well carry traffic.
    KeptOut {
        /// The server.
        server: ServerId,
        /// Which rule, and what would change it.
        why: String,
    },
    /// An operator had traffic go back to where it belongs.
    FailedBack {
        /// The backend.
        backend: Name,
        /// The servers that may take traffic again.
        to: Vec<Name>,
    },
    /// The sessions on a server that was left were cut.
    SessionsKilled {
        /// The server.
        server: ServerId,
    },
    /// HAProxy refused to cut them.
    SessionsKept {
        /// The server.
        server: ServerId,
        /// HAProxy's words.
        why: String,
    },
    /// A command was carried out and read back.
    Applied {
        /// The server.
        server: ServerId,
        /// Its new state.
        set: Admin,
    },
    /// HAProxy has taken an answer to its agent-check, as was read back.
    Answered {
        /// The server.
        server: ServerId,
        /// It was `up`; otherwise `down`.
        up: bool,
    },
    /// Somebody who is not an agent-check of these servers speaks to hactl's port for them.
    AgentMisuse {
        /// What was done there, and what to look at.
        what: String,
    },
    /// HAProxy refused a command, or took it without effect.
    Refused {
        /// The server.
        server: ServerId,
        /// The state it was to get.
        set: Admin,
        /// HAProxy's words.
        why: String,
    },
    /// A server stays as it is although something else is wanted of it.
    Held {
        /// The server.
        server: ServerId,
        /// Why.
        because: HeldBecause,
    },
    /// A server is out as an earlier run of hactl left it.
    Adopted {
        /// The server.
        server: ServerId,
        /// `maint` or `drain`.
        set: Admin,
    },
    /// An earlier run took a server out that is not steered any more.
    LeftOut {
        /// The server.
        server: ServerId,
        /// `maint` or `drain`.
        set: Admin,
    },
    /// A server of which something was known is not watched any more: HAProxy has it no more, or the configuration leaves
    /// it out.
    Gone {
        /// The server.
        server: ServerId,
    },
    /// Somebody else made a server ready that we had taken out.
    Overridden {
        /// The server.
        server: ServerId,
        /// What it was put into by us.
        set: Admin,
    },
    /// Others keep changing servers of a backend, so nothing is written to it for a while; or that is over.
    Contended {
        /// The backend.
        backend: Name,
        /// How long nothing is written; `None` where it is over.
        stand_back: Option<Duration>,
    },
    /// The file that says which `maint` and `drain` are ours was of no use, so nothing is taken as ours.
    LedgerLost {
        /// The file, what is wrong with it, and where it was moved.
        why: String,
    },
    /// Which `maint` and `drain` are ours cannot be written to disk; or can again.
    LedgerWritable {
        /// Why not; `None` where it can again.
        why: Option<String>,
        /// How often it could not, since the start.
        failed: u64,
    },
    /// HAProxy answers: at start, or again.
    HaproxyPresent {
        /// The process.
        process: Process,
        /// How long it was away; `None` at start.
        away: Option<Duration>,
    },
    /// Another HAProxy process answers than before: a reload or restart, which forgot all that was set.
    HaproxyReplaced {
        /// The pid until now.
        from: u32,
        /// The process from now on.
        process: Process,
    },
    /// HAProxy does not answer.
    HaproxyAway {
        /// What was tried, what came of it, what to do.
        why: String,
    },
    /// Commands would be refused, so none is sent.
    WritesDenied {
        /// Why, and what to do.
        why: String,
    },
    /// Something that spares clients the moment after a reload does not work.
    ReloadsSuffer {
        /// What, why, what it costs, and what to do.
        why: String,
    },
    /// HAProxy does not know a configured backend or server.
    Missing {
        /// Which, and what to do.
        what: String,
    },
    /// Traffic leaves from another address than before.
    ExitChanged(ExitChanged),
    /// What an operator asked of hactl, and what follows from that.
    Asked(Asked),
}

impl Event {
    /// The event's kind: a closed list for logs and filters.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Health { .. } => "health",
            Self::InService { .. } => "in_service",
            Self::Blackout { .. } => "blackout",
            Self::BlackoutOver { .. } => "blackout_over",
            Self::Frozen { .. } => "frozen",
            Self::Thawed { .. } => "thawed",
            Self::Slow { .. } => "slow",
            Self::TargetRests { .. } => "target_rests",
            Self::TargetBack { .. } => "target_back",
            Self::NoCanary { .. } => "no_canary",
            Self::Starved { .. } => "starved",
            Self::Steered { .. } => "steered",
            Self::KeptOut { .. } => "kept_out",
            Self::FailedBack { .. } => "failed_back",
            Self::SessionsKilled { .. } => "sessions_killed",
            Self::SessionsKept { .. } => "sessions_kept",
            Self::Applied { .. } => "applied",
            Self::Answered { .. } => "answered",
            Self::AgentMisuse { .. } => "agent_misuse",
            Self::Refused { .. } => "refused",
            Self::Held { .. } => "held",
            Self::Adopted { .. } => "adopted",
            Self::LeftOut { .. } => "left_out",
            Self::Gone { .. } => "gone",
            Self::Overridden { .. } => "overridden",
            Self::Contended { .. } => "contended",
            Self::LedgerLost { .. } => "ledger_lost",
            Self::LedgerWritable { .. } => "ledger_writable",
            Self::HaproxyPresent { .. } => "haproxy_present",
            Self::HaproxyReplaced { .. } => "haproxy_replaced",
            Self::HaproxyAway { .. } => "haproxy_away",
            Self::WritesDenied { .. } => "writes_denied",
            Self::ReloadsSuffer { .. } => "reloads_suffer",
            Self::Missing { .. } => "missing",
            Self::ExitChanged(_) => "exit_changed",
            Self::Asked(asked) => asked.kind(),
        }
    }

    /// Why, where an event has a reason of its own; its text ends with it.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Health { reason, .. } => reason.as_ref().map(|reason| reason.text.as_str()),
            Self::TargetRests { why, .. }
            | Self::KeptOut { why, .. }
            | Self::SessionsKept { why, .. }
            | Self::Refused { why, .. }
            | Self::HaproxyAway { why }
            | Self::LedgerLost { why }
            | Self::WritesDenied { why } => Some(why),
            Self::LedgerWritable { why, .. } => why.as_deref(),
            Self::Asked(asked) => asked.why(),
            Self::InService { .. }
            | Self::Blackout { .. }
            | Self::BlackoutOver { .. }
            | Self::Frozen { .. }
            | Self::Thawed { .. }
            | Self::Slow { .. }
            | Self::TargetBack { .. }
            | Self::NoCanary { .. }
            | Self::Starved { .. }
            | Self::Steered { .. }
            | Self::FailedBack { .. }
            | Self::SessionsKilled { .. }
            | Self::Applied { .. }
            | Self::Answered { .. }
            | Self::AgentMisuse { .. }
            | Self::Held { .. }
            | Self::Adopted { .. }
            | Self::LeftOut { .. }
            | Self::Gone { .. }
            | Self::Overridden { .. }
            | Self::Contended { .. }
            | Self::HaproxyPresent { .. }
            | Self::HaproxyReplaced { .. }
            | Self::ReloadsSuffer { .. }
            | Self::ExitChanged(_)
            | Self::Missing { .. } => None,
        }
    }

    /// The server it is about.
    #[must_use]
    pub const fn server(&self) -> Option<&ServerId> {
        match self {
            Self::Health { server, .. }
            | Self::KeptOut { server, .. }
            | Self::SessionsKilled { server }
            | Self::SessionsKept { server, .. }
            | Self::Applied { server, .. }
            | Self::Answered { server, .. }
            | Self::Refused { server, .. }
            | Self::Held { server, .. }
            | Self::Adopted { server, .. }
            | Self::LeftOut { server, .. }
            | Self::Gone { server }
            | Self::Slow { server, .. }
            | Self::TargetRests { server, .. }
            | Self::TargetBack { server, .. }
            | Self::NoCanary { server }
            | Self::Overridden { server, .. } => Some(server),
            Self::ExitChanged(changed) => changed.server.as_ref(),
            Self::Asked(asked) => asked.server(),
            Self::InService { .. }
            | Self::Blackout { .. }
            | Self::BlackoutOver { .. }
            | Self::Frozen { .. }
            | Self::Thawed { .. }
            | Self::Starved { .. }
            | Self::Contended { .. }
            | Self::LedgerLost { .. }
            | Self::LedgerWritable { .. }
            | Self::Steered { .. }
            | Self::FailedBack { .. }
            | Self::AgentMisuse { .. }
            | Self::HaproxyPresent { .. }
            | Self::HaproxyReplaced { .. }
            | Self::HaproxyAway { .. }
            | Self::WritesDenied { .. }
            | Self::ReloadsSuffer { .. }
            | Self::Missing { .. } => None,
        }
    }

    /// The backend it is about.
    #[must_use]
    pub fn backend(&self) -> Option<&Name> {
        match self {
            Self::InService { backend, .. }
            | Self::Contended { backend, .. }
            | Self::Blackout { backend, .. }
            | Self::Steered { backend, .. }
            | Self::FailedBack { backend, .. }
            | Self::BlackoutOver { backend, .. } => Some(backend),
            Self::Health { .. }
            | Self::KeptOut { .. }
            | Self::SessionsKilled { .. }
            | Self::SessionsKept { .. }
            | Self::Applied { .. }
            | Self::Answered { .. }
            | Self::AgentMisuse { .. }
            | Self::Refused { .. }
            | Self::Held { .. }
            | Self::Adopted { .. }
            | Self::Slow { .. }
            | Self::TargetRests { .. }
            | Self::TargetBack { .. }
            | Self::NoCanary { .. }
            | Self::Frozen { .. }
            | Self::Thawed { .. }
            | Self::Starved { .. }
            | Self::LeftOut { .. }
            | Self::Gone { .. }
            | Self::Overridden { .. }
            | Self::LedgerLost { .. }
            | Self::LedgerWritable { .. }
            | Self::HaproxyPresent { .. }
            | Self::HaproxyReplaced { .. }
            | Self::HaproxyAway { .. }
            | Self::WritesDenied { .. }
            | Self::ReloadsSuffer { .. }
            | Self::Missing { .. } => self.server().map(|server| &server.backend),
            Self::ExitChanged(changed) => Some(&changed.backend),
            Self::Asked(asked) => asked.backend(),
        }
    }
}
