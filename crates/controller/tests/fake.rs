//! The controller against a HAProxy that misbehaves on demand: what the real one does only now and then, or never.

mod fake {
    mod faults;
    pub(super) mod haproxy;
}

use std::collections::BTreeMap;
use std::time::Duration;

use controller::{Controller, LedgerPlace, Managed, Mandate, StateDir};
use failover::{
    Asked, Desired, Event, Haproxy, Insist, Name, Observed, OnExit, ServerId, Want, Wish, Writes,
};
use fake::haproxy::FakeHaproxy;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout};

/// For a busy machine; every wait ends as soon as the thing happens.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_write_that_the_old_worker_took_and_confirmed_is_repeated_on_the_new_one() {
    let mut scene = Scene::start().await;
    scene.want(&[("wg1", Want::Maint), ("warp", Want::Ready)]);
    scene.until(|haproxy| haproxy.admin("wg1") == 1).await;
    scene.until_event(|event| matches!(event, Event::Applied { .. })).await;
    scene.haproxy.replace_process();
    scene.until(|haproxy| haproxy.admin("wg1") == 1).await;
    scene.until_event(|event| matches!(event, Event::HaproxyReplaced { .. })).await;
    assert_eq!(scene.haproxy.writes(), ["b/wg1 maint", "b/wg1 maint"]);
}

#[tokio::test]
async fn a_command_without_effect_is_sent_again_without_being_called_applied() {
    let mut scene = Scene::start().await;
    scene.haproxy.ignore_writes(2);
    scene.want(&[("wg1", Want::Maint), ("warp", Want::Ready)]);
    scene.until(|haproxy| haproxy.admin("wg1") == 1).await;
    scene.until_event(|event| matches!(event, Event::Applied { .. })).await;
    assert_eq!(scene.haproxy.writes(), ["b/wg1 maint"; 3]);
    let applied = scene.seen.iter().filter(|event| matches!(event, Event::Applied { .. })).count();
    assert_eq!(applied, 1);
}

#[tokio::test]
async fn a_refusal_is_told_once_and_stops_no_other_server() {
    let mut scene = Scene::start().await;
    scene.haproxy.refuse("wg1");
    scene.want(&[("wg1", Want::Maint), ("wg2", Want::Maint), ("warp", Want::Ready)]);
    scene.until(|haproxy| haproxy.admin("wg2") == 1).await;
    scene.until_observed(|observed| matches!(observed.writes, Writes::Refused { .. })).await;
    scene.until(|haproxy| haproxy.writes().iter().filter(|write| *write == "b/wg1 maint").count() >= 3).await;
    let refused = scene.seen.iter().filter(|event| matches!(event, Event::Refused { .. })).count();
    assert_eq!(refused, 1, "{:?}", scene.seen);
    scene.want(&[("wg1", Want::Ready), ("wg2", Want::Maint), ("warp", Want::Ready)]);
    scene.until_observed(|observed| observed.writes == Writes::Applied).await;
}

#[tokio::test]
async fn a_disabled_backend_is_a_refusal_and_not_taken_for_an_old_worker() {
    let mut scene = Scene::start().await;
    scene.haproxy.refuse_with("wg1", "Proxy is disabled.");
    scene.want(&[("wg1", Want::Maint), ("wg2", Want::Maint), ("warp", Want::Ready)]);
    scene.until_event(|event| matches!(event, Event::Refused { .. })).await;
    scene.until(|haproxy| haproxy.admin("wg2") == 1).await;
    scene.until_observed(|observed| matches!(observed.writes, Writes::Refused { .. })).await;
}

#[tokio::test]
async fn what_was_done_is_told_even_if_it_could_not_be_read_back_at_once() {
    let mut scene = Scene::start().await;
    scene.haproxy.garble_after_write(3);
    scene.want(&[("wg1", Want::Maint), ("warp", Want::Ready)]);
    scene.until_event(|event| matches!(event, Event::Applied { .. })).await;
    assert_eq!(scene.haproxy.writes(), ["b/wg1 maint"]);
}

#[tokio::test]
async fn a_backend_without_servers_is_a_problem() {
    let mut scene = Scene::start_servers(&[], |_| ()).await;
    scene
        .until_observed(|observed| observed.missing.iter().any(|what| what.contains("b has no servers")))
        .await;
}

