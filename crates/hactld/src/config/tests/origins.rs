//! Where each key was set.

use insta::assert_snapshot;

use super::*;

#[test]
fn each_key_is_known_by_the_line_the_variable_or_the_flag_that_set_it() {
    let text = r#"probe.hold = "2s"
[admin]
socket = '/file.sock' # a comment

[[instance]]
name = "one"
haproxy = "/one.sock"
[[instance.backend]]
name = "left"
policy = "latency"
[[instance.backend]]
name = "kept"
tiers = [
  ["wg1"], # first
  ["wg2"],
]
"#;
    let environment = [
        ("HACTL_PROBE__HOLD_MAX", "1m"),
        ("HACTL_PROBE__TARGETS", "[tcp://127.0.0.1:7, \"tcp://127.0.0.1:8\"]"),
        ("HACTL_HAPROXY", "/variable.sock"),
        ("STATE_DIRECTORY", "/service"),
    ];
    let flags = Flags {
        haproxy: Some("/variable.sock".to_owned()),
        socket: Some("/flag.sock".into()),
        backends: vec!["kept".to_owned(), "new".to_owned(), "kept".to_owned()],
        observe: true,
        ..Flags::default()
    };
    let origins = resolved(text, &environment, &flags).unwrap().origins;
    assert_snapshot!(listed(&origins), @r#"
    probe.hold = "2s"  # hactl.toml:1
    admin.socket = "/flag.sock"  # --socket
    instance.0.name = "one"  # hactl.toml:6
    instance.0.haproxy = "/variable.sock"  # HACTL_HAPROXY
    probe.targets = ["tcp://127.0.0.1:7", "tcp://127.0.0.1:8"]  # HACTL_PROBE__TARGETS
    probe.hold_max = "1m"  # HACTL_PROBE__HOLD_MAX
    state.dir = "/service"  # STATE_DIRECTORY
    instance.0.backend.0.name = "kept"  # hactl.toml:12
    instance.0.backend.0.tiers = [["wg1"], ["wg2"]]  # hactl.toml:13
    instance.0.backend.1.name = "new"  # --backend
    instance.0.mode = "observe"  # --observe
    "#);
    let of =
        |instance: &str, backend: &str, key: &str| origins.of_backend(instance, backend, key).to_string();
    assert_eq!(of("one", "kept", "tiers"), "hactl.toml:13");
    assert_eq!(
        (of("one", "kept", "policy"), of("one", "left", "policy")),
        ("default".into(), "default".into())
    );
    assert_eq!(origins.of(&["probe", "timeout"]), &SetBy::Default);
    assert_eq!(origins.of_instance("one", "mode").to_string(), "--observe");
    assert_eq!(origins.of_instance("one", "lever"), &SetBy::Default);
}

#[test]
fn backends_of_several_instances_are_told_apart_and_tables_may_stand_on_one_line() {
    let text = r#"
instance = [
  { name = "a", haproxy = "/a", backend = [{ name = "b", policy = "order" }] },
  { name = "b", haproxy = "/b", backend = [{ name = "b", failback = "never" }] },
]
probe = { control = { url = "https://1.1.1.1/", expect = [200] } }
"#;
    let origins = resolved(text, &[], &Flags::default()).unwrap().origins;
    let of = |instance: &str, key: &str| origins.of_backend(instance, "b", key).to_string();
    assert_eq!((of("a", "policy"), of("b", "policy")), ("hactl.toml:3".into(), "default".into()));
    assert_eq!((of("b", "failback"), of("c", "failback")), ("hactl.toml:4".into(), "default".into()));
    assert_eq!(origins.of_instance("b", "haproxy").to_string(), "hactl.toml:4");
    let control = origins.setting(&["probe", "control"]).unwrap();
    assert_eq!(control.value, r#"{ url = "https://1.1.1.1/", expect = [200] }"#);
}

fn listed(origins: &Origins) -> String {
    let line =
        |setting: &Setting| format!("{} = {}  # {}\n", setting.path.join("."), setting.value, setting.by);
    origins.settings().iter().map(line).collect()
}
