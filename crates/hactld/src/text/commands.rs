//! Commands that stand in texts to be copied: where hactl's own socket is not the usual one, they have to name it.

use std::path::Path;

/// The commands that ask the daemon.
pub const ASKING: [&str; 18] = [
    "auto", "check", "doctor", "drain", "events", "exits", "explain", "failback", "maint", "pause", "pin",
    "raw", "ready", "reload", "resume", "status", "top", "wait",
];

/// What a command begins with.
const NAME: &str = "hactl ";

/// The text, with `--socket SOCKET` in each of its commands that asks there. A command stands where a line begins, or behind
/// a backtick or a colon. Those that name a socket already and those that ask for help alone stay as they are.
#[must_use]
pub fn at_socket(text: &str, socket: &Path) -> String {
    let option = format!(" --socket {}", word(&socket.display().to_string()));
    let mut told = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(NAME) {
        let (before, command) = rest.split_at(at);
        told.push_str(before);
        let is_command = begins(&told);
        let (verb, behind) = taken_apart(command);
        told.push_str(&command[..command.len() - behind.len()]);
        let to_end = behind.split(['`', '\n']).next().unwrap_or_default();
        let is_whole = ["--socket", "--help"].iter().any(|option| to_end.contains(option));
        if is_command && ASKING.contains(&verb) && !is_whole {
            told.push_str(&option);
        }
        rest = behind;
    }
    told.push_str(rest);
    told
}

/// A command may begin behind this.
fn begins(before: &str) -> bool {
    let before = before.strip_suffix("sudo ").unwrap_or(before);
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.trim_start().is_empty() || line.ends_with('`') || line.ends_with(": ")
}

/// The word behind the name, and what follows it.
fn taken_apart(command: &str) -> (&str, &str) {
    let behind = &command[NAME.len()..];
    let end = behind.find(|character: char| !character.is_ascii_lowercase()).unwrap_or(behind.len());
    behind.split_at(end)
}

/// One word for a shell.
#[must_use]
pub fn word(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "_.:/-".contains(character);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_name_the_socket_and_prose_does_not() {
        let told = |text: &str| at_socket(text, Path::new("/run/h.sock"));
        for (text, expected) in [
            ("hactl explain b/wg1", "hactl explain --socket /run/h.sock b/wg1"),
            ("hactl check -v b/wg1", "hactl check --socket /run/h.sock -v b/wg1"),
            ("next: hactl status", "next: hactl status --socket /run/h.sock"),
            (
                "`hactl auto b/wg1` first, or `hactl status`",
                "`hactl auto --socket /run/h.sock b/wg1` first, or `hactl status --socket /run/h.sock`",
            ),
            ("x\n  hactl reload, once", "x\n  hactl reload --socket /run/h.sock, once"),
            ("sudo hactl doctor", "sudo hactl doctor --socket /run/h.sock"),
        ] {
            assert_eq!(told(text), expected);
            assert_eq!(told(expected), expected, "it is named once");
        }
        for text in [
            "hactl does not run",
            "start it with `hactl run`",
            "hactl simulate FILE",
            "see `hactl events --help`",
            "what hactl status means",
            "hactl",
            "hactl ",
        ] {
            assert_eq!(told(text), text);
        }
        let odd = at_socket("hactl status", Path::new("/a b/h.sock"));
        assert_eq!(odd, "hactl status --socket '/a b/h.sock'");
    }
}
