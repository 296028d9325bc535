//! The whole scene: faults seen through HAProxy, traffic, and the launcher of the program under test.

use std::time::{Duration, Instant};

use crate::haproxy::BACKEND;
use crate::traffic::outage;
use crate::{Daemon, Fault, Lab, Layout, Signal};

/// For what should happen at once; long for a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn faults_show_through_haproxy_and_a_switch_ends_them() {
    let lab = Lab::start(Layout::AllBackup).await;
    for fault in [Fault::BlackHole, Fault::Mute, Fault::FakeSuccess, Fault::Reject(1), Fault::Silence] {
        lab.exit("wg1").set(fault).await;
        assert!(lab.get().await.is_err(), "{fault:?}");
        lab.haproxy.runtime(&format!("set server {BACKEND}/wg1 state maint")).await;
        assert_eq!(lab.get().await.unwrap(), "wg2", "{fault:?}");
        lab.wg1.set(Fault::None).await;
        lab.haproxy.runtime(&format!("set server {BACKEND}/wg1 state ready")).await;
        assert_eq!(lab.get().await.unwrap(), "wg1", "after {fault:?}");
    }
}

#[tokio::test]
async fn haproxys_own_check_leaves_a_crashed_server() {
    let lab = Lab::start(Layout::AllBackup).await;
    lab.wg1.set(Fault::Refuse).await;
    lab.traffic(1).wait_until("wg2", PATIENCE).await;
    lab.wg1.set(Fault::None).await;
    lab.traffic(1).wait_until("wg1", PATIENCE).await;
}

#[tokio::test]
async fn traffic_sees_the_outage_and_its_end() {
    let lab = Lab::start(Layout::WarpBackup).await;
    let traffic = lab.traffic(3);
    traffic.wait_until("wg1", PATIENCE).await;
    lab.wg1.set(Fault::Reject(4)).await;
    let fault = Instant::now();
    traffic.wait_until_failure(PATIENCE).await;
    lab.haproxy.runtime(&format!("set server {BACKEND}/wg1 state maint")).await;
    let switched = traffic.mark();
    traffic.wait_until("wg2", PATIENCE).await;
    assert!(traffic.since(switched).iter().all(|sample| sample.result.as_deref() == Ok("wg2")));
    let seen = outage(&traffic.stop().await, fault);
    assert!(seen.failed > 0);
    let (_, after) = seen.first_after.unwrap();
    assert!(after > switched);
    assert!(seen.between_answers().unwrap() >= after.duration_since(fault));
}

#[tokio::test]
async fn a_configuration_names_the_parts_of_the_scene() {
    let lab = Lab::start(Layout::AllBackup).await;
    let file = lab.write_config(&(lab.config() + "policy = \"order\"\n"));
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(&lab.https.url()) && text.contains(&lab.http.url()), "{text}");
    assert!(text.contains(&format!("haproxy = \"{}\"", lab.haproxy.admin_socket().display())), "{text}");
    assert!(text.ends_with("name = \"socks_back_7891\"\npolicy = \"order\"\n"), "{text}");
}

#[tokio::test]
async fn a_program_is_heard_measured_and_ended() {
    let script = "echo $WORD >&2; trap 'echo bye >&2; exit 3' TERM; while :; do sleep 0.05; done";
    let mut daemon = Daemon::start("/bin/sh", &["-c", script], &[("WORD", "hello")]);
    assert_eq!(daemon.wait_for_line("ell", PATIENCE).await, "hello");
    assert!(daemon.usage().rss > 0);
    let (status, _) = daemon.terminate().await;
    assert_eq!(status.code(), Some(3));
    assert_eq!(daemon.wait_for(1, "bye", |line| line == "bye", PATIENCE).await, "bye");
}

#[tokio::test]
#[should_panic(expected = "before `never`")]
async fn waiting_for_a_line_ends_with_the_program() {
    let mut daemon = Daemon::start("/bin/sh", &["-c", "echo last words >&2"], &[]);
    daemon.wait_for_line("never", PATIENCE).await;
}

#[tokio::test]
async fn a_program_can_be_killed() {
    let mut daemon = Daemon::start("/bin/sh", &["-c", "echo up >&2; sleep 60"], &[]);
    daemon.wait_for_line("up", PATIENCE).await;
    daemon.signal(Signal::STOP);
    daemon.kill();
    assert!(!daemon.wait(PATIENCE).await.success());
}
