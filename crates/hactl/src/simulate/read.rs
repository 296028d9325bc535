//! A recording, read line by line: it may be large, cut off, or no recording at all.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use failover::{FORMAT, Header, Line, Recorded, Time};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// A sight of ten thousand servers has some 3 MB; a longer line is of another file.
const LINE_MAX: usize = 16 << 20;

/// Read at a time.
const BUFFER: usize = 256 << 10;

/// What of a mistake is quoted: a line can be long, and nobody finds anything in it.
const QUOTED_MAX: usize = 160;

/// Why a recording cannot be replayed.
#[derive(Debug, Error)]
pub(super) enum ReadError {
    #[error("{0}")]
    Io(io::Error),
    #[error("it is empty")]
    Empty,
    #[error("its first line is not that of a recording: {0}")]
    NotARecording(String),
    #[error("it is of format {0}, and this hactl reads format {FORMAT}")]
    Format(u32),
    #[error("it was made by another version of hactl: {0}")]
    Header(String),
    #[error("its settings cannot be replayed: {0}")]
    Settings(String),
    #[error("line {line} is not one of a recording: {why}")]
    Line { line: u64, why: String },
    #[error("line {0} has more than {LINE_MAX} bytes")]
    TooLong(u64),
    #[error("line {line} is earlier than the one above it")]
    Backwards { line: u64 },
}

impl ReadError {
    /// What to do.
    pub(super) fn next(&self, file: &Path) -> String {
        match self {
            Self::Io(_) => "name a file that you may read".to_owned(),
            Self::Empty | Self::NotARecording(_) | Self::TooLong(1) => {
                "name a file that was written by `hactl run --record FILE`".to_owned()
            }
            Self::Format(_) | Self::Header(_) => "use the hactl that recorded it".to_owned(),
            Self::Settings(_) => "name a recording that nobody has changed".to_owned(),
            Self::Line { line, .. } | Self::TooLong(line) | Self::Backwards { line } => {
                let above = line - 1;
                format!("what is above it can be replayed: head -n {above} {} > FILE", file.display())
            }
        }
    }
}

/// The lines below the head.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    /// Of the line in the buffer, from 1.
    number: u64,
    latest: Time,
    cut: bool,
}

/// The head alone tells the format, so that others can have another one.
#[derive(Deserialize)]
struct Form {
    format: u32,
}

/// Opens a recording.
pub(super) fn open(path: &Path) -> Result<(Header, Lines<BufReader<File>>), ReadError> {
    let file = File::open(path).map_err(ReadError::Io)?;
    begin(BufReader::with_capacity(BUFFER, file))
}

/// Reads the head.
pub(super) fn begin<R: BufRead>(input: R) -> Result<(Header, Lines<R>), ReadError> {
    let mut lines = Lines { input, buffer: Vec::new(), number: 0, latest: Time::ZERO, cut: false };
    if !lines.fill()? {
        return Err(ReadError::Empty);
    }
    let Form { format } = parse(&lines.buffer).map_err(ReadError::NotARecording)?;
    if format != FORMAT {
        return Err(ReadError::Format(format));
    }
    let header: Header = parse(&lines.buffer).map_err(ReadError::Header)?;
    hactld::config::check_recorded(&header.settings).map_err(ReadError::Settings)?;
    Ok((header, lines))
}

impl<R: BufRead> Lines<R> {
    /// The next line; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Line>, ReadError> {
        if !self.fill()? {
            return Ok(None);
        }
        let line = self.number;
        match parse(&self.buffer) {
            Ok(Line::Input(Recorded { at, .. })) if at < self.latest => Err(ReadError::Backwards { line }),
            Ok(read) => {
                if let Line::Input(Recorded { at, .. }) = &read {
                    self.latest = *at;
                }
                Ok(Some(read))
            }
            // It was being written when hactl was killed, or when the file was read.
            Err(_) if self.buffer.last() != Some(&b'\n') => {
                self.cut = true;
                Ok(None)
            }
            Err(why) => Err(ReadError::Line { line, why }),
        }
    }

    /// The last line is not whole.
    pub(super) const fn is_cut(&self) -> bool {
        self.cut
    }

    /// Reads a line into the buffer; false at the end.
    fn fill(&mut self) -> Result<bool, ReadError> {
        self.buffer.clear();
        self.number += 1;
        let mut limited = io::Read::take(&mut self.input, LINE_MAX as u64 + 1);
        let read = limited.read_until(b'\n', &mut self.buffer).map_err(ReadError::Io)?;
        if read > LINE_MAX { Err(ReadError::TooLong(self.number)) } else { Ok(read > 0) }
    }
}

fn parse<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    serde_json::from_slice(line).map_err(|error| {
        let text = error.to_string();
        // Which line it is, is told by us.
        let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
        let quoted: String = what.chars().take(QUOTED_MAX).collect();
        format!("{quoted} (column {})", error.column())
    })
}
