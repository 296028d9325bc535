//! Every key that there is, with what people are to know of it: for the reference and for showing a configuration.
//! All of it is made from what the keys are read with.

use figment::Figment;
use figment::error::Kind;
use figment::providers::Serialized;
use figment::value::{Dict, Value as Written};
use serde_json::Value;

use super::origins::quoted;
use super::raw::RawConfig;
use super::schema::schema;

/// A key that nothing is called by, to be told what there is.
const NO_KEY: &str = "#";

/// A table of the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// The way to it: `["instance", "backend"]`.
    pub path: Vec<String>,
    /// There may be several of it: `[[instance]]`.
    pub is_list: bool,
    /// What it is about.
    pub text: String,
    /// Its keys, but for tables, which are sections of their own.
    pub keys: Vec<Key>,
}

/// A key.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// What it is called.
    pub name: String,
    /// What is written there, in words: `duration`, `list of texts`.
    pub kind: String,
    /// What it is about.
    pub text: String,
    /// Its table cannot do without it.
    pub is_required: bool,
    /// What it is where nobody says otherwise, as TOML.
    pub default: Option<String>,
    /// What may be written there, as TOML.
    pub example: Option<String>,
    /// The words that it takes, where these are all.
    pub words: Vec<String>,
    /// The keys of the table that may be written there.
    pub keys: Vec<Key>,
}

impl Section {
    /// How it is headed: `[probe]`, `[[instance.backend]]`.
    #[must_use]
    pub fn heading(&self) -> String {
        let name = self.path.join(".");
        if self.is_list { format!("[[{name}]]") } else { format!("[{name}]") }
    }
}

/// All sections, in the order in which they are explained.
#[must_use]
pub fn sections() -> Vec<Section> {
    let mut sections = Vec::new();
    add_tables(&schema(), &mut Vec::new(), &mut sections);
    sections
}

/// The tables inside the table that `schema` describes, and at `path` is.
fn add_tables(schema: &Value, path: &mut Vec<(String, bool)>, sections: &mut Vec<Section>) {
    for name in known(path) {
        let described = &schema["properties"][*name];
        let is_list = described["items"]["properties"].is_object();
        let table = if is_list { &described["items"] } else { described };
        if !table["properties"].is_object() {
            continue;
        }
        path.push(((*name).to_owned(), is_list));
        let is_table = |name: &str| is_section(&table["properties"][name]);
        let names: Vec<&str> = known(path).iter().copied().filter(|name| !is_table(name)).collect();
        let keys = keys(&names, table);
        sections.push(Section {
            path: path.iter().map(|(name, _)| name.clone()).collect(),
            is_list,
            text: text_of(described),
            keys,
        });
        add_tables(table, path, sections);
        path.pop();
    }
}

/// It is written under a heading of its own.
fn is_section(schema: &Value) -> bool {
    schema["properties"].is_object() || schema["items"]["properties"].is_object()
}

/// These keys of the table that `table` describes.
fn keys(names: &[&str], table: &Value) -> Vec<Key> {
    names.iter().map(|name| key(name, &table["properties"][*name], &table["required"])).collect()
}

fn key(name: &str, schema: &Value, required: &Value) -> Key {
    Key {
        name: name.to_owned(),
        kind: kind(schema, false),
        text: text_of(schema),
        is_required: listed(required).any(|required| required == name),
        default: schema.get("default").map(toml),
        example: schema["examples"].get(0).map(toml),
        words: listed(&schema["enum"]).filter_map(Value::as_str).map(str::to_owned).collect(),
        keys: table_in(schema).map(inner_keys).unwrap_or_default(),
    }
}

fn inner_keys(table: &Value) -> Vec<Key> {
    let names: Vec<&str> =
        table["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let mut keys = keys(&names, table);
    keys.sort_by_key(|key| !key.is_required);
    keys
}

/// What describes the table that may be written for a key, alone, in a list, or under a name.
fn table_in(schema: &Value) -> Option<&Value> {
    let named = &schema["additionalProperties"];
    let around = [schema, &schema["items"]].into_iter().flat_map(|schema| listed(&schema["anyOf"]));
    around.chain([named]).find(|choice| choice["properties"].is_object())
}

/// In words; `many` of it in the plural.
fn kind(schema: &Value, many: bool) -> String {
    let choices: Vec<String> = listed(&schema["anyOf"]).map(|choice| kind(choice, many)).collect();
    if !choices.is_empty() {
        return choices.join(" or ");
    }
    let of = |one: &str, plural: &str| if many { plural.to_owned() } else { one.to_owned() };
    match schema["type"].as_str() {
        Some("string") if schema.get("x-duration").is_some() => of("duration", "durations"),
        Some("string") if schema["format"] == "path" => of("path", "paths"),
        Some("string") => of("text", "texts"),
        Some("boolean") => of("true or false", "truths"),
        Some("integer") => {
            let numbers = of("whole number", "whole numbers");
            let most = schema.get("maximum").map(|most| format!(" to {most}"));
            format!("{numbers} from {}{}", schema["minimum"], most.unwrap_or_default())
        }
        Some("array") => format!("{} of {}", of("list", "lists"), kind(&schema["items"], true)),
        Some(_) | None if schema["additionalProperties"].is_object() => {
            of("table of tables", "tables of tables")
        }
        Some(_) | None => of("table", "tables"),
    }
}

fn listed(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// On one line, as it is written in a file.
fn toml(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(list) => format!("[{}]", list.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Value::Object(table) => {
            let pairs: Vec<String> =
                table.iter().map(|(key, value)| format!("{key} = {}", toml(value))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// On one line.
fn text_of(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The keys of the table at `path`, each part with whether it is a list, in the order in which they are declared.
fn known(path: &[(String, bool)]) -> &'static [&'static str] {
    let mut table = Dict::from([(NO_KEY.to_owned(), Written::from(true))]);
    for (name, is_list) in path.iter().rev() {
        let inner = Written::from(table);
        let value = if *is_list { Written::from(vec![inner]) } else { inner };
        table = Dict::from([(name.clone(), value)]);
    }
    let read = Figment::from(Serialized::defaults(table)).extract::<RawConfig>();
    match read.map_err(|error| error.kind) {
        Err(Kind::UnknownField(_, known)) => known,
        Ok(_) | Err(_) => &[],
    }
}
