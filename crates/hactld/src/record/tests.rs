//! Files that can be recorded to and files that cannot, and what is in them afterwards.

use std::os::unix::fs::{PermissionsExt, symlink};

use failover::{Balance, FORMAT, Instance, Name, Observed, ObservedBackend, Settings};
use tempfile::TempDir;

use super::*;

#[test]
fn what_is_recorded_stands_below_its_head() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("new.jsonl");
    let (mut recorder, recording) = begin(&path, &header()).unwrap();
    for millis in 0..1000 {
        assert!(recorder.record(Time::from_millis(millis), Input::Due));
    }
    drop(recorder);
    recording.end();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777 & !0o640, 0);
    let (head, lines) = read(&path);
    assert_eq!(head, header());
    assert_eq!(lines.len(), 1000);
    assert_eq!(lines[999], due(999));
}

#[test]
fn what_stands_already_is_left_alone() {
    let dir = TempDir::new().unwrap();
    let link = dir.path().join("link");
    symlink(dir.path().join("elsewhere"), &link).unwrap();
    assert_eq!(refused(&link), "it is a symbolic link");
    assert!(!dir.path().join("elsewhere").exists());
    assert_eq!(refused(Path::new("/dev/null")), "it is not a regular file");
    assert_eq!(refused(dir.path()), "Is a directory (os error 21)");
    assert_eq!(refused(&dir.path().join("a/b")), "No such file or directory (os error 2)");
    let pipe = dir.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert_eq!(refused(&pipe), "No such device or address (os error 6)");

    let empty = dir.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    drop(begin(&empty, &header()).unwrap());
}

#[test]
fn beside_a_file_that_is_not_empty_the_next_free_one_is_taken() {
    let dir = TempDir::new().unwrap();
    let there = dir.path().join("there");
    let numbered = |number: u32| dir.path().join(format!("there.{number}"));
    std::fs::write(&there, "precious").unwrap();
    symlink(dir.path().join("elsewhere"), numbered(1)).unwrap();
    std::fs::create_dir(numbered(2)).unwrap();
    for number in 3..=99 {
        let (recorder, recording) = begin(&there, &header()).unwrap();
        assert_eq!(recording.path, numbered(number));
        drop(recorder);
        recording.end();
        assert_eq!(read(&numbered(number)).0, header());
    }
    let none = "there is something in it, and in those up to .99 beside it; nothing is overwritten";
    assert_eq!(refused(&there), none);
    assert_eq!(std::fs::read_to_string(&there).unwrap(), "precious");
    assert!(!dir.path().join("elsewhere").exists());
}

#[test]
fn what_the_disk_did_not_keep_up_with_is_counted_where_it_is_missing() {
    let (lines, queue) = mpsc::channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let mut recorder = Recorder { lines, waiting: Arc::clone(&waiting), lost: 0, told: false };
    let each = size_of::<Line>();
    let room = WAITING_MAX / each;
    for millis in 0..room as u64 + 5 {
        assert!(recorder.record(Time::from_millis(millis), Input::Due));
    }
    waiting.store(0, Ordering::Relaxed);
    recorder.record(Time::from_millis(7), Input::Due);
    waiting.store(WAITING_MAX, Ordering::Relaxed);
    recorder.record(Time::from_millis(8), Input::Due);
    drop(recorder);
    let written: Vec<Line> = queue.into_iter().map(|(_, line)| line).collect();
    assert_eq!(written.len(), room + 3);
    assert_eq!(written[room..], [Line::Lost { lost: 5 }, due(7), Line::Lost { lost: 1 }]);
}

#[test]
fn a_sight_of_many_servers_weighs_more() {
    let server = ObservedServer {
        name: "wg1".into(),
        address: None,
        backup: false,
        admin: failover::Admin::Ready,
        owner: failover::Owner::Ours,
        reopened: false,
        agent: None,
        tracks: None,
        flags: Vec::new(),
        operational: failover::Operational::Running,
        weight: 1,
        busy: false,
        managed: true,
    };
    let mut observed = Observed::nothing();
    let backend = ObservedBackend { balance: Balance::First, servers: vec![server; 1000] };
    observed.backends.insert("b".into(), backend);
    assert!(weight(&Input::Observed(Box::new(observed))) > 1000 * weight(&Input::Due) / 4);
}

#[test]
fn a_file_that_is_full_or_cannot_be_written_to_ends_the_recording() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("small");
    let small = written(open(&path).unwrap(), 80);
    assert!(!small, "the recorder is told");
    let (lines, bytes) = (std::fs::read_to_string(&path).unwrap(), 80);
    assert!(lines.len() <= bytes && lines.ends_with("}\n") && !lines.is_empty(), "{lines:?}");

    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    assert!(!written(full, FILE_MAX));
}

/// Writes lines one by one until the recording has ended; whether it goes on after a hundred.
fn written(file: File, room: u64) -> bool {
    let (lines, queue) = mpsc::channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let writer = Writer { file, path: "small".into(), room, queue, waiting: Arc::clone(&waiting) };
    let mut recorder = Recorder { lines, waiting: Arc::clone(&waiting), lost: 0, told: false };
    let thread = thread::spawn(move || writer.run());
    for millis in 0..100 {
        if !recorder.record(Time::from_millis(millis), Input::Due) {
            thread.join().unwrap();
            return false;
        }
        while waiting.load(Ordering::Relaxed) > 0 && !thread.is_finished() {
            thread::yield_now();
        }
    }
    true
}

fn header() -> Header {
    Header {
        format: FORMAT,
        hactl: "0.1.0".to_owned(),
        started: "2026-11-25T17:00:00.000Z".to_owned(),
        instance: Instance { name: "7891".to_owned(), backends: vec![Name::from("b")] },
        settings: Settings::new(vec![Name::from("https://1.1.1.1/")]),
    }
}

fn due(millis: u64) -> Line {
    Line::Input(Recorded { at: Time::from_millis(millis), input: Input::Due })
}

fn refused(path: &Path) -> String {
    let error = begin(path, &header()).err().unwrap();
    assert_eq!(error.to_string(), format!("cannot record to {}", path.display()));
    error.flaw.to_string()
}

fn read(path: &Path) -> (Header, Vec<Line>) {
    let text = std::fs::read_to_string(path).unwrap();
    let (head, lines) = text.split_once('\n').unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (serde_json::from_str(head).unwrap(), lines)
}