#[tokio::test]
async fn a_server_that_has_to_be_opened_right_after_it_was_closed_is_left_open() {
    let mut scene = Scene::start().await;
    // As if wg2 and warp tracked wg1 in a way that HAProxy does not show.
    scene.haproxy.closing_closes_all("wg1");
    scene.want(&[("wg1", Want::Maint), ("wg2", Want::Ready), ("warp", Want::Ready)]);
    scene
        .until_event(|event| matches!(event, Event::Held { server, .. } if server.server.as_str() == "wg1"))
        .await;
    scene.until_looks(30).await;
    assert_eq!(scene.haproxy.admin("wg1"), 0);
    assert_eq!(scene.haproxy.writes().iter().filter(|write| *write == "b/wg1 maint").count(), 1);
}

#[tokio::test]
async fn a_worker_that_is_stopping_is_never_written_to() {
    let mut scene = Scene::start().await;
    scene.haproxy.stopping(true);
    scene.want(&[("wg1", Want::Maint), ("warp", Want::Ready)]);
    scene.until_event(|event| matches!(event, Event::HaproxyAway { why } if why.contains("stopping"))).await;
    assert!(scene.haproxy.writes().is_empty());
    scene.haproxy.stopping(false);
    scene.until(|haproxy| haproxy.admin("wg1") == 1).await;
}

#[tokio::test]
async fn below_admin_level_nothing_is_written_and_what_to_do_is_said_once() {
    let mut scene = Scene::start_with(|haproxy| haproxy.level("operator")).await;
    scene.want(&[("wg1", Want::Maint), ("warp", Want::Ready)]);
    let denied = |event: &Event| matches!(event, Event::WritesDenied { why } if why.contains("level admin"));
    scene.until_event(denied).await;
    scene.until_looks(20).await;
    assert!(scene.haproxy.writes().is_empty());
    assert_eq!(scene.seen.iter().filter(|event| denied(event)).count(), 1);
}

#[tokio::test]
async fn garbage_silence_and_half_replies_are_haproxy_being_away_and_pass() {
    for reply in ["", "\n", "garbage\n\n", "Pid: 1\n", "\u{0}\u{1b}[2J\n\n"] {
        let mut scene = Scene::start().await;
        scene.haproxy.answer_all_with(Some(reply));
        scene.until_observed(|observed| matches!(observed.haproxy, Haproxy::Away { .. })).await;
        scene.want(&[("wg1", Want::Maint), ("warp", Want::Ready)]);
        scene.haproxy.answer_all_with(None);
        scene.until(|haproxy| haproxy.admin("wg1") == 1).await;
    }
}

#[tokio::test]
async fn the_successor_is_opened_and_read_back_before_the_failed_one_is_closed() {
    let mut scene = Scene::start().await;
    scene.want(&[("wg1", Want::Ready), ("warp", Want::Maint)]);
    scene.until(|haproxy| haproxy.admin("warp") == 1).await;
    scene.want(&[("wg1", Want::Ready), ("wg2", Want::Maint), ("warp", Want::Maint)]);
    scene.until(|haproxy| haproxy.admin("wg2") == 1).await;
    scene.want(&[("wg1", Want::Maint), ("wg2", Want::Ready), ("warp", Want::Maint)]);
    scene.until(|haproxy| haproxy.admin("wg1") == 1).await;
    assert_eq!(scene.haproxy.writes()[2..], ["b/wg2 ready", "b/wg1 maint"]);
    assert!(scene.haproxy.looked_between_writes());
}

#[tokio::test]
async fn what_is_sent_is_on_disk_before_and_what_is_over_is_not_any_more() {
    let (_dir, place) = ledger();
    let file = place.file().to_owned();
    let mut scene = Scene::start_as(|haproxy| haproxy.witness(&file), |it| it.with_ledger(place)).await;
    scene.want(&[("wg1", Want::Maint), ("warp", Want::Ready)]);
    scene.until(|haproxy| haproxy.admin("wg1") == 1).await;
    let [at_the_command] = scene.haproxy.witnessed().try_into().expect("one command was sent");
    assert!(at_the_command.contains("\"b/wg1\"") && at_the_command.contains("\"set\": \"maint\""));
    scene.want(&[("wg1", Want::Ready), ("warp", Want::Ready)]);
    scene.until(|haproxy| haproxy.admin("wg1") == 0).await;
    scene.until(|_| std::fs::read_to_string(&file).is_ok_and(|text| !text.contains("b/wg1"))).await;
}

