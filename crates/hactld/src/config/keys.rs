//! Every key that there is, with what people are to know of it: for the manual page and for showing a configuration.
//! All of it is made from what the keys are read with.

use figment::Figment;
use figment::error::Kind;
use figment::providers::Serialized;
use figment::value::{Dict, Value as Written};
use serde_json::Value;

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
    /// What it is about.
    pub text: String,
    /// What it is where nobody says otherwise.
    pub default: Option<Value>,
    /// The words that it takes, where these are all.
    pub words: Vec<String>,
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
        let keys = known(path).iter().filter_map(|name| key(name, &table["properties"][*name])).collect();
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

/// `None` where it is a table.
fn key(name: &str, schema: &Value) -> Option<Key> {
    if schema["properties"].is_object() || schema["items"]["properties"].is_object() {
        return None;
    }
    let words = schema["enum"].as_array().map(Vec::as_slice).unwrap_or_default();
    Some(Key {
        name: name.to_owned(),
        text: text_of(schema),
        default: schema.get("default").cloned(),
        words: words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect(),
    })
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
