//! `hactl top` in a real terminal, beside the daemon and HAProxy.

use e2e::{Fault, Signal, Tmux, command};

use super::beside::{Beside, HACTL, PATIENCE};

/// What is on the screen before and after it.
const BEFORE: &str = "what was there before";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_screen_is_live_in_any_size_and_given_back() {
    let beside = Beside::start().await;
    let tmux = top(&beside, "");
    let screen = tmux.screen_when(|screen| screen.contains("3 of 3 online"), PATIENCE).await;
    let lines: Vec<&str> = screen.lines().collect();
    assert!(lines[0].starts_with(" ✓ ok  ") && lines[0].contains(" · applying · HAProxy "), "{screen}");
    assert!(lines[1].starts_with("▌ servers ───") && lines[1].ends_with("─ HAProxy's order ─"), "{screen}");
    assert_eq!(lines[2].split_whitespace().next(), Some("SERVER"), "{screen}");
    assert!(lines[3].starts_with(" ✓ socks_back_7891 ok: 3 of 3 online, on wg1 for "), "{screen}");
    for (line, start) in lines[4..].iter().zip(["▌> wg1 ", "   wg2 ", "   cloudflare_warp "]) {
        assert!(line.starts_with(start) && line.contains(" ● online ") && line.contains("ms  "), "{screen}");
    }
    assert!(lines[7].starts_with("─ socks_back_7891/wg1 ───"), "{screen}");
    assert!(screen.contains("\n─ events ───"), "{screen}");
    assert!(lines[23].starts_with(" ? help  q quit  Enter detail  Tab view "), "{screen}");

    beside.lab.wg1.set(Fault::Reject(5)).await;
    let failed = |screen: &str| {
        screen.starts_with(" ! DEGRADED ")
            && screen.contains("▌  wg1 ")
            && screen.contains("▲ degraded   maint")
    };
    let screen = tmux.screen_when(failed, PATIENCE).await;
    assert!(screen.contains(" ! socks_back_7891 DEGRADED: 2 of 3 online, on backup wg2 for "), "{screen}");
    let told = |screen: &str| {
        screen.contains(" socks_back_7891/wg1 is DEGRADED since ")
            && screen.contains(" ! socks_back_7891/wg1 is degraded")
    };
    tmux.screen_when(told, PATIENCE).await;

    tmux.resize(40, 10);
    // Between two drawings there may be nothing on it.
    let small = |screen: &str| {
        screen.lines().count() == 10
            && !screen.contains("events")
            && screen.contains("▲ degraded")
            && screen.contains("cloudflare_warp")
    };
    tmux.screen_when(small, PATIENCE).await;
    tmux.press(&["Enter"]);
    tmux.screen_when(
        |screen| screen.contains("▌ socks_back_7891/wg1 ") && !screen.contains("SERVER "),
        PATIENCE,
    )
    .await;
    tmux.press(&["?"]);
    tmux.screen_when(|screen| screen.contains("┌ keys ─"), PATIENCE).await;
    tmux.press(&["x", "Escape"]);
    tmux.resize(80, 24);
    let again = tmux.screen_when(|screen| failed(screen) && screen.contains("─ events ─"), PATIENCE).await;
    assert!(!again.contains("keys"), "{again}");

    tmux.press(&["/", "w", "a", "r", "p", "Enter"]);
    tmux.screen_when(
        |screen| screen.contains("/warp  HAProxy's order") && !screen.contains(" > wg2 "),
        PATIENCE,
    )
    .await;
    tmux.press(&["q"]);
    tmux.screen_when(|screen| screen.starts_with(&format!("{BEFORE}\nleft 0\n")), PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_sets_overrides_pauses_hactl_outlives_it_and_ends_when_told_to() {
    let mut beside = Beside::start().await;
    let tmux = top(&beside, "");
    tmux.screen_when(|screen| screen.contains("3 of 3 online"), PATIENCE).await;
    tmux.press(&["p"]);
    tmux.screen_when(|screen| screen.contains("┌ pause ─"), PATIENCE).await;
    tmux.press(&["moving wg1", "Enter"]);
    let paused = |screen: &str| {
        screen.contains("\n PAUSED by ") && screen.contains(": moving wg1") && !screen.contains("┌ pause ─")
    };
    tmux.screen_when(paused, PATIENCE).await;
    beside.status_when(|status| status["paused"]["reason"] == "moving wg1").await;
    tmux.press(&["p", "Enter"]);
    tmux.screen_when(|screen| !screen.contains("PAUSED"), PATIENCE).await;

    tmux.press(&["c"]);
    tmux.screen_when(|screen| screen.contains("probe socks_back_7891/wg1: "), PATIENCE).await;
    tmux.press(&["F10"]);
    tmux.screen_when(|screen| screen.contains("┌ maint socks_back_7891/wg1 ─"), PATIENCE).await;
    tmux.press(&["provider work", "Enter"]);
    let out = |screen: &str| screen.contains("  maint 1h59m  ") && screen.contains("\n > wg2 ");
    tmux.screen_when(|screen| out(screen) && !screen.contains("┌ maint"), PATIENCE).await;
    let reason = "/backends/0/servers/0/override/reason";
    beside.status_when(|status| status.pointer(reason).is_some_and(|reason| reason == "provider work")).await;
    tmux.press(&["a", "Enter"]);
    tmux.screen_when(|screen| !screen.contains("OVERRIDE") && screen.contains("▌> wg1 "), PATIENCE).await;

    beside.hactl.terminate().await;
    tmux.screen_when(|screen| screen.contains("\n NO CONNECTION for "), PATIENCE).await;
    beside.restart().await;
    tmux.screen_when(|screen| !screen.contains("NO CONNECTION"), PATIENCE).await;
    tmux.signal(Signal::TERM);
    tmux.screen_when(|screen| screen.starts_with(&format!("{BEFORE}\nleft 0\n")), PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_terminal_it_names_what_needs_none() {
    let ran = command::run(HACTL, &["top"]).await;
    let expected =
        "error: hactl top needs a terminal\n  why:  standard output is none\n  next: hactl status -w\n";
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(64), "", expected));
    let ran = command::run(HACTL, &["ui", "-i", "1ms"]).await;
    assert_eq!((ran.code, ran.stderr.contains("from 200ms to 60s")), (Some(64), true), "{ran:?}");
}

fn top(beside: &Beside, arguments: &str) -> Tmux {
    let socket = beside.lab.hactl_socket();
    let socket = socket.display();
    let script = format!(
        "echo '{BEFORE}'; '{HACTL}' top --socket '{socket}' {arguments}; echo \"left $?\"; sleep 600"
    );
    Tmux::start(80, 24, &script)
}
