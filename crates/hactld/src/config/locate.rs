//! Where a configuration value stands: from figment's path through the TOML document to line and column.

use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};

use figment::error::{Actual, Kind};
use toml_edit::{ImDocument, Item, Table};

use super::layers::FILE;
use super::problem::{ConfigError, Place, Problem};

/// Names further apart than this are not taken for a slip of the fingers.
const SIMILAR: f64 = 0.75;

/// Which part of `key = value` is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Key,
    Value,
}

/// The file's text with its positions, or that there is no file.
pub(super) struct Source {
    file: Option<(PathBuf, ImDocument<String>)>,
}

impl Source {
    pub(super) fn parse(file: Option<(&Path, &str)>) -> Result<Self, ConfigError> {
        let Some((path, text)) = file else { return Ok(Self { file: None }) };
        match ImDocument::parse(text.to_owned()) {
            Ok(document) => Ok(Self { file: Some((path.to_owned(), document)) }),
            Err(error) => {
                let what = error.message().lines().collect::<Vec<_>>().join("; ");
                let place = place_of(path, text, error.span().unwrap_or(0..0));
                let problem = Problem::new(format!("not TOML: {what}")).at(place);
                // What `interval = 2s` comes to.
                let unquoted = what.contains("expected newline");
                let next = "put the value in quotes, unless it is a number, true or false".to_owned();
                Err(if unquoted { problem.next(next) } else { problem }.into())
            }
        }
    }

    /// The file's name and what is in it.
    pub(super) fn document(&self) -> Option<(&Path, &ImDocument<String>)> {
        self.file.as_ref().map(|(path, document)| (path.as_path(), document))
    }

    /// The place of the value (or key) at `path`; of the innermost table that exists where it is not there.
    pub(super) fn place<S: AsRef<str>>(&self, path: &[S], origin: Origin) -> Place {
        let Some((file, document)) = &self.file else { return Place::Nowhere };
        match span(document.as_table(), path, origin) {
            Some(span) => place_of(file, document.raw(), span),
            None => Place::WholeFile(file.clone()),
        }
    }
}

fn span<S: AsRef<str>>(root: &Table, path: &[S], origin: Origin) -> Option<Range<usize>> {
    let mut best = None;
    let mut here = Node::Table(root);
    for (depth, part) in path.iter().enumerate() {
        let last = depth + 1 == path.len();
        let Some((key, next)) = here.child(part.as_ref()) else { break };
        let wanted = if last && origin == Origin::Key { key.or_else(|| next.span()) } else { next.span() };
        best = wanted.or(best);
        here = next;
    }
    best
}

