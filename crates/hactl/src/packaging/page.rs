//! The manual page of a command: its synopsis with all values, and what its help says behind the options, as sections that
//! a formatter may fill to any width. What a help text says is not decided here.

use std::io;

use clap::{Arg, ArgAction, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

/// The whole page.
pub(super) fn render(man: &Man, command: &Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    let mut synopsis = Roff::new();
    synopsis.control("SH", ["SYNOPSIS"]);
    synopsis.text(of_synopsis(command));
    synopsis.to_writer(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.get_subcommands().any(|below| !below.is_hide_set()) {
        man.render_subcommands_section(&mut page)?;
    }
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    sections(&help).to_writer(&mut page)?;
    man.render_version_section(&mut page)?;
    Ok(page)
}

fn of_synopsis(command: &Command) -> Vec<Inline> {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let mut words = vec![bold(name.to_owned())];
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        words.push(roman(" "));
        words.extend(of_arg(arg));
    }
    if command.has_subcommands() {
        words.extend([roman(" "), italic("COMMAND"), roman(" ...")]);
    }
    words
}

/// `[-o|--output FORMAT]`, `[--url URL]...`, `UPSTREAM...`.
fn of_arg(arg: &Arg) -> Vec<Inline> {
    let values = arg.get_value_names().unwrap_or_default();
    let value = values.iter().map(clap::builder::Str::as_str).collect::<Vec<_>>().join(" ");
    let mut words = Vec::new();
    if !arg.is_required_set() {
        words.push(roman("["));
    }
    let names =
        [arg.get_short().map(|short| format!("-{short}")), arg.get_long().map(|long| format!("--{long}"))];
    if !arg.is_positional() {
        words.push(bold(names.into_iter().flatten().collect::<Vec<_>>().join("|")));
    }
    if arg.get_action().takes_values() {
        let is_optional =
            arg.get_num_args().is_some_and(|count| count.min_values() == 0) && !arg.is_positional();
        match (arg.is_positional(), is_optional) {
            (true, _) => words.push(italic(value)),
            (false, true) => words.extend([roman("[="), italic(value), roman("]")]),
            (false, false) => words.extend([roman(" "), italic(value)]),
        }
    }
    if !arg.is_required_set() {
        words.push(roman("]"));
    }
    if matches!(arg.get_action(), ArgAction::Append) {
        words.push(roman("..."));
    }
    words
}

/// A help text's paragraphs, each under the heading that it belongs to.
fn sections(help: &str) -> Roff {
    let mut roff = Roff::new();
    let mut under = "";
    for paragraph in help.split("\n\n").map(|paragraph| paragraph.trim_matches('\n')) {
        let (first, rest) = paragraph.split_once('\n').unwrap_or((paragraph, ""));
        let (heading, body) = if first.starts_with("Examples") {
            ("EXAMPLES", rest)
        } else if first.starts_with("Exit codes") || first.starts_with("Of all commands") {
            ("EXIT STATUS", rest)
        } else {
            ("NOTES", paragraph)
        };
        if paragraph.is_empty() {
            continue;
        }
        if heading == under {
            roff.control("PP", []);
        } else {
            roff.control("SH", [heading]);
            under = heading;
        }
        match heading {
            "EXIT STATUS" => {
                // What it is of stands in the heading of a help text.
                if first.contains(' ') && !matches!(first, "Exit codes:") {
                    roff.text([roman(first)]);
                }
                codes(body, &mut roff);
            }
            _ => flowing(body, &mut roff),
        }
    }
    roff
}

/// Lines that are set in are shown as they are, all others are filled.
fn flowing(body: &str, roff: &mut Roff) {
    let lines: Vec<&str> = body.lines().collect();
    for block in lines.chunk_by(|one, other| one.starts_with("  ") == other.starts_with("  ")) {
        if block.iter().all(|line| line.starts_with("  ")) {
            roff.control("nf", []);
            roff.text([roman(block.iter().map(|line| &line[2..]).collect::<Vec<_>>().join("\n"))]);
            roff.control("fi", []);
        } else {
            roff.text([roman(block.join(" "))]);
        }
    }
}

/// Each code with its meaning; in a help text several stand on a line.
fn codes(body: &str, roff: &mut Roff) {
    let mut items: Vec<(String, String)> = Vec::new();
    for part in
        body.lines().flat_map(|line| line.split("    ")).map(str::trim).filter(|part| !part.is_empty())
    {
        match part.split_once("  ").filter(|(code, _)| code.bytes().all(|byte| byte.is_ascii_digit())) {
            Some((code, meaning)) => items.push((code.to_owned(), meaning.trim().to_owned())),
            None => {
                if let Some((_, meaning)) = items.last_mut() {
                    meaning.push_str(&format!(" {part}"));
                }
            }
        }
    }
    for (code, meaning) in items {
        roff.control("TP", ["5"]);
        roff.text([bold(code)]);
        roff.text([roman(meaning)]);
    }
}
