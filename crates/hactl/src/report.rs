//! Errors as a person reads them: what, why, what to do next; on stderr.

use std::error::Error;
use std::io::{self, Write};

use hactld::RunError;
use hactld::admin::AdminError;

use crate::terminal::Terminal;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) what: String,
    pub(crate) why: Option<String>,
    pub(crate) next: Option<String>,
}

impl Report {
    pub(crate) const fn new(what: String) -> Self {
        Self { what, why: None, next: None }
    }

    pub(crate) fn because(self, why: impl Into<String>) -> Self {
        Self { why: Some(why.into()), ..self }
    }

    pub(crate) fn next(self, next: impl Into<String>) -> Self {
        Self { next: Some(next.into()), ..self }
    }

    /// Why the daemon did not start.
    pub(crate) fn of_start(error: &RunError) -> Self {
        let report = Self { why: sources(error), ..Self::new(error.to_string()) };
        match error {
            RunError::Admin(AdminError::InUse { path, .. }) => report.next(format!(
                "see `hactl status --socket {}`; a second hactl needs a socket of its own: --socket PATH",
                path.display()
            )),
            RunError::Admin(AdminError::Io { source, .. })
                if source.kind() == io::ErrorKind::InvalidInput =>
            {
                report.next("name a shorter path with --socket PATH")
            }
            RunError::Admin(AdminError::Io { .. }) => {
                report.next("run as a user that may write there, or name another place with --socket PATH")
            }
            RunError::Admin(AdminError::Foreign(_)) => {
                report.next("--socket is hactl's own socket; HAProxy's is named with --haproxy")
            }
            RunError::Admin(AdminError::NotASocket(_)) => {
                report.next("move it away, or name another place with --socket PATH")
            }
            RunError::Tls(_) => report.next("correct ca_file in [probe], or HACTL_PROBE__CA_FILE"),
            RunError::Settings(_) | RunError::Controller(_) | RunError::System { .. } => report,
        }
    }

    pub(crate) fn print(&self, terminal: &Terminal) {
        let mut text = format!("{} {}\n", terminal.red("error:"), self.what);
        if let Some(why) = &self.why {
            text.push_str(&format!("  why:  {why}\n"));
        }
        if let Some(next) = &self.next {
            text.push_str(&format!("  next: {next}\n"));
        }
        // Nobody is left to tell where stderr is closed.
        let _ = io::stderr().write_all(text.as_bytes());
    }
}

/// What lies behind an error, in one line.
pub(crate) fn sources(error: &dyn Error) -> Option<String> {
    let mut texts = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        texts.push(cause.to_string());
        source = cause.source();
    }
    (!texts.is_empty()).then(|| texts.join(": "))
}

/// Prints a command's result. A reader that has gone, as `head` does, is no error.
pub(crate) fn print(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}
