//! The documented exit codes.

use std::io::ErrorKind;
use std::process::ExitCode;

use failover::Verdict;
use hactld::admin::AdminError;
use hactld::{RunError, StateError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Ok,
    /// The daemon could not start, or one of its instances could not.
    NotStarted,
    /// A recording that cannot be replayed.
    Unusable,
    /// An order is not carried out, for a reason.
    Refused,
    /// Unknown, in Nagios' words.
    Unknown,
    /// sysexits.h EX_USAGE.
    Usage,
    /// sysexits.h EX_IOERR: what was to be printed is lost.
    Unwritten,
    /// sysexits.h EX_NOPERM.
    Permission,
    /// As timeout(1) has it.
    TimedOut,
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::NotStarted | Self::Unusable => 1,
            Self::Refused => 2,
            Self::Unknown => 3,
            Self::Usage => 64,
            Self::Unwritten => 74,
            Self::Permission => 77,
            Self::TimedOut => 124,
        }
    }
}

/// Why the daemon did not start, as a code.
pub(crate) fn of_start(error: &RunError) -> Exit {
    match error {
        RunError::Tls(_) | RunError::Settings(_) => Exit::Usage,
        RunError::Admin(AdminError::Io { source, .. }) if source.kind() == ErrorKind::PermissionDenied => {
            Exit::Permission
        }
        RunError::State(StateError::Make { source, .. } | StateError::Write { source, .. })
            if source.kind() == ErrorKind::PermissionDenied =>
        {
            Exit::Permission
        }
        RunError::Admin(_)
        | RunError::Web(_)
        | RunError::State(_)
        | RunError::Lock(_)
        | RunError::Agent(_)
        | RunError::Record(_)
        | RunError::Controller(_)
        | RunError::Engine(_)
        | RunError::System { .. } => Exit::NotStarted,
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// `--exit-zero`: a finding is no failure of the command; that nothing could be found out is one.
pub(crate) const fn finding(code: u8, exit_zero: bool) -> u8 {
    match (code, exit_zero) {
        (1 | 2, true) => 0,
        (code, _) => code,
    }
}

/// The seed's three words, one code each.
pub(crate) const fn of_verdict(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Online => 0,
        Verdict::Degraded => 1,
        Verdict::Offline => 2,
        Verdict::Unknown => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_the_documented_ones() {
        let codes =
            [Exit::Ok, Exit::NotStarted, Exit::Unusable, Exit::Unknown, Exit::Usage, Exit::Permission]
                .map(Exit::code);
        assert_eq!((codes, Exit::TimedOut.code()), ([0, 1, 1, 3, 64, 77], 124));
        assert_eq!((Exit::Refused.code(), Exit::Unwritten.code()), (2, 74));
        let verdicts =
            [Verdict::Online, Verdict::Degraded, Verdict::Offline, Verdict::Unknown].map(of_verdict);
        assert_eq!(verdicts, [0, 1, 2, 3]);
    }

    #[test]
    fn a_start_that_was_not_permitted_has_a_code_of_its_own() {
        let start = |kind: ErrorKind| {
            of_start(&RunError::Admin(AdminError::Io { path: "h.sock".into(), source: kind.into() }))
        };
        assert_eq!(start(ErrorKind::PermissionDenied), Exit::Permission);
        assert_eq!(start(ErrorKind::NotFound), Exit::NotStarted);
        let in_use = AdminError::InUse { path: "h.sock".into(), holder: String::new() };
        assert_eq!(of_start(&RunError::Admin(in_use)), Exit::NotStarted);
    }

    #[test]
    fn exit_zero_hides_findings_and_nothing_else() {
        let codes = [0, 1, 2, 3, 64, 77].map(|code| finding(code, true));
        assert_eq!(codes, [0, 0, 0, 3, 64, 77]);
    }
}
