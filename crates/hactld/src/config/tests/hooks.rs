//! Hooks, restarts, the file of events and operators, and those that cannot be used.

use insta::assert_snapshot;

use super::*;

#[test]
fn every_key_of_hooks_events_and_operators_is_read() {
    let text = format!(
        r#"
[admin]
operators = ["uid:1000", "user:root", "gid:4000000"]
[events]
file = "/var/log/hactl/events.jsonl"
size_mb = 2
keep = 0
[[hook]]
on = ["blackout", "paused"]
run = ["/usr/bin/tell", "a b"]
cooldown = "0s"
timeout = "2s"
[[hook]]
on = "health"
run = ["/usr/bin/tell"]
{INSTANCE}
on_offline = {{ wg1 = {{ run = ["/bin/restart", "wg1"], after = 3, cooldown = "120s", per_hour = 5, timeout = "5s" }} }}
[instance.backend.on_offline.wg2]
run = ["/bin/restart", "wg2"]
"#
    );
    // A table cannot be written both ways; each of them alone can.
    let inline = text.split("[instance.backend.on_offline.wg2]").next().unwrap();
    let config = resolved(inline, &[], &Flags::default()).unwrap();
    let path = PathBuf::from("/var/log/hactl/events.jsonl");
    assert_eq!(config.events, Some(EventsFile { path, size: 2_000_000, keep: 0 }));
    assert_eq!(format!("{:?}", config.operators), "Operators { uids: {0, 1000}, gids: {4000000} }");
    let [first, second] = config.hooks.as_slice() else { panic!("{config:?}") };
    assert_eq!(Vec::from_iter(&first.on), ["blackout", "paused"]);
    assert_eq!(
        (first.command.arguments.as_slice(), first.command.timeout, first.cooldown),
        (["a b".to_owned()].as_slice(), Duration::from_secs(2), Duration::ZERO)
    );
    assert_eq!((second.command.timeout, second.cooldown), (Duration::from_secs(10), Duration::from_secs(60)));
    let restart = config.instances[0].backends[0].on_offline.values().next().unwrap();
    assert_eq!((restart.after, restart.cooldown), (Duration::from_secs(3), Duration::from_secs(120)));
    assert_eq!((restart.per_hour, restart.command.timeout), (5, Duration::from_secs(5)));

    let table = format!("{INSTANCE}[instance.backend.on_offline.wg2]\nrun = [\"/bin/restart\"]\n");
    let config = resolved(&table, &[], &Flags::default()).unwrap();
    let restart = config.instances[0].backends[0].on_offline.values().next().unwrap();
    assert_eq!((restart.after, restart.per_hour), (Duration::from_secs(30), 5));
    assert_eq!(config.events.unwrap().path, Path::new("/var/lib/hactl/events.jsonl"));
    let off = format!("[events]\nfile = \"off\"\n{INSTANCE}");
    assert_eq!(resolved(&off, &[], &Flags::default()).unwrap().events, None);
}

#[test]
fn a_hook_that_could_never_do_anything_is_a_mistake() {
    let hook = |on: &str, run: &str| problems(&format!("[[hook]]\non = {on}\nrun = {run}\n{INSTANCE}"));
    let run = r#"["/bin/true"]"#;
    assert_snapshot!(hook("\"blackot\"", run), @r#"
    hactl.toml:2:6: there are no events of kind `blackot`; did you mean `blackout`?
      2 | on = "blackot"
        |      ^^^^^^^^^
    "#);
    assert_snapshot!(hook("[\"hook\"]", run), @r#"
    hactl.toml:2:6: a hook that is run when a hook has ended would never end
      2 | on = ["hook"]
        |      ^^^^^^^^
    "#);
    assert_snapshot!(hook("\"blackout\"", "\"/bin/tell me\""), @r#"
    hactl.toml:3:7: no shell takes a line apart: write ["/bin/tell", "me"]
      3 | run = "/bin/tell me"
        |       ^^^^^^^^^^^^^^
    "#);
    assert_snapshot!(hook("\"blackout\"", "[\"tell\"]"), @r#"
    hactl.toml:3:7: `tell` is no absolute path; nothing is searched for in PATH
      3 | run = ["tell"]
        |       ^^^^^^^^
    "#);
    assert!(hook("[]", run).contains("no kind of event to run it for"));
    assert!(hook("\"blackout\"", "[]").contains("nothing to run"));
    assert!(problems(&format!("[[hook]]\non = \"blackout\"\n{INSTANCE}")).contains("`run` is missing"));
}

#[test]
fn a_restart_is_of_a_server_that_is_steered_and_has_bounds() {
    let restart = |server: &str, rest: &str| {
        let run = format!("run = [\"/bin/true\"]{rest}");
        problems(&format!("{INSTANCE}servers = [\"wg1\"]\non_offline = {{ {server} = {{ {run} }} }}\n"))
    };
    assert_snapshot!(restart("wg2", ""), @r#"
    hactl.toml:7:22: `on_offline` names wg2, which `servers` leaves out
      7 | on_offline = { wg2 = { run = ["/bin/true"] } }
        |                      ^^^^^^^^^^^^^^^^^^^^^^^
      next: add it to `servers`, or remove it here
    "#);
    assert!(restart("wg1", ", per_hour = 0").contains("0 restarts in an hour"));
    assert!(
        restart("wg1", ", after = 100000").contains("`100000s` is out of range; from 0s to 1d is allowed")
    );
    assert!(restart("wg1", ", cooldown = 5").contains("5 has no unit; write \"5s\""));
}

#[test]
fn an_operator_who_is_not_known_here_is_a_mistake() {
    assert_snapshot!(problems(&format!("[admin]\noperators = [\"uid:1\", \"group:no such group\"]\n{INSTANCE}")), @r#"
    hactl.toml:2:23: this host has no group `no such group`
      2 | operators = ["uid:1", "group:no such group"]
        |                       ^^^^^^^^^^^^^^^^^^^^^
      next: correct it, or name it by number (uid:NUMBER, gid:NUMBER) where it is kept elsewhere
    "#);
    assert!(problems(&format!("[events]\nsize_mb = 0\n{INSTANCE}")).contains("0 megabytes cannot be kept"));
}
