//! Where each key of the effective configuration was set, for people who wonder why it is as it is. Judges no value, and
//! nothing is resolved here.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use figment::value::Value as Read;
use toml_edit::{InlineTable, Item, TableLike, Value};

use super::Flags;
use super::environment::{self, Environment};
use super::locate::{Source, line_of};

/// Who has set a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetBy {
    /// The configuration file.
    File {
        /// The file, as it was named.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable.
    Variable(String),
    /// A flag, with its dashes.
    Flag(&'static str),
    /// Nobody: it is as it is without being said.
    Default,
}

/// As it fits into a line: `hactl.toml:14`, `HACTL_PROBE__HOLD`, `--haproxy`, `default`.
impl Display for SetBy {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => {
                let name = path.file_name().unwrap_or(path.as_os_str());
                write!(f, "{}:{line}", name.display())
            }
            Self::Variable(name) => f.write_str(name),
            Self::Flag(flag) => f.write_str(flag),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A key that somebody has set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The way to it; tables in lists by their numbers, from 0: `instance`, `0`, `backend`, `0`, `policy`.
    pub path: Vec<String>,
    /// Its value as TOML, on one line.
    pub value: String,
    /// Who has set it.
    pub by: SetBy,
}

/// All keys that somebody has set; the strongest alone where several have. Those of the file are in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    settings: Vec<Setting>,
}

impl Origins {
    /// All of them.
    #[must_use]
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// The key at `path`, where somebody has set it: `["probe", "hold"]`.
    #[must_use]
    pub fn setting(&self, path: &[&str]) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.path == path)
    }

    /// Who has set the key at `path`.
    #[must_use]
    pub fn of(&self, path: &[&str]) -> &SetBy {
        self.setting(path).map_or(&SetBy::Default, |setting| &setting.by)
    }

    /// Who has set `key` of a backend, by the names of its instance and itself.
    #[must_use]
    pub fn of_backend(&self, instance: &str, backend: &str, key: &str) -> &SetBy {
        let Some(instance) = self.numbered(instance) else { return &SetBy::Default };
        let list = ["instance", instance.as_str(), "backend"];
        let Some(index) = self.named(&list, backend) else { return &SetBy::Default };
        self.of(&["instance", &instance, "backend", &index, key])
    }

    /// Who has set `key` of an instance, by its name.
    #[must_use]
    pub fn of_instance(&self, instance: &str, key: &str) -> &SetBy {
        let number = self.numbered(instance);
        number.map_or(&SetBy::Default, |number| self.of(&["instance", &number, key]))
    }

    /// The number of an instance; a single one need not have its name in the file.
    fn numbered(&self, instance: &str) -> Option<String> {
        let several = self.count(&["instance"]) > 1;
        if several { self.named(&["instance"], instance) } else { Some("0".to_owned()) }
    }

    /// How many tables the list at `path` has.
    pub(super) fn count(&self, path: &[&str]) -> usize {
        let index = |setting: &Setting| {
            setting
                .path
                .starts_with(&owned(path))
                .then(|| setting.path.get(path.len())?.parse::<usize>().ok())?
        };
        self.settings.iter().filter_map(index).max().map_or(0, |last| last + 1)
    }

    /// The number of the table in the list at `path` whose `name` is `name`.
    fn named(&self, path: &[&str], name: &str) -> Option<String> {
        let value = quoted(name);
        let is_it = |setting: &&Setting| {
            setting.path.len() == path.len() + 2
                && setting.path.starts_with(&owned(path))
                && setting.path.last().is_some_and(|key| key == "name")
                && setting.value == value
        };
        self.settings.iter().find(is_it).map(|setting| setting.path[path.len()].clone())
    }

    /// What `source`, the environment and `flags` have set.
    pub(super) fn collect(source: &Source, environment: &Environment, flags: &Flags) -> Self {
        let mut origins = Self::default();
        if let Some((path, document)) = source.document() {
            let mut reader = Reader { path, text: document.raw(), settings: &mut origins.settings };
            reader.table(document.as_table(), &mut Vec::new());
        }
        for (name, section, key) in environment::SETTINGS {
            if let Some((_, value)) = environment.iter().find(|(set, _)| set == name) {
                let value = of_read(&environment::of_key(section, key, value));
                origins.set(&[section, key], value, SetBy::Variable(name.to_owned()));
            }
        }
        origins.add_flags(environment, flags);
        origins
    }

    fn add_flags(&mut self, environment: &Environment, flags: &Flags) {
        // Some variables reach us as the flag that they stand for.
        let by = |flag: &'static str, variable: &str, value: &str| {
            let is_variable = environment.iter().any(|(name, set)| name == variable && set == value);
            if is_variable { SetBy::Variable(variable.to_owned()) } else { SetBy::Flag(flag) }
        };
        if let Some(socket) = &flags.socket {
            let socket = socket.display().to_string();
            self.set(&["admin", "socket"], quoted(&socket), by("--socket", "HACTL_SOCKET", &socket));
        }
        if let Some(dir) = &flags.state_dir {
            self.set(&["state", "dir"], quoted(&dir.display().to_string()), SetBy::Flag("--state-dir"));
        } else if let (None, Some(dir)) =
            (self.setting(&["state", "dir"]), environment::service_state_dir(environment))
        {
            let variable = SetBy::Variable(environment::SERVICE_STATE.to_owned());
            self.set(&["state", "dir"], quoted(&dir.display().to_string()), variable);
        }
        if let Some(on_exit) = &flags.on_exit {
            self.set(&["state", "on_exit"], quoted(on_exit), SetBy::Flag("--on-exit"));
        }
        if let Some(haproxy) = &flags.haproxy {
            let flag = by("--haproxy", "HACTL_HAPROXY", haproxy);
            self.set(&["instance", "0", "haproxy"], quoted(haproxy), flag);
        }
        if !flags.backends.is_empty() {
            self.keep_backends(&flags.backends);
        }
        if flags.observe {
            for index in 0..self.count(&["instance"]) {
                let index = index.to_string();
                self.set(&["instance", &index, "mode"], quoted("observe"), SetBy::Flag("--observe"));
            }
        }
    }

    /// The backends named by flags in place of all others, each as the file has it where it does.
    fn keep_backends(&mut self, names: &[String]) {
        let list = ["instance", "0", "backend"];
        let mut kept: Vec<(usize, Vec<Setting>)> = Vec::new();
        let mut seen: Vec<&String> = Vec::new();
        for name in names {
            if seen.contains(&name) {
                continue;
            }
            let index = seen.len();
            seen.push(name);
            let there = self.named(&list, name).map(|old| {
                let of_it = |setting: &&Setting| {
                    setting.path.starts_with(&owned(&list)) && setting.path.get(list.len()) == Some(&old)
                };
                self.settings.iter().filter(of_it).cloned().collect()
            });
            let path = owned(&[list[0], list[1], list[2], "", "name"]);
            let named = || vec![Setting { path, value: quoted(name), by: SetBy::Flag("--backend") }];
            kept.push((index, there.unwrap_or_else(named)));
        }
        self.settings.retain(|setting| !setting.path.starts_with(&owned(&list)));
        for (index, settings) in kept {
            for mut setting in settings {
                setting.path[list.len()] = index.to_string();
                self.settings.push(setting);
            }
        }
    }

    fn set(&mut self, path: &[&str], value: String, by: SetBy) {
        let path = owned(path);
        match self.settings.iter_mut().find(|setting| setting.path == path) {
            Some(setting) => (setting.value, setting.by) = (value, by),
            None => self.settings.push(Setting { path, value, by }),
        }
    }
}

