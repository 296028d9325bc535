//! The file of events: what is in it, what comes of a disk that fails, and what a start finds.

use std::os::unix::fs::symlink;
use std::time::Instant;

use failover::Event;
use tempfile::TempDir;

use super::*;

/// What is promised to happen has happened within this, or the test has failed.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn events_outlive_a_restart_and_their_numbers_go_on() {
    let dir = TempDir::new().unwrap();
    let place = place(&dir);
    let (journal, writing) = start(&place);
    tell(&journal, 3);
    writing.end();
    assert_eq!(fs::read_to_string(&place.path).unwrap().lines().count(), 3);
    // As a crash in the middle of a line leaves it, with a stranger's line before it.
    let mut file = OpenOptions::new().append(true).open(&place.path).unwrap();
    file.write_all(b"\xff\x1b[2J{}\n{\"seq\":4,\"at\":").unwrap();

    let (journal, writing) = start(&place);
    assert_eq!(journal.latest(), 3);
    tell(&journal, 1);
    writing.end();
    assert_eq!(numbers(&place), [1, 2, 3, 4]);
}

#[test]
fn the_file_is_rotated_by_size_and_so_many_are_kept() {
    let dir = TempDir::new().unwrap();
    let place = EventsFile { size: 1000, keep: 2, ..place(&dir) };
    let (journal, writing) = start(&place);
    for told in 1..=40 {
        tell(&journal, 1);
        wait(|| numbers(&place).last() == Some(&told));
    }
    writing.end();
    let mut names: Vec<_> = dir.path().read_dir().unwrap().flatten().map(|file| file.file_name()).collect();
    names.sort();
    assert_eq!(names, ["events.jsonl", "events.jsonl.1", "events.jsonl.2"]);
    for name in names {
        assert!(fs::metadata(dir.path().join(name)).unwrap().len() <= 1000);
    }
    let latest = fs::read_to_string(&place.path).unwrap().lines().count();
    assert!(numbers(&place).len() > latest, "the one before is read as well");
}

#[test]
fn a_file_that_cannot_be_written_is_told_once_and_what_is_kept_is_written_later() {
    let dir = TempDir::new().unwrap();
    let place = place(&dir);
    symlink("/dev/full", &place.path).unwrap();
    let journal = Journal::new();
    let rest = Duration::from_millis(20);
    let writing = Writing::of(Writer { rest, ..Writer::new(place.clone(), &journal, 0) });
    tell(&journal, 5);
    wait(|| journal.latest() == 6);
    let entries = journal.after(0, 10).entries;
    let told = &entries.iter().find(|entry| entry.kind == note::FILE).unwrap().text;
    assert!(told.ends_with("events.jsonl: it is a symbolic link; everything else goes on"), "{told}");
    let unwritten = journal.unwritten().unwrap();
    assert!(unwritten.ends_with("events.jsonl: it is a symbolic link"), "{unwritten}");
    tell(&journal, EVENTS_KEPT);
    fs::remove_file(&place.path).unwrap();
    // It is told behind all that was to be written before.
    wait(|| journal.latest() == EVENTS_KEPT as u64 + 7);
    let told = journal.after(EVENTS_KEPT as u64 + 6, 1).entries[0].text.clone();
    assert!(told.ends_with("events.jsonl again; 6 are missing there"), "{told}");
    assert_eq!(journal.unwritten(), None);
    writing.end();
    assert_eq!(numbers(&place).len(), EVENTS_KEPT);
}

#[test]
fn a_full_disk_is_named_by_the_system() {
    let dir = TempDir::new().unwrap();
    let full = EventsFile { path: "/dev/full".into(), ..place(&dir) };
    let mut writer = Writer::new(full, &Journal::new(), 0);
    assert_eq!(writer.write(b"x\n").unwrap_err().to_string(), "it is not a regular file");
    writer.open = Some(Open { file: OpenOptions::new().write(true).open("/dev/full").unwrap(), length: 0 });
    assert_eq!(writer.write(b"x\n").unwrap_err().kind(), io::ErrorKind::StorageFull);
}

#[test]
fn a_file_of_another_hactl_is_left_to_it() {
    let dir = TempDir::new().unwrap();
    let place = place(&dir);
    let _theirs = open(&place.path).unwrap();
    let error = open(&place.path).err().unwrap();
    assert_eq!(error.to_string(), "another hactl writes to it");
}

#[test]
fn numbers_that_cannot_be_are_passed_over() {
    let dir = TempDir::new().unwrap();
    let place = place(&dir);
    let (journal, writing) = start(&place);
    tell(&journal, 1);
    writing.end();
    let line = fs::read_to_string(&place.path).unwrap();
    let with = |seq: u64| line.replacen("\"seq\":1", &format!("\"seq\":{seq}"), 1);
    fs::write(&place.path, [with(u64::MAX), with(5), with(4), with(6)].concat()).unwrap();
    assert_eq!(numbers(&place), [5, 6]);
    let (journal, writing) = start(&place);
    let batch = journal.after(1, 10);
    assert_eq!((batch.dropped, batch.entries.len(), journal.latest()), (3, 2, 6));
    writing.end();
}

fn place(dir: &TempDir) -> EventsFile {
    EventsFile { path: dir.path().join("events.jsonl"), size: 1 << 20, keep: 3 }
}

fn start(place: &EventsFile) -> (Journal, Writing) {
    let journal = Journal::of(place.read());
    let writing = Writing::begin(place.clone(), &journal, journal.latest());
    (journal, writing)
}

fn tell(journal: &Journal, times: usize) {
    for _ in 0..times {
        journal.tell(&Label::default(), None, &Event::Thawed { lasted: Duration::ZERO });
    }
}

fn numbers(place: &EventsFile) -> Vec<u64> {
    place.read().iter().map(|entry| entry.seq).collect()
}

fn wait(until: impl Fn() -> bool) {
    let start = Instant::now();
    while !until() {
        assert!(start.elapsed() < PATIENCE);
        thread::sleep(Duration::from_millis(5));
    }
}
