//! What is wrong with a configuration, in the form `what`, `why`, `next`, at its place.

use std::fmt::{self, Display, Formatter};
use std::ops::Range;
use std::path::PathBuf;

use unicode_width::UnicodeWidthStr;

use crate::text::Shown;

/// A longer line is not quoted: nobody finds anything in it.
const QUOTED_MAX: usize = 300;

/// Where a problem stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the file.
    File {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// The line's text.
        text: String,
        /// Which bytes of it are meant, on boundaries of characters.
        marked: Range<usize>,
    },
    /// In the file, nowhere in particular: something is not there.
    WholeFile(PathBuf),
    /// In an environment variable.
    Variable(String),
    /// In a flag.
    Flag(&'static str),
    /// In none of them.
    Nowhere,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    place: Place,
    what: String,
    hint: Option<String>,
    why: Option<String>,
    next: Option<String>,
}

impl Problem {
    pub(super) const fn new(what: String) -> Self {
        Self { place: Place::Nowhere, what, hint: None, why: None, next: None }
    }

    pub(super) fn at(self, place: Place) -> Self {
        Self { place, ..self }
    }

    /// What is printed beside the caret.
    pub(super) fn hint(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }

    pub(super) fn because(self, why: String) -> Self {
        Self { why: Some(why), ..self }
    }

    pub(super) fn next(self, next: String) -> Self {
        Self { next: Some(next), ..self }
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let what = Shown(&self.what);
        match &self.place {
            Place::File { path, line, text, marked } => {
                let column = text[..marked.start].chars().count() + 1;
                write!(f, "{}:{line}:{column}: {what}", Shown(&path.display().to_string()))?;
                self.quoted(f, &line.to_string(), text, marked)?;
            }
            Place::WholeFile(path) => {
                write!(f, "{}: {what}", Shown(&path.display().to_string()))?;
                self.plain_hint(f)?;
            }
            Place::Variable(name) => {
                write!(f, "environment variable {name}: {what}")?;
                self.plain_hint(f)?;
            }
            Place::Flag(flag) => {
                write!(f, "{flag}: {what}")?;
                self.plain_hint(f)?;
            }
            Place::Nowhere => {
                write!(f, "{what}")?;
                self.plain_hint(f)?;
            }
        }
        if let Some(why) = &self.why {
            write!(f, "\n  why:  {}", Shown(why))?;
        }
        if let Some(next) = &self.next {
            write!(f, "\n  next: {}", Shown(next))?;
        }
        Ok(())
    }
}

impl Problem {
    /// The line, and carets under what is meant: as wide as it is on a terminal.
    fn quoted(&self, f: &mut Formatter<'_>, number: &str, text: &str, marked: &Range<usize>) -> fmt::Result {
        if text.len() > QUOTED_MAX {
            return self.plain_hint(f);
        }
        write!(f, "\n  {number} | {}", Shown(text))?;
        let width = |part: &str| Shown(part).to_string().width();
        let before = " ".repeat(width(&text[..marked.start]));
        let carets = "^".repeat(width(&text[marked.clone()]).max(1));
        write!(f, "\n  {} | {before}{carets}", " ".repeat(number.len()))?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, " {}", Shown(hint)))
    }

    fn plain_hint(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "; {}", Shown(hint)))
    }
}

/// Everything that was found wrong; at least one problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

impl ConfigError {
    /// In the order of the file, behind those that stand elsewhere.
    pub(super) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| match &problem.place {
            Place::File { line, marked, .. } => (*line, marked.start),
            Place::WholeFile(_) | Place::Variable(_) | Place::Flag(_) | Place::Nowhere => (0, 0),
        });
        Self { problems }
    }

    /// Each of them.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

impl Display for ConfigError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
