//! Replies as no HAProxy gives them, or only one in trouble: each is named, none is believed, and as soon as it ends all
//! is right.

use std::time::{Duration, Instant};

use failover::{Event, Haproxy, Want};
use tokio::task::JoinSet;

use super::haproxy::Manner;
use crate::Scene;

/// Beyond the deadline of one exchange, which is a second.
const TOO_LATE: Duration = Duration::from_millis(2500);

/// With a reply of some hundred bytes far beyond the deadline.
const CRAWLING: Duration = Duration::from_millis(20);

const CLOSED: [(&str, Want); 2] = [("wg1", Want::Maint), ("warp", Want::Ready)];
const OPEN: [(&str, Want); 2] = [("wg1", Want::Ready), ("warp", Want::Ready)];

#[tokio::test]
async fn a_haproxy_that_answers_badly_is_away_by_name_and_right_as_soon_as_it_answers_well() {
    let cases: [(Manner, &[&str]); 7] = [
        (Manner::Cut(0), &["without a reply"]),
        (Manner::Cut(1), &["do not fit the commands"]),
        (Manner::Cut(90), &["do not fit the commands"]),
        (Manner::Flood, &["larger than"]),
        (Manner::Late(TOO_LATE), &["did not answer within 1s", "reading the replies"]),
        (Manner::Bytewise(CRAWLING), &["did not answer within 1s", "reading the replies"]),
        // Which of the two is a matter of who is faster.
        (Manner::HungUp, &["without a reply", "failed with haproxy"]),
    ];
    let mut running = JoinSet::new();
    for (manner, texts) in cases {
        running.spawn(away_and_back(manner, texts));
    }
    for (manner, took) in running.join_all().await {
        println!("right again {took:?} after {manner:?}");
    }
}

#[tokio::test]
async fn servers_in_another_version_of_the_format_are_not_read() {
    for reply in ["2\n# be_id\n\n", "1\n# be_id be_name\n\n", "1\n\n", "\u{fffd}\n\n", "1\n# \n\n"] {
        let mut scene = Scene::start().await;
        let info =
            "Name: HAProxy\nVersion: 2.6.12\nUptime_sec: 1\nStart_time_sec: 7\nPid: 100\nStopping: 0\n\n";
        scene.haproxy.answer_all_with(Some(&format!("{info}{reply}")));
        scene.want(&CLOSED);
        let named = |why: &str| why.contains("show servers state") || why.contains("do not fit");
        scene.until_event(|event| matches!(event, Event::HaproxyAway { why } if named(why))).await;
        assert!(scene.haproxy.writes().is_empty(), "{reply:?}");
        scene.haproxy.answer_all_with(None);
        scene.until(|haproxy| haproxy.admin("wg1") == 1).await;
    }
}

#[tokio::test]
async fn a_reply_in_single_bytes_is_a_reply() {
    let mut scene = Scene::start().await;
    scene.haproxy.answer(Manner::Bytewise(Duration::ZERO));
    scene.haproxy.answer_writes(Manner::Bytewise(Duration::from_millis(1)));
    for wants in [CLOSED, OPEN] {
        scene.want(&wants);
        let admin = u32::from(wants == CLOSED);
        scene.until(|haproxy| haproxy.admin("wg1") == admin).await;
    }
    assert_eq!(scene.haproxy.writes(), ["b/wg1 maint", "b/wg1 ready"]);
}

#[tokio::test]
async fn a_command_that_was_carried_out_though_nobody_heard_is_not_sent_again_and_ours_to_undo() {
    for manner in [Manner::Late(TOO_LATE), Manner::Cut(0), Manner::Cut(30), Manner::Flood] {
        let mut scene = Scene::start().await;
        scene.haproxy.answer_writes(manner);
        scene.want(&CLOSED);
        scene.until_event(|event| matches!(event, Event::Applied { .. })).await;
        scene.until_looks(20).await;
        assert_eq!(scene.haproxy.writes(), ["b/wg1 maint"], "{manner:?}");
        assert_eq!(scene.haproxy.admin("wg1"), 1);
        scene.want(&OPEN);
        scene.until(|haproxy| haproxy.admin("wg1") == 0).await;
        scene.until_looks(5).await;
        let applied = scene.seen.iter().filter(|event| matches!(event, Event::Applied { .. })).count();
        assert_eq!(applied, 2, "{manner:?}: {:?}", scene.seen);
        assert_eq!(scene.haproxy.writes(), ["b/wg1 maint", "b/wg1 ready"], "{manner:?}");
    }
}

#[tokio::test]
async fn wherever_replies_are_cut_only_what_was_wanted_is_ever_set() {
    let mut scene = Scene::start().await;
    for length in (0..1500).step_by(37) {
        let wants = if length % 2 == 0 { CLOSED } else { OPEN };
        scene.haproxy.answer(Manner::Cut(length));
        scene.haproxy.answer_writes(Manner::Cut(length));
        scene.want(&wants);
        scene.until_looks(1).await;
        scene.haproxy.answer(Manner::Whole);
        scene.haproxy.answer_writes(Manner::Whole);
        scene.until(|haproxy| haproxy.admin("wg1") == u32::from(wants == CLOSED)).await;
        assert_eq!((scene.haproxy.admin("wg2"), scene.haproxy.admin("warp")), (0, 0));
    }
}

#[tokio::test]
async fn hundreds_of_commands_go_in_several_lines_and_what_becomes_urgent_meanwhile_does_not_wait_for_them() {
    let names: Vec<String> = (0..600).map(|index| format!("s{index:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut scene = Scene::start_servers(&names, |_| ()).await;
    // Each line takes a while, so that the plan does.
    scene.haproxy.answer_writes(Manner::Late(Duration::from_millis(25)));
    let but = |ready: &[&str]| -> Vec<(&str, Want)> {
        let want = |name: &&str| if ready.contains(name) { Want::Ready } else { Want::Maint };
        names.iter().map(|name| (*name, want(name))).collect()
    };
    scene.want(&but(&["s300"]));
    scene.until(|haproxy| haproxy.writes().len() > 40).await;
    // What stands before the successor goes first, the nearest to it at the front.
    assert_eq!(scene.haproxy.writes()[..2], ["b/s299 maint", "b/s298 maint"]);
    // Another one is well, so that ten commands are enough for the clients, where it were hundreds.
    scene.want(&but(&["s010"]));
    scene.until(|haproxy| names[..10].iter().all(|name| haproxy.admin(name) == 1)).await;
    let writes = scene.haproxy.writes().len();
    assert!(writes < 200, "only after {writes} commands");
    scene.haproxy.answer_writes(Manner::Whole);
    scene.until(|haproxy| names.iter().all(|name| (haproxy.admin(name) == 1) == (*name != "s010"))).await;
}

/// How long it took until it was right again.
async fn away_and_back(manner: Manner, texts: &[&str]) -> (Manner, Duration) {
    let mut scene = Scene::start().await;
    scene.haproxy.answer(manner);
    scene.haproxy.answer_writes(manner);
    scene.want(&CLOSED);
    let named = |why: &str| texts.iter().any(|text| why.contains(text));
    scene.until_event(|event| matches!(event, Event::HaproxyAway { why } if named(why))).await;
    scene
        .until_observed(|observed| matches!(&observed.haproxy, Haproxy::Away { why, .. } if named(why)))
        .await;
    scene.haproxy.answer(Manner::Whole);
    scene.haproxy.answer_writes(Manner::Whole);
    let ended = Instant::now();
    scene.until(|haproxy| haproxy.admin("wg1") == 1).await;
    (manner, ended.elapsed())
}
