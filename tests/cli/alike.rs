//! Whether what is printed is what was written down, but for numbers, times and what is left out by `...`.

/// Stands for any lines.
const ELISION: &str = "...";

/// Stands for any number.
const NUMBER: &str = "#";

/// What the last probes are drawn with.
const BARS: &str = "▁▂▃▄▅▆▇█✕·";

/// What may follow a number.
const UNITS: [&str; 5] = ["ms", "s", "min", "h", "d"];

/// The first line of `written` that is not there, with all that is; `Ok` where they are alike.
pub(super) fn alike(written: &str, printed: &str) -> Result<(), String> {
    let (written, printed) = (lines(written), lines(printed));
    if matches(&written, &printed) {
        return Ok(());
    }
    Err(format!("written down, without numbers:\n{}\n\nprinted:\n{}", written.join("\n"), printed.join("\n")))
}

fn matches(written: &[String], printed: &[String]) -> bool {
    match written.split_first() {
        None => printed.is_empty(),
        Some((line, rest)) if line == ELISION => {
            (0..=printed.len()).any(|left| matches(rest, &printed[left..]))
        }
        Some((line, rest)) => {
            printed.split_first().is_some_and(|(first, others)| first == line && matches(rest, others))
        }
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(plain).filter(|line| !line.is_empty()).collect()
}

/// Without numbers and the width of columns.
fn plain(line: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        let last = words.last().map_or("", String::as_str);
        let is_drawn = word.chars().all(|character| BARS.contains(character));
        // HAProxy's versions have letters in them.
        let is_version = last == "HAProxy" && word.starts_with(|first: char| first.is_ascii_digit());
        let word = if is_drawn || is_version { NUMBER.to_owned() } else { without_numbers(word) };
        let unit = word.trim_end_matches([',', ')', ';', ':']);
        if last.ends_with(NUMBER) && UNITS.contains(&unit) {
            let behind = word[unit.len()..].to_owned();
            words.last_mut().expect("it was looked at").push_str(&behind);
        } else if last.ends_with(NUMBER) && unit.ends_with('s') {
            // One of them, or several.
            words.push(word.replacen(unit, unit.trim_end_matches('s'), 1));
        } else {
            words.push(word);
        }
    }
    words.join(" ")
}

/// Digits behind a letter are part of a name.
fn without_numbers(word: &str) -> String {
    let core = word.trim_matches(|character: char| !character.is_ascii_alphanumeric());
    let is_span = |character: char| character.is_ascii_digit() || "dhms.:-TZ".contains(character);
    if core.starts_with(|first: char| first.is_ascii_digit()) && core.chars().all(is_span) {
        let signed = word.replacen(core, NUMBER, 1);
        return signed.trim_start_matches(['+', '-']).to_owned();
    }
    let mut plain = String::new();
    let mut in_name = false;
    for character in word.chars() {
        let counts = character.is_ascii_digit() && !in_name;
        let goes_on = plain.ends_with(NUMBER) && ".:".contains(character);
        if !counts && !goes_on {
            plain.push(character);
        } else if !plain.ends_with(NUMBER) {
            plain.push_str(NUMBER);
        }
        in_name =
            character.is_ascii_alphabetic() || character == '_' || in_name && character.is_ascii_digit();
    }
    plain
}

#[test]
fn numbers_and_times_do_not_count_and_names_do() {
    for (written, printed) in [
        ("a is online (54 ms)", "a is  online (1.2 s)"),
        ("3162 inputs in 1m14s", "7 inputs in 12s"),
        ("+0.114 s  -0.001 s", "+10 s  +0.2 s"),
        ("at 2026-11-25T18:59:45.163Z on", "at 2027-01-05T08:00:00.000Z on"),
        ("1 error, 16 ok", "2 errors, 1 ok"),
        ("hold = \"2s\"  # hactl.toml:3", "hold = \"1500ms\" # hactl.toml:12"),
        ("connect to 127.0.0.1:41891: no reply", "connect to 127.0.0.1:1: no reply"),
        ("HAProxy 2.6.12-1+deb12u4 at", "HAProxy 2.8.1 at"),
        ("a\n...\nd", "a\nb\nc\nd"),
        ("18181,degraded,N/A", "40001,degraded,N/A"),
        ("48ms  ▁▁▁✕✕  3d4h", "1.2ms  ▂  2s"),
    ] {
        assert_eq!(alike(written, printed), Ok(()));
    }
    for (written, printed) in [
        ("wg1 is online", "wg2 is online"),
        ("b_7891 now", "b_7892 now"),
        ("18181,degraded,N/A", "18181,online,48"),
        ("a\nb", "a"),
        ("a", "a\nb"),
        ("D03 level", "D04 level"),
    ] {
        assert!(alike(written, printed).is_err(), "{written} {printed}");
    }
}
