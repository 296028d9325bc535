//! The file, whole and broken.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::ledger::tests::{MAINT, ledger_with, maint, settle, wg1};

#[tokio::test]
async fn what_is_kept_is_there_for_the_next_run() {
    let dir = tempfile::tempdir().unwrap();
    let (mut ledger, mut file) = (ledger_with(&[maint("wg1")]), place(dir.path()));
    assert_eq!(file.keep(&mut ledger).await, None);
    let written = fs::read_to_string(&file.place.file).unwrap();
    for part in [r#""format": 1"#, r#""haproxy": "/run/a.sock""#, r#""pid": 412"#, r#""why": "silence""#] {
        assert!(written.contains(part), "{written}");
    }
    for part in [r#""b/wg1": {"#, r#""set": "maint""#, r#""since": "1970-01-01T00:00:07Z""#] {
        assert!(written.contains(part), "{written}");
    }
    let mut next = Ledger::default();
    assert_eq!(place(dir.path()).load(&mut next).await, None);
    let claims = next.claims.iter().map(|(id, claim)| (id.clone(), Claim { left_by: None, ..claim.clone() }));
    assert_eq!((next.process, claims.collect()), (ledger.process, ledger.claims.clone()));
    let news = settle(&mut next, MAINT);
    assert!(next.is_ours(&wg1(), Admin::Maint) && news.foreign.is_empty());
}

#[tokio::test]
async fn nothing_is_written_where_nothing_changed() {
    let dir = tempfile::tempdir().unwrap();
    let (mut ledger, mut file) = (ledger_with(&[]), place(dir.path()));
    settle(&mut ledger, MAINT);
    file.keep(&mut ledger).await;
    assert!(!file.place.file.exists(), "there is nothing to keep");
    ledger.intend(&maint("wg1"), jiff::Timestamp::UNIX_EPOCH);
    file.keep(&mut ledger).await;
    // Made by hand, it would be replaced by the next write.
    fs::write(&file.place.file, "untouched").unwrap();
    ledger.intend(&maint("wg1"), jiff::Timestamp::UNIX_EPOCH);
    file.keep(&mut ledger).await;
    assert_eq!(fs::read_to_string(&file.place.file).unwrap(), "untouched");
    settle(&mut ledger, MAINT);
    file.keep(&mut ledger).await;
    assert!(fs::read_to_string(&file.place.file).unwrap().contains("changed"));
}

