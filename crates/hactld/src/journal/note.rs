//! What hactl itself has to tell beside what it decides: its hooks, and its own file of events.

use failover::Severity;

/// The kinds of [`Note`]s.
pub(crate) const NOTE_KINDS: [&str; 3] = [HOOK, RESTART, FILE];

/// A hook has ended, or could not be run.
pub(crate) const HOOK: &str = "hook";

/// The restart hook of a server has ended, or could not be run.
pub(crate) const RESTART: &str = "restart";

/// Events cannot be written to their file; or can again.
pub(crate) const FILE: &str = "events_writable";

/// One fact of that kind.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(crate) kind: &'static str,
    pub(crate) severity: Severity,
    pub(crate) instance: Option<String>,
    pub(crate) backend: Option<String>,
    pub(crate) server: Option<String>,
    pub(crate) text: String,
    pub(crate) why: Option<String>,
}
