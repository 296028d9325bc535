//! What is kept reads the same, and what is of no use is moved aside and said.

use failover::{Admin, Given, Name, Override, Pin, ServerId};
use jiff::Timestamp;

use super::*;
use crate::StateDir;

#[test]
fn what_was_kept_is_there_again_and_nothing_is_left_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = place(dir.path());
    assert_eq!(file.load(), Ok(Overrides::default()), "before there was any");
    file.keep(&Overrides::default()).unwrap();
    assert!(!file.path().exists(), "nothing is written down of nothing");
    file.keep(&some()).unwrap();
    assert_eq!(place(dir.path()).load(), Ok(some()));
    file.keep(&Overrides::default()).unwrap();
    assert_eq!(place(dir.path()).load(), Ok(Overrides::default()));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn what_is_of_no_use_is_moved_aside() {
    let dir = tempfile::tempdir().unwrap();
    let file = place(dir.path());
    file.keep(&some()).unwrap();
    let whole = fs::read_to_string(file.path()).unwrap();
    let table = [
        (whole[..whole.len() / 2].to_owned(), "it is no whole list of overrides: "),
        (whole.replace("\"format\": 1", "\"format\": 2"), "it has format 2"),
        (whole.replace("/run/a.sock", "/run/b.sock"), "it is about another HAProxy, /run/b.sock"),
        (whole.replace("\"maint\"", "\"off\""), "unknown variant `off`"),
        (whole.replace("2026-", "20x6-"), "it is no whole list of overrides: "),
    ];
    for (text, expected) in table {
        fs::write(file.path(), &text).unwrap();
        let why = file.load().unwrap_err();
        assert!(why.contains(expected) && why.contains("moved to "), "{why}");
        assert_eq!(file.load(), Ok(Overrides::default()), "it is not there any more");
        assert_eq!(fs::read_to_string(beside(file.path(), ".bad")).unwrap(), text);
    }
}

#[test]
fn a_disk_that_takes_nothing_is_told_and_what_was_kept_stays() {
    let dir = tempfile::tempdir().unwrap();
    let file = place(dir.path());
    file.keep(&some()).unwrap();
    fs::create_dir(beside(file.path(), ".new")).unwrap();
    assert!(file.keep(&Overrides::default()).is_err());
    assert_eq!(file.load(), Ok(some()));
}

fn place(dir: &Path) -> OverridesFile {
    StateDir::open(dir).unwrap().overrides("/run/a.sock")
}

fn some() -> Overrides {
    let given = Given {
        by: "alice".to_owned(),
        by_uid: Some(1000),
        since: "2026-11-23T16:19:00Z".parse().unwrap(),
        until: Some("2026-11-23T17:00:00Z".parse::<Timestamp>().unwrap()),
        reason: "provider\u{7} \"work\"".to_owned(),
        force: false,
    };
    let maint = Override { state: Admin::Maint, kill_sessions: true, given: given.clone() };
    let pin = Pin { server: Name::from("wg1"), given: Given { until: None, by_uid: None, ..given } };
    Overrides { servers: [(ServerId::new("b", "wg2"), maint)].into(), pins: [(Name::from("b"), pin)].into() }
}
