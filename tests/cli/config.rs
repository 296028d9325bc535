//! `hactl config`: check, show, and the schemas that are shipped.

use e2e::{Fault, command};
use figment::Figment;
use figment::providers::{Format, Toml};
use serde_json::Value;

use super::beside::{Beside, HACTL};
use super::schema::violations;

/// What is shipped, and what prints it.
const SHIPPED: [(&str, &str); 9] = [
    ("config", include_str!("../../docs/schema/hactl.toml.schema.json")),
    ("status", include_str!("../../docs/schema/status.schema.json")),
    ("check", include_str!("../../docs/schema/check.schema.json")),
    ("explain", include_str!("../../docs/schema/explain.schema.json")),
    ("event", include_str!("../../docs/schema/event.schema.json")),
    ("incident", include_str!("../../docs/schema/incident.schema.json")),
    ("exits", include_str!("../../docs/schema/exits.schema.json")),
    ("change", include_str!("../../docs/schema/change.schema.json")),
    ("error", include_str!("../../docs/schema/error.schema.json")),
];

#[tokio::test]
async fn the_schemas_are_shipped_as_they_are_printed() {
    for (of, shipped) in SHIPPED {
        let ran = command::run(HACTL, &["config", "schema", "--of", of]).await;
        let same = ran.stdout == shipped;
        assert!(same, "docs/schema is not what `hactl config schema --of {of}` prints: write it anew");
    }
}