fn owned(path: &[&str]) -> Vec<String> {
    path.iter().map(|part| (*part).to_owned()).collect()
}

/// Takes the settings out of a file.
struct Reader<'a> {
    path: &'a std::path::Path,
    text: &'a str,
    settings: &'a mut Vec<Setting>,
}

impl Reader<'_> {
    fn table(&mut self, table: &dyn TableLike, at: &mut Vec<String>) {
        for (key, item) in table.iter() {
            let span = table.get_key_value(key).and_then(|(key, item)| key.span().or_else(|| item.span()));
            let line = span.map_or(1, |span| line_of(self.text, span.start));
            at.push(key.to_owned());
            self.item(item, line, at);
            at.pop();
        }
    }

    fn item(&mut self, item: &Item, line: usize, at: &mut Vec<String>) {
        match item {
            Item::None => {}
            Item::Table(table) => self.table(table, at),
            Item::ArrayOfTables(tables) => {
                for (index, table) in tables.iter().enumerate() {
                    at.push(index.to_string());
                    self.table(table, at);
                    at.pop();
                }
            }
            Item::Value(value) => self.value(value, line, at),
        }
    }

    fn value(&mut self, value: &Value, line: usize, at: &mut Vec<String>) {
        // Written in one line or not, these are tables of keys; elsewhere a table is one value.
        let is_section = at.len() == 1 || at.last().is_some_and(|key| key == "backend");
        match value {
            Value::InlineTable(table) if is_section => self.table(table, at),
            Value::Array(list) if is_section && list.iter().all(Value::is_inline_table) => {
                for (index, table) in list.iter().filter_map(Value::as_inline_table).enumerate() {
                    at.push(index.to_string());
                    self.table(table, at);
                    at.pop();
                }
            }
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Array(_)
            | Value::InlineTable(_) => {
                let by = SetBy::File { path: self.path.to_owned(), line };
                self.settings.push(Setting { path: at.clone(), value: on_one_line(value), by });
            }
        }
    }
}

/// Without the comments and lines that may stand inside.
fn on_one_line(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text.value()),
        Value::Integer(number) => number.value().to_string(),
        Value::Float(number) => number.value().to_string(),
        Value::Boolean(truth) => truth.value().to_string(),
        Value::Datetime(time) => time.value().to_string(),
        Value::Array(list) => in_brackets(list.iter().map(on_one_line)),
        Value::InlineTable(table) => in_braces(table),
    }
}

fn in_brackets(values: impl Iterator<Item = String>) -> String {
    format!("[{}]", values.collect::<Vec<_>>().join(", "))
}

fn in_braces(table: &InlineTable) -> String {
    let pair =
        |(key, value): (&str, &Value)| format!("{} = {}", toml_edit::Key::new(key), on_one_line(value));
    format!("{{ {} }}", table.iter().map(pair).collect::<Vec<_>>().join(", "))
}

/// A variable's value is text, or a list of it.
fn of_read(value: &Read) -> String {
    match value.as_array() {
        Some(list) => in_brackets(list.iter().map(of_read)),
        None => quoted(value.as_str().unwrap_or_default()),
    }
}

/// As TOML writes a text.
#[must_use]
pub fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
