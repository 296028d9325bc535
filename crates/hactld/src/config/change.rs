//! Other settings for what was recorded (`hactl simulate --set`): read by the same code as the configuration, so that
//! what is allowed there is allowed here, and mistakes are told in the same words.

use failover::{Cadence, Name, OnSlow, Rules, Settings};

use super::layers::{self, Layer};
use super::locate::{Source, suggestion};
use super::problem::{ConfigError, Place, Problem};
use super::raw::{Parsed, RawOnSlow, RawProbe, RawProfile};
use super::resolve::{TARGETS_MAX, hold_misfit, misfit, with_cadence};
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

const ON_SLOW: &str = "--set on_slow";

/// What stands before a key in these names.
const FLAG: &str = "--set ";

/// One key with its value.
enum Change {
    Probe(&'static str, Layer),
    OnSlow(OnSlow),
}

/// `recorded`, changed by each of `sets`, which is written `key=value`; `on_slow` is meant for all `backends`.
///
/// # Errors
/// Everything that is wrong with them.
pub fn change(recorded: &Settings, backends: &[Name], sets: &[String]) -> Result<Settings, ConfigError> {
    let (mut layers, mut keys, mut problems, mut on_slow) = (Vec::new(), Vec::new(), Vec::new(), None);
    for set in sets {
        match read(set) {
            Ok(Change::Probe(key, layer)) => {
                keys.push(key);
                layers.push(layer);
            }
            Ok(Change::OnSlow(value)) => on_slow = Some(value),
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
    if let Some(on_slow) = on_slow {
        for backend in backends {
            settings.rules.entry(backend.clone()).or_insert(Rules::DEFAULT).on_slow = on_slow;
        }
        settings.rules.retain(|_, rules| *rules != Rules::DEFAULT);
    }
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
    if ON_SLOW.strip_prefix(FLAG) == Some(key) {
        let read = value.parse().map(|RawOnSlow(value)| Change::OnSlow(value));
        return read.map_err(|error| Box::new(Problem::new(error).at(Place::Flag(ON_SLOW))));
    }
    let names = PROBE.iter().map(|(name, _)| *name).chain([ON_SLOW]);
    let known: Vec<&str> = names.filter_map(|name| name.strip_prefix(FLAG)).collect();
    let problem = Problem::new(format!("unknown key `{key}`")).hint(Some(suggestion(key, &known)));
    Err(Box::new(problem.at(Place::Flag("--set"))))
}
