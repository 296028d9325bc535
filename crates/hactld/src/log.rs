//! Logs: for people on a terminal, to journald where it listens, JSON lines otherwise. Nobody waits for a log: lines
//! that a full pipe cannot take are dropped.

mod journal;

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use failover::{Event, Name, Severity};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Level, Subscriber};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::journal::Note;
use crate::text::Shown;

/// Lines that may wait for a reader: minutes of a busy daemon, a few hundred kB.
const LINES_WAITING_MAX: usize = 4096;

/// For the last lines to be written; the whole end takes less than a second.
const END_LIMIT: Duration = Duration::from_millis(300);

const NEXT: &str = "write error, warn, info, debug or trace, for one part such as controller=debug,info";

/// Every transition, and what stands in the way.
pub(crate) fn default_filter() -> Targets {
    Targets::new().with_default(LevelFilter::INFO)
}

/// Reads `LEVEL` or `PART=LEVEL`, several with commas between them.
///
/// # Errors
/// What is wrong with it, and what to write.
pub(crate) fn filter(text: &str) -> Result<Targets, (String, &'static str)> {
    for directive in text.split(',') {
        let (part, level) = directive.rsplit_once('=').unwrap_or(("hactl", directive));
        // The library takes a bare word that is no level for a part, and then shows nothing else.
        if part.trim().is_empty() || level.is_empty() || level.parse::<LevelFilter>().is_err() {
            return Err((format!("`{directive}` is no log level"), NEXT));
        }
    }
    text.parse().map_err(|_| (format!("`{text}` is no log level"), NEXT))
}

/// What writes the lines; to be ended, so that the last ones are read too.
pub(crate) struct Log(WorkerGuard);

impl Log {
    /// Writes what still waits, as long as somebody takes it within the time that an end may take.
    pub(crate) fn end(self) {
        let (ended, end) = mpsc::channel();
        thread::spawn(move || {
            drop(self.0);
            // Nobody waits for it any more once the limit has passed.
            let _ = ended.send(());
        });
        let _ = end.recv_timeout(END_LIMIT);
    }
}

/// Chooses the form by where stderr leads.
pub(crate) fn init(filter: Targets, color: bool) -> Log {
    let registry = tracing_subscriber::registry().with(filter);
    let journal = stderr_is_journal().then(|| journal::Journal::connect(Path::new(journal::SOCKET)).ok());
    // A second start in one process (tests) keeps the first subscriber, so that `try_init` may fail.
    if let Some(journal) = journal.flatten() {
        let (writer, guard) = lossy(journal);
        let _ = registry.with(native(writer)).try_init();
        return Log(guard);
    }
    let (writer, guard) = lossy(io::stderr());
    let _ = if io::stderr().is_terminal() {
        registry.with(human(writer, color)).try_init()
    } else {
        registry.with(json(writer)).try_init()
    };
    Log(guard)
}

/// A thread of its own does the writing; whoever logs never waits for it.
fn lossy(writer: impl io::Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default().buffered_lines_limit(LINES_WAITING_MAX).lossy(true).finish(writer)
}

fn native<S, W>(writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    tracing_subscriber::fmt::layer().with_writer(writer).event_format(journal::Native)
}

fn human<S, W>(writer: W, color: bool) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    tracing_subscriber::fmt::layer().with_writer(writer).event_format(Human { color })
}

fn json<S, W>(writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    tracing_subscriber::fmt::layer().with_writer(writer).json().flatten_event(true).with_target(false)
}

/// systemd names the device and inode of the stream that it reads (systemd.exec(5), `$JOURNAL_STREAM`).
fn stderr_is_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    let Ok(stat) = rustix::fs::fstat(std::io::stderr().as_fd()) else { return false };
    stream == format!("{}:{}", stat.st_dev, stat.st_ino)
}

/// Which instance a line is about; said where there are several.
#[derive(Clone, Debug, Default)]
pub(crate) struct Label(pub(crate) Option<Name>);

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |name| write!(f, "{name}: "))
    }
}

/// The one place where a transition becomes a log line; `journal` alone calls it.
pub(crate) fn event(label: &Label, event: &Event) {
    macro_rules! line {
        ($level:expr) => {
            tracing::event!(
                $level,
                kind = event.kind(),
                instance = label.0.as_ref().map(Name::as_str),
                backend = event.backend().map(|name| name.as_str()),
                server = event.server().map(|id| id.server.as_str()),
                from = from(event),
                to = to(event),
                "{label}{event}"
            )
        };
    }
    match event.severity() {
        Severity::Info => line!(Level::INFO),
        Severity::Warning => line!(Level::WARN),
        Severity::Error => line!(Level::ERROR),
    }
}

/// The same for what hactl itself has to tell.
pub(crate) fn note(label: &Label, note: &Note) {
    macro_rules! line {
        ($level:expr) => {
            tracing::event!(
                $level,
                kind = note.kind,
                instance = label.0.as_ref().map(Name::as_str),
                backend = note.backend.as_deref(),
                server = note.server.as_deref(),
                "{label}{}",
                note.text
            )
        };
    }
    match note.severity {
        Severity::Info => line!(Level::INFO),
        Severity::Warning => line!(Level::WARN),
        Severity::Error => line!(Level::ERROR),
    }
}

fn from(event: &Event) -> Option<&'static str> {
    health(event).map(|(from, _)| from)
}

fn to(event: &Event) -> Option<&'static str> {
    health(event).map(|(_, to)| to)
}

fn health(event: &Event) -> Option<(&'static str, &'static str)> {
    if let Event::Health { from, to, .. } = event { Some((from.as_str(), to.as_str())) } else { None }
}

/// `06:37:03.123 WARN  socks_back_7891/wg1 is degraded: ...`: an event's sentence says it all, so its fields are left
/// out; other lines show theirs.
struct Human {
    color: bool,
}

impl<S, N> FormatEvent<S, N> for Human
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &tracing::Event<'_>,
    ) -> fmt::Result {
        let mut line = Line::default();
        event.record(&mut line);
        let time = jiff::Zoned::now().strftime("%H:%M:%S%.3f");
        let level = event.metadata().level();
        let (on, off) = if self.color { (color(*level), "\x1b[0m") } else { ("", "") };
        write!(writer, "{time} {on}{level:<5}{off} {}", Shown(&line.message))?;
        if !line.is_event {
            write!(writer, "{}", Shown(&line.fields))?;
        }
        writeln!(writer)
    }
}

const fn color(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[1;31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        Level::DEBUG | Level::TRACE => "\x1b[2m",
    }
}

#[derive(Default)]
struct Line {
    message: String,
    fields: String,
    is_event: bool,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            "kind" => {
                self.is_event = true;
                Ok(())
            }
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests;
