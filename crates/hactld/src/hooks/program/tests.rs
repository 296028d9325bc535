//! Programs that end well, badly, late and not at all.

use failover::Severity;
use tempfile::TempDir;

use super::*;

#[test]
fn it_finds_what_happened_in_its_environment_and_on_its_input_and_nothing_of_hactls_own() {
    let dir = TempDir::new().unwrap();
    let out = dir.path().join("out");
    let script = format!("env | sort > {0}; cat >> {0}; pwd >> {0}", out.display());
    let ran = shell(&script, 60, &AtomicBool::new(false));
    assert_eq!(ran.to_string().split(" after ").next(), Some("was done"), "{ran}");
    let written = std::fs::read_to_string(&out).unwrap();
    for line in [
        "HACTL_EVENT=blackout",
        "HACTL_BACKEND=b",
        "HACTL_SERVER=",
        "HACTL_TEXT=no; $(reboot)",
        "HACTL_WHY=ab",
    ] {
        assert!(written.lines().any(|one| one == line), "{line} in {written}");
    }
    assert!(written.ends_with(&format!("{}/\n", "x".repeat(200_000))), "all of the input was read");
    assert!(!written.contains("CARGO"), "{written}");
}

#[test]
fn how_it_ended_is_told_with_the_last_line_of_what_it_said() {
    let ran = |script: &str| shell(script, 60, &AtomicBool::new(false)).to_string();
    let failed = ran("echo first >&2; printf 'last \\033[2J\\n\\n' >&2; exit 3");
    assert!(failed.starts_with("failed with code 3 after "), "{failed}");
    assert!(failed.ends_with(" s: last \\u{1b}[2J"), "{failed}");
    assert!(ran("kill -9 $$").starts_with("was ended by signal 9 after "));
    let much = ran("i=0; while [ $i -lt 20000 ]; do echo aaaaaaaaaaaaaaaa >&2; i=$((i+1)); done; exit 1");
    assert!(much.ends_with(": aaaaaaaaaaaaaaaa"), "{much}");
    let none = Command { program: "/no/such/program".into(), arguments: Vec::new(), timeout: GRACE };
    let ran = run(&none, &[], b"", &AtomicBool::new(false)).to_string();
    assert_eq!(ran, "could not be started: No such file or directory (os error 2)");
}

#[test]
fn at_the_end_of_its_time_its_whole_group_is_ended() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("pids");
    // Neither of the two ends when it is asked to.
    let script = format!(
        "trap '' TERM; sh -c 'trap \"\" TERM; echo $$ > {}; sleep 600' & wait; sleep 600",
        file.display()
    );
    let ran = shell(&script, 1, &AtomicBool::new(false));
    assert!(matches!(ran.how, How::OutOfTime), "{ran}");
    let child = std::fs::read_to_string(&file).unwrap();
    let stat = format!("/proc/{}/stat", child.trim());
    let start = Instant::now();
    while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z")) {
        assert!(start.elapsed() < Duration::from_secs(30), "it lives on");
        thread::sleep(LOOK_EVERY);
    }
}

#[test]
fn the_end_of_hactl_ends_it() {
    let stop = AtomicBool::new(false);
    let ran = thread::scope(|scope| {
        let running = scope.spawn(|| shell("sleep 600", 600, &stop));
        thread::sleep(Duration::from_millis(50));
        stop.store(true, Ordering::Relaxed);
        running.join().unwrap()
    });
    assert!(matches!(ran.how, How::Stopped), "{ran}");
}

#[test]
fn what_it_leaves_behind_is_not_waited_for() {
    let ran = shell("sleep 5 & exit 0", 600, &AtomicBool::new(false));
    assert!(matches!(ran.how, How::Ended(0)) && ran.took < Duration::from_secs(4), "{ran:?}");
}

fn shell(script: &str, seconds: u64, stop: &AtomicBool) -> Ran {
    let command = Command {
        program: "/bin/sh".into(),
        arguments: vec!["-c".to_owned(), script.to_owned()],
        timeout: Duration::from_secs(seconds),
    };
    let environment = environment(&entry(), Path::new("/run/h.sock"));
    run(&command, &environment, "x".repeat(200_000).as_bytes(), stop)
}

fn entry() -> Entry {
    Entry {
        seq: 1,
        at: jiff::Timestamp::UNIX_EPOCH,
        instance: None,
        kind: "blackout".to_owned(),
        severity: Severity::Error,
        backend: Some("b".to_owned()),
        server: None,
        from: None,
        to: None,
        text: "no; $(reboot)".to_owned(),
        why: Some("a\0b".to_owned()),
        by: None,
        began: None,
    }
}
