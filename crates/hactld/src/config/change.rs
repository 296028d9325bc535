//! Other settings for what was recorded (`hactl simulate --set`): read by the same code as the configuration, so that
//! what is allowed there is allowed here, and mistakes are told in the same words.

use failover::{Cadence, Failback, Name, OnSlow, Policy, Rules, Settings, WhenAllDown};

use super::layers::{self, Layer};
use super::locate::{Source, suggestion};
use super::problem::{ConfigError, Place, Problem};
use super::raw::{Parsed, RawProbe, RawProfile};
use super::resolve::{TARGETS_MAX, hold_misfit, misfit, with_cadence};
use super::rules::{RawFailback, RawOnSlow, RawPolicy, RawWhenAllDown};
use super::{duration, environment};

/// Keys of `[probe]` that can be set otherwise, each behind the name that its layer and its mistakes go by.
const PROBE: [(&str, &str); 8] = [
    ("--set probe.profile", "profile"),
    ("--set probe.canary", "canary"),
    ("--set probe.interval", "interval"),
    ("--set probe.timeout", "timeout"),
    ("--set probe.false_alarm_every", "false_alarm_every"),
    ("--set probe.ride_through", "ride_through"),
    ("--set probe.hold", "hold"),
    ("--set probe.hold_max", "hold_max"),
];

/// Keys of a backend that can be set otherwise, for all of them.
const RULES: [&str; 5] =
    ["--set policy", "--set failback", "--set allow_exit_change", "--set when_all_down", "--set on_slow"];

/// What stands before a key in these names.
const FLAG: &str = "--set ";

/// One key with its value.
enum Change {
    Probe(&'static str, Layer),
    Rule(Rule),
}

/// A key of a backend with its value.
#[derive(Clone, Copy)]
enum Rule {
    Policy(Policy),
    Failback(Failback),
    AllowExitChange(bool),
    WhenAllDown(WhenAllDown),
    OnSlow(OnSlow),
}

impl Rule {
    fn parse(key: &str, value: &str) -> Result<Self, String> {
        match key {
            "policy" => value.parse().map(|RawPolicy(value)| Self::Policy(value)),
            "failback" => value.parse().map(|RawFailback(value)| Self::Failback(value)),
            "allow_exit_change" => value
                .parse()
                .map(Self::AllowExitChange)
                .map_err(|_| format!("`{value}` is neither true nor false")),
            "when_all_down" => value.parse().map(|RawWhenAllDown(value)| Self::WhenAllDown(value)),
            _ => value.parse().map(|RawOnSlow(value)| Self::OnSlow(value)),
        }
    }

    const fn apply(self, rules: &mut Rules) {
        match self {
            Self::Policy(value) => rules.policy = value,
            Self::Failback(value) => rules.failback = value,
            Self::AllowExitChange(value) => rules.allow_exit_change = value,
            Self::WhenAllDown(value) => rules.when_all_down = value,
            Self::OnSlow(value) => rules.on_slow = value,
        }
    }
}

/// `recorded`, changed by each of `sets`, which is written `key=value`; keys of a backend are meant for all `backends`.
///
/// # Errors
/// Everything that is wrong with them.
pub fn change(recorded: &Settings, backends: &[Name], sets: &[String]) -> Result<Settings, ConfigError> {
    let (mut layers, mut keys, mut problems, mut set_rules) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for set in sets {
        match read(set) {
            Ok(Change::Probe(key, layer)) => {
                keys.push(key);
                layers.push(layer);
            }
            Ok(Change::Rule(rule)) => set_rules.push(rule),
            Err(problem) => problems.push(*problem),
        }
    }
    let raw = layers::extract(layers, &Source::parse(None)?, problems)?.probe;
    let mut settings = probe(recorded.clone(), raw, &keys);
    let written = |key| keys.contains(&key);
    let misfit = misfit(&settings, written("canary"), written("interval"), "as recorded");
    if let Some(misfit) = misfit.or_else(|| hold_misfit(&settings)) {
        let flag = PROBE.iter().find(|(_, key)| *key == misfit.key).map_or("--set", |(flag, _)| flag);
        return Err(Problem::new(misfit.what).next(misfit.next).at(Place::Flag(flag)).into());
    }
    for backend in backends {
        for rule in &set_rules {
            rule.apply(settings.rules.entry(backend.clone()).or_insert(Rules::DEFAULT));
        }
    }
    settings.rules.retain(|_, rules| *rules != Rules::DEFAULT);
    Ok(settings)
}

/// Whether some configuration gives these settings, as far as a replay depends on it: a recording may have been made by
/// hand.
///
/// # Errors
/// What none gives, in words.
pub fn check_recorded(settings: &Settings) -> Result<(), String> {
    let targets = settings.targets.len();
    if targets == 0 || targets > TARGETS_MAX {
        return Err(format!("it has {targets} targets; from 1 to {TARGETS_MAX} can be configured"));
    }
    let allowed =
        |cadence: &Cadence| cadence.canary >= duration::CANARY_MIN && cadence.full >= duration::INTERVAL_MIN;
    if [settings.fast, settings.eco].iter().all(allowed) {
        Ok(())
    } else {
        Err("its probes are made more often than can be configured".to_owned())
    }
}

fn probe(recorded: Settings, raw: RawProbe, keys: &[&str]) -> Settings {
    let is_set = |key| keys.contains(&key);
    let RawProbe { profile: Parsed(RawProfile(profile)), canary, interval, .. } = raw;
    let settings = Settings {
        profile: if is_set("profile") { profile } else { recorded.profile },
        timeout: if is_set("timeout") { raw.timeout } else { recorded.timeout },
        false_alarm_every: if is_set("false_alarm_every") {
            raw.false_alarm_every
        } else {
            recorded.false_alarm_every
        },
        ride_through: if is_set("ride_through") { raw.ride_through } else { recorded.ride_through },
        hold: if is_set("hold") { raw.hold } else { recorded.hold },
        hold_max: if is_set("hold_max") { raw.hold_max } else { recorded.hold_max },
        ..recorded
    };
    with_cadence(settings, canary, interval)
}

fn read(set: &str) -> Result<Change, Box<Problem>> {
    let Some((key, value)) = set.split_once('=') else {
        let next = "write it as in --set probe.ride_through=2s".to_owned();
        let problem = Problem::new(format!("`{set}` has no value")).next(next);
        return Err(Box::new(problem.at(Place::Flag("--set"))));
    };
    let (key, value) = (key.trim(), value.trim());
    if let Some((name, key)) = PROBE.iter().find(|(name, _)| name.strip_prefix(FLAG) == Some(key)) {
        return Ok(Change::Probe(key, Layer::of_variable(name, "probe", key, environment::parse(value))));
    }
    if let Some(name) = RULES.into_iter().find(|name| name.strip_prefix(FLAG) == Some(key)) {
        let read = Rule::parse(key, value).map(Change::Rule);
        return read.map_err(|error| Box::new(Problem::new(error).at(Place::Flag(name))));
    }
    let names = PROBE.iter().map(|(name, _)| *name).chain(RULES);
    let known: Vec<&str> = names.filter_map(|name| name.strip_prefix(FLAG)).collect();
    let problem = Problem::new(format!("unknown key `{key}`")).hint(Some(suggestion(key, &known)));
    Err(Box::new(problem.at(Place::Flag("--set"))))
}
