//! The configuration's JSON Schema, and what a key is that nobody sets. The schema comes from what the keys are read with.

use failover::Settings;
use failover::status::LatencyBounds;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::duration::written;
use super::exit::{DEFAULT_EVERY, DEFAULT_PAGE};
use super::hooks;
use super::raw::{RawConfig, profile_name};
use super::{DEFAULT_AGENT, DEFAULT_SOCKET, DEFAULT_STATE_DIR, DEFAULT_TARGETS};

/// The configuration as JSON Schema, draft 2020-12: for editors, and for programs that write one.
#[must_use]
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<RawConfig>();
    let mut schema = schema.to_value();
    tidy(&mut schema);
    for Default { section, key, value } in defaults() {
        if let Some(properties) = properties_of(&mut schema, section) {
            properties[key]["default"] = value;
        }
    }
    schema
}

/// TOML has no null: a key that may be left out is left out. Editors show descriptions alone, so what is allowed of a duration
/// is said there, too.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.remove("default");
            if let (Some(Value::Array(range)), Some(Value::String(text))) =
                (map.get("x-duration").cloned(), map.get_mut("description"))
                && let [Value::String(least), Value::String(most)] = range.as_slice()
            {
                text.push_str(&format!(" From `{least}` to `{most}`."));
            }
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|one| one != "null");
                if let [one] = types.as_mut_slice() {
                    let one = one.take();
                    map.insert("type".to_owned(), one);
                }
            }
            if let Some(Value::Array(choices)) = map.get_mut("anyOf") {
                choices.retain(|one| one["type"] != "null");
                if let [Value::Object(one)] = choices.as_mut_slice() {
                    let one = std::mem::take(one);
                    map.remove("anyOf");
                    for (key, value) in one {
                        map.entry(key).or_insert(value);
                    }
                }
            }
            map.values_mut().for_each(tidy);
        }
        Value::Array(list) => list.iter_mut().for_each(tidy),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The keys of the tables at `section`, the numbers of tables in lists and the names of others left out: `["instance", "backend"]`.
fn properties_of<'a>(schema: &'a mut Value, section: &[&str]) -> Option<&'a mut Map<String, Value>> {
    let mut here = schema;
    for part in section {
        here = here.get_mut("properties")?.get_mut(*part)?;
        for inner in ["items", "additionalProperties"] {
            if here.get(inner).is_some_and(|inner| inner["properties"].is_object()) {
                here = here.get_mut(inner)?;
            }
        }
    }
    here.get_mut("properties")?.as_object_mut()
}

/// The tables that have defaults.
const PROBE: &[&str] = &["probe"];
const WEB: &[&str] = &["web"];
const STATE: &[&str] = &["state"];
const INSTANCE: &[&str] = &["instance"];
const BACKEND: &[&str] = &["instance", "backend"];
const EVENTS: &[&str] = &["events"];
const HOOK: &[&str] = &["hook"];
const EXIT: &[&str] = &["exit"];
const RESTART: &[&str] = &["instance", "backend", "on_offline"];

/// A key of a table, and what it is where nobody says otherwise.
struct Default {
    section: &'static [&'static str],
    key: &'static str,
    value: Value,
}

/// What depends on something else is not here: `canary` and `interval` on the profile.
fn defaults() -> Vec<Default> {
    let settings = Settings::new(Vec::new());
    let latency = LatencyBounds::default();
    let list = [
        (PROBE, "targets", json!(DEFAULT_TARGETS)),
        (PROBE, "profile", json!(profile_name(settings.profile))),
        (PROBE, "timeout", json!(written(settings.timeout))),
        (PROBE, "false_alarm_every", json!(written(settings.false_alarm_every))),
        (PROBE, "ride_through", json!(written(settings.ride_through))),
        (PROBE, "hold", json!(written(settings.hold))),
        (PROBE, "hold_max", json!(written(settings.hold_max))),
        (&["admin"], "socket", json!(DEFAULT_SOCKET)),
        (STATE, "dir", json!(DEFAULT_STATE_DIR)),
        (STATE, "on_exit", json!("keep")),
        (INSTANCE, "name", json!("haproxy")),
        (WEB, "reach", json!("loopback")),
        (INSTANCE, "lever", json!("state")),
        (INSTANCE, "agent", json!(DEFAULT_AGENT)),
        (INSTANCE, "mode", json!("active")),
        (BACKEND, "policy", json!("order")),
        (BACKEND, "failback", json!("auto")),
        (BACKEND, "allow_exit_change", json!(true)),
        (BACKEND, "when_all_down", json!("last-good")),
        (BACKEND, "on_slow", json!("show")),
        (BACKEND, "on_fail", json!("kill")),
        (BACKEND, "on_steer", json!("keep")),
        (BACKEND, "on_failback", json!("keep")),
        (BACKEND, "kill_after", json!("5s")),
        (RESTART, "after", json!(written(hooks::RESTART_AFTER))),
        (RESTART, "cooldown", json!(written(hooks::RESTART_COOLDOWN))),
        (RESTART, "per_hour", json!(hooks::PER_HOUR)),
        (RESTART, "timeout", json!(written(hooks::RESTART_TIMEOUT))),
        (EVENTS, "size_mb", json!(hooks::SIZE_MB)),
        (EVENTS, "keep", json!(hooks::KEEP)),
        (HOOK, "cooldown", json!(written(hooks::COOLDOWN))),
        (HOOK, "timeout", json!(written(hooks::TIMEOUT))),
        (&["ui"], "latency_ms", json!([latency.raised, latency.high])),
        (EXIT, "url", json!(DEFAULT_PAGE)),
        (EXIT, "every", json!(written(DEFAULT_EVERY))),
    ];
    list.map(|(section, key, value)| Default { section, key, value }).into()
}
