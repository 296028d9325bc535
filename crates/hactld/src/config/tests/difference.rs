//! What a reload is told to change, line by line.

use insta::assert_snapshot;

use super::*;

const TWO: &str = r#"
[probe]
interval = "2s"
[[instance]]
name = "one"
haproxy = "/run/one.sock"
[[instance.backend]]
name = "a"
[[instance.backend]]
name = "b"
servers = ["s2", "s1"]
[[instance]]
name = "two"
haproxy = "/run/two.sock"
[[instance.backend]]
name = "a"
"#;

#[test]
fn the_same_file_changes_nothing() {
    assert_eq!(changes(TWO, TWO), "");
    let reordered = TWO.replace("[\"s2\", \"s1\"]", "[\"s1\", \"s2\"]");
    assert_eq!(changes(TWO, &reordered), "");
}

#[test]
fn every_change_is_told_with_what_it_was() {
    let now = r#"
[probe]
targets = [{ url = "https://1.1.1.1/", expect = [200] }]
interval = "1s"
control = "https://9.9.9.9/"
hold = "2s"
[admin]
socket = "/run/other.sock"
[ui]
latency_ms = [100, 300]
[[instance]]
name = "uno"
haproxy = "/run/one.sock"
mode = "observe"
[[instance.backend]]
name = "b"
on_slow = "move"
[[instance.backend]]
name = "c"
[[instance]]
name = "three"
haproxy = "/run/three.sock"
[[instance.backend]]
name = "a"
"#;
    assert_snapshot!(changes(TWO, now), @r"
    [probe] targets: https://1.1.1.1/ (was https://1.1.1.1/, https://8.8.8.8/, https://9.9.9.9/)
    [probe] control: https://9.9.9.9/ (was none)
    [probe] interval: 1s fast, 10s eco (was 2s fast, 10s eco)
    [probe] hold: 2s (was 1500ms)
    [admin] socket: /run/other.sock needs a restart of hactl; until then it stays /run/hactl/hactl.sock
    [ui] latency_ms: [100, 300] (was [200, 500])
    instance two: no longer steered
    instance uno: was called one
    instance uno: observe: nothing is changed in HAProxy from now on
    instance uno: backend a is no longer steered
    instance uno: backend b: servers: all (was s1, s2)
    instance uno: backend b: its rules are changed
    instance uno: backend c is steered from now on
    instance three: new, steers a at /run/three.sock
    ");
}

#[test]
fn what_is_expected_of_a_target_is_told_and_a_password_is_not() {
    let password = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(password.path(), "hunter2").unwrap();
    let login = format!("{INSTANCE}username = \"u\"\npassword_file = \"{}\"\n", password.path().display());
    assert_eq!(
        changes(INSTANCE, &login),
        "instance haproxy: backend socks_back_7891: user or password is changed"
    );
    let target = |table: &str| format!("[probe]\ntargets = [{table}]\n{INSTANCE}");
    let (plain, table) = ("\"https://1.1.1.1/\"", "{ url = \"https://1.1.1.1/\", expect = [200] }");
    let told = changes(&target(plain), &target(table));
    assert_eq!(told, "[probe] targets: what is expected of them is changed");
}

#[test]
fn rules_are_checked_against_the_lever_that_stays_until_a_restart() {
    let config = |text: &str| resolved(text, &[], &Flags::default()).unwrap();
    let instance = "[[instance]]\nhaproxy = \"/run/a.sock\"\n";
    let backend = "[[instance.backend]]\nname = \"b\"\n";
    let before = config(&format!("{instance}lever = \"agent\"\n{backend}"));
    let mut now = config(&format!("{instance}{backend}policy = \"latency\"\n"));
    assert_eq!(now.misfits(), Vec::<String>::new());
    let known = before.of_haproxy(&now.instances[0]).unwrap().clone();
    now.instances[0].keep_means(&known);
    let misfits = now.misfits().join("\n");
    assert!(misfits.contains("backend b: `policy` prefers servers by drain"), "{misfits}");
    assert!(misfits.contains("next: remove it, or restart hactl"), "{misfits}");
}

#[test]
fn one_haproxy_of_two_instances_is_a_mistake_also_where_that_turns_out_late() {
    let text =
        "[[instance]]\nname = \"NAME\"\nhaproxy = \"/run/NAME.sock\"\n[[instance.backend]]\nname = \"b\"\n";
    let both = text.replace("NAME", "one") + &text.replace("NAME", "two");
    let mut config = resolved(&both, &[], &Flags::default()).unwrap();
    assert_eq!(config.misfits(), Vec::<String>::new());
    config.instances[1].haproxy = config.instances[0].haproxy.clone();
    let misfits = config.misfits().join("\n");
    assert!(misfits.contains("instance two: /run/one.sock is steered by instance one already"), "{misfits}");
}

fn changes(before: &str, now: &str) -> String {
    let config = |text: &str| resolved(text, &[], &Flags::default()).unwrap();
    difference(&config(before), &config(now)).join("\n")
}
