//! The effective configuration as TOML that hactl reads again. No password is in it: those stand in files of their own.

use super::duration::written;
use super::keys::{Key, Section, sections};
use super::origins::quoted;
use super::{Config, Lever, SetBy, Setting};

/// What is shown beside the values that somebody has set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShowOptions {
    /// Where each was set.
    pub origin: bool,
    /// What nobody has set, too.
    pub defaults: bool,
}

/// What hactl would run with.
#[must_use]
pub fn show(config: &Config, options: ShowOptions) -> String {
    let mut shown = Shown { config, options, text: String::new() };
    let sections = sections();
    for section in sections.iter().filter(|section| section.path.len() == 1) {
        shown.section(section, &sections, &[]);
    }
    shown.text
}

struct Shown<'a> {
    config: &'a Config,
    options: ShowOptions,
    text: String,
}

impl Shown<'_> {
    /// The section in the table at `within`, with those inside it.
    fn section(&mut self, section: &Section, sections: &[Section], within: &[String]) {
        let mut path = within.to_vec();
        path.extend(section.path.last().cloned());
        let at: Vec<&str> = path.iter().map(String::as_str).collect();
        if self.config.origins.setting(&at).is_some() {
            // Written on one line, it is a value in the table around it.
            return;
        }
        if !section.is_list {
            return self.table(section, sections, &path);
        }
        for index in 0..self.config.origins.count(&at) {
            let mut path = path.clone();
            path.push(index.to_string());
            self.table(section, sections, &path);
        }
    }

    fn table(&mut self, section: &Section, sections: &[Section], path: &[String]) {
        let is_inner = |inner: &&Section| {
            inner.path.len() == section.path.len() + 1 && inner.path.starts_with(&section.path)
        };
        let mut lines = String::new();
        for key in &section.keys {
            lines.push_str(&self.line(&key.name, path, || self.default(section, key, path)));
        }
        for name in sections.iter().filter(is_inner).filter_map(|inner| inner.path.last()) {
            lines.push_str(&self.line(name, path, || None));
        }
        // A list's table is there although nothing is said in it.
        if !lines.is_empty() || section.is_list {
            if !self.text.is_empty() {
                self.text.push('\n');
            }
            self.text.push_str(&format!("{}\n{lines}", section.heading()));
        }
        for inner in sections.iter().filter(is_inner) {
            self.section(inner, sections, path);
        }
    }

    /// The key `name` of the table at `path`; empty where it is not to be shown.
    fn line(&self, name: &str, path: &[String], default: impl FnOnce() -> Option<String>) -> String {
        let at: Vec<&str> = path.iter().map(String::as_str).chain([name]).collect();
        let set = self.config.origins.setting(&at).map(|Setting { value, by, .. }| (value.clone(), by));
        let shown = match set {
            None if self.options.defaults => default().map(|value| (value, &SetBy::Default)),
            set => set,
        };
        let Some((value, by)) = shown else { return String::new() };
        let origin = if self.options.origin { format!("  # {by}") } else { String::new() };
        format!("{name} = {value}{origin}\n")
    }

    fn default(&self, section: &Section, key: &Key, path: &[String]) -> Option<String> {
        let section: Vec<&str> = section.path.iter().map(String::as_str).collect();
        let cadence = self.config.probe.cadence();
        match (section.as_slice(), key.name.as_str()) {
            (["probe"], "canary") => Some(quoted(&written(cadence.canary))),
            (["probe"], "interval") => Some(quoted(&written(cadence.full))),
            // It goes with that lever alone.
            (["instance"], "agent") if !self.has_agent(path) => None,
            // That table is a wish to ask.
            (["exit"], _) if self.config.exit.is_none() => None,
            _ => key.default.clone(),
        }
    }

    fn has_agent(&self, path: &[String]) -> bool {
        let index = path.last().and_then(|index| index.parse::<usize>().ok());
        let instance = index.and_then(|index| self.config.instances.get(index));
        instance.is_some_and(|instance| matches!(instance.lever, Lever::Agent(_)))
    }
}
