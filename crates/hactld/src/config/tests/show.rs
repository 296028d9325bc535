//! What is shown of a configuration, and that hactl reads it again as the same.

use figment::providers::Format;
use insta::assert_snapshot;
use serde_json::Value;

use super::*;

#[test]
fn what_was_set_is_shown_and_on_demand_by_whom_and_the_rest_too() {
    let text = format!("[probe]\nprofile = 'eco' # slow\n{INSTANCE}tiers = [[\"a\"], [\"b\"]]\n");
    let config = resolved(&text, &[("HACTL_PROBE__HOLD", "2s")], &Flags::default()).unwrap();
    assert_snapshot!(show(&config, ShowOptions { origin: true, defaults: false }), @r#"
    [probe]
    profile = "eco"  # hactl.toml:2
    hold = "2s"  # HACTL_PROBE__HOLD

    [[instance]]
    haproxy = "/run/haproxy/admin.sock"  # hactl.toml:5

    [[instance.backend]]
    name = "socks_back_7891"  # hactl.toml:7
    tiers = [["a"], ["b"]]  # hactl.toml:8
    "#);
    assert_snapshot!(show(&config, ShowOptions { origin: false, defaults: true }), @r#"
    [probe]
    targets = ["https://1.1.1.1/", "https://8.8.8.8/", "https://9.9.9.9/"]
    profile = "eco"
    canary = "1s"
    interval = "10s"
    timeout = "3s"
    false_alarm_every = "30d"
    ride_through = "0s"
    hold = "2s"
    hold_max = "5m"

    [admin]
    socket = "/run/hactl/hactl.sock"

    [web]
    reach = "loopback"

    [ui]
    latency_ms = [200, 500]

    [state]
    dir = "/var/lib/hactl"
    on_exit = "keep"

    [events]
    size_mb = 8
    keep = 3

    [[instance]]
    name = "haproxy"
    haproxy = "/run/haproxy/admin.sock"
    lever = "state"
    mode = "active"

    [[instance.backend]]
    name = "socks_back_7891"
    policy = "order"
    tiers = [["a"], ["b"]]
    failback = "auto"
    allow_exit_change = true
    when_all_down = "last-good"
    on_slow = "show"
    on_fail = "kill"
    on_steer = "keep"
    on_failback = "keep"
    kill_after = "5s"
    "#);
}

#[test]
fn all_defaults_written_out_are_the_same_configuration() {
    for text in [
        INSTANCE.to_owned(),
        INSTANCE.replace("[[instance.backend]]", "lever = \"agent\"\n[[instance.backend]]"),
    ] {
        let plain = resolved(&text, &[], &Flags::default()).unwrap();
        let written = show(&plain, ShowOptions { origin: true, defaults: true });
        let again = resolved(&written, &[], &Flags::default()).unwrap();
        let without_origins =
            |config: Config| format!("{:?}", Config { origins: Origins::default(), ..config });
        assert_eq!(without_origins(again), without_origins(plain), "{written}");
    }
}

#[test]
fn every_key_is_explained_and_its_words_are_those_that_are_taken() {
    let sections = sections();
    let headings: Vec<String> = sections.iter().map(Section::heading).collect();
    assert!(
        headings.starts_with(&["[probe]", "[admin]", "[web]", "[ui]", "[state]"].map(str::to_owned)),
        "{headings:?}"
    );
    assert!(headings.contains(&"[[instance.backend]]".to_owned()), "{headings:?}");
    for section in &sections {
        assert!(!section.text.is_empty(), "{section:?}");
        for key in &section.keys {
            assert!(!key.text.is_empty(), "{} {} is not explained", section.heading(), key.name);
            if !key.words.is_empty() {
                let line = format!("{} = \"\\u0000\"\n", key.name);
                let text = match section.path.len() {
                    1 if section.is_list => {
                        INSTANCE.replace("[[instance.backend]]", &format!("{line}[[instance.backend]]"))
                    }
                    1 => format!("{}\n{line}{INSTANCE}", section.heading()),
                    _ => format!("{INSTANCE}{line}"),
                };
                let said = problems(&text);
                let known = format!("known: {}", key.words.join(", "));
                assert!(said.contains(&known), "{said}");
            }
        }
    }
}

#[test]
fn every_example_and_default_is_accepted_where_it_stands() {
    for section in sections() {
        let around = match section.path.as_slice() {
            [_, _] => format!("[[instance]]\n{}", section.heading()),
            _ => section.heading(),
        };
        // What a table cannot do without, each with its example.
        let required = |but: &Key| {
            let others = section.keys.iter().filter(|key| key.is_required && key.name != but.name);
            others.fold(String::new(), |text, key| {
                text + &format!("{} = {}\n", key.name, key.example.as_ref().unwrap())
            })
        };
        for key in &section.keys {
            for value in [&key.example, &key.default].into_iter().flatten() {
                let text = format!("{around}\n{}{} = {value}\n", required(key), key.name);
                let read = figment::Figment::from(figment::providers::Toml::string(&text));
                let read = read.extract::<raw::RawConfig>();
                assert!(read.is_ok(), "{text}{read:?}");
            }
        }
    }
}

#[test]
fn the_schema_allows_no_other_keys_and_knows_what_a_target_is() {
    let schema = schema();
    let probe = &schema["properties"]["probe"];
    assert_eq!(
        (&schema["additionalProperties"], &probe["additionalProperties"]),
        (&false.into(), &false.into())
    );
    assert_eq!(probe["properties"]["hold"]["default"], "1500ms");
    assert_eq!(probe["properties"]["hold"]["type"], "string");
    assert_eq!(probe["properties"]["control"]["anyOf"][1]["required"][0], "url");
    assert!(!schema.to_string().contains("null"), "{schema:#}");
    let hold = &probe["properties"]["hold"];
    assert_eq!(hold["x-duration"], Value::from(vec!["500ms", "1h"]));
    assert!(hold["description"].as_str().unwrap().ends_with(" From `500ms` to `1h`."), "{hold:#}");
    let backend = &schema["properties"]["instance"]["items"]["properties"]["backend"]["items"]["properties"];
    assert_eq!(backend["tiers"]["items"]["items"]["type"], "string");
    assert_eq!(backend["on_fail"]["enum"], Value::from(vec!["keep", "kill"]));
}
