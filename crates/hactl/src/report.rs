//! Errors as a person reads them: what, why, what to do next; on stderr.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::io::{self, Write};
use std::path::Path;
use std::sync::OnceLock;

use hactld::admin::AdminError;
use hactld::text::Shown;
use hactld::{LockError, RecordFlaw, RunError, StateError};

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
            RunError::Admin(AdminError::Io { source, .. })
                if source.kind() == io::ErrorKind::PermissionDenied =>
            {
                report.next("run as a user that may write there, or name another place with --socket PATH")
            }
            // Only the last directory is made: a misspelt path is not to leave a tree.
            RunError::Admin(AdminError::Io { path, source }) if source.kind() == io::ErrorKind::NotFound => {
                let parent = path.parent().and_then(Path::parent).unwrap_or(path);
                report.next(format!(
                    "make the directory {} first, or name another place with --socket PATH",
                    parent.display()
                ))
            }
            RunError::Admin(AdminError::Io { .. }) => report.next("name another place with --socket PATH"),
            RunError::Admin(AdminError::LockIsLink(_)) => {
                report.next("remove it, or name another place with --socket PATH")
            }
            RunError::Admin(AdminError::Foreign(_)) => {
                report.next("--socket is hactl's own socket; HAProxy's is named with --haproxy")
            }
            RunError::Admin(AdminError::NotASocket(_)) => {
                report.next("move it away, or name another place with --socket PATH")
            }
            RunError::State(error) => report.next(match error {
                StateError::InUse(_) => "give each hactl a directory of its own: --state-dir DIR".to_owned(),
                StateError::Make { path, source } if source.kind() == io::ErrorKind::NotFound => {
                    let parent = path.parent().unwrap_or(path).display();
                    format!("make the directory {parent} first, or name another place with --state-dir DIR")
                }
                StateError::Make { .. } | StateError::Write { .. } => {
                    "run as a user that may write there, or name another place with --state-dir DIR".to_owned()
                }
            }),
            RunError::Lock(LockError::Held { socket: Some(socket), .. }) => report.next(format!(
                "see `hactl status --socket {socket}`, or stop that one first: two would undo each other's work"
            )),
            RunError::Lock(LockError::Held { socket: None, .. }) => {
                report.next("stop that one first: two would undo each other's work")
            }
            RunError::Record(error) => report.next(another_file(&error.flaw)),
            RunError::Agent(_) => report.next(
                "end what has this port, or name another one as `agent` in [[instance]] and as `agent-port` in haproxy.cfg",
            ),
            RunError::Web(_) => report.next(
                "end what has this port, or name another one: [web] listen, or HACTL_WEB__LISTEN",
            ),
            RunError::Tls(_) => report.next("correct ca_file in [probe], or HACTL_PROBE__CA_FILE"),
            RunError::Lock(LockError::Io { .. })
            | RunError::Settings(_)
            | RunError::Controller(_)
            | RunError::Engine(_)
            | RunError::System { .. } => report,
        }
    }

    pub(crate) fn print(&self, terminal: &Terminal) {
        print_error(&self.copyable(terminal).to_string(), terminal);
    }

    /// The same, with commands that can be copied as they stand.
    pub(crate) fn copyable(&self, terminal: &Terminal) -> Self {
        let copyable = |text: &Option<String>| text.as_ref().map(|text| terminal.copyable(text));
        Self { what: self.what.clone(), why: copyable(&self.why), next: copyable(&self.next) }
    }

    /// Prints it as something to know about what was printed.
    pub(crate) fn warn(&self, terminal: &Terminal) {
        let _ = io::stderr()
            .write_all(format!("{} {}\n", terminal.warning_mark(), self.copyable(terminal)).as_bytes());
    }
}

/// What arguments, files and other programs put into it moves no cursor.
impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Shown(&self.what))?;
        if let Some(why) = &self.why {
            write!(f, "\n  why:  {}", Shown(why))?;
        }
        if let Some(next) = &self.next {
            write!(f, "\n  next: {}", Shown(next))?;
        }
        Ok(())
    }
}

/// Prints an error whose text is fit for a terminal.
pub(crate) fn print_error(text: &str, terminal: &Terminal) {
    // Nobody is left to tell where stderr is closed.
    let _ = io::stderr().write_all(format!("{} {text}\n", terminal.error_mark()).as_bytes());
}

/// What to do about a recording that cannot be begun.
fn another_file(flaw: &RecordFlaw) -> &'static str {
    match flaw {
        RecordFlaw::NotEmpty => "name a new file, or move those away",
        RecordFlaw::Link => "name the file that it leads to",
        RecordFlaw::NotAFile => "name a new file",
        RecordFlaw::Io(source) if source.kind() == io::ErrorKind::NotFound => {
            "make its directory first, or name a file in another one"
        }
        RecordFlaw::Io(_) => "name a new file in a directory that this user may write to",
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

/// Why something that was to be printed is lost.
static UNWRITTEN: OnceLock<String> = OnceLock::new();

/// Prints a command's result. A reader that has gone, as `head` does, is no error; what else goes wrong becomes the
/// program's own end.
pub(crate) fn print(text: &str) {
    let _ = put(text);
}

/// The same, for who goes on only while somebody reads.
pub(crate) fn put(text: &str) -> Result<(), Unread> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| {
        if error.kind() != io::ErrorKind::BrokenPipe {
            // The first reason is the one that counts.
            let _ = UNWRITTEN.set(error.to_string());
        }
        Unread
    })
}

/// What was printed nobody reads any more.
#[derive(Debug)]
pub(crate) struct Unread;

/// What of standard output was lost.
pub(crate) fn unwritten() -> Option<Report> {
    let why = UNWRITTEN.get()?;
    let report = Report::new("what was to be printed could not be written".to_owned());
    Some(report.because(why.clone()).next("see where standard output leads to: a disk that is full?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_report_moves_the_cursor_or_makes_a_line_of_its_own() {
        let report = Report::new("\u{1b}]0;x\u{7}evil".to_owned()).because("a\nb").next("\u{9b}2J");
        let expected = "\\u{1b}]0;x\\u{7}evil\n  why:  a\\nb\n  next: \\u{9b}2J";
        assert_eq!(report.to_string(), expected);
    }

    #[test]
    fn the_advice_is_one_that_helps() {
        let next = |kind: io::ErrorKind| {
            let error = AdminError::Io { path: "x/a/b/h.sock".into(), source: kind.into() };
            Report::of_start(&RunError::Admin(error)).next.unwrap()
        };
        assert!(next(io::ErrorKind::PermissionDenied).starts_with("run as a user that may write there"));
        assert!(next(io::ErrorKind::NotFound).starts_with("make the directory x/a first"));
        assert_eq!(next(io::ErrorKind::NotADirectory), "name another place with --socket PATH");
    }
}
