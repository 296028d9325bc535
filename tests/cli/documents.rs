//! The code blocks of README.md and of the documentation: where each stands and what it says of itself, and that what is
//! written there as configuration is one. Commands are run in `transcripts`.

use std::fs;
use std::path::{Path, PathBuf};

use e2e::{Ca, Haproxy, command};

use super::beside::HACTL;

/// What a block can be, and how each is held to the truth.
const KINDS: [(&str, &str); 5] = [
    ("console", "commands and what they print; both are compared with the real thing"),
    ("sh", "commands; they are run"),
    ("toml", "hactl's configuration; it is checked"),
    ("haproxy", "HAProxy's configuration; it is checked"),
    ("text", "anything else; it is not looked at"),
];

/// Of a block that is indented in place of being fenced.
const INDENTED: &str = "(indented)";

/// What completes a part of hactl's configuration.
const INSTANCE: &str = "
[[instance]]
haproxy = \"/run/haproxy/admin.sock\"
[[instance.backend]]
name = \"socks_back_7891\"
";

/// What completes a part of HAProxy's: without a listener it has nothing to do.
const LISTENER: &str = "
    mode tcp
    timeout connect 1s
    timeout client 1s
    timeout server 1s
frontend front
    bind 127.0.0.1:7891
    default_backend back
backend back
";

pub(super) struct Block {
    /// The file and the line.
    pub(super) at: String,
    pub(super) kind: String,
    pub(super) text: String,
}

#[test]
fn every_code_block_says_what_it_is() {
    let known = |block: &Block| KINDS.iter().any(|(kind, _)| *kind == block.kind);
    let unknown: Vec<String> = all()
        .iter()
        .filter(|block| !known(block))
        .map(|block| format!("{} is {:?}", block.at, block.kind))
        .collect();
    let kinds = KINDS.map(|(kind, what)| format!("  ```{kind}: {what}")).join("\n");
    assert!(
        unknown.is_empty(),
        "these code blocks do not say what they are: {unknown:#?}\nWrite one of\n{kinds}"
    );
}

#[tokio::test]
async fn what_is_shown_of_hactls_configuration_is_accepted_with_what_is_commented_out_too() {
    let (ca, dir) = (Ca::new(), tempfile::tempdir().expect("the directory for temporary files is writable"));
    let (file, password) = (dir.path().join("hactl.toml"), dir.path().join("password"));
    fs::write(&password, "secret\n").expect("a new directory is writable");
    for block in blocks("toml") {
        let rest = if block.text.contains("[[instance]]") { "" } else { INSTANCE };
        for text in [block.text.clone(), uncommented(&block.text)] {
            let text = text
                .replace("/etc/hactl/ca.pem", &ca.file().display().to_string())
                .replace("/etc/hactl/password", &password.display().to_string())
                // Programs are looked for.
                .replace("/usr/local/bin/tell-me", "/bin/true");
            fs::write(&file, text + rest).expect("it is ours");
            let ran = command::run(HACTL, &["config", "check", &file.display().to_string()]).await;
            assert_eq!(ran.code, Some(0), "{}:\n{}", block.at, ran.stderr);
        }
    }
}

#[tokio::test]
async fn what_is_shown_of_haproxys_configuration_is_accepted() {
    let dir = tempfile::tempdir().expect("the directory for temporary files is writable");
    let file = dir.path().join("haproxy.cfg");
    let haproxy = Haproxy::binary().unwrap_or_else(|missing| panic!("{missing}"));
    for block in blocks("haproxy") {
        let (before, inside) =
            if block.text.starts_with("server ") { ("", &*block.text) } else { (&*block.text, "") };
        let defaults = if before.contains("\ndefaults\n") { "" } else { "\ndefaults" };
        let server = "    server other 127.0.0.1:18189\n";
        fs::write(&file, format!("{before}{defaults}{LISTENER}{server}{inside}\n")).expect("it is ours");
        let ran = command::run(&haproxy, &["-c", "-f", &file.display().to_string()]).await;
        assert_eq!(ran.code, Some(0), "{}:\n{}{}", block.at, ran.stdout, ran.stderr);
    }
}

#[test]
fn every_link_within_the_repository_leads_somewhere() {
    let mut broken = Vec::new();
    for (name, text) in files() {
        let file = top().join(&name);
        let links = text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
        for link in links.filter(|link| !link.contains("://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let there = if path.is_empty() { file.clone() } else { file.with_file_name("").join(path) };
            let has_anchor =
                || fs::read_to_string(&there).is_ok_and(|text| anchors(&text).any(|one| one == anchor));
            if !there.exists() || !anchor.is_empty() && !has_anchor() {
                broken.push(format!("{name}: {link}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// What a heading can be linked by: GitHub leaves out what is neither letter, digit, space, `-` nor `_`.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    let kept = |character: &char| character.is_alphanumeric() || " -_".contains(*character);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(move |line| {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        heading.chars().filter(kept).collect::<String>().replace(' ', "-")
    })
}

/// Those of this kind, in the order in which they are read.
pub(super) fn blocks(kind: &str) -> Vec<Block> {
    all().into_iter().filter(|block| block.kind == kind).collect()
}

fn all() -> Vec<Block> {
    files().iter().flat_map(|(name, text)| of(name, text)).collect()
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The README and the documentation, by name.
fn files() -> Vec<(String, String)> {
    let docs = fs::read_dir(top().join("docs")).expect("it is in the repository");
    let docs = docs.map(|entry| entry.expect("it can be read").file_name());
    let docs = docs.filter_map(|name| name.into_string().ok()).filter(|name| name.ends_with(".md"));
    let mut files: Vec<String> = docs.map(|name| format!("docs/{name}")).collect();
    files.sort();
    files.insert(0, "README.md".to_owned());
    let read = |name: String| {
        let text = fs::read_to_string(top().join(&name)).expect("it is in the repository");
        (name, text)
    };
    files.into_iter().map(read).collect()
}

fn of(name: &str, text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    let mut last = "";
    for (index, line) in text.lines().enumerate() {
        let begun = |kind: &str| Block {
            at: format!("{name}:{}", index + 1),
            kind: kind.to_owned(),
            text: String::new(),
        };
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (None, Some(kind)) => open = Some(begun(kind)),
            (Some(_), Some("")) => blocks.extend(open.take()),
            (Some(block), _) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) if line.starts_with("    ") && last.is_empty() => blocks.push(begun(INDENTED)),
            (None, None) => {}
        }
        last = line;
    }
    assert!(open.is_none(), "{name}: the last code block has no end");
    blocks
}

/// With every `# key = value` in force.
fn uncommented(text: &str) -> String {
    let key = |line: &str| line.strip_prefix("# ")?.split_once('=').map(|(key, _)| key.trim().to_owned());
    let in_force = |line: &str| key(line).is_some_and(|key| !key.contains(' '));
    text.lines().map(|line| if in_force(line) { &line[2..] } else { line }).collect::<Vec<_>>().join("\n")
}
