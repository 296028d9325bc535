//! What an operator has ordered out stays out, whatever becomes of the file in which hactl keeps it, of the configuration, and
//! of hactl itself.

use std::path::PathBuf;
use std::time::Duration;

use e2e::{Layout, Ran, Signal, command};
use tokio::time::sleep;

use super::steered::{Steered, patient, start_hactl, start_hactl_with};

const WG1: &str = "socks_back_7891/wg1";

/// Several looks of hactl.
const A_WHILE: Duration = Duration::from_millis(1500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_stays_out_where_the_file_is_lost_or_damaged_until_somebody_says_otherwise() {
    let mut scene = Steered::start(Layout::AllBackup, |haproxy| haproxy).await;
    let ran = hactl(&scene, &["maint", WG1, "--for", "2h", "-m", "new keys"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    scene.wait_for_maint(&["wg1"]).await;
    for damage in [Some(r#"{"format":1,"haproxy":"x","overrides":{},"more":1}"#), None] {
        scene.hactl.kill();
        match damage {
            Some(text) => std::fs::write(orders(&scene), text).unwrap(),
            None => std::fs::remove_file(orders(&scene)).unwrap(),
        }
        scene.hactl = start_hactl(&scene.lab);
        let line = scene.said(0, "what operators have ordered before this start is not known").await;
        assert!(line.contains("servers that stay out until `hactl auto`, by the ledger: 1\""), "{line}");
        scene.said(0, "socks_back_7891/cloudflare_warp is online").await;
        sleep(A_WHILE).await;
        scene.wait_for_maint(&["wg1"]).await;
        assert_eq!(hactl(&scene, &["status"]).await.code, Some(1), "it has no end any more");
    }
    let why = hactl(&scene, &["explain", WG1]).await.stdout;
    assert!(why.contains("the order was lost"), "{why}");
    scene.hactl.kill();
    scene.hactl = start_hactl(&scene.lab);
    scene.said(0, "socks_back_7891/wg1 is to be in maint").await;
    assert_eq!(hactl(&scene, &["auto", WG1]).await.code, Some(0));
    scene.wait_for_maint(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_stays_out_where_the_configuration_leaves_it_out_and_where_hactl_restores_at_its_end() {
    let mut scene = Steered::start(Layout::AllBackup, |haproxy| haproxy).await;
    scene.hactl.kill();
    let restore = |config: String| config.replace("[state]", "[state]\non_exit = \"restore\"");
    scene.hactl = start_hactl_with(&scene.lab, restore);
    scene.said(0, "socks_back_7891/wg1 is online").await;
    let ran = hactl(&scene, &["maint", WG1, "--no-expiry", "-m", "contract ended"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    scene.hactl.signal(Signal::TERM);
    scene.hactl.wait(super::steered::PATIENCE).await;
    scene.wait_for_maint(&["wg1"]).await;

    scene.hactl = start_hactl_with(&scene.lab, restore);
    scene.said(0, "socks_back_7891/wg1 is in maint since an earlier run").await;
    let config = restore(patient(&scene.lab));
    scene.lab.write_config(&format!("{config}servers = [\"wg2\", \"cloudflare_warp\"]\n"));
    assert_eq!(hactl(&scene, &["reload"]).await.code, Some(0));
    let line =
        scene.said(0, "socks_back_7891/wg1 was put into maint by hactl, which does not steer it").await;
    assert!(line.contains("it stays there until somebody sets it to ready"), "{line}");
    sleep(A_WHILE).await;
    scene.wait_for_maint(&["wg1"]).await;
}

/// The file in which hactl keeps them.
fn orders(scene: &Steered) -> PathBuf {
    let files = std::fs::read_dir(scene.lab.hactl_state()).expect("hactl has made it");
    let is_one = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("overrides-") && name.ends_with(".json")
    };
    files.flatten().map(|entry| entry.path()).find(is_one).expect("something was ordered")
}

async fn hactl(scene: &Steered, args: &[&str]) -> Ran {
    let socket = scene.lab.hactl_socket().display().to_string();
    command::run(env!("CARGO_BIN_EXE_hactl-dup"), &[args, &["--socket", &socket]].concat()).await
}
