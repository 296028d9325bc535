//! What operators order of servers on a real HAProxy: done and read back, ended by time or by hand, through restarts of
//! either; and what is refused.

use e2e::command::{self, Ran};
use e2e::{Fault, Layout, closed, hold_through};
use tokio::time::timeout;

use super::steered::{PATIENCE, Steered, start_hactl};

const WG1: &str = "socks_back_7891/wg1";
const WG2: &str = "socks_back_7891/wg2";
const WARP: &str = "socks_back_7891/cloudflare_warp";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn maint_holds_through_restarts_of_either_and_the_last_server_is_taken_only_by_force() {
    let mut scene = Steered::start(Layout::AllBackup, |haproxy| haproxy).await;
    let ran = hactl(&scene, &["maint", WG1, "--for", "2h", "-m", "provider work"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.starts_with("socks_back_7891/wg1  online,up  ->  online,maint   until 20"), "{ran:?}");
    assert!(ran.stdout.contains(" (2h), by "), "{ran:?}");
    let socket = scene.lab.hactl_socket().display().to_string();
    let left = format!(
        "2 other servers stay in service (wg2, cloudflare_warp). Undo: hactl auto --socket {socket} socks_back_7891/wg1\n"
    );
    assert!(ran.stdout.ends_with(&left), "{ran:?}");
    scene.wait_for_maint(&["wg1"]).await;
    let status = hactl(&scene, &["status"]).await;
    assert_eq!(status.code, Some(0), "it was planned: {status:?}");
    assert!(status.stdout.contains("maint 2h") || status.stdout.contains("maint 1h59m"), "{status:?}");
    assert!(status.stdout.contains("\"provider work\" by "), "{status:?}");

    scene.hactl.kill();
    scene.hactl = start_hactl(&scene.lab);
    scene.said(0, "socks_back_7891/wg1 is to be in maint until ").await;
    scene.said(0, "socks_back_7891/wg1 is online").await;
    scene.said(0, "socks_back_7891/cloudflare_warp is online").await;
    scene.lab.haproxy.reload_sf().await;
    scene.wait_for_maint(&["wg1"]).await;

    assert_eq!(hactl(&scene, &["drain", WG2, "--no-expiry", "-m", "new keys"]).await.code, Some(0));
    assert_eq!(scene.lab.haproxy.server("wg2").await.administrative, 8);
    assert_eq!(hactl(&scene, &["status"]).await.code, Some(1), "it has no end");
    let last = hactl(&scene, &["maint", WARP, "--for", "1h", "-m", "test"]).await;
    assert_eq!(last.code, Some(2), "{last:?}");
    let said = last.stderr.replace(&by(&ran), "ALICE");
    assert_eq!(
        said,
        format!(
            "error: refused to put socks_back_7891/cloudflare_warp into maint\n  why:  it is the only usable server of \
             socks_back_7891 (wg1 in maint by ALICE, wg2 in drain by ALICE)\n  next: `hactl auto --socket {socket} \
             socks_back_7891/wg1` first, or repeat with --force\n"
        )
    );
    // wg1 would have to be opened first.
    hactl(&scene, &["pause", "-m", "not now"]).await;
    assert_eq!(hactl(&scene, &["auto", WG1]).await.code, Some(1));
    let waits = hactl(&scene, &["maint", WARP, "--for", "1h", "-m", "test"]).await;
    assert_eq!(waits.code, Some(1), "{waits:?}");
    hactl(&scene, &["auto", WARP]).await;
    hactl(&scene, &["maint", WG1, "--for", "2h", "-m", "provider work"]).await;
    hactl(&scene, &["resume"]).await;
    let forced = hactl(&scene, &["maint", WARP, "--for", "1h", "-m", "test", "--force"]).await;
    assert_eq!(forced.code, Some(0), "{forced:?}");
    assert!(forced.stdout.contains("HAProxy closes new connections"), "{forced:?}");
    assert!(scene.lab.get().await.is_err());
    let all = hactl(&scene, &["auto", "--all"]).await;
    assert_eq!((all.code, all.stdout.matches("left to its probes").count()), (Some(0), 3), "{all:?}");
    scene.wait_for_maint(&[]).await;
    assert_eq!(hactl(&scene, &["auto", "--all"]).await.stdout, "nothing is overridden\n");
    assert_eq!(scene.lab.get().await.as_deref(), Ok("wg1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_ends_by_itself_and_sessions_are_cut_only_on_demand() {
    let mut scene = Steered::start(Layout::AllBackup, |haproxy| haproxy).await;
    let target = scene.lab.http.addr();
    let mut session = hold_through(scene.lab.haproxy.frontend(), target).await.expect("wg1 works");
    let from = scene.hactl.lines().len();
    let ran = hactl(&scene, &["maint", WG1, "--for", "5s", "-m", "short", "--kill-sessions"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    timeout(PATIENCE, closed(&mut session)).await.expect("it is cut");
    scene.said(from, "the sessions on socks_back_7891/wg1 were cut").await;
    scene.said(from, "is left to its probes again: the time of the maint by ").await;
    scene.wait_for_maint(&[]).await;

    scene.break_with(Fault::BlackHole, &["wg1"]).await;
    scene.wait_for_maint(&["wg1"]).await;
    let ran = hactl(&scene, &["ready", WG1, "--for", "1h", "-m", "the target is at fault"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("it is degraded: ") && ran.stdout.contains("as you ordered"), "{ran:?}");
    scene.wait_for_maint(&[]).await;
    let dead = hactl(&scene, &["pin", WG1, "--for", "1h", "-m", "x"]).await;
    assert_eq!(dead.code, Some(2), "{dead:?}");
    assert_eq!(hactl(&scene, &["auto", WG1]).await.code, Some(0));
    scene.wait_for_maint(&["wg1"]).await;

    let ran = hactl(&scene, &["pin", WARP, "--for", "1h", "-m", "demo"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("the traffic of socks_back_7891 is on cloudflare_warp"), "{ran:?}");
    assert_eq!(scene.lab.get().await.as_deref(), Ok("cloudflare_warp"));
    let ran = hactl(&scene, &["maint", WARP, "--for", "1h", "-m", "work"]).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert!(ran.stdout.contains("the pin of socks_back_7891 to it, by "), "{ran:?}");
    assert_eq!(hactl(&scene, &["auto", WARP]).await.code, Some(0));
    assert_eq!(scene.lab.get().await.as_deref(), Ok("wg2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_done_is_said_with_what_to_type() {
    let mut scene = Steered::start(Layout::AllBackup, |haproxy| haproxy).await;
    let table: [(&[&str], i32, &str); 6] = [
        (&["maint", WG1], 64, "does not say when it ends, and why"),
        (&["maint", WG1, "--for", "1h"], 64, "socks_back_7891/wg1 -m \"...\"   (with what you gave already)"),
        (&["maint", "socks_back_7891/wg22", "--for", "1h", "-m", "x"], 64, "did you mean `wg2`?"),
        (&["maint", "socks_back_789/wg2", "--for", "1h", "-m", "x"], 64, "did you mean `socks_back_7891`?"),
        (&["drain", "wg2", "--for", "1h", "-m", "x"], 64, "name it with its backend: socks_back_7891/wg2"),
        (&["auto"], 64, "--all"),
    ];
    for (args, code, expected) in table {
        let ran = hactl(&scene, args).await;
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert!(ran.stderr.contains(expected), "{ran:?}");
    }

    hactl(&scene, &["pause", "-m", "not now"]).await;
    let paused = hactl(&scene, &["maint", WG1, "--for", "1h", "-m", "x"]).await;
    assert_eq!(paused.code, Some(1), "{paused:?}");
    assert!(paused.stderr.contains("nothing is changed in HAProxy while hactl is paused"), "{paused:?}");
    scene.wait_for_maint(&[]).await;
    hactl(&scene, &["resume"]).await;
    scene.wait_for_maint(&["wg1"]).await;

    scene.lab.haproxy.runtime(&format!("set server {WG2} state maint")).await;
    let theirs = hactl(&scene, &["ready", WG2, "--for", "1h", "-m", "x"]).await;
    assert_eq!(theirs.code, Some(1), "{theirs:?}");
    assert!(theirs.stderr.contains("somebody else put it there"), "{theirs:?}");

    scene.lab.haproxy.kill();
    let from = scene.hactl.lines().len();
    scene.said(from.saturating_sub(5), "HAProxy does not answer").await;
    let away = hactl(&scene, &["auto", WG1]).await;
    assert_eq!(away.code, Some(1), "{away:?}");
    assert!(away.stderr.contains("HAProxy does not answer"), "{away:?}");
    scene.lab.haproxy.restart().await;
    scene.wait_for_maint(&[]).await;

    scene.hactl.kill();
    assert_eq!(hactl(&scene, &["auto", "--all"]).await.code, Some(3));
}

/// Who has run the tests, as hactl names them.
fn by(ran: &Ran) -> String {
    let named = ran.stdout.split(", by ").nth(1).expect("it is named");
    named.split([' ', '\n']).next().expect("there is a name").to_owned()
}

async fn hactl(scene: &Steered, args: &[&str]) -> Ran {
    let socket = scene.lab.hactl_socket().display().to_string();
    command::run(env!("CARGO_BIN_EXE_hactl-dup"), &[args, &["--socket", &socket]].concat()).await
}
