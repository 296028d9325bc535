//! The reply to `show stat`: CSV with a header, in which HAProxy quotes the fields that need it. Columns differ between
//! versions and levels, so everything goes by name.

use std::str::FromStr;
use std::sync::Arc;

use crate::table::{self, Column, FormatError, RowError, Rows};
use crate::text;

/// Between the fields that a row keeps; [`text::printable`] leaves no LF inside them.
const SEPARATOR: char = '\n';

/// `type`: what a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StatKind {
    /// 0: a frontend as a whole.
    Frontend,
    /// 1: a backend as a whole.
    Backend,
    /// 2: a server.
    Server,
    /// 3: a listening socket.
    Listener,
    /// A number that this crate does not know.
    Other(u8),
}

impl From<u8> for StatKind {
    fn from(raw: u8) -> Self {
        match raw {
            0 => Self::Frontend,
            1 => Self::Backend,
            2 => Self::Server,
            3 => Self::Listener,
            other => Self::Other(other),
        }
    }
}

/// One row of `show stat`. What HAProxy leaves empty, because it does not apply or the socket's level hides it, is
/// `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatRow {
    /// The proxy's name.
    pub pxname: String,
    /// The server's name, or `FRONTEND` or `BACKEND`.
    pub svname: String,
    /// `type`: what the row is about.
    pub kind: StatKind,
    /// Words such as `UP`, `UP 1/3`, `DOWN (agent)`, `MAINT (via b/s)`, `no check`: to be read by prefix.
    pub status: String,
    /// The proxy's id, `be_id` in `show servers state`.
    pub iid: u32,
    /// The server's id, 0 for a proxy.
    pub sid: u32,
    /// Current sessions.
    pub scur: Option<u64>,
    /// Sessions so far, the current ones among them.
    pub stot: Option<u64>,
    /// The weight in force; of a backend the sum.
    pub weight: Option<u64>,
    /// 1 for a server that is not a backup; of a backend how many are usable.
    pub act: Option<u64>,
    /// 1 for a backup server; of a backend how many are usable.
    pub bck: Option<u64>,
    /// Seconds since the status changed.
    pub lastchg: Option<u64>,
    /// The last check's result, such as `L4OK`, without the `* ` of a check that is running now.
    pub check_status: Option<String>,
    /// The server's address with port; hidden below operator level.
    pub addr: Option<String>,
    /// `tcp` or `http`.
    pub mode: Option<String>,
    /// The balancing algorithm of a backend; hidden below operator level.
    pub algo: Option<String>,
    columns: Arc<[String]>,
    fields: String,
}

impl StatRow {
    /// The field of any column as HAProxy names it, unquoted and printable; `None` where there is no such column or
    /// the field is empty.
    #[must_use]
    pub fn get(&self, column: &str) -> Option<&str> {
        let index = self.columns.iter().position(|name| name == column)?;
        self.fields.split(SEPARATOR).nth(index).filter(|field| !field.is_empty())
    }
}

pub(crate) fn parse(body: &[u8]) -> Result<Rows<StatRow>, FormatError> {
    let csv = body.strip_prefix(b"# ").ok_or_else(|| FormatError::beginning("`# pxname`", body))?;
    let mut lines = split_unquoted(csv, b'\n');
    let header = table::header(cells(lines.next().unwrap_or_default()))?;
    let columns = Columns::find(&header)?;
    table::rows(lines, |line| columns.row(&table::fields(cells(line), header.len())?))
}

fn cells(line: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    split_unquoted(line, b',').map(unquote)
}

/// Splits at a byte wherever it stands outside of double quotes.
fn split_unquoted(bytes: &[u8], at: u8) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    bytes.split(move |byte| {
        quoted ^= *byte == b'"';
        !quoted && *byte == at
    })
}

/// A field without the quotes around it; a quote inside stands doubled.
fn unquote(field: &[u8]) -> Vec<u8> {
    match field.strip_prefix(b"\"").and_then(|field| field.strip_suffix(b"\"")) {
        None => field.to_vec(),
        Some(inside) => {
            let mut escaped = false;
            let keep = |byte: &u8| {
                escaped = *byte == b'"' && !escaped;
                !escaped
            };
            inside.iter().copied().filter(keep).collect()
        }
    }
}

struct Columns {
    names: Arc<[String]>,
    pxname: Column,
    svname: Column,
    kind: Column,
    status: Column,
    iid: Column,
    sid: Column,
    scur: Option<Column>,
    stot: Option<Column>,
    weight: Option<Column>,
    act: Option<Column>,
    bck: Option<Column>,
    lastchg: Option<Column>,
    check_status: Option<Column>,
    addr: Option<Column>,
    mode: Option<Column>,
    algo: Option<Column>,
}

impl Columns {
    fn find(header: &[Vec<u8>]) -> Result<Self, FormatError> {
        let required = |name| Column::require(header, name);
        let column = |name| Column::find(header, name);
        Ok(Self {
            names: header.iter().map(|name| text::printable(name)).collect(),
            pxname: required("pxname")?,
            svname: required("svname")?,
            kind: required("type")?,
            status: required("status")?,
            iid: required("iid")?,
            sid: required("sid")?,
            scur: column("scur"),
            stot: column("stot"),
            weight: column("weight"),
            act: column("act"),
            bck: column("bck"),
            lastchg: column("lastchg"),
            check_status: column("check_status"),
            addr: column("addr"),
            mode: column("mode"),
            algo: column("algo"),
        })
    }

    fn row(&self, fields: &[Vec<u8>]) -> Result<StatRow, RowError> {
        Ok(StatRow {
            pxname: self.pxname.text(fields),
            svname: self.svname.text(fields),
            kind: self.kind.number::<u8, _>(fields)?.into(),
            status: self.status.text(fields),
            iid: self.iid.number(fields)?,
            sid: self.sid.number(fields)?,
            scur: number(self.scur, fields)?,
            stot: number(self.stot, fields)?,
            weight: number(self.weight, fields)?,
            act: number(self.act, fields)?,
            bck: number(self.bck, fields)?,
            lastchg: number(self.lastchg, fields)?,
            check_status: word(self.check_status, fields)
                .map(|status| status.strip_prefix("* ").map_or(status.clone(), ToOwned::to_owned)),
            addr: word(self.addr, fields),
            mode: word(self.mode, fields),
            algo: word(self.algo, fields),
            columns: Arc::clone(&self.names),
            fields: joined(fields),
        })
    }
}

fn joined(fields: &[Vec<u8>]) -> String {
    let mut joined = String::new();
    for field in fields {
        joined.push_str(&text::printable(field));
        joined.push(SEPARATOR);
    }
    joined
}

fn word(column: Option<Column>, fields: &[Vec<u8>]) -> Option<String> {
    column.map(|column| column.text(fields)).filter(|word| !word.is_empty())
}

fn number<N: FromStr>(column: Option<Column>, fields: &[Vec<u8>]) -> Result<Option<N>, RowError> {
    column.filter(|column| !column.bytes(fields).is_empty()).map(|column| column.number(fields)).transpose()
}

#[cfg(test)]
mod tests;