#[tokio::test]
async fn paused_the_server_state_file_says_what_is_still_ours() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("state");
    let path = file.clone();
    let mut scene = Scene::start_as(|_| (), |it| it.with_state_file(path)).await;
    let has_row = || std::fs::read_to_string(&file).is_ok_and(|text| text.contains(" wg1 "));
    scene.want(&[("wg1", Want::Maint), ("warp", Want::Ready)]);
    scene.until_event(|event| matches!(event, Event::Applied { .. })).await;
    scene.until(|_| has_row()).await;
    scene.mandate.send_modify(|mandate| mandate.writes = false);
    scene.until_observed(|observed| matches!(observed.writes, Writes::Withheld { .. })).await;
    assert!(has_row(), "it is still ours");
    scene.haproxy.set_admin("wg1", 0);
    scene.until(|_| !has_row()).await;
    assert_eq!(scene.haproxy.admin("wg1"), 0);
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_stops_no_command() {
    let (dir, place) = ledger();
    let (gone, back) = (dir.path().to_owned(), dir.path().to_owned());
    let mut scene = Scene::start_as(|_| (), |it| it.with_ledger(place)).await;
    std::fs::remove_dir_all(gone).unwrap();
    scene.want(&[("wg1", Want::Maint), ("warp", Want::Ready)]);
    scene.until(|haproxy| haproxy.admin("wg1") == 1).await;
    scene.until_event(|event| matches!(event, Event::LedgerWritable { why: Some(_), .. })).await;
    scene.until_observed(|observed| observed.ledger.is_some()).await;
    std::fs::create_dir(back).unwrap();
    scene.until_event(|event| matches!(event, Event::LedgerWritable { why: None, .. })).await;
    scene.until_observed(|observed| observed.ledger.is_none()).await;
    let told = scene.seen.iter().filter(|event| matches!(event, Event::LedgerWritable { .. })).count();
    assert_eq!(told, 2, "{:?}", scene.seen);
}

#[tokio::test]
async fn who_undoes_every_command_at_once_is_left_alone_soon() {
    let mut scene = Scene::start_with(|haproxy| haproxy.ignore_writes(usize::MAX)).await;
    scene.want(&[("wg1", Want::Maint), ("warp", Want::Ready)]);
    scene.until_event(|event| matches!(event, Event::Contended { stand_back: Some(_), .. })).await;
    scene.until_observed(|observed| !observed.contended.is_empty()).await;
    scene.until_looks(30).await;
    assert_eq!(scene.haproxy.writes(), ["b/wg1 maint"; 4]);
    let times = |wanted: fn(&Event) -> bool| scene.seen.iter().filter(|event| wanted(event)).count();
    assert_eq!(times(|event| matches!(event, Event::Contended { .. })), 1);
    assert_eq!(times(|event| matches!(event, Event::Overridden { .. })), 4);
}

#[tokio::test]
async fn at_the_end_ours_stays_or_is_lifted_and_what_others_did_stays() {
    for (on_exit, wg1) in [(OnExit::Keep, 1), (OnExit::Restore, 0)] {
        let mut scene = Scene::start_as(|_| (), |it| it.on_exit(on_exit)).await;
        scene.want(&[("wg1", Want::Maint), ("warp", Want::Ready)]);
        scene.until_event(|event| matches!(event, Event::Applied { .. })).await;
        scene.haproxy.set_admin("wg2", 1);
        let Scene { haproxy, desired, running, .. } = scene;
        drop(desired);
        timeout(PATIENCE, running).await.expect("it ends").expect("it does not panic");
        assert_eq!((haproxy.admin("wg1"), haproxy.admin("wg2")), (wg1, 1), "{on_exit:?}");
    }
}

#[tokio::test]
async fn a_server_is_busy_while_there_are_sessions_on_it() {
    let mut scene = Scene::start_with(|haproxy| haproxy.set_sessions("wg1", 2, 9)).await;
    scene.until_busy(&["wg1"]).await;
    scene.haproxy.set_sessions("wg1", 0, 9);
    scene.haproxy.set_sessions("warp", 1, 1);
    scene.until_busy(&["warp"]).await;
    scene.haproxy.set_sessions("warp", 0, 1);
    scene.until_busy(&[]).await;
}

