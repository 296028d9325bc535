//! What is kept reads the same, and what is of no use is moved aside and said.

use failover::{Admin, Desired, Given, Insist, Name, Override, Pin, ServerId, Want, Wish};
use jiff::Timestamp;

use super::*;
use crate::StateDir;
use crate::ledger::LedgerFile;
use crate::ledger::tests::{ledger_with, maint};

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

#[tokio::test]
async fn without_a_file_of_use_what_was_ordered_out_stays_out_by_the_ledger_and_what_hactl_found_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let file = place(dir.path());
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let wish = |insist| Wish { want: Want::Maint, why: None, address: None, kill: false, insist };
    let desired = |insist| [(Name::from("b"), [(Name::from("wg1"), wish(insist))].into())].into();
    let mut ledger = ledger_with(&[maint("wg1")]);
    let mut kept = LedgerFile::new(StateDir::open(dir.path()).unwrap().ledger("/run/a.sock"));
    ledger.note_orders(&desired(Insist::No));
    kept.keep(&mut ledger).await;
    assert_eq!((file.load(), file.by_ledger(now)), (Ok(Overrides::default()), Overrides::default()));

    ledger.note_orders(&desired(Insist::Asked));
    // As before the first decision of a start.
    ledger.note_orders(&Desired::new());
    kept.keep(&mut ledger).await;
    let text = "{}";
    fs::write(file.path(), text).unwrap();
    assert!(file.load().unwrap_err().contains("moved to "));
    assert!(file.load().unwrap_err().ends_with("and the ledger knows of some"), "there is none any more");
    let by_ledger = file.by_ledger(now);
    let [(server, ordered)] = by_ledger.servers.iter().collect::<Vec<_>>()[..] else {
        panic!("{by_ledger:?}")
    };
    assert_eq!((server, ordered.state), (&ServerId::new("b", "wg1"), Admin::Maint));
    assert_eq!((ordered.given.until, ordered.given.since, ordered.given.force), (None, now, false));
    assert_eq!(ordered.given.reason, "the order was lost, which said silence");
    file.keep(&by_ledger).unwrap();
    assert_eq!(file.load(), Ok(by_ledger), "the next start knows it, too");
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
