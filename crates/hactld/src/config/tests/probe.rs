//! How often is probed, how seldom to be wrong, and what else is new to a prober: each key in every way, right and
//! wrong.

use insta::assert_snapshot;

use super::*;
use crate::config::duration::written;

#[test]
fn the_example_file_shows_the_defaults() {
    let example = include_str!("../../../../../config/hactl.toml");
    let config = resolved(example, &[], &Flags::default()).unwrap();
    assert_eq!(targets(&config), DEFAULT_TARGETS);
    assert_eq!(config.probe.settings, Settings::new(DEFAULT_TARGETS.map(Name::from).to_vec()));
    assert_eq!(config.admin_socket, Path::new(DEFAULT_SOCKET));
}

#[test]
fn what_is_written_takes_the_place_of_the_profiles_figures() {
    let table = [
        ("", (150, 5000), (1000, 10_000)),
        ("canary = \"500ms\"", (500, 5000), (1000, 10_000)),
        ("canary = \"3s\"", (3000, 5000), (3000, 10_000)),
        ("interval = \"500ms\"", (150, 500), (1000, 10_000)),
        ("interval = \"20s\"", (150, 20_000), (1000, 20_000)),
        ("canary = \"5s\"\ninterval = \"5s\"", (5000, 5000), (5000, 10_000)),
        ("canary = \"60s\"\ninterval = \"1h\"", (60_000, 3_600_000), (60_000, 3_600_000)),
        ("profile = \"adaptive\"\ncanary = \"50ms\"", (50, 5000), (1000, 10_000)),
        ("profile = \"fast\"", (150, 5000), (1000, 10_000)),
        ("profile = \"fast\"\ncanary = \"2s\"\ninterval = \"30s\"", (2000, 30_000), (1000, 10_000)),
        ("profile = \"eco\"", (150, 5000), (1000, 10_000)),
        ("profile = \"eco\"\ncanary = \"100ms\"", (150, 5000), (100, 10_000)),
        ("profile = \"eco\"\ninterval = \"1s\"", (150, 5000), (1000, 1000)),
    ];
    for (keys, fast, eco) in table {
        let settings = settings(keys);
        assert_eq!((settings.fast, settings.eco), (cadence(fast), cadence(eco)), "{keys}");
    }
}

#[test]
fn the_quickest_cadence_is_that_of_the_profile() {
    for (profile, quickest) in [("fast", Cadence::FAST), ("adaptive", Cadence::FAST), ("eco", Cadence::ECO)] {
        assert_eq!(probe(&format!("profile = \"{profile}\"")).cadence(), quickest, "{profile}");
    }
}

#[test]
fn every_key_can_be_set_by_its_variable() {
    let environment = [
        ("HACTL_PROBE__PROFILE", "fast"),
        ("HACTL_PROBE__CANARY", "100ms"),
        ("HACTL_PROBE__INTERVAL", "2s"),
        ("HACTL_PROBE__TIMEOUT", "1s"),
        ("HACTL_PROBE__FALSE_ALARM_EVERY", "90 days"),
        ("HACTL_PROBE__RIDE_THROUGH", "2.5s"),
        ("HACTL_PROBE__HOLD", "3s"),
        ("HACTL_PROBE__HOLD_MAX", "1 min"),
        ("HACTL_PROBE__CONTROL", "tcp://192.0.2.1:22"),
    ];
    let text = format!("[probe]\ncontrol = {{ url = \"https://192.0.2.1/\", sni = \"a.test\" }}\n{INSTANCE}");
    let probe = resolved(&text, &environment, &Flags::default()).unwrap().probe;
    assert_eq!(probe.control, Some("tcp://192.0.2.1:22".parse().unwrap()));
    let expected = Settings {
        profile: Profile::Fast,
        fast: cadence((100, 2000)),
        timeout: Duration::from_secs(1),
        false_alarm_every: Duration::from_secs(90 * 24 * 3600),
        ride_through: Duration::from_millis(2500),
        hold: Duration::from_secs(3),
        hold_max: Duration::from_secs(60),
        control: true,
        ..Settings::new(DEFAULT_TARGETS.map(Name::from).to_vec())
    };
    assert_eq!(probe.settings, expected);
}

