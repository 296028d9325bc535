//! Incidents from events, told by hand.

use failover::Severity;
use insta::assert_snapshot;

use super::*;

#[test]
fn from_the_last_sign_of_life_to_the_server_that_is_well_again() {
    let mut story = Story::default();
    story.tell(0.0, "in_service", None, ("", "wg1"));
    story.dies(10.0, 8.5, "wg1");
    story.tell(10.25, "in_service", None, ("wg1", "wg2"));
    assert_snapshot!(story.texts(60.0), @"b/wg1 carried no traffic any more; found after 1.5 s, wg2 took over 0.25 s later; it goes on");
    story.tell(100.0, "health", Some("wg1"), ("degraded", "online"));
    assert_snapshot!(story.texts(120.0), @"b/wg1 carried no traffic any more; found after 1.5 s, wg2 took over 0.25 s later; over after 91.5 s");
    let incident = &story.incidents.latest(1, at(120.0))[0];
    assert_eq!((incident.id, incident.began, incident.ended), (2, at(8.5), Some(at(100.0))));
    assert_eq!((incident.switch_seconds, incident.blackout_seconds), (Some(0.25), Some(0.0)));
}

#[test]
fn a_server_that_nobody_is_sent_to_is_no_incident() {
    let mut story = Story::default();
    story.dies(1.0, 0.5, "wg1");
    story.tell(2.0, "in_service", None, ("", "wg1"));
    story.dies(10.0, 9.0, "wg2");
    assert_eq!(story.texts(20.0), "");
}

#[test]
fn where_haproxy_left_it_first_the_switch_took_no_time() {
    let mut story = Story::default();
    story.tell(0.0, "in_service", None, ("", "wg1"));
    story.tell(9.0, "in_service", None, ("wg1", "wg2"));
    story.dies(10.0, 8.0, "wg1");
    assert_snapshot!(story.texts(60.0), @"b/wg1 carried no traffic any more; found after 2 s, wg2 took over 0 s later; it goes on");
    story.tell(70.0, "health", Some("wg1"), ("offline", "online"));
    story.dies(200.0, 199.0, "wg1");
    assert_eq!(story.incidents.known.len(), 1, "it was left long before");
}

#[test]
fn two_failures_and_a_blackout_are_two_incidents_and_the_later_one_has_the_blackout() {
    let mut story = Story::default();
    story.tell(0.0, "in_service", None, ("", "wg1"));
    story.dies(10.0, 9.0, "wg1");
    story.tell(10.0, "in_service", None, ("wg1", "warp"));
    story.dies(20.0, 19.0, "warp");
    story.tell(20.0, "blackout", None, ("", ""));
    assert_snapshot!(story.texts(25.0), @r"
    b/warp carried no traffic any more; found after 1 s, and nothing has taken over; no server at all for 5 s; it goes on
    b/wg1 carried no traffic any more; found after 1 s, warp took over 0 s later; it goes on
    ");
    story.tell(50.0, "blackout_over", None, ("", ""));
    story.tell(50.0, "health", Some("warp"), ("degraded", "online"));
    assert_snapshot!(story.texts(60.0), @r"
    b/warp carried no traffic any more; found after 1 s; no server at all for 30 s; over after 31 s
    b/wg1 carried no traffic any more; found after 1 s, warp took over 0 s later; it goes on
    ");
}

#[test]
fn where_nothing_answers_the_time_until_something_does_counts_as_a_blackout() {
    let mut story = Story::default();
    story.tell(0.0, "in_service", None, ("", "wg1"));
    story.daemon(10.0, "frozen");
    story.dies(10.0, 9.0, "wg1");
    story.daemon(40.0, "thawed");
    story.tell(40.0, "health", Some("wg1"), ("degraded", "online"));
    assert_snapshot!(story.texts(60.0), @"b/wg1 carried no traffic any more; found after 1 s; no server at all for 30 s; over after 31 s");
}

#[test]
fn no_server_at_all_is_never_longer_than_the_incident() {
    let mut story = Story::default();
    story.tell(0.0, "in_service", None, ("", "wg1"));
    story.daemon(10.0, "frozen");
    story.dies(12.0, 11.0, "wg1");
    story.daemon(40.0, "thawed");
    story.tell(40.0, "health", Some("wg1"), ("degraded", "online"));
    assert_snapshot!(story.texts(60.0), @"b/wg1 carried no traffic any more; found after 1 s; no server at all for 29 s; over after 29 s");
}

#[test]
fn a_blackout_of_which_nobody_is_known_to_be_the_cause_is_an_incident_too() {
    let mut story = Story::default();
    story.tell(10.0, "blackout", None, ("", ""));
    story.tell(12.0, "blackout_over", None, ("", ""));
    assert_snapshot!(story.texts(60.0), @"b: no server carried traffic; no server at all for 2 s; over after 2 s");
}

#[test]
fn there_are_never_more_than_are_kept_and_those_that_go_on_stay() {
    let mut story = Story::default();
    story.tell(0.0, "in_service", None, ("", "wg1,wg2"));
    story.dies(1.0, 0.0, "wg2");
    for round in 0..INCIDENTS_KEPT * 2 {
        let now = 10.0 + round as f64;
        story.dies(now, now, "wg1");
        story.tell(now, "health", Some("wg1"), ("degraded", "online"));
    }
    let latest = story.incidents.latest(usize::MAX, at(9999.0));
    assert_eq!(latest.len(), INCIDENTS_KEPT);
    assert_eq!(latest.last().and_then(|oldest| oldest.server.as_deref()), Some("wg2"));
}

#[derive(Default)]
struct Story {
    incidents: Incidents,
    seq: u64,
}

impl Story {
    fn dies(&mut self, now: f64, began: f64, server: &str) {
        let entry = self.entry(now, "health", Some(server), ("online", "degraded"));
        self.incidents.take(&Entry { began: Some(at(began)), ..entry });
    }

    fn tell(&mut self, now: f64, kind: &str, server: Option<&str>, change: (&str, &str)) {
        let entry = self.entry(now, kind, server, change);
        self.incidents.take(&entry);
    }

    fn daemon(&mut self, now: f64, kind: &str) {
        let entry = self.entry(now, kind, None, ("", ""));
        self.incidents.take(&Entry { backend: None, ..entry });
    }

    fn entry(&mut self, now: f64, kind: &str, server: Option<&str>, (from, to): (&str, &str)) -> Entry {
        self.seq += 1;
        Entry {
            seq: self.seq,
            at: at(now),
            instance: Some("7891".to_owned()),
            kind: kind.to_owned(),
            severity: Severity::Info,
            backend: Some("b".to_owned()),
            server: server.map(str::to_owned),
            from: Some(from.to_owned()),
            to: Some(to.to_owned()),
            text: String::new(),
            why: None,
            by: None,
            began: None,
        }
    }

    fn texts(&self, now: f64) -> String {
        let latest = self.incidents.latest(10, at(now));
        latest.iter().map(|incident| incident.text.as_str()).collect::<Vec<_>>().join("\n")
    }
}

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_millisecond((seconds * 1000.0) as i64).unwrap()
}
