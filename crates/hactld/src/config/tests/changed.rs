//! What is set otherwise for a recording, and what cannot be.

use insta::assert_snapshot;

use super::*;

#[test]
fn what_is_set_takes_the_place_of_what_was_recorded_and_the_rest_stays() {
    let recorded = Settings { ride_through: Duration::from_secs(1), seed: 7, ..settings() };
    assert_eq!(changed(&recorded, &[]).unwrap(), recorded);
    let settings = changed(&recorded, &["probe.timeout=500ms", "probe.timeout = 1s"]).unwrap();
    assert_eq!(settings, Settings { timeout: Duration::from_secs(1), ..recorded.clone() });
    let settings = changed(&recorded, &["probe.ride_through=0s", "probe.false_alarm_every=1d"]).unwrap();
    assert_eq!(settings.ride_through, Duration::ZERO);
    assert_eq!(settings.false_alarm_every, Duration::from_secs(86_400));
    assert_eq!(settings.seed, 7);
}

#[test]
fn a_cadence_is_that_of_the_profile() {
    let eco = changed(&settings(), &["probe.profile=eco", "probe.canary=2s"]).unwrap();
    assert_eq!(
        (eco.profile, eco.eco.canary, eco.fast),
        (Profile::Eco, Duration::from_secs(2), Cadence::FAST)
    );
    let adaptive = changed(&settings(), &["probe.canary=100ms", "probe.interval=20s"]).unwrap();
    assert_eq!(adaptive.fast, Cadence { canary: Duration::from_millis(100), full: Duration::from_secs(20) });
    assert_eq!(adaptive.eco, Cadence { canary: Duration::from_secs(1), full: Duration::from_secs(20) });
}

#[test]
fn on_slow_is_that_of_all_backends() {
    let moved = changed(&settings(), &["on_slow=move"]).unwrap();
    let moves = Rules { on_slow: OnSlow::Move, ..Rules::DEFAULT };
    assert_eq!(moved.rules, ["one", "two"].map(|name| (Name::from(name), moves.clone())).into());
    assert_eq!(changed(&moved, &["on_slow=show"]).unwrap(), settings());
}

#[test]
fn rules_of_all_backends_can_be_set_otherwise() {
    let sets = ["policy=latency", "failback=never", "allow_exit_change=false", "when_all_down=all-open"];
    let rules = Rules {
        policy: Policy::Latency,
        failback: Failback::Never,
        allow_exit_change: false,
        when_all_down: WhenAllDown::AllOpen,
        ..Rules::DEFAULT
    };
    let changed = changed(&settings(), &sets).unwrap();
    assert_eq!(changed.rules, ["one", "two"].map(|name| (Name::from(name), rules.clone())).into());
}

#[test]
fn mistakes_are_those_of_the_configuration() {
    let told = |sets: &[&str]| changed(&settings(), sets).unwrap_err().to_string();
    assert_snapshot!(told(&["probe.timeout=2", "probe.canary=1ms", "probe.profile=quick", "on_slow=kill"]), @r#"
    --set on_slow: unknown on_slow `kill`; known: show, move
    --set probe.canary: `1ms` is out of range; from 50ms to 60s is allowed
    --set probe.profile: unknown profile `quick`; known: fast, eco, adaptive
    --set probe.timeout: 2 has no unit; write "2s"
    "#);
    assert_snapshot!(told(&["probe.timeut=2s"]), @"--set: unknown key `probe.timeut`; did you mean `probe.timeout`?   known: probe.profile, probe.canary, probe.interval, probe.timeout, probe.false_alarm_every, probe.ride_through, probe.hold, probe.hold_max, policy, failback, allow_exit_change, when_all_down, on_slow");
    assert_snapshot!(told(&["probe.targets=[]"]), @"--set: unknown key `probe.targets`; did you mean `probe.timeout`?   known: probe.profile, probe.canary, probe.interval, probe.timeout, probe.false_alarm_every, probe.ride_through, probe.hold, probe.hold_max, policy, failback, allow_exit_change, when_all_down, on_slow");
    assert_snapshot!(told(&["probe.timeout"]), @"
    --set: `probe.timeout` has no value
      next: write it as in --set probe.ride_through=2s
    ");
    assert_snapshot!(told(&["probe.canary=10s"]), @"
    --set probe.canary: `canary` (10s) is longer than `interval` (5s as recorded)
      next: write a `canary` of 5s or less, or an `interval` of 10s or more
    ");
    assert_snapshot!(told(&["probe.profile=eco", "probe.interval=500ms"]), @"
    --set probe.interval: `canary` (1s as recorded) is longer than `interval` (500ms)
      next: write a `canary` of 500ms or less, or an `interval` of 1s or more
    ");
    assert_snapshot!(told(&["probe.hold=10m"]), @"
    --set probe.hold: `hold` (10m) is longer than `hold_max` (5m)
      next: write a `hold` of 5m or less, or a `hold_max` of 10m or more
    ");
    assert_snapshot!(told(&["\u{1b}[2J=\n"]), @r"--set: unknown key `\u{1b}[2J`; known: probe.profile, probe.canary, probe.interval, probe.timeout, probe.false_alarm_every, probe.ride_through, probe.hold, probe.hold_max, policy, failback, allow_exit_change, when_all_down, on_slow");
}

#[test]
fn settings_that_no_configuration_gives_are_not_replayed() {
    assert_eq!(check_recorded(&settings()), Ok(()));
    let none = Settings { targets: Vec::new(), ..settings() };
    assert_snapshot!(check_recorded(&none).unwrap_err(), @"it has 0 targets; from 1 to 32 can be configured");
    let busy = Settings { eco: Cadence { canary: Duration::ZERO, ..Cadence::ECO }, ..settings() };
    assert_snapshot!(check_recorded(&busy).unwrap_err(), @"its probes are made more often than can be configured");
}

fn settings() -> Settings {
    Settings::new(DEFAULT_TARGETS.map(Name::from).to_vec())
}

fn changed(recorded: &Settings, sets: &[&str]) -> Result<Settings, ConfigError> {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    change(recorded, &["one", "two"].map(Name::from), &sets)
}