enum Node<'a> {
    Table(&'a Table),
    Item(&'a Item),
    Value(&'a toml_edit::Value),
}

impl<'a> Node<'a> {
    fn child(&self, part: &str) -> Option<(Option<Range<usize>>, Self)> {
        let of_table = |table: &'a dyn toml_edit::TableLike| {
            let (key, item) = table.get_key_value(part)?;
            Some((key.span(), Node::Item(item)))
        };
        match self {
            Self::Table(table) => of_table(*table),
            Self::Item(Item::Table(table)) => of_table(table),
            Self::Item(Item::ArrayOfTables(tables)) => {
                tables.get(part.parse().ok()?).map(|table| (None, Self::Table(table)))
            }
            Self::Item(Item::Value(value)) => Self::Value(value).child(part),
            Self::Item(Item::None) => None,
            Self::Value(toml_edit::Value::InlineTable(table)) => of_table(table),
            Self::Value(toml_edit::Value::Array(array)) => {
                array.get(part.parse().ok()?).map(|value| (None, Self::Value(value)))
            }
            Self::Value(
                toml_edit::Value::String(_)
                | toml_edit::Value::Integer(_)
                | toml_edit::Value::Float(_)
                | toml_edit::Value::Boolean(_)
                | toml_edit::Value::Datetime(_),
            ) => None,
        }
    }

    fn span(&self) -> Option<Range<usize>> {
        match self {
            Self::Table(table) => table.span(),
            Self::Item(item) => item.span(),
            Self::Value(value) => value.span(),
        }
    }
}

/// The place of `span` in `text`; only the part of it on its first line is marked.
pub(super) fn place_of(path: &Path, text: &str, span: Range<usize>) -> Place {
    let start = floor_boundary(text, span.start);
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[line_start..].lines().next().unwrap_or_default();
    let number = line_of(text, line_start);
    let from = (start - line_start).min(line.len());
    let to = floor_boundary(line, span.end.saturating_sub(line_start)).max(from);
    Place::File { path: path.to_owned(), line: number, text: line.to_owned(), marked: from..to }
}

/// The number of the line, from 1, in which the byte at `index` stands.
pub(super) fn line_of(text: &str, index: usize) -> usize {
    text.bytes().take(index).filter(|byte| *byte == b'\n').count() + 1
}

fn floor_boundary(text: &str, index: usize) -> usize {
    let index = index.min(text.len());
    (0..=index).rev().find(|index| text.is_char_boundary(*index)).unwrap_or(0)
}

/// figment's error in our words, at its place.
pub(super) fn figment_problem(error: &figment::Error, source: &Source) -> Problem {
    let place = |origin| match &error.metadata {
        Some(metadata) if metadata.name != FILE => match &metadata.name {
            Cow::Borrowed(flag) if flag.starts_with("--") => Place::Flag(flag),
            variable @ (Cow::Borrowed(_) | Cow::Owned(_)) => Place::Variable(variable.clone().into_owned()),
        },
        Some(_) | None => source.place(&error.path, origin),
    };
    match &error.kind {
        Kind::UnknownField(field, known) => Problem::new(format!("unknown key `{field}`"))
            .at(place(Origin::Key))
            .hint(Some(suggestion(field, known))),
        Kind::MissingField(field) => Problem::new(format!("`{field}` is missing")).at(place(Origin::Value)),
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            let what = format!("found {}, expected {}", found_text(found), expected_text(expected));
            let headed = (*found == Actual::Map && expected == "a sequence").then(|| heading(&error.path));
            Problem::new(what).at(place(Origin::Value)).hint(headed)
        }
        Kind::Message(text) => Problem::new(text.clone()).at(place(Origin::Value)),
        kind @ (Kind::UnknownVariant(..)
        | Kind::InvalidLength(..)
        | Kind::DuplicateField(_)
        | Kind::ISizeOutOfRange(_)
        | Kind::USizeOutOfRange(_)
        | Kind::Unsupported(_)
        | Kind::UnsupportedKey(..)) => Problem::new(kind.to_string()).at(place(Origin::Value)),
    }
}

/// How a table in a list is headed.
fn heading(path: &[String]) -> String {
    let names: Vec<&str> =
        path.iter().map(String::as_str).filter(|part| part.parse::<usize>().is_err()).collect();
    format!("write [[{}]]", names.join("."))
}

/// In TOML's words.
fn found_text(found: &Actual) -> String {
    match found {
        Actual::Bool(value) => value.to_string(),
        Actual::Unsigned(number) => format!("the number {number}"),
        Actual::Signed(number) => format!("the number {number}"),
        Actual::Float(number) => format!("the number {number}"),
        Actual::Str(text) => format!("the string {text:?}"),
        Actual::Seq => "a list".to_owned(),
        Actual::Map => "a table".to_owned(),
        other @ (Actual::Char(_)
        | Actual::Bytes(_)
        | Actual::Unit
        | Actual::Option
        | Actual::NewtypeStruct
        | Actual::Enum
        | Actual::UnitVariant
        | Actual::NewtypeVariant
        | Actual::TupleVariant
        | Actual::StructVariant
        | Actual::Other(_)) => other.to_string(),
    }
}

/// serde's words for what our types are made of.
fn expected_text(expected: &str) -> &str {
    match expected {
        "a string" | "path string" => "a string in quotes",
        "a sequence" => "a list in square brackets",
        "a boolean" => "true or false",
        "u16" => "a number from 0 to 65535",
        "u32" | "u64" => "a whole number",
        other => other,
    }
}

pub(crate) fn suggestion(found: &str, known: &[&str]) -> String {
    let list = known.join(", ");
    match closest(found, known) {
        Some(name) => format!("did you mean `{name}`?   known: {list}"),
        None => format!("known: {list}"),
    }
}

/// The one of `known` that was probably meant.
pub(crate) fn closest<'a>(found: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|name| (strsim::jaro_winkler(found, name), *name))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| name)
}
