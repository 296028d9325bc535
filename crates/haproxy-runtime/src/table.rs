//! What the replies in rows have in common: columns found by name, and rows that do not parse set aside, so that one
//! odd server never hides the others. What the columns mean is not known here.

use std::fmt;
use std::str::FromStr;

use crate::NameError;
use crate::text;

/// The most rows that may fail to parse before the whole reply is refused: beyond a few it is not the table we know.
pub const MAX_REJECTED: usize = 32;

/// The most columns that a table may have. HAProxy's widest has about 130; this keeps memory in proportion to the reply.
pub const MAX_COLUMNS: usize = 1024;

/// The rows of a reply. A row that does not parse is in `rejected`, with the reason; at most [`MAX_REJECTED`] of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows<T> {
    /// The rows that parse, in HAProxy's order.
    pub rows: Vec<T>,
    /// The rows that do not.
    pub rejected: Vec<RejectedRow>,
}

/// A row that does not parse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read the row `{text}`")]
pub struct RejectedRow {
    /// The row, escaped and shortened.
    pub text: String,
    /// Why not.
    #[source]
    pub reason: RowError,
}

/// Why a row does not parse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// The row has more or fewer fields than the header.
    #[error("it has {found} fields under {expected} columns")]
    Fields {
        /// How many columns the header has.
        expected: usize,
        /// How many fields the row has; not counted further than one beyond the columns.
        found: usize,
    },
    /// A field is not the number it should be.
    #[error("`{value}` is not a number for the column `{column}`")]
    Number {
        /// The column.
        column: &'static str,
        /// The field, escaped and shortened.
        value: String,
    },
    /// A field is not a name.
    #[error("the column `{column}` holds no name")]
    Name {
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        #[source]
        source: NameError,
    },
}

/// Why a reply is not of the form that its command has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The reply does not begin as it should.
    #[error("it begins with `{found}`, not with {expected}")]
    Beginning {
        /// What it should begin with.
        expected: &'static str,
        /// Its first line, escaped and shortened.
        found: String,
    },
    /// A column or key that is needed is missing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// More than [`MAX_COLUMNS`].
    #[error("it has more than {MAX_COLUMNS} columns")]
    Columns,
    /// A value is not of its key's type.
    #[error("`{value}` is not a value for `{key}`")]
    Value {
        /// The key.
        key: &'static str,
        /// The value, escaped and shortened.
        value: String,
    },
    /// A name in a list of names is none.
    #[error("it lists a name that is none")]
    Name(#[source] NameError),
    /// More than [`MAX_REJECTED`] rows do not parse; the reason of the last.
    #[error("more than {MAX_REJECTED} rows cannot be read")]
    Rows(#[source] RowError),
}

impl FormatError {
    pub(crate) fn beginning(expected: &'static str, reply: &[u8]) -> Self {
        let line = reply.split(|byte| *byte == b'\n').next().unwrap_or_default();
        Self::Beginning { expected, found: text::excerpt(line) }
    }

    pub(crate) fn value(key: &'static str, value: &str) -> Self {
        Self::Value { key, value: text::excerpt(value.as_bytes()) }
    }
}

/// The names of the columns.
pub(crate) fn header<H>(names: impl Iterator<Item = H>) -> Result<Vec<H>, FormatError> {
    let header: Vec<_> = names.take(MAX_COLUMNS + 1).collect();
    if header.len() > MAX_COLUMNS { Err(FormatError::Columns) } else { Ok(header) }
}

/// The fields of a row, as many as there are `columns`.
pub(crate) fn fields<F>(fields: impl Iterator<Item = F>, columns: usize) -> Result<Vec<F>, RowError> {
    let fields: Vec<_> = fields.take(columns + 1).collect();
    if fields.len() == columns {
        Ok(fields)
    } else {
        Err(RowError::Fields { expected: columns, found: fields.len() })
    }
}

/// Parses every line; the few that do not parse are kept apart.
pub(crate) fn rows<'a, T>(
    lines: impl Iterator<Item = &'a [u8]>,
    parse: impl Fn(&'a [u8]) -> Result<T, RowError>,
) -> Result<Rows<T>, FormatError> {
    let mut table = Rows { rows: Vec::new(), rejected: Vec::new() };
    for line in lines {
        match parse(line) {
            Ok(row) => table.rows.push(row),
            Err(reason) if table.rejected.len() == MAX_REJECTED => return Err(FormatError::Rows(reason)),
            Err(reason) => table.rejected.push(RejectedRow { text: text::excerpt(line), reason }),
        }
    }
    Ok(table)
}

/// Where a column stands in every row.
#[derive(Clone, Copy)]
pub(crate) struct Column {
    name: &'static str,
    index: usize,
}

impl Column {
    /// Finds the column in a header.
    pub(crate) fn find<H: AsRef<[u8]>>(header: &[H], name: &'static str) -> Option<Self> {
        let index = header.iter().position(|column| column.as_ref() == name.as_bytes())?;
        Some(Self { name, index })
    }

    /// Finds a column without which the table is of no use.
    pub(crate) fn require<H: AsRef<[u8]>>(header: &[H], name: &'static str) -> Result<Self, FormatError> {
        Self::find(header, name).ok_or(FormatError::Missing(name))
    }

    /// The row's field, printable.
    pub(crate) fn text<F: AsRef<[u8]>>(self, fields: &[F]) -> String {
        text::printable(self.bytes(fields))
    }

    /// The row's field as a number.
    pub(crate) fn number<N: FromStr, F: AsRef<[u8]>>(self, fields: &[F]) -> Result<N, RowError> {
        let field = self.bytes(fields);
        let number = str::from_utf8(field).ok().and_then(|text| text.parse().ok());
        number.ok_or_else(|| RowError::Number { column: self.name, value: text::excerpt(field) })
    }

    /// The row's field as a name.
    pub(crate) fn name<N, F>(self, fields: &[F]) -> Result<N, RowError>
    where
        N: for<'a> TryFrom<&'a str, Error = NameError>,
        F: AsRef<[u8]>,
    {
        let field = String::from_utf8_lossy(self.bytes(fields));
        N::try_from(&field).map_err(|source| RowError::Name { column: self.name, source })
    }

    /// [`fields`] has compared the number of fields with the header's, so the index is in range; a field that is not
    /// there would count as empty.
    pub(crate) fn bytes<F: AsRef<[u8]>>(self, fields: &[F]) -> &[u8] {
        fields.get(self.index).map_or(b"", AsRef::as_ref)
    }
}

impl fmt::Debug for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.index)
    }
}