#[tokio::test]
async fn sessions_that_began_and_ended_between_two_questions_count_once() {
    let mut scene = Scene::start_with(|haproxy| haproxy.set_sessions("wg2", 0, 5)).await;
    scene.until_busy(&[]).await;
    scene.haproxy.set_sessions("wg2", 0, 6);
    scene.until_busy(&["wg2"]).await;
    scene.until_busy(&[]).await;
}

#[tokio::test]
async fn sessions_that_cannot_be_read_stay_as_they_were_and_keep_nothing_from_being_seen() {
    let header = "# pxname,svname,scur,stot,status,iid,sid,type,\n";
    let of_others = format!("{header}b,wg2,0,0,UP,3,2,2,\n\n");
    let without_number = format!("{header}b,wg1,,,UP,3,1,2,\n\n");
    let odd_row = format!("{header}b,wg1,many,,UP,3,1,2,\n\n");
    let cut_short = format!("{header}b,wg1,0,1,UP,3,1,2,");
    let replies =
        ["", "\n", "\n\n", "garbage", "Permission denied\n\n", "Unknown command.\n\n", "# pxname,\n\n"];
    let replies = replies.iter().copied().map(str::to_owned);
    // Each takes some seconds, so all at once.
    let mut cases = JoinSet::new();
    for reply in replies.chain([of_others, without_number, odd_row, cut_short]) {
        cases.spawn(sessions_stay_as_they_were_with(reply));
    }
    cases.join_all().await;
}

async fn sessions_stay_as_they_were_with(reply: String) {
    let mut scene = Scene::start_with(|haproxy| haproxy.set_sessions("wg1", 1, 1)).await;
    scene.until_busy(&["wg1"]).await;
    scene.haproxy.answer_sessions_with(Some(&reply));
    scene.haproxy.set_sessions("wg1", 0, 1);
    scene.until_counted(1).await;
    scene.haproxy.set_admin("warp", 8);
    scene.until_observed(|observed| flags(observed, "warp") == ["fdrain"]).await;
    assert_eq!(busy(&scene.observed.borrow()), ["wg1"], "{reply:?}");
    assert!(!scene.seen.iter().any(|event| matches!(event, Event::HaproxyAway { .. })), "{reply:?}");
    scene.haproxy.answer_sessions_with(None);
    scene.until_busy(&[]).await;
}

#[tokio::test]
async fn sessions_are_read_beside_the_servers_each_second_and_never_on_the_way_of_a_command() {
    let start = Instant::now();
    let mut scene = Scene::start().await;
    scene.until_counted(1).await;
    let closed = [("wg1", Want::Maint), ("warp", Want::Ready)];
    let open = [("wg1", Want::Ready), ("warp", Want::Ready)];
    for wants in [closed, open].iter().cycle().take(20) {
        scene.want(wants);
        scene.until_looks(2).await;
    }
    scene.until_counted(2).await;
    let lines = scene.haproxy.asked();
    let counted = lines.iter().filter(|line| counts(line)).collect::<Vec<_>>();
    assert!(counted.iter().all(|line| line.contains("show servers state b")), "{lines:#?}");
    assert!(counted.len() as u64 <= start.elapsed().as_secs() + 1, "{lines:#?}");
    let after_writes = lines.windows(2).filter(|pair| pair[0].contains("set server")).map(|pair| &pair[1]);
    assert!(after_writes.clone().count() > 0 && !after_writes.into_iter().any(|line| counts(line)));
}

