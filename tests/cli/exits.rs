//! `hactl exits`: where traffic leaves from, as a page on loopback sees it.

use std::net::IpAddr;

use e2e::command;
use e2e::lab::EXITS;
use e2e::target::ExitNames;
use e2e::{Fault, Target};
use serde_json::Value;

use super::beside::{Beside, HACTL};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exits_are_seen_through_servers_and_haproxy_and_a_change_is_told() {
    // A trace page for two of them, and nothing but the address for the third.
    let page = |address: &str| format!("fl=1\nip={address}\ncolo=FRA\nwarp=on\nx=\u{7}");
    let names: ExitNames =
        EXITS.iter().take(2).map(|(_, source)| (IpAddr::from(*source), page(&source.to_string()))).collect();
    let trace = Target::http(names);
    let mut beside = Beside::start_as(
        |haproxy| haproxy,
        |config, lab| {
            let frontend = lab.haproxy.frontend();
            format!("[exit]\nurl = \"{}\"\n\n{config}frontend = \"{frontend}\"\n", trace.url())
        },
    )
    .await;

    let list = exits_when(&beside, |list| {
        list["backends"][0]["as_believed"] == true && seen(list, 2)["exit"].is_object()
    })
    .await;
    let wg1 = EXITS[0].1.to_string();
    let trace_of_wg1 = serde_json::json!({"address": wg1, "colo": "FRA", "warp": "on"});
    assert_eq!(list["backends"][0]["clients"]["exit"], trace_of_wg1);
    assert_eq!(seen(&list, 0)["exit"], trace_of_wg1);
    let alone = serde_json::json!({"address": EXITS[2].1.to_string(), "colo": null, "warp": null});
    assert_eq!(seen(&list, 2)["exit"], alone);
    let ran = exits(&beside, &[]).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let first =
        format!("socks_back_7891: clients leave from {wg1} (FRA, warp on), as hactl believes, by wg1\n");
    assert!(ran.stdout.starts_with(&first), "{}", ran.stdout);
    let status = beside.status_when(|_| true).await;
    assert_eq!(status["backends"][0]["servers"][0]["exit"], trace_of_wg1);

    beside.lab.wg1.set(Fault::Reject(5)).await;
    let wg2 = EXITS[1].1.to_string();
    let told = format!("clients of socks_back_7891 leave from {wg2} (FRA, warp on), until now from {wg1}");
    beside.said(&told).await;
    exits_when(&beside, |list| list["backends"][0]["as_believed"] == true).await;

    beside.lab.haproxy.kill();
    let away = |list: &Value| list["backends"][0]["clients"]["why"] == "HAProxy does not answer";
    let list = exits_when(&beside, away).await;
    assert_eq!(list["backends"][0]["as_believed"], Value::Null);
    assert_eq!(exits(&beside, &[]).await.code, Some(3));
    let status = beside.status(&[]).await;
    assert_eq!(status.code, Some(2));
    assert!(
        status.stdout.contains("? socks_back_7891 UNKNOWN: 2 of 3 online, last seen on backup wg2\n"),
        "{status:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_asks_for_exits_that_is_said() {
    let beside = Beside::start().await;
    let ran = exits(&beside, &[]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), ""));
    assert!(
        ran.stderr.starts_with("error: no exit is known\n  why:  the configuration has no [exit] table"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("\n  next: write [exit]"), "{ran:?}");
}

async fn exits(beside: &Beside, args: &[&str]) -> e2e::Ran {
    let socket = beside.lab.hactl_socket().display().to_string();
    command::run(HACTL, &[&["exits", "--socket", &socket], args].concat()).await
}

async fn exits_when(beside: &Beside, wanted: impl Fn(&Value) -> bool) -> Value {
    let start = std::time::Instant::now();
    loop {
        let ran = exits(beside, &["-o", "json"]).await;
        let list: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
        if wanted(&list) {
            return list;
        }
        assert!(start.elapsed() < super::beside::PATIENCE, "the exits stay {list:#}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

fn seen(list: &Value, server: usize) -> &Value {
    &list["backends"][0]["servers"][server]["seen"]
}
