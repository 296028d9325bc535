//! What the README and the documentation beside it show can be typed.

use e2e::{Daemon, Lab, Layout, command};

use super::beside::{HACTL, PATIENCE, patient};

const README: &str = concat!(include_str!("../../README.md"), "\n", include_str!("../../docs/simulate.md"));

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_that_is_shown_with_its_output_runs() {
    let lab = Lab::start(Layout::AllBackup).await;
    let dir = lab.haproxy.dir();
    let file = lab.write_config(&patient(&lab));
    let mut run = command::plain(HACTL.as_ref());
    let args = ["run", "--config", file.to_str().expect("a plain name"), "--record", "hactl.jsonl"];
    let mut hactl = Daemon::start_command(run.current_dir(dir).args(args));
    hactl.wait_for_line("socks_back_7891/wg1 is online", PATIENCE).await;

    let commands: Vec<&str> =
        blocks("console").flat_map(str::lines).filter_map(|line| line.strip_prefix("$ hactl ")).collect();
    assert!(commands.len() >= 5, "{commands:?}");
    for typed in commands {
        // These go on until somebody ends them; `exits` has a page to ask, and a test of its own.
        if typed.split(' ').any(|word| ["-f", "-w", "top", "run", "exits"].contains(&word)) {
            continue;
        }
        let here = typed
            .replace("18181", &lab.wg1.addr().port().to_string())
            .replace("18182", &lab.wg2.addr().port().to_string());
        let mut command = command::plain(HACTL.as_ref());
        command.current_dir(dir).args(words(&here)).env("HACTL_SOCKET", lab.hactl_socket());
        let ran = command::run_command(command.env("HACTL_HAPROXY", lab.haproxy.admin_socket()), "").await;
        assert!(matches!(ran.code, Some(0..=2)), "hactl {typed}: {ran:?}");
        assert!(!ran.stdout.is_empty(), "hactl {typed}: {ran:?}");
    }
}

#[tokio::test]
async fn every_command_in_the_list_has_help() {
    let list = blocks("").find(|block| block.starts_with("hactl run ")).expect("the list of commands");
    let named: Vec<&str> =
        list.lines().filter_map(|line| line.strip_prefix("hactl ")?.split(' ').next()).collect();
    for command in &named {
        let ran = command::run(HACTL, &[command, "--help"]).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    let help = command::run(HACTL, &["--help"]).await.stdout;
    let (_, there) = help.split_once("\nCommands:\n").expect("a list");
    let there =
        there.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
    let missing: Vec<&str> = there.filter(|command| !list.contains(&format!("hactl {command} "))).collect();
    assert!(missing.is_empty(), "the README does not name {missing:?}");
}

#[test]
fn the_runbook_has_each_kind_of_event_and_each_alert() {
    let runbook = include_str!("../../docs/operations.md");
    let rules = include_str!("../../deploy/prometheus/hactl.rules.yml");
    let alerts = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    let kinds = failover::Event::KINDS.iter().map(|kind| format!("`{kind}`"));
    let missing: Vec<String> =
        kinds.chain(alerts.map(str::to_owned)).filter(|name| !runbook.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "docs/operations.md says nothing of {missing:?}");
}

/// The texts of code blocks of this kind.
fn blocks(kind: &str) -> impl Iterator<Item = &'static str> {
    let opened = format!("\n```{kind}\n");
    let mut rest = README;
    std::iter::from_fn(move || {
        // A block's end looks like the beginning of one without a kind, so all are gone through.
        loop {
            let (_, from) = rest.split_once("\n```")?;
            let (named, from) = from.split_once('\n')?;
            let (block, after) = from.split_once("\n```")?;
            rest = after;
            if opened == format!("\n```{named}\n") {
                return Some(block);
            }
        }
    })
}

/// As a shell takes it apart: quotes hold words together.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for character in line.chars().take_while(|character| *character != '|') {
        match (quote, character) {
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None, ' ') => words.push(String::new()),
            (Some(_) | None, _) => words.last_mut().expect("there is always one").push(character),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