#[test]
fn slow_servers_are_moved_in_the_backends_that_say_so_and_are_steered() {
    let text = format!(
        "{INSTANCE}on_slow = \"move\"\n[[instance.backend]]\nname = \"b\"\non_slow = \"show\"\n\
         [[instance.backend]]\nname = \"c\"\non_slow = \"move\"\n"
    );
    let moved = |flags: &Flags| {
        let config = resolved(&text, &[], flags).unwrap();
        let rules = config.instances[0].settings(&config.probe).rules;
        assert!(rules.values().all(|rules| rules.on_slow == OnSlow::Move));
        rules.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(moved(&Flags::default()), ["c", "socks_back_7891"].map(Name::from));
    let backends = ["b", "c", "d"].map(str::to_owned).to_vec();
    assert_eq!(moved(&Flags { backends, ..Flags::default() }), ["c"].map(Name::from));
}

#[test]
fn each_duration_is_allowed_from_its_least_to_its_most() {
    let table = [
        ("canary", "50ms", "60s", "49ms", "61s"),
        ("interval", "500ms", "1h", "499ms", "3601s"),
        ("timeout", "100ms", "30s", "99ms", "31s"),
        ("false_alarm_every", "1h", "3650d", "59m", "3651d"),
        ("ride_through", "0s", "1m", "-1s", "61s"),
        ("hold", "500ms", "5m", "499ms", "61m"),
        ("hold_max", "2s", "1h", "499ms", "61m"),
    ];
    for (key, least, most, less, more) in table {
        for fits in [least, most] {
            // So that it is the one key that decides.
            let beside = if key == "canary" { "interval = \"1h\"\n" } else { "canary = \"50ms\"\n" };
            settings(&format!("{beside}{key} = \"{fits}\""));
        }
        for wrong in [less, more] {
            let error = problems(&format!("[probe]\n{key} = \"{wrong}\"\n{INSTANCE}"));
            // How the holds go together has a test of its own.
            let least = if key == "hold_max" { "500ms" } else { least };
            let expected = format!("`{wrong}` is out of range; from {least} to ");
            assert!(error.contains(&expected), "{key}: {error}");
        }
    }
}

#[test]
fn the_first_hold_is_not_longer_than_the_longest() {
    settings("hold = \"2s\"\nhold_max = \"2s\"");
    assert_snapshot!(problems(&format!("[probe]\nhold = \"2s\"\nhold_max = \"1s\"\n{INSTANCE}")), @r#"
    hactl.toml:2:8: `hold` (2s) is longer than `hold_max` (1s)
      2 | hold = "2s"
        |        ^^^^
      next: write a `hold` of 1s or less, or a `hold_max` of 2s or more
    "#);
}

#[test]
fn a_duration_is_shown_as_a_person_would_write_it() {
    let table = [
        (0, "0s"),
        (1, "1ms"),
        (1500, "1500ms"),
        (60_000, "60s"),
        (5_400_000, "90m"),
        (7_200_000, "2h"),
        (86_400_000, "1d"),
        (36 * 3_600_000, "36h"),
    ];
    for (millis, text) in table {
        assert_eq!(written(Duration::from_millis(millis)), text);
    }
    assert_eq!(written(Duration::from_micros(1500)), "1.5ms");
}

#[test]
fn a_false_alarm_is_counted_in_hours_and_days() {
    let of = |value: &str| problems(&format!("[probe]\nfalse_alarm_every = {value}\n{INSTANCE}"));
    assert_snapshot!(of("30"), @r#"
    hactl.toml:2:21: 30 has no unit; write "30d" or "30h"
      2 | false_alarm_every = 30
        |                     ^^
    "#);
    assert_snapshot!(of("365"), @r#"
    hactl.toml:2:21: 365 has no unit; write "365d" or "365h"
      2 | false_alarm_every = 365
        |                     ^^^
    "#);
    assert_snapshot!(of("0.5"), @r#"
    hactl.toml:2:21: 0.5 has no unit; write "0.5d"
      2 | false_alarm_every = 0.5
        |                     ^^^
    "#);
    assert_snapshot!(of("100000"), @r"
    hactl.toml:2:21: `100000` is out of range; from 1h to 3650d is allowed
      2 | false_alarm_every = 100000
        |                     ^^^^^^
    ");
    assert_snapshot!(of("\"10s\""), @r#"
    hactl.toml:2:21: `10s` is out of range; from 1h to 3650d is allowed
      2 | false_alarm_every = "10s"
        |                     ^^^^^
    "#);
    assert_snapshot!(of("\"1month\""), @r#"
    hactl.toml:2:21: `1month` is not a duration; write one such as "12h" or "30d"
      2 | false_alarm_every = "1month"
        |                     ^^^^^^^^
    "#);
    assert_snapshot!(of("\"never\""), @r#"
    hactl.toml:2:21: `never` is not a duration; write one such as "12h" or "30d"
      2 | false_alarm_every = "never"
        |                     ^^^^^^^
    "#);
    assert_snapshot!(of("false"), @r#"
    hactl.toml:2:21: found false, expected a duration such as "12h" or "30d"
      2 | false_alarm_every = false
        |                     ^^^^^
    "#);
}

#[test]
fn durations_of_the_other_keys_are_told_in_seconds() {
    assert_snapshot!(problems(&format!("[probe]\ncanary = 250\n{INSTANCE}")), @r#"
    hactl.toml:2:10: 250 has no unit; write "250ms"
      2 | canary = 250
        |          ^^^
    "#);
    assert_snapshot!(problems(&format!("[probe]\ncanary = \"often\"\n{INSTANCE}")), @r#"
    hactl.toml:2:10: `often` is not a duration; write one such as "500ms" or "2s"
      2 | canary = "often"
        |          ^^^^^^^
    "#);
    assert_snapshot!(problems(&format!("[probe]\ncanary = [\"1s\"]\n{INSTANCE}")), @r#"
    hactl.toml:2:10: found a list, expected a duration such as "500ms" or "2s"
      2 | canary = ["1s"]
        |          ^^^^^^
    "#);
    assert_snapshot!(problems(&format!("[probe]\ncanary = \"1d\"\n{INSTANCE}")), @r#"
    hactl.toml:2:10: `1d` is out of range; from 50ms to 60s is allowed
      2 | canary = "1d"
        |          ^^^^
    "#);
    assert_snapshot!(problems(&format!("[probe]\nride_through = 0\n{INSTANCE}")), @r#"
    hactl.toml:2:16: 0 has no unit; write "0s" or "0ms"
      2 | ride_through = 0
        |                ^
    "#);
    assert_snapshot!(problems(&format!("[probe]\nride_through = \"2h\"\n{INSTANCE}")), @r#"
    hactl.toml:2:16: `2h` is out of range; from 0s to 60s is allowed
      2 | ride_through = "2h"
        |                ^^^^
    "#);
    assert_snapshot!(problems(&format!("[probe]\nride_through = {{}}\n{INSTANCE}")), @r#"
    hactl.toml:2:16: found a table, expected a duration such as "500ms" or "2s"
      2 | ride_through = {}
        |                ^^
    "#);
    assert_snapshot!(problems(&format!("[probe]\ntimeout = 3\n{INSTANCE}")), @r#"
    hactl.toml:2:11: 3 has no unit; write "3s"
      2 | timeout = 3
        |           ^
    "#);
}

#[test]
fn a_word_that_is_none_of_the_known_ones_is_refused() {
    assert_snapshot!(problems(&format!("[probe]\nprofile = \"slow\"\n{INSTANCE}")), @r#"
    hactl.toml:2:11: unknown profile `slow`; known: fast, eco, adaptive
      2 | profile = "slow"
        |           ^^^^^^
    "#);
    assert_snapshot!(problems(&format!("[probe]\nprofile = \"\"\n{INSTANCE}")), @r#"
    hactl.toml:2:11: unknown profile ``; known: fast, eco, adaptive
      2 | profile = ""
        |           ^^
    "#);
    assert_snapshot!(problems(&format!("[probe]\nprofile = 1\n{INSTANCE}")), @r"
    hactl.toml:2:11: found the number 1, expected a string in quotes
      2 | profile = 1
        |           ^
    ");
    assert_snapshot!(problems(&format!("{INSTANCE}on_slow = \"kill\"\n")), @r#"
    hactl.toml:6:11: unknown on_slow `kill`; known: show, move
      6 | on_slow = "kill"
        |           ^^^^^^
    "#);
    assert_snapshot!(problems(&format!("{INSTANCE}on_slow = true\n")), @r"
    hactl.toml:6:11: found true, expected a string in quotes
      6 | on_slow = true
        |           ^^^^
    ");
    assert_snapshot!(failed(INSTANCE, &[("HACTL_PROBE__PROFILE", "Fast")]), @"environment variable HACTL_PROBE__PROFILE: unknown profile `Fast`; known: fast, eco, adaptive");
}

#[test]
fn a_control_target_is_one_target() {
    assert_snapshot!(problems(&format!("[probe]\ncontrol = \"1.1.1.1\"\n{INSTANCE}")), @r#"
    hactl.toml:2:11: target `1.1.1.1`: no scheme; write https://1.1.1.1/
      2 | control = "1.1.1.1"
        |           ^^^^^^^^^
    "#);
    assert_snapshot!(problems(&format!("[probe]\ncontrol = [\"https://1.1.1.1/\"]\n{INSTANCE}")), @r#"
    hactl.toml:2:11: found a list, expected a target such as "https://1.1.1.1/", or a table { url, expect, sni }
      2 | control = ["https://1.1.1.1/"]
        |           ^^^^^^^^^^^^^^^^^^^^
    "#);
    assert_snapshot!(problems(&format!("[probe]\ncontrol = false\n{INSTANCE}")), @r#"
    hactl.toml:2:11: found false, expected a target such as "https://1.1.1.1/", or a table { url, expect, sni }
      2 | control = false
        |           ^^^^^
    "#);
    assert_snapshot!(
        problems(&format!("[probe]\ncontrol = {{ url = \"tcp://192.0.2.1:22\", sni = \"a.test\" }}\n{INSTANCE}")),
        @r#"
    hactl.toml:2:11: target `tcp://192.0.2.1:22`: sni is for https targets only; remove it
      2 | control = { url = "tcp://192.0.2.1:22", sni = "a.test" }
        |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#
    );
    assert_snapshot!(failed(INSTANCE, &[("HACTL_PROBE__CONTROL", "[https://1.1.1.1/]")]), @r#"environment variable HACTL_PROBE__CONTROL: found a list, expected a target such as "https://1.1.1.1/", or a table { url, expect, sni }"#);
}

#[test]
fn a_canary_is_never_rarer_than_a_full_probe() {
    let of = |keys: &str| problems(&format!("[probe]\n{keys}\n{INSTANCE}"));
    assert_snapshot!(of("canary = \"20s\"\ninterval = \"10s\""), @r#"
    hactl.toml:2:10: `canary` (20s) is longer than `interval` (10s)
      2 | canary = "20s"
        |          ^^^^^
      next: write a `canary` of 10s or less, or an `interval` of 20s or more
    "#);
    assert_snapshot!(of("canary = \"20s\""), @r#"
    hactl.toml:2:10: `canary` (20s) is longer than `interval` (5s by profile adaptive)
      2 | canary = "20s"
        |          ^^^^^
      next: write a `canary` of 5s or less, or an `interval` of 20s or more
    "#);
    assert_snapshot!(of("profile = \"eco\"\ninterval = \"500ms\""), @r#"
    hactl.toml:3:12: `canary` (1s by profile eco) is longer than `interval` (500ms)
      3 | interval = "500ms"
        |            ^^^^^^^
      next: write a `canary` of 500ms or less, or an `interval` of 1s or more
    "#);
    assert_snapshot!(of("profile = \"fast\"\ncanary = \"5001ms\""), @r#"
    hactl.toml:3:10: `canary` (5001ms) is longer than `interval` (5s by profile fast)
      3 | canary = "5001ms"
        |          ^^^^^^^^
      next: write a `canary` of 5s or less, or an `interval` of 5001ms or more
    "#);
    assert_snapshot!(
        failed(&format!("[probe]\ninterval = \"2s\"\n{INSTANCE}"), &[("HACTL_PROBE__CANARY", "3s")]),
        @r"
    environment variable HACTL_PROBE__CANARY: `canary` (3s) is longer than `interval` (2s)
      next: write a `canary` of 2s or less, or an `interval` of 3s or more
    "
    );
    assert_snapshot!(
        failed(&format!("[probe]\ncanary = \"3s\"\n{INSTANCE}"), &[("HACTL_PROBE__INTERVAL", "2s")]),
        @r#"
    hactl.toml:2:10: `canary` (3s) is longer than `interval` (2s)
      2 | canary = "3s"
        |          ^^^^
      next: write a `canary` of 2s or less, or an `interval` of 3s or more
    "#
    );
}

#[test]
fn so_many_targets_are_too_many() {
    let urls = |count: usize| {
        (0..count).map(|number| format!("\"tcp://192.0.2.1:{}\"", number + 1)).collect::<Vec<_>>().join(",")
    };
    settings(&format!("targets = [{}]", urls(32)));
    let text = format!("[probe]\n# Many.\ntargets = [\n{}]\n{INSTANCE}", urls(33));
    assert_snapshot!(problems(&text), @r"
    hactl.toml:3:11: 33 targets; at most 32 are asked
      3 | targets = [
        |           ^
      next: keep a few, of different operators
    ");
    assert_snapshot!(failed(INSTANCE, &[("HACTL_PROBE__TARGETS", "[]")]), @r#"
    environment variable HACTL_PROBE__TARGETS: no target to probe
      next: name at least one, such as "https://1.1.1.1/", or leave `targets` out
    "#);
}

fn settings(keys: &str) -> Settings {
    probe(keys).settings
}

fn probe(keys: &str) -> Probe {
    let text = format!("[probe]\n{keys}\n{INSTANCE}");
    resolved(&text, &[], &Flags::default()).unwrap_or_else(|error| panic!("{keys}: {error}")).probe
}

fn cadence((canary, full): (u64, u64)) -> Cadence {
    Cadence { canary: Duration::from_millis(canary), full: Duration::from_millis(full) }
}
