//! The ring, those who follow it, and what an event becomes.

use std::time::Duration;

use failover::{Asked, Failure, ServerId, Stage, Verdict};
use insta::assert_snapshot;

use super::*;

#[tokio::test]
async fn a_follower_is_given_what_is_there_and_then_what_comes() {
    let journal = Journal::new();
    tell(&journal, 2);
    let mut follower = journal.follow(1);
    assert_eq!(numbers(&follower.next().await), [2]);
    let (batch, ()) = tokio::join!(follower.next(), async { tell(&journal, 1) });
    assert_eq!((numbers(&batch), batch.dropped), (vec![3], 0));
}

#[tokio::test]
async fn whoever_is_too_slow_loses_the_oldest_and_is_told_how_many() {
    let journal = Journal::new();
    let mut follower = journal.follow(0);
    tell(&journal, EVENTS_KEPT + 5);
    let batch = follower.next().await;
    assert_eq!((batch.dropped, batch.entries.len(), batch.entries[0].seq), (5, BATCH_MAX, 6));
    let batch = follower.next().await;
    assert_eq!((batch.dropped, batch.entries[0].seq), (0, 6 + BATCH_MAX as u64));
}

#[tokio::test]
async fn a_number_of_another_life_begins_at_the_beginning() {
    let journal = Journal::new();
    tell(&journal, 3);
    assert_eq!(numbers(&journal.follow(77).next().await), [1, 2, 3]);
    assert_eq!(journal.latest(), 3);
}

#[test]
fn an_entry_is_the_documented_json() {
    let server = ServerId { backend: Name::from("b"), server: Name::from("wg1") };
    let reason = Failure { stage: Stage::Http, cause: failover::Cause::Timeout, text: "no reply".to_owned() };
    let dead = Event::Health {
        server,
        from: Verdict::Online,
        to: Verdict::Degraded,
        reason: Some(reason),
        latency: None,
        silent: Some(Duration::from_millis(1500)),
    };
    let from = Some(vec![Name::from("wg1"), Name::from("wg2")]);
    let moved = Event::InService { backend: Name::from("b"), from, to: Vec::new() };
    let paused =
        Event::Asked(Asked::Paused { by: "root (uid 0)".to_owned(), reason: "x".repeat(3000), lasts: None });
    assert_snapshot!(json(&dead), @r#"{"seq":7,"at":"2026-01-01T00:00:09.000Z","instance":"7891","kind":"health","severity":"warning","backend":"b","server":"wg1","from":"online","to":"degraded","text":"b/wg1 is degraded: no reply","why":"no reply","by":null,"began":"2026-01-01T00:00:07.500Z"}"#);
    assert_snapshot!(json(&moved), @r#"{"seq":7,"at":"2026-01-01T00:00:09.000Z","instance":"7891","kind":"in_service","severity":"error","backend":"b","server":null,"from":"wg1,wg2","to":"","text":"b has no usable server: HAProxy closes every new connection","why":null,"by":null,"began":null}"#);
    let long = json(&paused);
    assert!(long.contains(r#""by":"root (uid 0)""#) && long.len() < 5000, "{}", long.len());
    let given = failover::Given {
        by: "alice".to_owned(),
        by_uid: Some(1000),
        since: Timestamp::UNIX_EPOCH,
        until: None,
        reason: "provider work".to_owned(),
        force: false,
    };
    let server = || ServerId { backend: Name::from("b"), server: Name::from("wg1") };
    let ordered = Asked::Override { server: server(), state: failover::Admin::Maint, given: given.clone() };
    let ordered = json(&Event::Asked(ordered));
    assert!(
        ordered.contains(r#""kind":"override""#) && ordered.contains(r#""from":null,"to":"maint""#),
        "{ordered}"
    );
    let over = json(&Event::Asked(Asked::Expired { server: server(), state: None, given }));
    assert!(
        over.contains(r#""kind":"override_expired""#) && over.contains(r#""from":"pin","to":null"#),
        "{over}"
    );
    let sent = Asked::Raw { by: "root (uid 0)".to_owned(), command: "set server b/wg1 weight 1".to_owned() };
    assert_snapshot!(json(&Event::Asked(sent)), @r#"{"seq":7,"at":"2026-01-01T00:00:09.000Z","instance":"7891","kind":"raw","severity":"info","backend":null,"server":null,"from":null,"to":null,"text":"root (uid 0) has sent HAProxy `set server b/wg1 weight 1`","why":null,"by":"root (uid 0)","began":null}"#);
    let again: Entry = serde_json::from_str(&long).unwrap();
    assert_eq!(serde_json::to_string(&again).unwrap(), long);
}

fn json(event: &Event) -> String {
    let at = "2026-01-01T00:00:09Z".parse().unwrap();
    serde_json::to_string(&Entry::of(event, Some(&Name::from("7891")), 7, at)).unwrap()
}

fn tell(journal: &Journal, times: usize) {
    for _ in 0..times {
        journal.tell(&Label::default(), None, &Event::Thawed { lasted: Duration::ZERO });
    }
}

fn numbers(batch: &Batch) -> Vec<u64> {
    batch.entries.iter().map(|entry| entry.seq).collect()
}
