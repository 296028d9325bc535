//! The documented exit codes.

use std::process::ExitCode;

use failover::Verdict;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Ok,
    /// The daemon could not start.
    NotStarted,
    /// Unknown, in Nagios' words.
    Unknown,
    /// sysexits.h EX_USAGE.
    Usage,
    /// sysexits.h EX_NOPERM.
    Permission,
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::NotStarted => 1,
            Self::Unknown => 3,
            Self::Usage => 64,
            Self::Permission => 77,
        }
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
            [Exit::Ok, Exit::NotStarted, Exit::Unknown, Exit::Usage, Exit::Permission].map(Exit::code);
        assert_eq!(codes, [0, 1, 3, 64, 77]);
        let verdicts =
            [Verdict::Online, Verdict::Degraded, Verdict::Offline, Verdict::Unknown].map(of_verdict);
        assert_eq!(verdicts, [0, 1, 2, 3]);
    }

    #[test]
    fn exit_zero_hides_findings_and_nothing_else() {
        let codes = [0, 1, 2, 3, 64, 77].map(|code| finding(code, true));
        assert_eq!(codes, [0, 0, 0, 3, 64, 77]);
    }
}
