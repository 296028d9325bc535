//! What was typed, before clap reads it and where it cannot: options before a command, `hactl help`, the name hactld; and
//! mistakes in the words of all other errors. Knows no command by name but `status` and `run`.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::error::ErrorKind;
use clap::{Arg, Command};

use crate::report::Report;

/// What is meant where no command is named.
const WITHOUT_COMMAND: &str = "status";

/// As clap takes it: the command, then its words, then the options that were typed before it. Without a command it is
/// `hactl status`, by the name hactld `hactl run`.
pub(crate) fn arguments(given: impl Iterator<Item = OsString>, cli: &Command) -> Vec<OsString> {
    let mut given = given;
    let program = given.next().unwrap_or_else(|| "hactl".into());
    let mut typed: Vec<OsString> = given.collect();
    if Path::new(&program).file_name().is_some_and(|name| name == "hactld") {
        typed.insert(0, "run".into());
    }
    let ordered =
        if typed.first().is_some_and(|word| is_about_all(word)) { typed } else { ordered(typed, cli) };
    std::iter::once(program).chain(ordered).collect()
}

/// Of the program, not of a command.
fn is_about_all(word: &OsStr) -> bool {
    ["-h", "--help", "-V", "--version"].into_iter().any(|option| word == option)
}

fn ordered(mut typed: Vec<OsString>, cli: &Command) -> Vec<OsString> {
    let before: Vec<OsString> = typed.drain(..leading(&typed, cli)).collect();
    if typed.first().is_some_and(|word| word == "help") {
        typed.remove(0);
        return typed.into_iter().chain(["--help".into()]).collect();
    }
    // What no command has is told of the one that it was meant for.
    let is_unknown =
        |word: &OsString| word.to_str().is_some_and(|word| long(word, cli).is_some_and(|arg| arg.is_none()));
    if typed.is_empty() || before.iter().any(is_unknown) {
        return std::iter::once(WITHOUT_COMMAND.into()).chain(before).chain(typed).collect();
    }
    // Behind `--` nothing is an option.
    let end = typed.iter().position(|word| word == "--").unwrap_or(typed.len());
    typed.splice(end..end, before);
    typed
}

/// How many words are options before the command, with their values.
fn leading(typed: &[OsString], cli: &Command) -> usize {
    let mut count = 0;
    while let Some(word) = typed.get(count).and_then(|word| word.to_str()) {
        if !word.starts_with('-') || word == "-" || word == "--" {
            break;
        }
        count += 1 + usize::from(wants_next(word, cli));
    }
    count.min(typed.len())
}

/// Whether the word behind this option is its value. A long option means the same in all commands that have it; a short
/// one is that of `hactl status`.
fn wants_next(word: &str, cli: &Command) -> bool {
    let takes = |arg: &Arg| arg.get_action().takes_values() && !arg.is_require_equals_set();
    if let Some(found) = long(word, cli) {
        return !word.contains('=') && found.is_some_and(takes);
    }
    let status = cli.find_subcommand(WITHOUT_COMMAND);
    let of_status = |short: char| status?.get_arguments().find(|arg| arg.get_short() == Some(short));
    let mut letters = word.chars().skip(1);
    // Of several letters in one word, what follows the one with a value is that value.
    let valued = letters.find(|letter| of_status(*letter).is_some_and(takes));
    valued.is_some() && letters.next().is_none()
}

/// The option that a long one is, with or without its value, and nothing where no command has it; `None` of a short one.
fn long<'a>(word: &str, cli: &'a Command) -> Option<Option<&'a Arg>> {
    let name = word.strip_prefix("--")?;
    let name = name.split('=').next().unwrap_or_default();
    let mut all = cli.get_arguments().chain(cli.get_subcommands().flat_map(Command::get_arguments));
    Some(all.find(|arg| arg.get_long() == Some(name)))
}

/// Programs are to get a document of this mistake too: `-o json` was typed, in any of its forms.
pub(crate) fn wants_json(typed: &[OsString]) -> bool {
    let words: Vec<&str> = typed.iter().filter_map(|word| word.to_str()).collect();
    let apart = words.windows(2).any(|two| matches!(two, ["-o" | "--output", "json"]));
    apart || words.iter().any(|word| matches!(*word, "-ojson" | "-o=json" | "--output=json"))
}

/// What is wrong with what was typed, as all other errors are told.
pub(crate) fn mistake(error: &clap::Error, typed: &[OsString], cli: &Command) -> Report {
    let rendered = error.render().to_string();
    let mut what = String::new();
    let (mut why, mut tips) = (None, Vec::new());
    for line in rendered.lines().take_while(|line| !line.starts_with("Usage:")) {
        let line = line.trim();
        if let Some(values) = line.strip_prefix("[possible values: ").and_then(|line| line.strip_suffix(']'))
        {
            why = Some(format!("it takes {values}"));
        } else if let Some(tip) = line.strip_prefix("tip: ") {
            tips.push(tip.to_owned());
        } else if !line.is_empty() && !line.starts_with("For more information") {
            let gap = if what.is_empty() { "" } else { " " };
            what.push_str(gap);
            what.push_str(line.strip_prefix("error: ").unwrap_or(line));
        }
    }
    let help = help_of(typed, cli);
    let is_interval =
        |word: &&OsString| word.to_str().is_some_and(|word| hactld::config::parse_timeout(word).is_ok());
    if error.kind() == ErrorKind::InvalidSubcommand && typed.get(1).filter(is_interval).is_some() {
        tips.push("an interval follows -w without a space: hactl status -w=2s".to_owned());
    }
    let next =
        if tips.is_empty() { format!("see `{help}`") } else { format!("{}; see `{help}`", tips.join("; ")) };
    Report { why, ..Report::new(what) }.next(next)
}

/// What helps with the command that was typed: `hactl config show --help`.
fn help_of(typed: &[OsString], cli: &Command) -> String {
    let (mut command, mut names) = (cli, vec!["hactl"]);
    for word in typed.iter().skip(1) {
        let Some(below) = word.to_str().and_then(|word| command.find_subcommand(word)) else { break };
        names.push(below.get_name());
        command = below;
    }
    format!("{} --help", names.join(" "))
}

#[cfg(test)]
mod tests;
