//! Log lines in each form, and texts that try to break out of one.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use failover::{Cause, Failure, ServerId, Stage, Verdict};
use tracing_subscriber::Registry;

use super::*;

#[test]
fn on_a_terminal_an_event_is_its_sentence_and_other_lines_show_their_fields() {
    let lines = logged(
        |sink| Box::new(human(sink, false)),
        || {
            event(&Label::default(), &degraded("connect to 1.1.1.1:443: no reply in 2 s"));
            event(&Label::default(), &online());
            tracing::warn!(error = "no descriptors left", "a client could not be accepted");
        },
    );
    assert_eq!(
        lines.iter().map(|line| without_time(line)).collect::<Vec<_>>(),
        [
            "WARN  socks_back_7891/wg1 is degraded: connect to 1.1.1.1:443: no reply in 2 s",
            "INFO  socks_back_7891/wg1 is online (48 ms)",
            "WARN  a client could not be accepted error=\"no descriptors left\"",
        ]
    );
}

#[test]
fn of_several_instances_a_line_begins_with_the_name_of_its_own() {
    let label = Label(Some(Name::from("one")));
    let lines = logged(|sink| Box::new(human(sink, false)), || event(&label, &online()));
    assert_eq!(without_time(&lines[0]), "INFO  one: socks_back_7891/wg1 is online (48 ms)");
    let lines = logged(|sink| Box::new(json(sink)), || event(&label, &online()));
    let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!((&line["instance"], &line["server"]), (&"one".into(), &"wg1".into()));
}

#[test]
fn colour_is_on_the_level_alone() {
    let lines = logged(|sink| Box::new(human(sink, true)), || event(&Label::default(), &online()));
    assert_eq!(without_time(&lines[0]), "\x1b[32mINFO \x1b[0m socks_back_7891/wg1 is online (48 ms)");
}

#[test]
fn for_programs_every_line_is_an_object_with_the_event_in_fields() {
    let lines = logged(|sink| Box::new(json(sink)), || event(&Label::default(), &degraded("no reply")));
    let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    let timestamp = line["timestamp"].as_str().unwrap();
    assert!(timestamp.parse::<jiff::Timestamp>().is_ok(), "{timestamp}");
    assert_eq!(
        line,
        serde_json::json!({
            "timestamp": timestamp,
            "level": "WARN",
            "message": "socks_back_7891/wg1 is degraded: no reply",
            "kind": "health",
            "backend": "socks_back_7891",
            "server": "wg1",
            "from": "online",
            "to": "degraded",
        })
    );
}

#[test]
fn for_journald_an_event_is_one_entry_with_its_fields() {
    let lines = logged(|sink| Box::new(native(sink)), || event(&Label::default(), &degraded("no\nreply")));
    assert_eq!(
        lines,
        [
            "PRIORITY=4",
            "SYSLOG_IDENTIFIER=hactl",
            "MESSAGE=socks_back_7891/wg1 is degraded: no\\nreply",
            "HACTL_KIND=health",
            "HACTL_BACKEND=socks_back_7891",
            "HACTL_SERVER=wg1",
            "HACTL_FROM=online",
            "HACTL_TO=degraded",
        ]
    );
}

#[test]
fn a_journald_that_hangs_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("socket");
    let _hung = std::os::unix::net::UnixDatagram::bind(&socket).unwrap();
    let (writer, guard) = lossy(journal::Journal::connect(&socket).unwrap());
    let subscriber = Registry::default().with(native(writer));
    tracing::subscriber::with_default(subscriber, || {
        // Far more than its queue and ours hold: waiting for each would take hours.
        for _ in 0..20 * LINES_WAITING_MAX {
            event(&Label::default(), &online());
        }
    });
    Log(guard).end();
}

#[test]
fn what_an_event_has_not_is_left_out() {
    let lines = logged(
        |sink| Box::new(json(sink)),
        || {
            event(&Label::default(), &Event::HaproxyAway { why: "no such file".to_owned() });
        },
    );
    let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    let keys: Vec<&String> = line.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["kind", "level", "message", "timestamp"]);
    assert_eq!(line["level"], "ERROR");
}

/// Remote texts are escaped where they come in; this is the second fence.
#[test]
fn no_character_of_a_message_breaks_or_repaints_a_line() {
    for code in (0..0x20).chain(0x7f..0xa0).chain([0x2028, 0x202e]) {
        let hostile = format!("a{}b", char::from_u32(code).unwrap());
        for form in [human_form as Form, json_form] {
            let lines = logged(form, || {
                event(&Label::default(), &degraded(&hostile));
                tracing::warn!(error = %hostile, "broken");
            });
            assert_eq!(lines.len(), 2, "U+{code:04x}: {lines:?}");
        }
        let lines = logged(human_form, || event(&Label::default(), &degraded(&hostile)));
        assert!(!lines[0].contains(char::is_control), "U+{code:04x}: {lines:?}");
    }
}

#[test]
fn a_filter_is_a_level_or_parts_with_theirs() {
    for text in ["debug", "INFO", "off", "controller=debug,info", "warn,checker=trace"] {
        assert!(filter(text).is_ok(), "{text}");
    }
    for text in ["", "debg", "info,", "controller=", "=debug", "controller=loud", "info,controller", "a b"] {
        let (what, next) = filter(text).unwrap_err();
        assert!(what.ends_with("is no log level"), "{text}: {what}");
        assert_eq!(next, NEXT);
    }
}

fn degraded(text: &str) -> Event {
    let failure = Failure { stage: Stage::Connect, cause: Cause::Timeout, text: text.to_owned() };
    let (from, to) = (Verdict::Online, Verdict::Degraded);
    Event::Health { server: wg1(), from, to, reason: Some(failure), latency: None, silent: None }
}

fn online() -> Event {
    let (from, to) = (Verdict::Unknown, Verdict::Online);
    Event::Health {
        server: wg1(),
        from,
        to,
        reason: None,
        latency: Some(Duration::from_millis(48)),
        silent: None,
    }
}

fn wg1() -> ServerId {
    ServerId::new("socks_back_7891", "wg1")
}

type Form = fn(Sink) -> Box<dyn Layer<Registry> + Send + Sync>;

fn human_form(sink: Sink) -> Box<dyn Layer<Registry> + Send + Sync> {
    Box::new(human(sink, false))
}

fn json_form(sink: Sink) -> Box<dyn Layer<Registry> + Send + Sync> {
    Box::new(json(sink))
}

/// The lines that `say` logs in this form.
fn logged(form: impl Fn(Sink) -> Box<dyn Layer<Registry> + Send + Sync>, say: impl FnOnce()) -> Vec<String> {
    let sink = Sink::default();
    let subscriber = tracing_subscriber::registry().with(form(sink.clone()));
    tracing::subscriber::with_default(subscriber, say);
    let bytes = sink.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap().split_terminator('\n').map(str::to_owned).collect()
}

/// `06:37:03.123 `, which is another one each time.
fn without_time(line: &str) -> &str {
    let (time, rest) = line.split_at(13);
    assert!(time.chars().all(|c| c.is_ascii_digit() || ":. ".contains(c)), "{line}");
    rest
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