#[tokio::test]
async fn a_file_that_is_of_no_use_is_an_empty_ledger_and_is_moved_aside() {
    let whole = |format: u32, haproxy: &str, claims: &str| {
        format!(r#"{{"format":{format},"haproxy":"{haproxy}","process":null,"claims":{{{claims}}}}}"#)
    };
    let claim = r#""b/wg1":{"set":"ready","why":null,"since":"1970-01-01T00:00:00Z","server":{"srv_id":1,"address":null},"changed":null,"next":null}"#;
    let table = [
        (String::new(), "it is not a whole ledger"),
        (whole(1, "/run/a.sock", "")[..40].to_owned(), "it is not a whole ledger"),
        ("\u{0}\u{1b}[2J".to_owned(), "it is not a whole ledger"),
        (r#"{"format":1,"something":"else"}"#.to_owned(), "unknown field `something`"),
        (whole(2, "/run/a.sock", ""), "it has format 2, and this version of hactl knows 1"),
        (whole(1, "/run/b.sock", ""), "it is about another HAProxy, /run/b.sock"),
        (whole(1, "/run/a.sock", claim), "it claims that b/wg1 was taken out by setting it to ready"),
        (" ".repeat(usize::try_from(FILE_MAX).unwrap() + 1), "it has more than"),
    ];
    let dir = tempfile::tempdir().unwrap();
    for (text, expected) in table {
        let (mut ledger, mut file) = (Ledger::default(), place(dir.path()));
        fs::write(&file.place.file, &text).unwrap();
        let Some(Event::LedgerLost { why }) = file.load(&mut ledger).await else { panic!("{expected}") };
        assert!(why.starts_with(&file.place.file.display().to_string()) && why.contains(expected), "{why}");
        assert!(ledger.claims.is_empty() && !file.place.file.exists());
        assert_eq!(fs::read_to_string(beside(&file.place.file, ".bad")).unwrap(), text);
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "one bad file is kept");
}

#[tokio::test]
async fn an_instance_that_was_called_otherwise_before_keeps_its_ledger_and_no_other_one() {
    let dir = tempfile::tempdir().unwrap();
    place(dir.path()).keep(&mut ledger_with(&[maint("wg1")])).await;
    let named = |haproxy: &str| {
        let file = dir.path().join("ledger-renamed.json");
        LedgerFile::new(LedgerPlace { file, haproxy: haproxy.to_owned() })
    };
    let (mut other, mut ledger) = (Ledger::default(), Ledger::default());
    assert_eq!(named("/run/b.sock").load(&mut other).await, None);
    assert!(other.claims.is_empty() && place(dir.path()).place.file.exists());
    assert_eq!(named("/run/a.sock").load(&mut ledger).await, None);
    assert_eq!(ledger.claims.len(), 1);
    assert!(!place(dir.path()).place.file.exists());
}

#[tokio::test]
async fn a_file_that_cannot_be_read_yet_stays_where_it_is_and_is_adopted_when_it_can() {
    let dir = tempfile::tempdir().unwrap();
    place(dir.path()).keep(&mut ledger_with(&[maint("wg1")])).await;
    let (mut ledger, mut file) = (Ledger::default(), place(dir.path()));
    // As a disk that fails and is well again.
    file.reading = Some(spawn_blocking(|| Err(io::Error::from_raw_os_error(5))));
    let lost = file.load(&mut ledger).await;
    assert!(
        matches!(&lost, Some(Event::LedgerLost { why }) if why.contains("it is tried again")),
        "{lost:?}"
    );
    assert!(file.problem().is_some_and(|problem| problem.contains("Input/output error")));
    settle(&mut ledger, MAINT);
    assert_eq!(file.keep(&mut ledger).await, None);
    assert!(!ledger.is_ours(&wg1(), Admin::Maint));
    assert_eq!(file.retry(&mut ledger).await, None, "it is not tried again at once");
    file.retry_due = Instant::now();
    assert_eq!(file.retry(&mut ledger).await, None);
    assert_eq!(settle(&mut ledger, MAINT).kept, [(wg1(), Admin::Maint)]);
    assert!(ledger.is_ours(&wg1(), Admin::Maint) && file.problem().is_none());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing was moved aside");
}

#[tokio::test]
async fn a_link_or_a_directory_in_its_place_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("target");
    fs::write(&target, "{}").unwrap();
    std::os::unix::fs::symlink(&target, place(dir.path()).place.file).unwrap();
    assert!(place(dir.path()).load(&mut Ledger::default()).await.is_some());
    assert_eq!(fs::read_to_string(&target).unwrap(), "{}");
    fs::create_dir(place(dir.path()).place.file).unwrap();
    let lost = place(dir.path()).load(&mut Ledger::default()).await;
    assert!(matches!(lost, Some(Event::LedgerLost { why }) if why.contains("not a regular file")));
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_is_told_when_it_begins_and_when_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let (mut ledger, mut file) = (ledger_with(&[maint("wg1")]), place(&state));
    let begins = file.keep(&mut ledger).await;
    let Some(Event::LedgerWritable { why: Some(why), failed: 1 }) = begins else { panic!("{begins:?}") };
    assert!(why.starts_with(&file.place.file.display().to_string()), "{why}");
    assert!(file.problem().is_some_and(|problem| problem.contains(&why)));
    assert_eq!(file.keep(&mut ledger).await, None, "it is not tried again at once");
    assert_eq!(file.failed, 1);
    settle(&mut ledger, MAINT);
    assert_eq!(file.keep(&mut ledger).await, None, "it was told");
    assert_eq!(file.failed, 2, "something new is worth a try");
    fs::create_dir(&state).unwrap();
    file.retry_due = Instant::now();
    let ends = file.keep(&mut ledger).await;
    assert_eq!(ends, Some(Event::LedgerWritable { why: None, failed: 2 }));
    assert_eq!(file.problem(), None);
    assert!(file.place.file.exists());
}

#[tokio::test]
async fn nobody_waits_long_for_a_disk_that_hangs() {
    let dir = tempfile::tempdir().unwrap();
    let (mut ledger, mut file) = (ledger_with(&[maint("wg1")]), place(dir.path()));
    // As a write that the disk never ends.
    let (hang, hung) = std::sync::mpsc::channel::<()>();
    file.writing = Some((
        spawn_blocking(move || {
            let _ = hung.recv();
            Ok(())
        }),
        Vec::new(),
    ));
    let begins = file.keep(&mut ledger).await;
    assert!(
        matches!(begins, Some(Event::LedgerWritable { why: Some(why), .. }) if why.contains("does not answer"))
    );
    drop(hang);
    while !file.writing.as_ref().is_none_or(|(writing, _)| writing.is_finished()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    file.retry_due = Instant::now();
    assert!(matches!(file.keep(&mut ledger).await, Some(Event::LedgerWritable { why: None, .. })));
    assert!(file.place.file.exists());
}

#[test]
fn the_file_is_for_its_user_and_group_and_no_half_of_it_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ledger.json");
    replace(&file, b"one", true).unwrap();
    replace(&file, b"two", false).unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"two");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o007, 0);
    fs::create_dir(beside(&file, ".new")).unwrap();
    assert!(replace(&file, b"three", true).is_err());
    assert_eq!(fs::read(&file).unwrap(), b"two");
}

fn place(dir: &Path) -> LedgerFile {
    LedgerFile::new(LedgerPlace { file: dir.join("ledger-7891.json"), haproxy: "/run/a.sock".to_owned() })
}

#[test]
fn only_a_haproxy_elsewhere_outlives_this_host() {
    for (haproxy, outlives) in [
        ("/run/haproxy/admin.sock", false),
        ("master:/run/haproxy-master.sock", false),
        ("tcp:127.0.0.1:9999", false),
        ("tcp:192.0.2.1:9999", true),
        ("tcp:gateway:9999", true),
    ] {
        assert_eq!(outlives_this_host(haproxy), outlives, "{haproxy}");
    }
}
