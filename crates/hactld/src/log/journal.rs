//! Log entries as journald takes them (systemd's Native Journal Protocol): `MESSAGE`, `PRIORITY` and the fields, so that
//! `journalctl HACTL_SERVER=wg1` works. One datagram an entry, and none is waited for long.

use std::fmt;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::{Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::text::Shown;

/// Where journald listens (systemd-journald.service(8)).
pub(super) const SOCKET: &str = "/run/systemd/journal/socket";

/// For journald to take one entry; it takes thousands a second.
const SEND_LIMIT: Duration = Duration::from_millis(100);

/// A connection to journald that drops what journald does not take.
pub(super) struct Journal(UnixDatagram);

impl Journal {
    pub(super) fn connect(socket: &Path) -> io::Result<Self> {
        let datagram = UnixDatagram::unbound()?;
        datagram.connect(socket)?;
        datagram.set_write_timeout(Some(SEND_LIMIT))?;
        Ok(Self(datagram))
    }
}

impl io::Write for Journal {
    fn write(&mut self, entry: &[u8]) -> io::Result<usize> {
        // An entry that is lost must not take the next one with it.
        let _ = self.0.send(entry);
        Ok(entry.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One event as one entry. Values are escaped, so none contains the line feed that ends it.
pub(super) struct Native;

impl<S, N> FormatEvent<S, N> for Native
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
        writeln!(writer, "PRIORITY={}\nSYSLOG_IDENTIFIER=hactl", priority(*event.metadata().level()))?;
        let mut entry = Entry { writer, result: Ok(()) };
        event.record(&mut entry);
        entry.result
    }
}

/// syslog(3).
const fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

struct Entry<'a> {
    writer: Writer<'a>,
    result: fmt::Result,
}

impl Entry<'_> {
    fn field(&mut self, name: &str, value: &str) {
        let written = match name {
            "message" => writeln!(self.writer, "MESSAGE={}", Shown(value)),
            name => writeln!(self.writer, "HACTL_{}={}", name.to_ascii_uppercase(), Shown(value)),
        };
        self.result = self.result.and(written);
    }
}

impl Visit for Entry<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.field(field.name(), &format!("{value:?}"));
    }
}
