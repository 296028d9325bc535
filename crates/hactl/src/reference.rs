//! What there is to know of each key of hactl.toml: as a manual page and as `docs/configuration.md`, both made from what the
//! keys are read with, so that they cannot say anything else.

use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use hactld::config::{DEFAULT_FILE, Key, Section, sections};

/// As wide as the documentation beside it.
const WIDTH: usize = 120;

const ABOUT: &str = "Environment variables are stronger than the file: `HACTL_PROBE__HOLD=2s` is `hold` in `[probe]`; the keys of \
`[probe]`, `[admin]`, `[web]`, `[state]`, `[events]` and `[exit]` have one. `HACTL_LOG` is how much is logged: `error`, `warn`, `info` (the default), `debug` or `trace`. Flags of `hactl run` are \
stronger than both. A key that is left out has its default. Durations have a unit: `500ms`, `2s`, `1m 30s`, \
`30d`. Mistakes are told with line and column by `hactl config check`; what is in force, and where it was set, by \
`hactl config show --origin --defaults`. `hactl reload` and SIGHUP have the daemon read all of it again; a file with mistakes \
changes nothing.";

const EXAMPLE: &str = "[[instance]]
haproxy = \"/run/haproxy/admin.sock\"

[[instance.backend]]
name = \"socks_back_7891\"";

/// What has to be written comes first.
fn by_interest() -> Vec<Section> {
    let (first, rest): (Vec<Section>, Vec<Section>) = sections()
        .into_iter()
        .partition(|section| section.path.first().is_some_and(|name| name == "instance"));
    first.into_iter().chain(rest).collect()
}

/// hactl.toml(5).
pub(crate) fn manual() -> String {
    let mut page = Roff::new();
    page.control("TH", ["HACTL.TOML", "5", "", &format!("hactl {}", hactld::VERSION), "hactl"]);
    page.control("SH", ["NAME"]);
    page.text([roman("hactl.toml - configuration of hactl")]);
    page.control("SH", ["DESCRIPTION"]);
    page.text([roman("TOML, by default in "), italic(DEFAULT_FILE), roman(". ")]);
    page.text(inlines(ABOUT));
    page.control("PP", []);
    page.text([roman("This is all that has to be written:")]);
    page.control("nf", []);
    page.text([roman(EXAMPLE)]);
    page.control("fi", []);
    for section in by_interest() {
        page.control("SH", [section.heading().as_str()]);
        page.text(inlines(&section.text));
        add_keys(&mut page, &section.keys);
    }
    page.control("SH", ["SEE ALSO"]);
    page.text([bold("hactl"), roman("(1), "), bold("hactld"), roman("(8), "), bold("haproxy"), roman("(1)")]);
    page.render()
}

fn add_keys(page: &mut Roff, keys: &[Key]) {
    for key in keys {
        page.control("TP", []);
        let mut head = vec![bold(key.name.clone()), roman("  ")];
        head.extend(inlines(&facts(key)));
        page.text(head);
        page.text(inlines(&key.text));
        if let Some(example) = &key.example {
            page.control("br", []);
            page.text([roman(format!("Example: {} = {example}", key.name))]);
        }
        if !key.keys.is_empty() {
            page.control("RS", []);
            add_keys(page, &key.keys);
            page.control("RE", []);
        }
    }
}

/// What stands between backticks is bold.
fn inlines(text: &str) -> Vec<Inline> {
    let parts = text.split('`').enumerate();
    parts.map(|(index, part)| if index % 2 == 1 { bold(part) } else { roman(part) }).collect()
}