#[tokio::test]
async fn the_sessions_on_many_servers_are_read_less_often() {
    let names: Vec<String> = (0..1000).map(|index| format!("s{index}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let start = Instant::now();
    let mut scene = Scene::start_servers(&names, |haproxy| haproxy.set_sessions("s7", 1, 1)).await;
    scene.until_busy(&["s7"]).await;
    scene.until_looks(20).await;
    let counted = scene.haproxy.asked().iter().filter(|line| counts(line)).count() as u64;
    assert!(counted <= start.elapsed().as_secs() / 7, "{counted}");
}

#[tokio::test]
async fn what_is_withheld_is_told_and_not_sent_until_it_may_be() {
    let mut scene = Scene::start().await;
    scene.mandate.send_modify(|mandate| mandate.writes = false);
    scene.want(&[("wg1", Want::Maint), ("wg2", Want::Ready)]);
    let would = vec!["set server b/wg1 state maint".to_owned()];
    let withheld = Writes::Withheld { would: would.clone() };
    scene.until_observed(|observed| observed.writes == withheld).await;
    scene.until_event(|event| *event == Event::Asked(Asked::Would { commands: would.clone() })).await;
    scene.until_looks(5).await;
    assert!(scene.haproxy.writes().is_empty());
    scene.mandate.send_modify(|mandate| mandate.writes = true);
    scene.until(|haproxy| haproxy.writes() == ["b/wg1 maint"]).await;
}

#[tokio::test]
async fn a_long_plan_ends_with_the_line_that_is_under_way_when_it_may_not_write_any_more() {
    let names: Vec<String> = (0..1000).map(|index| format!("s{index}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut scene = Scene::start_servers(&names, |_| ()).await;
    let closed = names[1..].iter().map(|name| (*name, Want::Maint));
    scene.want(&closed.chain([(names[0], Want::Ready)]).collect::<Vec<_>>());
    scene.until(|haproxy| !haproxy.writes().is_empty()).await;
    let lines =
        |haproxy: &FakeHaproxy| haproxy.asked().iter().filter(|line| line.contains("set server")).count();
    let before = lines(&scene.haproxy);
    scene.mandate.send_modify(|mandate| mandate.writes = false);
    scene.until_observed(|observed| matches!(observed.writes, Writes::Withheld { .. })).await;
    scene.until_looks(5).await;
    assert!(lines(&scene.haproxy) <= before + 1, "{before}");
}

#[tokio::test]
async fn at_the_end_of_a_pause_that_has_just_begun_nothing_is_lifted() {
    // Which of the two is heard of first is chance.
    for _ in 0..8 {
        let mut scene = Scene::start_as(|_| (), |it| it.on_exit(OnExit::Restore)).await;
        scene.want(&[("wg1", Want::Maint), ("warp", Want::Ready)]);
        scene.until_event(|event| matches!(event, Event::Applied { .. })).await;
        let Scene { haproxy, desired, mandate, running, .. } = scene;
        mandate.send_modify(|mandate| mandate.writes = false);
        drop((desired, mandate));
        timeout(PATIENCE, running).await.expect("it ends").expect("it does not panic");
        assert_eq!(haproxy.admin("wg1"), 1);
    }
}

#[tokio::test]
async fn whoever_has_nothing_to_steer_any_more_gives_back_what_is_ours_and_ends() {
    let mut scene = Scene::start().await;
    scene.want(&[("wg1", Want::Maint), ("wg2", Want::Ready)]);
    scene.until(|haproxy| haproxy.writes() == ["b/wg1 maint"]).await;
    scene.mandate.send_modify(|mandate| mandate.managed.clear());
    let (wg1, back) = (ServerId::new("b", "wg1"), ["b/wg1 maint", "b/wg1 ready"]);
    scene.until_event(|event| *event == Event::Asked(Asked::LetGo { server: wg1.clone() })).await;
    timeout(PATIENCE, scene.desired.closed()).await.expect("the controller has ended");
    assert_eq!(scene.haproxy.writes(), back);
}

/// Whether the line asks for the sessions alone.
fn counts(line: &str) -> bool {
    line.contains("show stat 3 4 -1")
}

fn busy(observed: &Observed) -> Vec<String> {
    let servers = observed.backends.values().flat_map(|backend| &backend.servers);
    servers.filter(|server| server.busy).map(|server| server.name.to_string()).collect()
}

fn flags(observed: &Observed, server: &str) -> Vec<&'static str> {
    let found = observed.backends.values().find_map(|backend| backend.server(&Name::from(server)));
    found.map(|server| server.flags.clone()).unwrap_or_default()
}

struct Scene {
    haproxy: FakeHaproxy,
    desired: watch::Sender<Desired>,
    observed: watch::Receiver<Observed>,
    events: mpsc::Receiver<Event>,
    mandate: watch::Sender<Mandate>,
    seen: Vec<Event>,
    running: JoinHandle<()>,
}

fn ledger() -> (TempDir, LedgerPlace) {
    let dir = tempfile::tempdir().expect("the system has room for a directory");
    let place = StateDir::open(dir.path()).expect("it is ours").ledger("a.sock");
    (dir, place)
}

impl Scene {
    async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    async fn start_with(adapt: impl FnOnce(&FakeHaproxy)) -> Self {
        Self::start_servers(&["wg1", "wg2", "warp"], adapt).await
    }

    /// Waits for the first sight of HAProxy.
    async fn start_servers(servers: &[&str], adapt: impl FnOnce(&FakeHaproxy)) -> Self {
        Self::start_all(servers, adapt, |controller| controller).await
    }

    async fn start_as(adapt: impl FnOnce(&FakeHaproxy), with: impl FnOnce(Controller) -> Controller) -> Self {
        Self::start_all(&["wg1", "wg2", "warp"], adapt, with).await
    }

    async fn start_all(
        servers: &[&str],
        adapt: impl FnOnce(&FakeHaproxy),
        with: impl FnOnce(Controller) -> Controller,
    ) -> Self {
        let haproxy = FakeHaproxy::start(servers);
        adapt(&haproxy);
        let (desired, wanted) = watch::channel(BTreeMap::new());
        let (seen, observed) = watch::channel(Observed::nothing());
        let (sender, events) = mpsc::channel(1024);
        let managed = vec![Managed { name: "b".parse().expect("a plain name"), servers: None }];
        let (mandate, mandates) = watch::channel(Mandate { managed, writes: true });
        let controller = Controller::new(haproxy.address(), mandates, Instant::now(), wanted, seen, sender);
        let running = tokio::spawn(with(controller).run());
        let mut scene = Self { haproxy, desired, observed, events, mandate, seen: Vec::new(), running };
        scene.until_observed(|observed| matches!(observed.haproxy, Haproxy::Present { .. })).await;
        scene
    }

    fn want(&self, wants: &[(&str, Want)]) {
        let wish = |want: &Want| Wish {
            want: *want,
            why: None,
            address: Some(([127, 0, 0, 1], 18181).into()),
            kill: false,
            insist: Insist::No,
        };
        let wishes = wants.iter().map(|(name, want)| (Name::from(*name), wish(want))).collect();
        self.desired.send_replace(Desired::from([(Name::from("b"), wishes)]));
    }

    async fn until(&mut self, done: impl Fn(&FakeHaproxy) -> bool) {
        let start = Instant::now();
        while !done(&self.haproxy) {
            assert!(start.elapsed() < PATIENCE, "{:?}, {:?}", self.haproxy.writes(), self.seen);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.take_events();
    }

    /// Waits until HAProxy was asked `count` times more.
    async fn until_looks(&mut self, count: usize) {
        let target = self.haproxy.lines() + count;
        self.until(|haproxy| haproxy.lines() >= target).await;
    }

    async fn until_busy(&mut self, servers: &[&str]) {
        self.until_observed(|observed| busy(observed) == servers).await;
    }

    /// Waits until HAProxy was asked for the sessions `count` times more.
    async fn until_counted(&mut self, count: usize) {
        let so_far = |haproxy: &FakeHaproxy| haproxy.asked().iter().filter(|line| counts(line)).count();
        let target = so_far(&self.haproxy) + count;
        self.until(|haproxy| so_far(haproxy) >= target).await;
    }

    async fn until_event(&mut self, wanted: impl Fn(&Event) -> bool) {
        self.take_events();
        while !self.seen.iter().any(&wanted) {
            let event = timeout(PATIENCE, self.events.recv()).await;
            let event = event.unwrap_or_else(|_| panic!("not among {:?}", self.seen));
            self.seen.push(event.expect("the controller runs"));
        }
    }

    async fn until_observed(&mut self, wanted: impl Fn(&Observed) -> bool) {
        let waited = timeout(PATIENCE, self.observed.wait_for(|observed| wanted(observed))).await.is_ok();
        assert!(waited, "{:?}", self.observed.borrow());
        self.take_events();
    }

    fn take_events(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            self.seen.push(event);
        }
    }
}
