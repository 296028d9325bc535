//! The variables that begin with `HACTL_`: which there are, and what they set. A name that is none of them is a slip of
//! the fingers, which would otherwise be silently nothing.

use std::path::PathBuf;

use figment::value::Value;
use tracing_subscriber::filter::Targets;

use super::layers::Layer;
use super::locate::closest;
use super::problem::{ConfigError, Place, Problem};
use crate::hooks::program::TOLD;

/// Names and values.
pub(super) type Environment = [(String, String)];

const PREFIX: &str = "HACTL_";

/// Each sets one key.
pub(super) const SETTINGS: [(&str, &str, &str); 23] = [
    ("HACTL_PROBE__TARGETS", "probe", "targets"),
    ("HACTL_PROBE__PROFILE", "probe", "profile"),
    ("HACTL_PROBE__CANARY", "probe", "canary"),
    ("HACTL_PROBE__INTERVAL", "probe", "interval"),
    ("HACTL_PROBE__TIMEOUT", "probe", "timeout"),
    ("HACTL_PROBE__FALSE_ALARM_EVERY", "probe", "false_alarm_every"),
    ("HACTL_PROBE__RIDE_THROUGH", "probe", "ride_through"),
    ("HACTL_PROBE__HOLD", "probe", "hold"),
    ("HACTL_PROBE__HOLD_MAX", "probe", "hold_max"),
    ("HACTL_PROBE__CONTROL", "probe", "control"),
    ("HACTL_PROBE__CA_FILE", "probe", "ca_file"),
    ("HACTL_ADMIN__SOCKET", "admin", "socket"),
    ("HACTL_ADMIN__OPERATORS", "admin", "operators"),
    ("HACTL_WEB__LISTEN", "web", "listen"),
    ("HACTL_WEB__HOSTS", "web", "hosts"),
    ("HACTL_WEB__REACH", "web", "reach"),
    ("HACTL_STATE__DIR", "state", "dir"),
    ("HACTL_STATE__ON_EXIT", "state", "on_exit"),
    ("HACTL_EVENTS__FILE", "events", "file"),
    ("HACTL_EVENTS__SIZE_MB", "events", "size_mb"),
    ("HACTL_EVENTS__KEEP", "events", "keep"),
    ("HACTL_EXIT__URL", "exit", "url"),
    ("HACTL_EXIT__EVERY", "exit", "every"),
];

/// Keys whose values are numbers in TOML; a variable is text.
const NUMBERS: [(&str, &str); 2] = [("events", "size_mb"), ("events", "keep")];

const LOG: &str = "HACTL_LOG";

/// Read elsewhere: the first two are flags as well, the last one is for `hactl check`.
const OTHERS: [&str; 3] = ["HACTL_HAPROXY", "HACTL_SOCKET", "HACTL_SOCKS_PASSWORD"];

/// Where systemd has made a directory for the service's state (systemd.exec(5), `StateDirectory=`): paths with colons
/// between them.
pub(super) const SERVICE_STATE: &str = "STATE_DIRECTORY";

/// What a variable is for.
pub(super) enum Variable {
    Setting(Layer),
    Log(Box<Targets>),
    Other,
}

pub(super) fn of_this_process() -> Result<Vec<(String, String)>, ConfigError> {
    let mut environment = Vec::new();
    let mut problems = Vec::new();
    for (name, value) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if !name.starts_with(PREFIX) && name != SERVICE_STATE {
            continue;
        }
        match value.into_string() {
            Ok(value) => environment.push((name, value)),
            Err(_) => problems.push(Problem::new("not UTF-8".to_owned()).at(Place::Variable(name))),
        }
    }
    // Theirs has none, and the same mistakes are to be told in the same order.
    environment.sort();
    if problems.is_empty() { Ok(environment) } else { Err(ConfigError::new(problems)) }
}

pub(super) fn read((name, value): &(String, String)) -> Result<Variable, Box<Problem>> {
    if let Some((name, section, key)) = SETTINGS.iter().find(|(known, ..)| known == name) {
        return Ok(Variable::Setting(Layer::of_variable(name, section, key, of_key(section, key, value))));
    }
    if name == LOG {
        return match crate::log::filter(value) {
            Ok(filter) => Ok(Variable::Log(Box::new(filter))),
            Err((what, next)) => {
                let problem = Problem::new(what).at(Place::Variable(name.clone()));
                Err(Box::new(problem.next(next.to_owned())))
            }
        };
    }
    if OTHERS.contains(&name.as_str()) || TOLD.contains(&name.as_str()) || name == SERVICE_STATE {
        Ok(Variable::Other)
    } else {
        Err(Box::new(unknown(name)))
    }
}

/// The variable that says what is at `path`, where it is set.
pub(super) fn of_path(environment: &Environment, path: &[&str]) -> Option<&'static str> {
    let (name, ..) = SETTINGS.iter().find(|(_, section, key)| path.starts_with(&[section, key]))?;
    environment.iter().any(|(set, _)| set == name).then_some(name)
}

/// The first directory that systemd has made for the service's state.
pub(super) fn service_state_dir(environment: &Environment) -> Option<PathBuf> {
    let (_, dirs) = environment.iter().find(|(name, _)| name == SERVICE_STATE)?;
    dirs.split(':').find(|dir| !dir.is_empty()).map(PathBuf::from)
}

/// What `text` is as the value of this key.
pub(super) fn of_key(section: &str, key: &str, text: &str) -> Value {
    match text.parse::<u64>() {
        Ok(number) if NUMBERS.contains(&(section, key)) => number.into(),
        Ok(_) | Err(_) => parse(text),
    }
}

/// A list where it begins like one, otherwise text: so a mistake is quoted as it was written.
pub(super) fn parse(text: &str) -> Value {
    if !text.trim_start().starts_with('[') {
        return Value::from(text);
    }
    // This parser takes whatever it is given, what it does not understand as text.
    text.parse().unwrap_or_else(|never: std::convert::Infallible| match never {})
}

fn unknown(name: &str) -> Problem {
    let known: Vec<&str> = SETTINGS.iter().map(|(known, ..)| *known).chain([LOG]).chain(OTHERS).collect();
    let next = match meant(name, &known) {
        Some(meant) => format!("correct it to {meant}, or unset it"),
        None => format!("unset it; known are {}", known.join(", ")),
    };
    Problem::new(format!("unknown environment variable {name}")).next(next)
}

/// The known one that differs in case or lacks its section, or the most similar one.
fn meant<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let key = name.strip_prefix(PREFIX)?.to_uppercase();
    let without: Vec<&str> = known.iter().filter_map(|known| known.strip_prefix(PREFIX)).collect();
    let same = |known: &&str| known.rsplit("__").next() == Some(key.as_str()) || **known == key;
    let found = without.iter().copied().find(same).or_else(|| closest(&key, &without))?;
    known.iter().copied().find(|known| known.strip_prefix(PREFIX) == Some(found))
}
