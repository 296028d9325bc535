//! What is wrong with a configuration, in the form `what`, `why`, `next`, at its place.

use std::fmt;
use std::path::PathBuf;

/// Where a problem stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the file.
    File {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// The line's text.
        text: String,
        /// How many characters are meant, at least 1.
        width: usize,
    },
    /// In the file, nowhere in particular: something is not there.
    WholeFile(PathBuf),
    /// In an environment variable.
    Variable(String),
    /// In a flag.
    Flag(String),
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

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File { path, line, column, text, width } => {
                write!(f, "{}:{line}:{column}: {}", path.display(), self.what)?;
                let number = line.to_string();
                // Tabs count as one character in the column, so they are shown as one.
                write!(f, "\n  {number} | {}", text.replace('\t', " "))?;
                let before = " ".repeat(column.saturating_sub(1));
                write!(f, "\n  {} | {before}{}", " ".repeat(number.len()), "^".repeat(*width))?;
                if let Some(hint) = &self.hint {
                    write!(f, " {hint}")?;
                }
            }
            Place::WholeFile(path) => {
                write!(f, "{}: {}", path.display(), self.what)?;
                self.plain_hint(f)?;
            }
            Place::Variable(name) => {
                write!(f, "environment variable {name}: {}", self.what)?;
                self.plain_hint(f)?;
            }
            Place::Flag(flag) => {
                write!(f, "{flag}: {}", self.what)?;
                self.plain_hint(f)?;
            }
            Place::Nowhere => {
                f.write_str(&self.what)?;
                self.plain_hint(f)?;
            }
        }
        if let Some(why) = &self.why {
            write!(f, "\n  why:  {why}")?;
        }
        if let Some(next) = &self.next {
            write!(f, "\n  next: {next}")?;
        }
        Ok(())
    }
}

impl Problem {
    fn plain_hint(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

/// Everything that was found wrong; at least one problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

impl ConfigError {
    pub(super) const fn new(problems: Vec<Problem>) -> Self {
        Self { problems }
    }
}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\nerror: ")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
