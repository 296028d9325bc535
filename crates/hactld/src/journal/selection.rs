//! Which events somebody wants: what can be asked for, and what an event has to be for it.

use failover::Event;
use jiff::Timestamp;

use super::Entry;
use super::note::NOTE_KINDS;

/// A pattern for names of servers; they have at most some hundred characters.
const PATTERN_MAX: usize = 200;

/// What is wanted of the events. By default all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// Empty for all.
    kinds: Vec<String>,
    server: Option<String>,
    /// Nothing from before.
    pub(crate) since: Option<Timestamp>,
}

impl Selection {
    /// Reads `kinds`, with commas between them, and `server`, which is a name or `BACKEND/SERVER` with `*` for any text and
    /// `?` for any character.
    ///
    /// # Errors
    /// What cannot be asked for, in words.
    pub(crate) fn read(
        kinds: Option<&str>,
        server: Option<&str>,
        since: Option<Timestamp>,
    ) -> Result<Self, String> {
        let kinds: Vec<String> = kinds
            .map(|kinds| kinds.split(',').map(str::trim).map(str::to_owned).collect())
            .unwrap_or_default();
        for kind in &kinds {
            check_kind(kind)?;
        }
        if server.is_some_and(|server| server.len() > PATTERN_MAX) {
            return Err(format!("the pattern for servers has more than {PATTERN_MAX} bytes"));
        }
        Ok(Self { kinds, server: server.map(str::to_owned), since })
    }

    pub(crate) fn has(&self, entry: &Entry) -> bool {
        let of_kind = self.kinds.is_empty() || self.kinds.contains(&entry.kind);
        of_kind
            && self.since.is_none_or(|since| entry.at >= since)
            && self.server.as_deref().is_none_or(|pattern| is_about(pattern, entry))
    }
}

/// All kinds of events that there are.
#[must_use]
pub fn kinds() -> Vec<&'static str> {
    Event::KINDS.into_iter().chain(NOTE_KINDS).collect()
}

/// That there is such a kind of event.
///
/// # Errors
/// Which there are, or which one was probably meant.
pub(crate) fn check_kind(kind: &str) -> Result<(), String> {
    let known = kinds();
    if known.contains(&kind) {
        return Ok(());
    }
    match crate::config::closest(kind, &known) {
        Some(meant) => Err(format!("there are no events of kind `{kind}`; did you mean `{meant}`?")),
        None => Err(format!("there are no events of kind `{kind}`; known: {}", known.join(", "))),
    }
}

/// What has no server is about none.
fn is_about(pattern: &str, entry: &Entry) -> bool {
    let Some(server) = entry.server.as_deref() else { return false };
    match (&entry.backend, pattern.contains('/')) {
        (Some(backend), true) => fits(pattern, &format!("{backend}/{server}")),
        (_, _) => fits(pattern, server),
    }
}

/// Whether all of `text` is as `pattern` has it. Takes the product of their lengths at most.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut here, mut at) = (0, 0);
    // The last star, and up to where it was taken to reach: what does not fit behind it makes it one longer.
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(here) {
            Some('*') => {
                star = Some((here, at));
                here += 1;
            }
            Some(one) if *one == '?' || *one == text[at] => {
                here += 1;
                at += 1;
            }
            Some(_) | None => {
                let Some((begin, reach)) = star else { return false };
                star = Some((begin, reach + 1));
                (here, at) = (begin + 1, reach + 1);
            }
        }
    }
    pattern[here..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_stands_for_whole_names() {
        for (pattern, text, expected) in [
            ("wg1", "wg1", true),
            ("wg1", "wg11", false),
            ("wg?", "wg1", true),
            ("wg?", "wg", false),
            ("*", "", true),
            ("w*1*", "wg1", true),
            ("*g*g1", "wgg1", true),
            ("a*b*c", "aXbXbX", false),
            ("", "x", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
        let slow = "*a".repeat(60);
        assert!(!fits(&slow, &"a".repeat(59)), "it ends soon all the same");
    }

    #[test]
    fn an_unknown_kind_is_told_with_the_one_that_was_meant() {
        let error = |kinds| Selection::read(Some(kinds), None, None).unwrap_err();
        assert_eq!(
            error("health,blackot"),
            "there are no events of kind `blackot`; did you mean `blackout`?"
        );
        assert!(error("zzz").starts_with("there are no events of kind `zzz`; known: health, in_service, "));
        assert!(error("").starts_with("there are no events of kind ``"));
    }
}