#[tokio::test]
async fn the_reference_is_shipped_as_it_is_printed() {
    let ran = command::run(HACTL, &["config", "reference"]).await;
    let same = ran.stdout == include_str!("../../docs/configuration.md");
    assert!(same, "docs/configuration.md is not what `hactl config reference` prints: write it anew");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_printed_as_json_is_as_its_schema_says() {
    let beside = Beside::start().await;
    beside.lab.wg1.set(Fault::Reject(5)).await;
    let status = beside.status_when(|status| status["backends"][0]["active_server"] == "wg2").await;
    assert_eq!(violations(&schema("status").await, &status), [""; 0]);
    let closed = e2e::Port::free().addr().to_string();
    let wg2 = beside.lab.wg2.addr().to_string();
    let url = beside.lab.http.url();
    let ran = command::run(HACTL, &["check", "-o", "json", "--url", &url, &closed, &wg2, "nonsense,"]).await;
    let check: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    assert_eq!(violations(&schema("check").await, &check), [""; 0]);

    for (of, args) in [
        ("explain", &["explain", "socks_back_7891"][..]),
        ("explain", &["explain", "socks_back_7891/wg1"]),
        ("event", &["events"]),
        ("incident", &["events", "--incidents"]),
        ("exits", &["exits"]),
        ("error", &["explain", "socks_back_7891/wg9"]),
        ("error", &["events", "--type", "helth"]),
        ("error", &["maint", "socks_back_7891/wg1"]),
    ] {
        let printed = printed(&beside, args).await;
        let schema = schema(of).await;
        assert!(!printed.is_empty(), "{args:?}");
        for document in printed {
            assert_eq!(violations(&schema, &document), [""; 0], "{args:?}");
        }
    }

    // A schema that takes everything would say the same.
    let mut wrong = status;
    wrong["backends"][0]["servers"][0]["health"] = "fine".into();
    wrong.as_object_mut().expect("an object").remove("node");
    let found = violations(&schema("status").await, &wrong);
    assert_eq!(found.len(), 2, "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_of_an_order_is_as_its_schema_says_with_the_code_in_it() {
    let beside = Beside::start().await;
    let schemas = (schema("change").await, schema("error").await);
    let (wg1, warp) = ("socks_back_7891/wg1", "socks_back_7891/cloudflare_warp");
    let others = ["socks_back_7891/wg2", "--for", "1h", "-m", "x"];
    let table: [(&[&str], u64); 10] = [
        (&["maint", wg1, "--for", "2h", "-m", "provider work", "--kill-sessions"], 0),
        (&[&["drain"], &others[..]].concat(), 0),
        (&["maint", warp, "--for", "1h", "-m", "x"], 2),
        (&["auto", "--all"], 0),
        (&["ready", wg1, "--for", "1h", "-m", "x"], 0),
        (&["failback", "socks_back_7891"], 0),
        (&["pin", wg1, "--for", "1h", "-m", "x"], 0),
        (&["pause", "--for", "1h", "-m", "moving"], 0),
        (&[&["maint"], &others[..]].concat(), 1),
        (&["resume"], 0),
    ];
    for (args, code) in table {
        let documents = printed(&beside, args).await;
        let [document] = documents.as_slice() else { panic!("{args:?}: {documents:?}") };
        let schema = if code == 2 { &schemas.1 } else { &schemas.0 };
        assert_eq!(violations(schema, document), [""; 0], "{args:?}");
        assert_eq!(document["exit_code"], code, "{args:?}: {document:#}");
        if code < 2 {
            assert_eq!(document["action"], args[0], "{document:#}");
        }
    }
}

#[tokio::test]
async fn the_example_is_as_the_schema_says_and_a_wrong_key_is_not() {
    let schema = schema("config").await;
    let example = include_str!("../../config/hactl.toml");
    let read = |text: &str| Figment::from(Toml::string(text)).extract::<Value>().expect("it is TOML");
    assert_eq!(violations(&schema, &read(example)), [""; 0]);
    let tables = "[probe]\ntargets = [\"tcp://a:1\", { url = \"https://a/\", expect = [200] }]\nweigth = 3\nhold = 2\n";
    let found = violations(&schema, &read(tables));
    assert_eq!(found, ["probe.hold: 2 is no string", "probe.weigth: no such key"]);
}

#[tokio::test]
async fn a_configuration_is_checked_and_shown_as_it_is_in_force() {
    let dir = tempfile::tempdir().expect("the directory for temporary files is writable");
    let file = dir.path().join("hactl.toml");
    let name = file.display().to_string();
    let good = "[probe]\nhold = \"2s\"\n[[instance]]\nhaproxy = \"/run/a.sock\"\n[[instance.backend]]\nname = \"b\"\n";
    std::fs::write(&file, good).expect("a new directory is writable");
    let ran = command::run(HACTL, &["config", "check", &name]).await;
    assert_eq!(
        (ran.code, ran.stdout),
        (Some(0), format!("{name} is good: 1 instance, 1 backend, 3 targets\n"))
    );
    let ran = command::run(HACTL, &["config", "check", "--quiet", "--config", &name]).await;
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""));
    let mut show = command::plain(HACTL.as_ref());
    show.args(["config", "show", "--origin", &name])
        .env("HACTL_PROBE__HOLD_MAX", "1m")
        .env("HACTL_SOCKET", "/run/own.sock");
    let ran = command::run_command(&mut show, "").await;
    let expected = format!(
        "# {name}, with the environment over it\n
[probe]
hold = \"2s\"  # hactl.toml:2
hold_max = \"1m\"  # HACTL_PROBE__HOLD_MAX

[admin]
socket = \"/run/own.sock\"  # HACTL_SOCKET

[[instance]]
haproxy = \"/run/a.sock\"  # hactl.toml:4

[[instance.backend]]
name = \"b\"  # hactl.toml:6
"
    );
    assert_eq!((ran.code, ran.stdout), (Some(0), expected));
    // What is shown can be run with.
    let shown = command::run(HACTL, &["config", "show", "--origin", "--defaults", &name]).await.stdout;
    std::fs::write(&file, shown).expect("it is ours");
    assert_eq!(command::run(HACTL, &["config", "check", &name]).await.code, Some(0));

    std::fs::write(&file, good.replace("hold", "hodl").replace("name", "nmae")).expect("it is ours");
    for command in ["check", "show"] {
        let ran = command::run(HACTL, &["config", command, &name]).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(64), ""));
        assert!(
            ran.stderr.starts_with(&format!("error: {name}:2:1: unknown key `hodl`\n  2 | hodl = \"2s\"\n")),
            "{ran:?}"
        );
        assert!(ran.stderr.contains(&format!("error: {name}:6:1: unknown key `nmae`\n")), "{ran:?}");
    }
    let no_hook = format!("[[hook]]\non = \"blackout\"\nrun = [\"/nonexistent/tell\"]\n{good}");
    std::fs::write(&file, no_hook).expect("it is ours");
    let ran = command::run(HACTL, &["config", "check", &name]).await;
    assert!(
        ran.code == Some(0) && ran.stderr.starts_with("warning: /nonexistent/tell cannot be run"),
        "{ran:?}"
    );
    let no_ca = good.replace("hold = \"2s\"", "ca_file = \"/nonexistent/ca.pem\"");
    std::fs::write(&file, no_ca).expect("it is ours");
    let ran = command::run(HACTL, &["config", "check", &name]).await;
    assert_eq!(ran.code, Some(64));
    assert!(ran.stderr.contains("  next: correct ca_file in [probe]"), "{ran:?}");
}

/// The documents that a command prints, a line each.
async fn printed(beside: &Beside, args: &[&str]) -> Vec<Value> {
    let socket = beside.lab.hactl_socket().display().to_string();
    let ran = command::run(HACTL, &[args, &["-o", "json", "--socket", &socket]].concat()).await;
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{ran:?}"))).collect()
}

async fn schema(of: &str) -> Value {
    let ran = command::run(HACTL, &["config", "schema", "--of", of]).await;
    serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"))
}
