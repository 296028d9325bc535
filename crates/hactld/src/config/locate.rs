//! Where a configuration value stands: from figment's path through the TOML document to line and column.

use std::ops::Range;
use std::path::{Path, PathBuf};

use figment::error::Kind;
use toml_edit::{ImDocument, Item, Table};

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
                Err(Problem::new(format!("not TOML: {what}")).at(place).into())
            }
        }
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

fn place_of(path: &Path, text: &str, span: Range<usize>) -> Place {
    let start = floor_boundary(text, span.start);
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_text = text[line_start..].lines().next().unwrap_or_default();
    let line = text[..line_start].matches('\n').count() + 1;
    let column = text[line_start..start].chars().count() + 1;
    let end = floor_boundary(text, span.end.min(line_start + line_text.len()));
    let width = text.get(start..end).map_or(0, |meant| meant.chars().count()).max(1);
    Place::File { path: path.to_owned(), line, column, text: line_text.to_owned(), width }
}

fn floor_boundary(text: &str, index: usize) -> usize {
    let index = index.min(text.len());
    (0..=index).rev().find(|index| text.is_char_boundary(*index)).unwrap_or(0)
}

/// figment's errors in our form, each at its place.
pub(super) fn figment_problems(error: figment::Error, source: &Source) -> ConfigError {
    ConfigError::new(error.into_iter().map(|error| figment_problem(&error, source)).collect())
}

fn figment_problem(error: &figment::Error, source: &Source) -> Problem {
    let variable = error.metadata.as_ref().is_some_and(|metadata| metadata.name.contains("environment"));
    let place = |origin| {
        if variable {
            Place::Variable(format!("HACTL_{}", error.path.join("__").to_uppercase()))
        } else {
            source.place(&error.path, origin)
        }
    };
    match &error.kind {
        Kind::UnknownField(field, known) => {
            let mut path = error.path.clone();
            if path.last() != Some(field) {
                path.push(field.clone());
            }
            let place = if variable { place(Origin::Key) } else { source.place(&path, Origin::Key) };
            Problem::new(format!("unknown key `{field}`")).at(place).hint(Some(suggestion(field, known)))
        }
        Kind::MissingField(field) => Problem::new(format!("`{field}` is missing")).at(place(Origin::Value)),
        Kind::InvalidType(found, expected) => {
            Problem::new(format!("found {found}, expected {expected}")).at(place(Origin::Value))
        }
        Kind::UnknownVariant(found, known) => Problem::new(format!("unknown value `{found}`"))
            .at(place(Origin::Value))
            .hint(Some(suggestion(found, known))),
        kind @ (Kind::Message(_)
        | Kind::InvalidValue(..)
        | Kind::InvalidLength(..)
        | Kind::DuplicateField(_)
        | Kind::ISizeOutOfRange(_)
        | Kind::USizeOutOfRange(_)
        | Kind::Unsupported(_)
        | Kind::UnsupportedKey(..)) => Problem::new(kind.to_string()).at(place(Origin::Value)),
    }
}

fn suggestion(found: &str, known: &[&str]) -> String {
    let closest = known
        .iter()
        .map(|name| (strsim::jaro_winkler(found, name), name))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    let list = known.join(", ");
    match closest {
        Some((_, name)) => format!("did you mean `{name}`?   known: {list}"),
        None => format!("known: {list}"),
    }
}
