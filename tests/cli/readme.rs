//! What the README and the runbook name is all that there is.

use e2e::command;

use super::beside::HACTL;
use super::documents::blocks;

#[tokio::test]
async fn every_command_in_the_list_has_help() {
    let list = blocks("text").into_iter().find(|block| block.text.starts_with("hactl run "));
    let list = list.expect("the list of commands").text;
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
