//! `hactl doctor`: a right set-up is quiet, and each mistake in a wrong one is found.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use e2e::haproxy::BACKEND;
use e2e::{Daemon, Exit, ExitOptions, Fault, Haproxy, Lab, Layout, Port, Ran, command};
use serde_json::Value;

use super::beside::{HACTL, PATIENCE, patient};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_set_up_is_quiet_with_the_daemon_and_before_it() {
    let lab = Lab::start(Layout::WarpBackup).await;
    let file = lab.write_config(&patient(&lab)).display().to_string();
    let ran = command::run(HACTL, &["doctor", "--pre", "--config", &file]).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let [config, haproxy, servers, host, "", count] = lines.as_slice() else { panic!("{}", ran.stdout) };
    assert_eq!(*config, "✓ config   1 instance, 1 backend, 2 targets");
    assert!(haproxy.starts_with("✓ haproxy  HAProxy ") && haproxy.ends_with(", level admin"), "{haproxy}");
    assert_eq!(*servers, "✓ servers  3 servers at the addresses that HAProxy has");
    assert!(host.starts_with("✓ host     state in "), "{host}");
    assert!(count.ends_with(" ok") && !count.contains(','), "{count}");

    let not_yet = command::run(HACTL, &["doctor", "--short", "--config", &file]).await;
    assert_eq!(not_yet.code, Some(1));
    assert!(not_yet.stdout.starts_with("hactl doctor: 1 warning (D17), "), "{not_yet:?}");

    let mut hactl = Daemon::start_command(command::plain(HACTL.as_ref()).args(["run", "--config", &file]));
    for server in ["wg1", "wg2", "cloudflare_warp"] {
        hactl.wait_for_line(&format!("{BACKEND}/{server} is online"), PATIENCE).await;
    }
    let ran = command::run(HACTL, &["doctor", "--config", &file]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains(&format!("pid {}, applying", hactl.pid())), "{ran:?}");

    let elsewhere = lab.config().replace("hactl.sock", "another.sock");
    let found = doctor(&lab, &elsewhere).await;
    assert_eq!(found.of("D10"), ["error"], "{found:?}");
    assert!(found.text("D10").contains(&format!("another hactl (pid {}, ", hactl.pid())), "{found:?}");

    let open =
        format!("[web]\nlisten = \"0.0.0.0:{}\"\nreach = \"network\"\n[admin]", Port::free().addr().port());
    let found = doctor(&lab, &lab.config().replace("[admin]", &open)).await;
    assert_eq!(found.of("D15"), ["note"], "{found:?}");
    assert!(found.text("D15").contains("can be seen from other hosts, without a login"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mistake_in_the_configuration_and_on_this_host_is_found() {
    let lab = Lab::start(Layout::WarpBackup).await;
    let closed = Port::free().addr();
    let wrong = lab
        .config()
        .replace("admin.sock", "operator.sock")
        .replace(&format!(", \"{}\"", lab.http.url()), "")
        .replace("[admin]", &format!("control = \"http://{closed}/\"\nride_through = \"30s\"\n[admin]"))
        .replace(&lab.hactl_state().display().to_string(), "/nonexistent/a/b")
        .replace(
            "\n[[instance.backend]]",
            "server_state_file = \"/nonexistent/haproxy.state\"\n[[instance.backend]]",
        )
        + "servers = [\"wg1\", \"wg22\"]\non_fail = \"keep\"\n";
    let found = doctor(&lab, &wrong).await;
    assert_eq!(found.exit_code, 2);
    let expected = [
        ("D03", "error", "level operator"),
        ("D05", "error", "no server socks_back_7891/wg22; did you mean wg2?"),
        ("D09", "error", "its directory is not there"),
        ("D11", "warning", "sessions on a server that fails stay there"),
        ("D12", "warning", "left after 30 s at the earliest"),
        ("D13", "warning", "does not answer directly"),
        ("D14", "error", "state directory /nonexistent/a/b cannot be used"),
        ("D16", "warning", "there is one target"),
    ];
    for (id, verdict, text) in expected {
        assert_eq!(found.of(id), [verdict], "{found:?}");
        assert!(found.text(id).contains(text), "{id}: {found:?}");
    }
    let wrong: BTreeSet<&str> = expected.map(|(id, ..)| id).into();
    assert_eq!(found.wrong(), wrong);

    let found = doctor(&lab, &lab.config().replace(BACKEND, "socks_back_7892")).await;
    assert!(found.text("D05").contains("did you mean socks_back_7891?"), "{found:?}");
    let found = doctor(&lab, &lab.config().replace("profile", "profil")).await;
    assert!(found.text("D01").contains(": unknown key `profil`\n"), "{found:?}");
    assert_eq!((found.exit_code, found.wrong()), (2, BTreeSet::from(["D01"])));

    // One server alone, which nothing can be compared with but a control target.
    let alone = lab.config() + "servers = [\"wg1\"]\n";
    let found = doctor(&lab, &alone).await;
    assert_eq!((found.of("D19"), found.wrong()), (vec!["warning"], BTreeSet::from(["D19"])), "{found:?}");
    assert!(found.text("D19").starts_with("socks_back_7891/wg1: there is no other server of this HAProxy"));
    let control = format!("control = \"{}\"\n[admin]", lab.http.url());
    assert_eq!(doctor(&lab, &alone.replace("[admin]", &control)).await.of("D19"), ["ok"]);

    // Few descriptors; what is printed is for people.
    let file = lab.write_config(&patient(&lab)).display().to_string();
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 64 && exec \"$0\" doctor --pre --short --config \"$1\"", HACTL, &file]);
    let ran = command::run_command(limited.env("LANG", "C.UTF-8"), "").await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stdout.starts_with("hactl doctor: 1 warning (D14), "), "{ran:?}");

    // Ports that are open, with nothing behind them: one of them is a tunnel, all of them a mistake.
    lab.wg1.set(Fault::Reject(5)).await;
    let found = doctor(&lab, &patient(&lab)).await;
    assert_eq!((found.of("D18"), found.exit_code), (vec!["warning"], 1), "{found:?}");
    assert!(found.text("D18").starts_with("socks_back_7891/wg1: no probe comes through it: "), "{found:?}");
    lab.wg2.set(Fault::Reject(5)).await;
    lab.warp.set(Fault::Reject(5)).await;
    let found = doctor(&lab, &patient(&lab)).await;
    assert_eq!((found.of("D18"), found.exit_code), (vec!["error"; 3], 2), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mistake_in_haproxy_and_behind_it_is_found() {
    let lab = Lab::start(Layout::WarpBackup).await;
    let login = ExitOptions { credentials: Some(("u".into(), "p".into())), ..ExitOptions::default() };
    let login = Exit::start_with(Ipv4Addr::new(127, 0, 101, 9), login);
    let closed: SocketAddr = Port::free().addr();
    let servers = [("web", lab.http.addr()), ("gone", closed), ("login", login.addr())];
    let wrong = Haproxy::builder(Layout::WarpBackup, &servers)
        .backend("    balance roundrobin")
        .disabled("gone")
        .start()
        .await;
    let config = lab.config();
    let config = config.replace(
        &lab.haproxy.admin_socket().display().to_string(),
        &wrong.admin_socket().display().to_string(),
    );
    let found = doctor(&lab, &config).await;
    assert_eq!(found.exit_code, 2);
    assert_eq!(found.wrong(), BTreeSet::from(["D06", "D07", "D08"]), "{found:?}");
    assert_eq!(found.of("D06"), ["error", "warning", "error"]);
    for text in [
        format!("{BACKEND}/web: what listens at {} does not speak SOCKS5", lab.http.addr()),
        format!("{BACKEND}/gone: nobody answers at {closed} (connection refused)"),
        format!("{BACKEND}/login: the SOCKS server at {} asks for user and password", login.addr()),
    ] {
        assert!(found.text("D06").contains(&text), "{found:?}");
    }
    assert!(
        found.text("D07").contains("web, gone, login share the traffic (balance roundrobin)"),
        "{found:?}"
    );
    assert!(found.text("D08").contains(&format!("{BACKEND}/gone: `disabled`")), "{found:?}");

    // HAProxy gone, each in its way.
    let socket = wrong.admin_socket();
    drop(wrong);
    let found = doctor(&lab, &config).await;
    assert!(found.text("D02").contains("does not exist"), "{found:?}");
    let dir = lab.haproxy.dir();
    let stale = dir.join("stale.sock");
    drop(std::os::unix::net::UnixListener::bind(&stale).expect("our directory is writable"));
    let of =
        |path: &std::path::Path| config.replace(&socket.display().to_string(), &path.display().to_string());
    assert!(doctor(&lab, &of(&stale)).await.text("D02").contains("nobody listens"));
    assert!(doctor(&lab, &of(&dir.join("haproxy.cfg"))).await.text("D02").contains("is not a socket"));
}

/// What `hactl doctor --pre` finds with this configuration.
#[derive(Debug)]
struct Found {
    exit_code: i64,
    findings: Vec<(String, String, String)>,
}

impl Found {
    fn of(&self, id: &str) -> Vec<&str> {
        self.findings
            .iter()
            .filter(|(found, ..)| found == id)
            .map(|(_, verdict, _)| verdict.as_str())
            .collect()
    }

    fn text(&self, id: &str) -> String {
        let texts = self.findings.iter().filter(|(found, ..)| found == id).map(|(.., text)| text.as_str());
        texts.collect::<Vec<_>>().join("\n")
    }

    fn wrong(&self) -> BTreeSet<&str> {
        let wrong = self.findings.iter().filter(|(_, verdict, _)| verdict != "ok" && verdict != "note");
        wrong.map(|(id, ..)| id.as_str()).collect()
    }
}

async fn doctor(lab: &Lab, config: &str) -> Found {
    let file = lab.write_config(config).display().to_string();
    let ran: Ran = command::run(HACTL, &["doctor", "--pre", "-o", "json", "--config", &file]).await;
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    assert_eq!(document["exit_code"], ran.code.expect("it was not killed"), "{ran:?}");
    let groups = document["groups"].as_array().expect("a list").clone();
    let findings = groups.iter().flat_map(|group| group["findings"].as_array().expect("a list").clone());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for finding in findings.clone().filter(|finding| finding["verdict"] != "ok" && finding["id"] != "D01") {
        assert!(
            !text(&finding["fix"]).is_empty() || finding["verdict"] == "note",
            "nothing to do: {finding}"
        );
    }
    let findings =
        findings.map(|finding| (text(&finding["id"]), text(&finding["verdict"]), text(&finding["text"])));
    Found { exit_code: document["exit_code"].as_i64().expect("a number"), findings: findings.collect() }
}
