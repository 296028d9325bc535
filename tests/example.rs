//! `config/hactl.toml`, the configuration that users begin with, is one that hactl accepts, with and without the keys
//! that are commented out in it.

use std::time::Duration;

use e2e::{Ca, Daemon, Port};

const EXAMPLE: &str = include_str!("../config/hactl.toml");

/// For what should happen at once; long for a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn the_example_is_accepted() {
    assert_accepted(EXAMPLE).await;
}

#[tokio::test]
async fn the_keys_that_are_commented_out_are_accepted_too() {
    let (ca, dir) = (Ca::new(), tempfile::tempdir().unwrap());
    let password = dir.path().join("password");
    std::fs::write(&password, "secret\n").unwrap();
    let (agent, page) = (Port::free(), Port::free());
    let all = uncommented(EXAMPLE)
        .replace("127.0.0.1:9777", &agent.addr().to_string())
        .replace("127.0.0.1:9778", &page.addr().to_string())
        .replace("/etc/hactl/ca.pem", &ca.file().display().to_string())
        .replace("/etc/hactl/socks-password", &password.display().to_string());
    assert_ne!(all, EXAMPLE);
    // What the agent lever cannot do does not go together with it.
    let (agent, others) = (["lever = ", "agent = "], ["policy = ", "tiers = ", "server_state_file = "]);
    for left_out in [agent.as_slice(), &others] {
        let stays = |line: &&str| !left_out.iter().any(|key| line.starts_with(key));
        let kept: Vec<&str> = all.lines().filter(stays).collect();
        assert!(kept.len() + 1 < all.lines().count(), "{left_out:?}");
        assert_accepted(&kept.join("\n")).await;
    }
}

async fn assert_accepted(config: &str) {
    let dir = tempfile::tempdir().expect("the directory for temporary files is writable");
    let path = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(dir.path().join("hactl.toml"), config).expect("a new directory is writable");
    // The HAProxy of this machine, if there is one, is none of the test's business.
    let (file, haproxy, socket) = (path("hactl.toml"), path("admin.sock"), path("hactl.sock"));
    let state = path("state");
    let args = ["run", "--config", &file, "--haproxy", &haproxy, "--socket", &socket, "--state-dir", &state];
    let mut hactl = Daemon::start(env!("CARGO_BIN_EXE_hactl-dup"), &args, &[]);
    hactl.wait_for_line("steers socks_back_7891", PATIENCE).await;
}

/// The example with every `# key = value` and `# [table]` in force, in place of an earlier value of that key.
fn uncommented(example: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in example.lines() {
        let key_of = |text: &str| text.split_once(" = ").map(|(key, _)| key.to_owned());
        let key = line.strip_prefix("# ").and_then(key_of).filter(|key| !key.contains(' '));
        if let Some(key) = &key {
            lines.retain(|earlier| key_of(earlier).as_ref() != Some(key));
        }
        let is_table = line.starts_with("# [") && line.ends_with(']');
        lines.push(if key.is_some() || is_table { &line[2..] } else { line });
    }
    lines.join("\n")
}
