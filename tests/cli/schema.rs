//! As much of JSON Schema as hactl's own schemas use. A keyword that is not known here is a panic, so that none is taken
//! for kept without being looked at.

use serde_json::Value;

/// Keywords that say nothing about what is allowed.
const SILENT: [&str; 9] =
    ["$schema", "title", "description", "default", "examples", "format", "x-duration", "minimum", "maximum"];

/// What in `value` is not as `schema` says, each behind the way to it. A key that the schema does not know is one as well.
pub(super) fn violations(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, value, "", &mut found);
    found
}

fn check(schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let Value::Object(keywords) = schema else {
        assert_eq!(schema, &Value::Bool(true), "{at}: {schema}");
        return;
    };
    for (keyword, rule) in keywords {
        match keyword.as_str() {
            "type" if !is_of(rule, value) => found.push(format!("{at}: {value} is no {}", plain(rule))),
            "enum" if !rule.as_array().expect("a list").contains(value) => {
                found.push(format!("{at}: {value} is none of {rule}"));
            }
            "const" if rule != value => found.push(format!("{at}: {value} is not {rule}")),
            "anyOf" | "oneOf" => {
                let fits = |choice: &Value| violations(choice, value).is_empty();
                if !rule.as_array().expect("a list").iter().any(fits) {
                    found.push(format!("{at}: {value} is none of what is allowed"));
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(rule, item, &way(at, &index.to_string()), found);
                }
            }
            "required" => {
                let Some(object) = value.as_object() else { continue };
                let names = rule.as_array().expect("a list").iter().filter_map(Value::as_str);
                let missing = names.filter(|name| !object.contains_key(*name));
                found.extend(missing.map(|name| format!("{at}: `{name}` is missing")));
            }
            "properties" => {
                for (name, inner) in value.as_object().into_iter().flatten() {
                    match rule.get(name) {
                        Some(rule) => check(rule, inner, &way(at, name), found),
                        None => found.push(format!("{}: no such key", way(at, name))),
                    }
                }
            }
            // Unknown keys were told above.
            "additionalProperties" | "type" | "enum" | "const" => {}
            other => assert!(SILENT.contains(&other), "{at}: the keyword {other} is not known here"),
        }
    }
}

fn way(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

fn is_of(types: &Value, value: &Value) -> bool {
    let is = |name: &Value| match name.as_str().expect("a type's name") {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("there is no type {other}"),
    };
    types.as_array().map_or_else(|| is(types), |types| types.iter().any(is))
}

fn plain(types: &Value) -> String {
    types.as_str().map_or_else(|| types.to_string(), str::to_owned)
}