/// `docs/configuration.md`.
pub(crate) fn markdown() -> String {
    let mut text = format!(
        "# Configuration\n\n<!-- Printed by `hactl config reference`; the texts stand beside the keys, in \
         crates/hactld/src/config. -->\n\n{}\n\n```toml\n{EXAMPLE}\n```\n\n{}\n\n",
        wrapped(
            &format!(
                "Every key of hactl.toml, which is TOML and by default {DEFAULT_FILE}. This is all that has to be written, \
                 and less, where `hactl run` has `--haproxy` and `--backend`:"
            ),
            ""
        ),
        wrapped(
            &format!(
                "{ABOUT} [hactl.toml](../config/hactl.toml) has the same keys as a file to begin with, \
                 [hactl.toml.schema.json](schema/hactl.toml.schema.json) has them for editors, and the manual page \
                 hactl.toml(5) says the same as this page."
            ),
            ""
        ),
    );
    let sections = by_interest();
    for section in &sections {
        let anchor: String = section.path.concat();
        let names: Vec<String> = section.keys.iter().map(|key| format!("`{}`", key.name)).collect();
        text.push_str(&wrapped(
            &format!("- [`{}`](#{anchor}): {}", section.heading(), names.join(", ")),
            "  ",
        ));
        text.push('\n');
    }
    for section in &sections {
        text.push_str(&format!("\n## `{}`\n\n{}\n", section.heading(), wrapped(&linked(&section.text), "")));
        for key in &section.keys {
            text.push_str(&entry(key));
        }
    }
    text
}

/// What is named for who reads it elsewhere is linked for who reads it beside it.
fn linked(text: &str) -> String {
    let link = |text: String, name: &str| text.replace(&format!("docs/{name}"), &format!("[{name}]({name})"));
    ["haproxy.md", "operations.md"].into_iter().fold(text.to_owned(), link)
}

fn entry(key: &Key) -> String {
    let mut text = format!(
        "\n### `{}`\n\n{}\n\n{}\n",
        key.name,
        wrapped(&facts(key), ""),
        wrapped(&linked(&key.text), "")
    );
    if let Some(example) = &key.example {
        text.push_str(&format!("\nExample: `{} = {example}`\n", key.name));
    }
    if !key.keys.is_empty() {
        text.push_str("\nKeys of that table:\n\n");
    }
    for inner in &key.keys {
        let line = format!("- `{}` ({}): {}", inner.name, facts(inner), inner.text);
        text.push_str(&format!("{}\n", wrapped(&line, "  ")));
    }
    text
}

/// What may be written there, and what holds where nothing is.
fn facts(key: &Key) -> String {
    let quoted: Vec<String> = key.words.iter().map(|word| format!("`\"{word}\"`")).collect();
    let kind = match quoted.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        Some(_) | None => key.kind.clone(),
    };
    match &key.default {
        Some(default) => format!("{kind}; default `{default}`"),
        None if key.is_required => format!("{kind}; required"),
        None => kind,
    }
}

/// Lines behind the first begin with `indent`.
fn wrapped(text: &str, indent: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let fits = |line: &String| line.is_empty() || line.len() + 1 + word.len() <= WIDTH;
        match lines.last_mut().filter(|line| fits(line)) {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) => line.push_str(&format!(" {word}")),
            None => lines.push(format!("{indent}{word}")),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_page_has_each_key_with_its_default() {
        let text = manual();
        for section in sections() {
            for key in section.keys.iter().flat_map(|key| [key].into_iter().chain(&key.keys)) {
                assert!(text.contains(&format!("\\fB{}\\fR", key.name.replace('-', "\\-"))), "{}", key.name);
            }
        }
        assert!(text.contains("duration; default \\fB\"3s\"\\fR"), "{text}");
    }

    #[test]
    fn the_reference_has_each_key_and_no_line_is_too_long_for_a_person() {
        let text = markdown();
        for section in sections() {
            assert!(text.contains(&format!("\n## `{}`\n", section.heading())));
            for key in section.keys {
                assert!(text.contains(&format!("\n### `{}`\n", key.name)), "{}", key.name);
            }
        }
        let long = text.lines().find(|line| line.len() > WIDTH && !line.starts_with("Example: "));
        assert_eq!(long, None);
    }
}
